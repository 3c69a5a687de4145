"""Every event that Polly records, by the name of its type. The events of a run are declared here."""

from typing import ClassVar

from polly.events.agents import AgentEvent
from polly.events.event import RUNS_TOPIC, EventData
from polly.work.issues import Location, Severity
from polly.work.requests import FileRequest
from polly.work.run import (
    AttemptOutcome,
    Claim,
    GateResult,
    IssueOutcome,
    PackageState,
    QualityChange,
    Tampering,
)


class RunEvent(EventData, frozen=True, kw_only=True):
    """An event of one run."""

    topic: ClassVar[str] = RUNS_TOPIC

    run: str

    @property
    def subject(self) -> str:
        """The run."""
        return self.run


class RunStarted(RunEvent, frozen=True, kw_only=True):
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


class PackagePlanned(RunEvent, frozen=True, kw_only=True):
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


class IssuePlanned(RunEvent, frozen=True, kw_only=True):
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


class RunInterrupted(RunEvent, frozen=True, kw_only=True):
    """A person stopped the run; it can be resumed."""

    type: ClassVar[str] = "dev.polly.run.interrupted.v1"
    reason: str


class RunResumed(RunEvent, frozen=True, kw_only=True):
    """The run goes on in a new process."""

    type: ClassVar[str] = "dev.polly.run.resumed.v1"


class RunEnded(RunEvent, frozen=True, kw_only=True):
    """Every package has reached its final state and the combined tree was judged."""

    type: ClassVar[str] = "dev.polly.run.ended.v1"
    verified: int
    unverified: int
    red: bool


class WaveStarted(RunEvent, frozen=True, kw_only=True):
    """The packages of a wave begin, all from this commit."""

    type: ClassVar[str] = "dev.polly.wave.started.v1"
    wave: int
    base_commit: str


class WaveEnded(RunEvent, frozen=True, kw_only=True):
    """The landable packages of a wave were combined into this commit."""

    type: ClassVar[str] = "dev.polly.wave.ended.v1"
    wave: int
    commit: str
    tree: str
    packages: tuple[str, ...]


class AttemptStarted(RunEvent, frozen=True, kw_only=True):
    """One agent process is about to start. There is one such event per (package, attempt)."""

    type: ClassVar[str] = "dev.polly.attempt.started.v1"
    package: str
    attempt: int
    agent: str
    role: str
    base_commit: str
    workspace: str


class AttemptEnded(RunEvent, frozen=True, kw_only=True):
    """One agent process has ended, with all its children. The first such event of an attempt counts.

    redactions: how many secrets of each kind were taken out of its log and its records.
    key_refused: the model refused the key of the agent, so that it could do nothing; the run pauses.
    """

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
    redactions: dict[str, int] = {}
    key_refused: bool = False


class FileRequested(RunEvent, frozen=True, kw_only=True):
    """An agent at work asked for a file that is not its own, and was answered."""

    type: ClassVar[str] = "dev.polly.file.requested.v1"
    package: str
    attempt: int
    request: FileRequest


class ChangesCaptured(RunEvent, frozen=True, kw_only=True):
    """What an attempt changed: its owned files as a frozen tree, everything else as strays."""

    type: ClassVar[str] = "dev.polly.changes.captured.v1"
    package: str
    attempt: int
    tree: str
    commit: str
    owned_changed: tuple[str, ...]
    strays: tuple[str, ...]


class AttemptJudged(RunEvent, frozen=True, kw_only=True):
    """Gates and evidence of an attempt are in; if not `accepted`, another one follows, told `feedback`."""

    type: ClassVar[str] = "dev.polly.attempt.judged.v1"
    package: str
    attempt: int
    accepted: bool
    feedback: str | None = None


class GateEnded(RunEvent, frozen=True, kw_only=True):
    """One gate judged one tree. `package` and `attempt` are None for pre and post gates."""

    type: ClassVar[str] = "dev.polly.gate.ended.v1"
    package: str | None = None
    attempt: int | None = None
    gate: GateResult


class VerdictReached(RunEvent, frozen=True, kw_only=True):
    """What was proved about one issue on the tree of one attempt."""

    type: ClassVar[str] = "dev.polly.verdict.reached.v1"
    package: str
    attempt: int
    outcome: IssueOutcome


class TamperingFound(RunEvent, frozen=True, kw_only=True):
    """An attempt made a check quieter."""

    type: ClassVar[str] = "dev.polly.tampering.found.v1"
    attempt: int
    tampering: Tampering


class QualityMeasured(RunEvent, frozen=True, kw_only=True):
    """How good the files are that an attempt changed, before and after it. `execution` is the attempt's."""

    type: ClassVar[str] = "dev.polly.quality.measured.v1"
    package: str
    attempt: int
    execution: str
    agent_name: str
    quality: QualityChange


class PackageEnded(RunEvent, frozen=True, kw_only=True):
    """A package reached a final state; a later event (dropped) replaces an earlier one."""

    type: ClassVar[str] = "dev.polly.package.ended.v1"
    package: str
    attempt: int | None
    state: PackageState
    detail: str = ""


class StageEnded(RunEvent, frozen=True, kw_only=True):
    """A stage of the run took this long."""

    type: ClassVar[str] = "dev.polly.stage.ended.v1"
    stage: str
    seconds: float
    package: str | None = None


class ApprovalGiven(RunEvent, frozen=True, kw_only=True):
    """A person said yes to one package at one tree hash."""

    type: ClassVar[str] = "dev.polly.approval.given.v1"
    package: str
    tree: str
    by: str
    note: str = ""


class PackageRejected(RunEvent, frozen=True, kw_only=True):
    """A person said no to one package."""

    type: ClassVar[str] = "dev.polly.package.rejected.v1"
    package: str
    by: str
    note: str = ""


class PackageApplied(RunEvent, frozen=True, kw_only=True):
    """A package's changes were written into the user's working tree, uncommitted."""

    type: ClassVar[str] = "dev.polly.package.applied.v1"
    package: str
    tree: str
    by: str
    paths: tuple[str, ...]


class PackageCommitted(RunEvent, frozen=True, kw_only=True):
    """A package became one commit on the user's branch."""

    type: ClassVar[str] = "dev.polly.package.committed.v1"
    package: str
    tree: str
    by: str
    commit: str
    branch: str


class LandingUndone(RunEvent, frozen=True, kw_only=True):
    """A package that was applied or committed was taken back."""

    type: ClassVar[str] = "dev.polly.landing.undone.v1"
    package: str
    by: str
    how: str
    commit: str | None = None


def _all(cls: type[EventData]) -> list[type[EventData]]:
    return [each for sub in cls.__subclasses__() for each in (sub, *_all(sub))]


#: type name -> struct
CATALOG: dict[str, type[EventData]] = {event.type: event for event in (*_all(RunEvent), *_all(AgentEvent))}
