"""Events in an order in which they could happen."""

from polly.events.agents import (
    ActionRecorded,
    ActionType,
    DetectionFailed,
    DetectionReviewed,
    ExecutionCompleted,
    ExecutionProgressed,
    ExecutionStarted,
    HookFired,
    RouterMeasured,
    RoutingDecided,
    TransformationRecorded,
)
from polly.events.catalog import (
    ApprovalGiven,
    AttemptEnded,
    AttemptStarted,
    ChangesCaptured,
    GateEnded,
    IssuePlanned,
    LandingUndone,
    PackageApplied,
    PackageCommitted,
    PackageEnded,
    PackagePlanned,
    PackageRejected,
    RunEnded,
    RunInterrupted,
    RunResumed,
    RunStarted,
    StageEnded,
    VerdictReached,
)
from polly.events.event import EventData
from polly.work.issues import Location, Severity
from polly.work.run import (
    AttemptOutcome,
    Claim,
    Evidence,
    EvidenceKind,
    EvidenceStatus,
    GateResult,
    GateScope,
    GateStatus,
    IssueOutcome,
    PackageState,
    Verdict,
)


def verdict(issue: str, reached: Verdict, attempt: int = 1) -> VerdictReached:
    evidence = Evidence(kind=EvidenceKind.CHECK, status=EvidenceStatus.FIXED, command="check", tree="t1")
    outcome = IssueOutcome(issue=issue, verdict=reached, evidence=(evidence,))
    return VerdictReached(run="R", package="WP1", attempt=attempt, outcome=outcome)


def gate(package: str | None = "WP1") -> GateEnded:
    result = GateResult(
        name="tests", scope=GateScope.PACKAGE, tree="t1", status=GateStatus.PASSED, seconds=1.5, output="ok"
    )
    return GateEnded(run="R", package=package, attempt=1 if package else None, gate=result)


def started(path: str = "/home/me/project/") -> RunStarted:
    return RunStarted(
        run="R",
        project_path=path,
        base_commit="abc",
        branch="main",
        agent="patch",
        agents=4,
        attempts=2,
        packages=1,
        issues=2,
    )


def execution(status: str = "success") -> ExecutionCompleted:
    return ExecutionCompleted(
        run="R", execution="E1", agent_name="patch", status=status, duration_ms=2500, error_message=None
    )


#: One whole run with an interruption, a second attempt, a commit and its undoing; in order, a second apart.
STORY: list[EventData] = [
    started(),
    PackagePlanned(
        run="R",
        package="WP1",
        title="Fix it",
        role="general",
        priority=Severity.MAJOR,
        wave=1,
        issues=("C1", "C2"),
        modify=("a.py",),
        create=(),
        estimated_minutes=3,
    ),
    IssuePlanned(
        run="R",
        issue="C1",
        package="WP1",
        severity=Severity.MAJOR,
        title="Bad",
        fingerprint="f1",
        locations=(Location(path="a.py", start_line=3),),
    ),
    IssuePlanned(
        run="R",
        issue="C2",
        package=None,
        severity=Severity.MINOR,
        title="Odd",
        fingerprint="f2",
        locations=(),
    ),
    AttemptStarted(
        run="R", package="WP1", attempt=1, agent="patch", role="general", base_commit="abc", workspace="/w/1"
    ),
    ExecutionStarted(
        run="R",
        execution="E1",
        agent_name="patch",
        package="WP1",
        attempt=1,
        project_path="/home/me/project/",
    ),
    RunInterrupted(run="R", reason="Ctrl-C"),
    RunResumed(run="R"),
    AttemptEnded(
        run="R",
        package="WP1",
        attempt=1,
        outcome=AttemptOutcome.FINISHED,
        exit_code=0,
        seconds=2.5,
        output_bytes=10,
        claims={"C1": Claim(status="fixed")},
    ),
    AttemptEnded(run="R", package="WP1", attempt=1, outcome=AttemptOutcome.LOST),
    execution(),
    ChangesCaptured(
        run="R", package="WP1", attempt=1, tree="t1", commit="c1", owned_changed=("a.py",), strays=("b.py",)
    ),
    gate(),
    gate(None),
    verdict("C1", Verdict.NOT_FIXED),
    verdict("C1", Verdict.FIXED, attempt=2),
    verdict("C2", Verdict.UNVERIFIABLE),
    AttemptEnded(run="R", package="WP1", attempt=2, outcome=AttemptOutcome.FINISHED, seconds=1.0),
    PackageEnded(run="R", package="WP1", attempt=1, state=PackageState.READY),
    PackageEnded(run="R", package="WP1", attempt=1, state=PackageState.DROPPED, detail="to blame"),
    StageEnded(run="R", stage="plan", seconds=0.1),
    RunEnded(run="R", verified=1, unverified=1, red=False),
    ApprovalGiven(run="R", package="WP1", tree="t1", by="ann"),
    PackageApplied(run="R", package="WP1", tree="t1", by="ann", paths=("a.py",)),
    PackageCommitted(run="R", package="WP1", tree="t1", by="ann", commit="d1", branch="main"),
    LandingUndone(run="R", package="WP1", by="ann", how="revert", commit="d2"),
    PackageRejected(run="R", package="WP2", by="ann", note="no"),
]


def action(number: int, name: str = "Edit", kind: ActionType = "tool_call") -> ActionRecorded:
    return ActionRecorded(
        agent_name="patch",
        action_type=kind,
        action_name=name,
        action=f"A{number}",
        action_details={"lines": [1, 2.5], "note": "ü", "none": None, "far": 2**70},
        duration_ms=1.5,
        project_path="C:\\work\\app\\",
    )


#: What agents, hooks and the router record outside of a run. The review stands before its failure.
AGENT_STORY: list[EventData] = [
    action(1),
    action(1, kind="success"),
    ExecutionProgressed(execution="E1", agent_name="patch", stage="half", percent=50.0),
    ExecutionProgressed(execution="E1", agent_name="patch", stage="most", percent=90.0, run="R"),
    ExecutionStarted(execution="E2", agent_name="other", metadata={"a": [1]}),
    ExecutionCompleted(execution="E3", agent_name="late", status="error", duration_ms=0.0, error_type="X"),
    ExecutionCompleted(execution="E1", agent_name="patch", status="cancelled", duration_ms=1.0),
    RoutingDecided(
        selected_agent="patch",
        confidence_score=0.5,
        routing_strategy="s",
        routing_time_ms=1.0,
        cache_hit=True,
    ),
    TransformationRecorded(source_agent="polly", target_agent="patch"),
    RouterMeasured(query_text="q", routing_duration_ms=1.0, candidates_evaluated=3),
    DetectionReviewed(failure="id-038", reviewed_by="ann", expected_agent="patch"),
    DetectionFailed(user_prompt="what?", detection_status="no_detection", attempted_methods=["a"]),
    DetectionReviewed(failure="id-038", reviewed_by="ben", pattern_update_type="t"),
    HookFired(hook_source="Stop", action="stopped", resource="session", payload={"deep": {"er": []}}),
]
