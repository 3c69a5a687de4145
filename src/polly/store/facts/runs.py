"""Rows of the events of runs."""

import msgspec
import sqlalchemy as sa

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
    RunEvent,
    RunInterrupted,
    RunResumed,
    RunStarted,
    VerdictReached,
)
from polly.events.envelope import Envelope
from polly.store import schema
from polly.store.facts.fact import Fact, Values, facts, project_name
from polly.work.run import RunState


def _run_state(data: RunEvent, state: RunState) -> Fact:
    return Fact(schema.runs, {"run": data.run}, "state", {"state": state.value})


@facts.register
def _(data: RunStarted, envelope: Envelope) -> tuple[Fact, ...]:
    values = {
        "project_path": data.project_path,
        "project_name": project_name(data.project_path),
        "base_commit": data.base_commit,
        "branch": data.branch,
        "agent": data.agent,
        "agents": data.agents,
        "max_attempts": data.attempts,
        "correlation_id": envelope.correlationid,
        "session_id": envelope.sessionid,
    }
    started = Fact(schema.runs, {"run": data.run}, "started", values, first_wins=True)
    return (started, _run_state(data, RunState.RUNNING))


@facts.register
def _(data: RunInterrupted, envelope: Envelope) -> tuple[Fact, ...]:
    del envelope
    return (_run_state(data, RunState.INTERRUPTED),)


@facts.register
def _(data: RunResumed, envelope: Envelope) -> tuple[Fact, ...]:
    del envelope
    return (_run_state(data, RunState.RUNNING),)


@facts.register
def _(data: RunEnded, envelope: Envelope) -> tuple[Fact, ...]:
    del envelope
    ended = Fact(schema.runs, {"run": data.run}, "ended", {"red": data.red})
    return (ended, _run_state(data, RunState.FINISHED))


def _package(data: PackagePlanned | PackageEnded) -> Values:
    return {"run": data.run, "package": data.package}


@facts.register
def _(data: PackagePlanned, envelope: Envelope) -> tuple[Fact, ...]:
    del envelope
    values = {
        "title": data.title,
        "role": data.role,
        "priority": data.priority.value,
        "wave": data.wave,
        "modifies": list(data.modify),
        "creates": list(data.create),
        "estimated_minutes": data.estimated_minutes,
    }
    return (Fact(schema.work_packages, _package(data), "planned", values),)


@facts.register
def _(data: PackageEnded, envelope: Envelope) -> tuple[Fact, ...]:
    del envelope
    values = {"state": data.state.value, "state_attempt": data.attempt, "state_detail": data.detail}
    return (Fact(schema.work_packages, _package(data), "state", values),)


@facts.register
def _(data: IssuePlanned, envelope: Envelope) -> tuple[Fact, ...]:
    del envelope
    values = {
        "package": data.package,
        "severity": data.severity.value,
        "title": data.title,
        "fingerprint": data.fingerprint,
        "locations": msgspec.to_builtins(data.locations),
        "tool": data.tool,
        "rule": data.rule,
    }
    return (Fact(schema.issues, {"run": data.run, "issue": data.issue}, "planned", values),)


def _attempt(data: AttemptStarted | AttemptEnded | ChangesCaptured) -> Values:
    return {"run": data.run, "package": data.package, "attempt": data.attempt}


@facts.register
def _(data: AttemptStarted, envelope: Envelope) -> tuple[Fact, ...]:
    del envelope
    values = {
        "agent": data.agent,
        "role": data.role,
        "base_commit": data.base_commit,
        "workspace": data.workspace,
    }
    return (Fact(schema.attempts, _attempt(data), "started", values, first_wins=True),)


@facts.register
def _(data: AttemptEnded, envelope: Envelope) -> tuple[Fact, ...]:
    del envelope
    values = {
        "outcome": data.outcome.value,
        "exit_code": data.exit_code,
        "seconds": data.seconds,
        "output_bytes": data.output_bytes,
        "tokens": data.tokens,
        "cost_usd": data.cost_usd,
        "detail": data.detail,
        "claims": msgspec.to_builtins(data.claims),
    }
    return (Fact(schema.attempts, _attempt(data), "ended", values, first_wins=True),)


@facts.register
def _(data: ChangesCaptured, envelope: Envelope) -> tuple[Fact, ...]:
    del envelope
    values = {
        "tree": data.tree,
        "commit_hash": data.commit,
        "owned_changed": list(data.owned_changed),
        "strays": list(data.strays),
    }
    return (Fact(schema.attempts, _attempt(data), "captured", values),)


def _own_row(table: sa.Table, data: RunEvent, envelope: Envelope, values: Values) -> tuple[Fact, ...]:
    """A row that belongs to this event alone."""
    return (
        Fact(
            table, {"event_id": envelope.id}, None, {"run": data.run, "created_at": envelope.time, **values}
        ),
    )


@facts.register
def _(data: GateEnded, envelope: Envelope) -> tuple[Fact, ...]:
    gate = data.gate
    values = {
        "package": data.package,
        "attempt": data.attempt,
        "name": gate.name,
        "scope": gate.scope.value,
        "tree": gate.tree,
        "status": gate.status.value,
        "seconds": gate.seconds,
        "output": gate.output,
    }
    return _own_row(schema.gate_results, data, envelope, values)


@facts.register
def _(data: VerdictReached, envelope: Envelope) -> tuple[Fact, ...]:
    values = {
        "package": data.package,
        "attempt": data.attempt,
        "issue": data.outcome.issue,
        "verdict": data.outcome.verdict.value,
        "evidence": msgspec.to_builtins(data.outcome.evidence),
    }
    return _own_row(schema.verdicts, data, envelope, values)


@facts.register
def _(data: ApprovalGiven, envelope: Envelope) -> tuple[Fact, ...]:
    return _decision("approved", data, envelope, tree=data.tree, note=data.note)


@facts.register
def _(data: PackageRejected, envelope: Envelope) -> tuple[Fact, ...]:
    return _decision("rejected", data, envelope, note=data.note)


@facts.register
def _(data: PackageApplied, envelope: Envelope) -> tuple[Fact, ...]:
    return _decision("applied", data, envelope, tree=data.tree)


@facts.register
def _(data: PackageCommitted, envelope: Envelope) -> tuple[Fact, ...]:
    return _decision("committed", data, envelope, tree=data.tree, commit_hash=data.commit, branch=data.branch)


@facts.register
def _(data: LandingUndone, envelope: Envelope) -> tuple[Fact, ...]:
    return _decision("undone", data, envelope, note=data.how, commit_hash=data.commit)


def _decision(
    decision: str,
    data: ApprovalGiven | PackageRejected | PackageApplied | PackageCommitted | LandingUndone,
    envelope: Envelope,
    **values: str | None,
) -> tuple[Fact, ...]:
    row = {"decision": decision, "package": data.package, "decided_by": data.by, **values}
    return _own_row(schema.approvals, data, envelope, row)
