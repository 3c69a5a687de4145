"""Run: what happened to a plan. Every field is derived from the run's events."""

import enum
from datetime import datetime

import msgspec

from polly.work.issues import Warning
from polly.work.requests import FileRequest


class GateScope(enum.StrEnum):
    """Which tree a gate judged: base, base + one package, or base + all packages."""

    PRE = "pre"
    PACKAGE = "package"
    POST = "post"


class GateStatus(enum.StrEnum):
    """What a gate said."""

    PASSED = "passed"
    FAILED = "failed"
    RED_BEFORE = "red_before"  # fails on the base commit too, so it blames nobody
    TIMED_OUT = "timed_out"
    ERROR = "error"  # the command could not be started

    @property
    def is_red(self) -> bool:
        """True when what it judged must not pass."""
        return self in (GateStatus.FAILED, GateStatus.TIMED_OUT, GateStatus.ERROR)


class GateResult(msgspec.Struct, frozen=True, kw_only=True):
    """One gate on one frozen tree. `output` is the end of what it printed, without secrets.

    redactions: how many of each kind were kept out.
    """

    name: str
    scope: GateScope
    tree: str
    status: GateStatus
    seconds: float
    output: str = ""
    redactions: dict[str, int] = {}


class EvidenceKind(enum.StrEnum):
    """What was executed to see whether an issue is fixed; a claim is nobody's proof."""

    RESCAN = "rescan"
    CHECK = "check"
    REVERT = "revert"
    CLAIM = "claim"
    PERSON = "person"


class EvidenceStatus(enum.StrEnum):
    """What a piece of evidence says about the issue."""

    FIXED = "fixed"
    NOT_FIXED = "not_fixed"
    NEW_FINDING = "new_finding"  # fixed, but the same tool reports something new in the package's files
    INCONCLUSIVE = "inconclusive"
    DECLINED = "declined"  # only as a claim


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of evidence about one issue, with the command and the tree it judged."""

    kind: EvidenceKind
    status: EvidenceStatus
    command: str | None = None
    tree: str | None = None
    detail: str = ""


class Verdict(enum.StrEnum):
    """The outcome of one issue."""

    FIXED = "fixed"
    PARTLY = "partly"
    NOT_FIXED = "not_fixed"
    UNVERIFIABLE = "unverifiable"
    DECLINED = "declined"


class IssueOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """One issue's verdict with all that was seen."""

    issue: str
    verdict: Verdict
    evidence: tuple[Evidence, ...] = ()


class Tampering(msgspec.Struct, frozen=True, kw_only=True):
    """A change that makes checks quieter instead of code better; it needs its own approval."""

    package: str
    path: str
    line: int | None
    kind: str
    text: str = ""


class QualityChange(msgspec.Struct, frozen=True, kw_only=True):
    """How good the files that an attempt changed are, before and after: from 0 to 1, None when not measured.

    fell: the components that got worse, with figures. note: why there is no figure.
    """

    before: float | None = None
    after: float | None = None
    is_clearly_worse: bool = False
    fell: tuple[str, ...] = ()
    note: str = ""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent said about one issue: a status in its own words and a note."""

    status: str
    note: str = ""


class AttemptOutcome(enum.StrEnum):
    """How one agent process ended."""

    FINISHED = "finished"  # exit status 0
    CRASHED = "crashed"  # another exit status, a signal, or its own records say that it failed
    TIMED_OUT = "timed_out"
    DISK_LIMIT = "disk_limit"
    CANCELLED = "cancelled"  # stopped because the run was interrupted
    NOT_STARTED = "not_started"  # the program is missing or cannot be executed
    LOST = "lost"  # its supervisor died; the attempt is started again on resume


class AttemptRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One agent process for one package."""

    number: int
    agent: str
    started_at: datetime
    ended_at: datetime | None = None
    outcome: AttemptOutcome | None = None
    exit_code: int | None = None
    seconds: float | None = None
    output_bytes: int = 0
    tokens: int | None = None
    cost_usd: float | None = None
    detail: str = ""
    claims: dict[str, Claim] = {}
    redactions: dict[str, int] = {}
    key_refused: bool = False

    @property
    def is_its_fault(self) -> bool:
        """False for an attempt that ended for reasons outside the agent: another one follows."""
        return not (self.key_refused or self.outcome in (AttemptOutcome.LOST, AttemptOutcome.CANCELLED))


class PackageState(enum.StrEnum):
    """Where a package stands. The first three move on by themselves."""

    WAITING = "waiting"
    RUNNING = "running"
    VERIFYING = "verifying"
    READY = "ready"  # changed its files, gates green: a person may approve it
    RED = "red"  # changed its files, but a gate fails
    UNCHANGED = "unchanged"  # the agent finished and changed nothing that it owns
    FAILED = "failed"  # no attempt finished
    DROPPED = "dropped"  # green alone, but to blame for a red combined tree

    @property
    def is_final(self) -> bool:
        """True when no agent and no gate will run for it any more."""
        return self not in (PackageState.WAITING, PackageState.RUNNING, PackageState.VERIFYING)


class Decision(enum.StrEnum):
    """What a person decided about a package."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    APPLIED = "applied"
    COMMITTED = "committed"


class PackageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one package: attempts, its frozen tree, gates, verdicts, decision.

    `commit` holds the package's tree in the run's own repository: its parent is the base of its wave.
    `landed_commit` is the commit on the user's branch, once there is one.
    """

    id: str
    state: PackageState = PackageState.WAITING
    attempts: tuple[AttemptRecord, ...] = ()
    tree: str | None = None
    commit: str | None = None
    owned_changed: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()
    requests: tuple[FileRequest, ...] = ()
    gates: tuple[GateResult, ...] = ()
    outcomes: tuple[IssueOutcome, ...] = ()
    tampering: tuple[Tampering, ...] = ()
    quality: QualityChange | None = None
    detail: str = ""
    decision: Decision = Decision.OPEN
    approved_tree: str | None = None
    decided_note: str = ""
    landed_commit: str | None = None


class RunState(enum.StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"


class StageTime(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds that one stage took: `intake`, `plan`, `prepare`, `capture`, `gates`, `evidence`, `combine`."""

    stage: str
    seconds: float
    package: str | None = None


class WaveRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The tree that a wave started from, and the one that it left."""

    number: int
    base_commit: str
    commit: str | None = None
    tree: str | None = None


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of a plan, folded from its journal."""

    run: str
    project_path: str
    base_commit: str
    branch: str | None
    agent: str
    agents: int
    state: RunState
    started_at: datetime
    ended_at: datetime | None = None
    active_seconds: float = 0.0  # wall time in which a Polly process worked on it, pauses left out
    packages: tuple[PackageRecord, ...] = ()
    waves: tuple[WaveRecord, ...] = ()
    gates: tuple[GateResult, ...] = ()  # pre and post gates
    stages: tuple[StageTime, ...] = ()
    warnings: tuple[Warning, ...] = ()

    def package(self, package_id: str) -> PackageRecord:
        """The package with this id. Raises KeyError."""
        for package in self.packages:
            if package.id == package_id:
                return package
        raise KeyError(package_id)
