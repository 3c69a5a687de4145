"""Rows of the events of runs."""

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
    VerdictReached,
)
from polly.store import schema
from polly.store.facts.filling import Columns, Filling, Origin, always, fills, own_row, same
from polly.store.facts.project import project_name
from polly.work.run import RunState

_RUN = same("run")
_PACKAGE = same("run", "package")
_ATTEMPT = same("run", "package", "attempt")


def _run_state(state: RunState) -> Filling:
    return Filling(schema.runs, _RUN, {"state": always(state.value)}, part="state")


fills(
    RunStarted,
    Filling(
        schema.runs,
        _RUN,
        same("project_path", "base_commit", "branch", "agent", "agents")
        | {
            "max_attempts": "data.attempts",
            "correlation_id": "envelope.correlationid",
            "session_id": "envelope.sessionid",
            "project_name": lambda told: project_name(told.data.project_path),
        },
        part="started",
        first_wins=True,
    ),
    _run_state(RunState.RUNNING),
)
fills(RunInterrupted, _run_state(RunState.INTERRUPTED))
fills(RunResumed, _run_state(RunState.RUNNING))
fills(RunEnded, Filling(schema.runs, _RUN, same("red"), part="ended"), _run_state(RunState.FINISHED))

fills(
    PackagePlanned,
    Filling(
        schema.work_packages,
        _PACKAGE,
        same("title", "role", "wave", "estimated_minutes")
        | {"priority": "data.priority.value", "modifies": "data.modify", "creates": "data.create"},
        part="planned",
    ),
)
fills(
    PackageEnded,
    Filling(
        schema.work_packages,
        _PACKAGE,
        {"state": "data.state.value", "state_attempt": "data.attempt", "state_detail": "data.detail"},
        part="state",
    ),
)
fills(
    IssuePlanned,
    Filling(
        schema.issues,
        same("run", "issue"),
        same("package", "title", "fingerprint", "locations", "tool", "rule")
        | {"severity": "data.severity.value"},
        part="planned",
    ),
)

fills(
    AttemptStarted,
    Filling(
        schema.attempts,
        _ATTEMPT,
        same("agent", "role", "base_commit", "workspace"),
        part="started",
        first_wins=True,
    ),
)
fills(
    AttemptEnded,
    Filling(
        schema.attempts,
        _ATTEMPT,
        same("exit_code", "seconds", "output_bytes", "tokens", "cost_usd", "detail", "claims")
        | {"outcome": "data.outcome.value"},
        part="ended",
        first_wins=True,
    ),
)
fills(
    ChangesCaptured,
    Filling(
        schema.attempts,
        _ATTEMPT,
        same("tree", "owned_changed", "strays") | {"commit_hash": "data.commit"},
        part="captured",
    ),
)


fills(
    GateEnded,
    own_row(
        schema.gate_results,
        {
            **_ATTEMPT,
            **{name: f"data.gate.{name}" for name in ("name", "tree", "seconds", "output")},
            "scope": "data.gate.scope.value",
            "status": "data.gate.status.value",
        },
    ),
)
fills(
    VerdictReached,
    own_row(
        schema.verdicts,
        {
            **_ATTEMPT,
            "issue": "data.outcome.issue",
            "verdict": "data.outcome.verdict.value",
            "evidence": "data.outcome.evidence",
        },
    ),
)


def _decision(decision: str, columns: Columns) -> Filling:
    return own_row(
        schema.approvals, {**_PACKAGE, "decision": always(decision), "decided_by": "data.by", **columns}
    )


_COMMIT: dict[str, Origin] = {"commit_hash": "data.commit"}
fills(ApprovalGiven, _decision("approved", same("tree", "note")))
fills(PackageRejected, _decision("rejected", same("note")))
fills(PackageApplied, _decision("applied", same("tree")))
fills(PackageCommitted, _decision("committed", same("tree", "branch") | _COMMIT))
fills(LandingUndone, _decision("undone", {"note": "data.how"} | _COMMIT))
