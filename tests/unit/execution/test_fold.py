"""The state of a run is what its events say, in the order in which they happened."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from polly.events.catalog import (
    ApprovalGiven,
    AttemptEnded,
    AttemptJudged,
    AttemptStarted,
    ChangesCaptured,
    GateEnded,
    LandingUndone,
    PackageCommitted,
    PackageEnded,
    PackageRejected,
    RunEnded,
    RunInterrupted,
    RunResumed,
    RunStarted,
    VerdictReached,
)
from polly.events.event import EventData
from polly.execution.fold import RunFold
from polly.execution.journal import Row
from polly.work.issues import Severity
from polly.work.plan import Files, Forecast, Plan, WorkPackage
from polly.work.run import (
    AttemptOutcome,
    Decision,
    GateResult,
    GateScope,
    GateStatus,
    IssueOutcome,
    PackageState,
    RunState,
    Verdict,
)

RUN = "r"
T0 = datetime(2026, 1, 1, tzinfo=UTC)
PLAN = Plan(
    base_commit="base",
    packages=(
        WorkPackage(
            id="WP1",
            title="t",
            role="r",
            priority=Severity.MAJOR,
            wave=1,
            issues=("C1",),
            files=Files(modify=("a.py",)),
            estimated_minutes=5,
        ),
    ),
    forecast=Forecast(
        agents=1,
        sequential_minutes=5,
        parallel_minutes=5,
        critical_path_minutes=5,
        bound_minutes=5,
        speedup=1,
        efficiency=1,
    ),
)
START = RunStarted(
    run=RUN,
    project_path="/p",
    base_commit="base",
    branch="main",
    agent="patch",
    agents=1,
    attempts=2,
    packages=1,
    issues=1,
)


def fold(*events: tuple[float, EventData]) -> RunFold:
    """Fold events at seconds after T0."""
    return RunFold(
        PLAN,
        [
            Row(seq=number, id=str(number), at=T0 + timedelta(seconds=at), data=event)
            for number, (at, event) in enumerate(events, 1)
        ],
    )


def attempt(number: int, *, accepted: bool = True) -> list[tuple[float, EventData]]:
    red = GateStatus.PASSED if accepted else GateStatus.FAILED
    gate = GateResult(name="pytest", scope=GateScope.PACKAGE, tree=f"t{number}", status=red, seconds=1.0)
    outcome = IssueOutcome(issue="C1", verdict=Verdict.FIXED if accepted else Verdict.NOT_FIXED)
    key: dict[str, Any] = {"run": RUN, "package": "WP1", "attempt": number}
    return [
        (number, AttemptStarted(**key, agent="patch", role="r", base_commit="base", workspace="w")),
        (number, AttemptEnded(**key, outcome=AttemptOutcome.FINISHED, seconds=2.0)),
        (
            number,
            ChangesCaptured(
                **key, tree=f"t{number}", commit=f"c{number}", owned_changed=("a.py",), strays=()
            ),
        ),
        (number, GateEnded(**key, gate=gate)),
        (number, VerdictReached(**key, outcome=outcome)),
        (number, AttemptJudged(**key, accepted=accepted, feedback=None if accepted else "red")),
    ]


def test_a_second_attempt_forgets_what_the_first_was_judged_by() -> None:
    record = fold((0, START), *attempt(1, accepted=False), *attempt(2)).record.package("WP1")
    assert [gate.tree for gate in record.gates] == ["t2"]
    assert [outcome.verdict for outcome in record.outcomes] == [Verdict.FIXED]
    assert [each.number for each in record.attempts] == [1, 2]
    assert record.commit == "c2"


def test_a_later_end_of_a_package_replaces_the_earlier() -> None:
    ready = PackageEnded(run=RUN, package="WP1", attempt=1, state=PackageState.READY)
    dropped = PackageEnded(
        run=RUN, package="WP1", attempt=None, state=PackageState.DROPPED, detail="post red"
    )
    record = fold((0, START), *attempt(1), (3, ready), (4, dropped)).record.package("WP1")
    assert (record.state, record.detail) == (PackageState.DROPPED, "post red")


def test_time_in_which_no_polly_was_at_work_does_not_count() -> None:
    record = fold(
        (0, START),
        (10, RunInterrupted(run=RUN, reason="Ctrl-C")),
        (100, RunResumed(run=RUN)),
        (130, RunEnded(run=RUN, verified=1, unverified=0, red=False)),
    ).record
    assert record.active_seconds == 40
    assert record.state is RunState.FINISHED
    assert record.ended_at == T0 + timedelta(seconds=130)


def test_a_killed_process_worked_until_its_last_event() -> None:
    record = fold(
        (0, START),
        (7, attempt(1)[0][1]),
        (1000, RunResumed(run=RUN)),
        (1005, RunInterrupted(run=RUN, reason="Ctrl-C")),
    ).record
    assert record.active_seconds == 12
    assert record.state is RunState.INTERRUPTED


def test_a_decision_is_the_last_one_and_undo_opens_it_again() -> None:
    approved = ApprovalGiven(run=RUN, package="WP1", tree="t1", by="me", note="fine")
    committed = PackageCommitted(run=RUN, package="WP1", tree="t1", by="me", commit="abc", branch="main")
    record = fold((0, START), (1, approved), (2, committed)).record.package("WP1")
    assert (record.decision, record.landed_commit) == (Decision.COMMITTED, "abc")
    undone = LandingUndone(run=RUN, package="WP1", by="me", how="reset")
    record = fold((0, START), (1, approved), (2, committed), (3, undone)).record.package("WP1")
    assert (record.decision, record.approved_tree, record.landed_commit) == (Decision.OPEN, None, None)
    rejected = PackageRejected(run=RUN, package="WP1", by="me")
    assert fold((0, START), (1, approved), (2, rejected)).record.package("WP1").decision is Decision.REJECTED


def test_a_journal_without_a_start_is_no_run() -> None:
    with pytest.raises(ValueError, match="does not begin"):
        _ = RunFold(PLAN).record
