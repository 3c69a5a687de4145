"""Every event that Polly records: one frozen struct each, its type name and its topic.

A struct here is the schema of `data`; a new field needs a default, a changed meaning needs a new version.
"""

from typing import ClassVar

import msgspec

from polly.work.issues import Location, Severity
from polly.work.run import (
    AttemptOutcome,
    Claim,
    GateResult,
    IssueOutcome,
    PackageState,
    Tampering,
)

RUNS_TOPIC = "polly-runs"
EXECUTIONS_TOPIC = "agent-executions"
ROUTING_TOPIC = "agent-routing-decisions"


class EventData(msgspec.Struct, frozen=True, kw_only=True):
    """What one event says. `type` and `topic` belong to the class, `run` to every event of a run."""

    type: ClassVar[str]
    topic: ClassVar[str] = RUNS_TOPIC

    run: str


class RunStarted(EventData, frozen=True, kw_only=True):
    """A plan began to be executed."""

    type: ClassVar[str] = "dev.polly.run.started.v1"
    project_path: str
    base_commit: str
    branch: str | None
    agent: str
    agents: int
    attempts: int
    packages: int
    issues: int


class PackagePlanned(EventData, frozen=True, kw_only=True):
    """One work package as planned."""

    type: ClassVar[str] = "dev.polly.package.planned.v1"
    package: str
    title: str
    role: str
    priority: Severity
    wave: int
    issues: tuple[str, ...]
    modify: tuple[str, ...]
    create: tuple[str, ...]
    estimated_minutes: int


class IssuePlanned(EventData, frozen=True, kw_only=True):
    """One issue of the run; `package` is None when it could not be planned."""

    type: ClassVar[str] = "dev.polly.issue.planned.v1"
    issue: str
    package: str | None
    severity: Severity
    title: str
    fingerprint: str
    locations: tuple[Location, ...]
    tool: str | None = None
    rule: str | None = None


class RunInterrupted(EventData, frozen=True, kw_only=True):
    """A person stopped the run; it can be resumed."""

    type: ClassVar[str] = "dev.polly.run.interrupted.v1"
    reason: str


class RunResumed(EventData, frozen=True, kw_only=True):
    """The run goes on in a new process."""

    type: ClassVar[str] = "dev.polly.run.resumed.v1"


class RunEnded(EventData, frozen=True, kw_only=True):
    """Every package has reached its final state and the combined tree was judged."""

    type: ClassVar[str] = "dev.polly.run.ended.v1"
    verified: int
    unverified: int
    red: bool


class WaveStarted(EventData, frozen=True, kw_only=True):
    """The packages of a wave begin, all from this commit."""

    type: ClassVar[str] = "dev.polly.wave.started.v1"
    wave: int
    base_commit: str


class WaveEnded(EventData, frozen=True, kw_only=True):
    """The landable packages of a wave were combined into this commit."""

    type: ClassVar[str] = "dev.polly.wave.ended.v1"
    wave: int
    commit: str
    tree: str
    packages: tuple[str, ...]


class AttemptStarted(EventData, frozen=True, kw_only=True):
    """One agent process is about to start. There is one such event per (package, attempt)."""

    type: ClassVar[str] = "dev.polly.attempt.started.v1"
    package: str
    attempt: int
    agent: str
    role: str
    base_commit: str
    workspace: str


class AttemptEnded(EventData, frozen=True, kw_only=True):
    """One agent process has ended, with all its children. The first such event of an attempt counts."""

    type: ClassVar[str] = "dev.polly.attempt.ended.v1"
    package: str
    attempt: int
    outcome: AttemptOutcome
    exit_code: int | None = None
    seconds: float = 0.0
    output_bytes: int = 0
    tokens: int | None = None
    cost_usd: float | None = None
    detail: str = ""
    claims: dict[str, Claim] = {}


class ChangesCaptured(EventData, frozen=True, kw_only=True):
    """What an attempt changed: its owned files as a frozen tree, everything else as strays."""

    type: ClassVar[str] = "dev.polly.changes.captured.v1"
    package: str
    attempt: int
    tree: str
    commit: str
    owned_changed: tuple[str, ...]
    strays: tuple[str, ...]


class AttemptJudged(EventData, frozen=True, kw_only=True):
    """Gates and evidence of an attempt are in; if not `accepted`, another one follows, told `feedback`."""

    type: ClassVar[str] = "dev.polly.attempt.judged.v1"
    package: str
    attempt: int
    accepted: bool
    feedback: str | None = None


class GateEnded(EventData, frozen=True, kw_only=True):
    """One gate judged one tree. `package` and `attempt` are None for pre and post gates."""

    type: ClassVar[str] = "dev.polly.gate.ended.v1"
    package: str | None = None
    attempt: int | None = None
    gate: GateResult


class VerdictReached(EventData, frozen=True, kw_only=True):
    """What was proved about one issue on the tree of one attempt."""

    type: ClassVar[str] = "dev.polly.verdict.reached.v1"
    package: str
    attempt: int
    outcome: IssueOutcome


class TamperingFound(EventData, frozen=True, kw_only=True):
    """An attempt made a check quieter."""

    type: ClassVar[str] = "dev.polly.tampering.found.v1"
    attempt: int
    tampering: Tampering


class PackageEnded(EventData, frozen=True, kw_only=True):
    """A package reached a final state; a later event (dropped) replaces an earlier one."""

    type: ClassVar[str] = "dev.polly.package.ended.v1"
    package: str
    attempt: int | None
    state: PackageState
    detail: str = ""


class StageEnded(EventData, frozen=True, kw_only=True):
    """A stage of the run took this long."""

    type: ClassVar[str] = "dev.polly.stage.ended.v1"
    stage: str
    seconds: float
    package: str | None = None


class ApprovalGiven(EventData, frozen=True, kw_only=True):
    """A person said yes to one package at one tree hash."""

    type: ClassVar[str] = "dev.polly.approval.given.v1"
    package: str
    tree: str
    by: str
    note: str = ""


class PackageRejected(EventData, frozen=True, kw_only=True):
    """A person said no to one package."""

    type: ClassVar[str] = "dev.polly.package.rejected.v1"
    package: str
    by: str
    note: str = ""


class PackageApplied(EventData, frozen=True, kw_only=True):
    """A package's changes were written into the user's working tree, uncommitted."""

    type: ClassVar[str] = "dev.polly.package.applied.v1"
    package: str
    tree: str
    by: str
    paths: tuple[str, ...]


class PackageCommitted(EventData, frozen=True, kw_only=True):
    """A package became one commit on the user's branch."""

    type: ClassVar[str] = "dev.polly.package.committed.v1"
    package: str
    tree: str
    by: str
    commit: str
    branch: str


class LandingUndone(EventData, frozen=True, kw_only=True):
    """A package that was applied or committed was taken back."""

    type: ClassVar[str] = "dev.polly.landing.undone.v1"
    package: str
    by: str
    how: str
    commit: str | None = None


class ExecutionStarted(EventData, frozen=True, kw_only=True):
    """An agent began to work (row of agent_execution_logs)."""

    type: ClassVar[str] = "dev.polly.execution.started.v1"
    topic: ClassVar[str] = EXECUTIONS_TOPIC
    execution: str
    agent_name: str
    package: str
    attempt: int
    project_path: str


class ExecutionCompleted(EventData, frozen=True, kw_only=True):
    """An agent ended (the same row, completed). `status` is an OperationStatus."""

    type: ClassVar[str] = "dev.polly.execution.completed.v1"
    topic: ClassVar[str] = EXECUTIONS_TOPIC
    execution: str
    agent_name: str
    status: str
    duration_ms: int
    error_message: str | None = None


def _all(cls: type[EventData]) -> list[type[EventData]]:
    return [each for sub in cls.__subclasses__() for each in (sub, *_all(sub))]


#: type name -> struct
CATALOG: dict[str, type[EventData]] = {event.type: event for event in _all(EventData)}
