"""From events to state: what the journal's rows say about the run, and nothing else."""

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from polly.events.catalog import (
    ApprovalGiven,
    AttemptEnded,
    AttemptJudged,
    AttemptStarted,
    ChangesCaptured,
    FileRequested,
    GateEnded,
    LandingUndone,
    PackageApplied,
    PackageCommitted,
    PackageEnded,
    PackageRejected,
    QualityMeasured,
    RunEnded,
    RunInterrupted,
    RunResumed,
    RunStarted,
    StageEnded,
    TamperingFound,
    VerdictReached,
    WaveEnded,
    WaveStarted,
)
from polly.events.event import EventData
from polly.execution.journal import Row
from polly.work.plan import Plan
from polly.work.run import (
    AttemptRecord,
    Decision,
    GateResult,
    PackageRecord,
    PackageState,
    RunRecord,
    RunState,
    StageTime,
    WaveRecord,
)


class RunFold:
    """Takes rows one by one; `record` is the run as it stands after the last of them."""

    def __init__(self, plan: Plan, rows: Iterable[Row] = ()) -> None:
        self._plan = plan
        self._packages = {package.id: PackageRecord(id=package.id) for package in plan.packages}
        self._waves: dict[int, WaveRecord] = {}
        self._gates: list[GateResult] = []
        self._stages: list[StageTime] = []
        self._start: tuple[datetime, RunStarted] | None = None
        self._state = RunState.RUNNING
        self._ended_at: datetime | None = None
        self._active_seconds = 0.0
        self._active_since: datetime | None = None
        self._last_at: datetime | None = None
        self.judged: dict[tuple[str, int], AttemptJudged] = {}
        self.captured: dict[tuple[str, int], ChangesCaptured] = {}
        for row in rows:
            self.add(row)

    @property
    def record(self) -> RunRecord:
        """The state as a frozen record. Raises ValueError before the first event."""
        if self._start is None:
            raise ValueError("the journal does not begin with the start of a run")
        started_at, start = self._start
        running = 0.0
        if self._active_since and self._last_at:
            running = (self._last_at - self._active_since).total_seconds()
        return RunRecord(
            run=start.run,
            project_path=start.project_path,
            base_commit=start.base_commit,
            branch=start.branch,
            agent=start.agent,
            agents=start.agents,
            state=self._state,
            started_at=started_at,
            ended_at=self._ended_at,
            active_seconds=self._active_seconds + running,
            packages=tuple(self._packages[package.id] for package in self._plan.packages),
            waves=tuple(self._waves[number] for number in sorted(self._waves)),
            gates=tuple(self._gates),
            stages=tuple(self._stages),
        )

    def package(self, package_id: str) -> PackageRecord:
        """One package as it stands."""
        return self._packages[package_id]

    def add(self, row: Row) -> None:
        """Take the next row into account."""
        self._keep_time(row)
        self._last_at = row.at
        package = getattr(row.data, "package", None)
        if package in self._packages:
            self._packages[package] = self._fold_package(self._packages[package], row)
        self._fold_run(row)

    def _keep_time(self, row: Row) -> None:
        # A process that was killed left no end; its last event is the last moment that is known.
        match row.data:
            case RunStarted() | RunResumed():
                if self._active_since and self._last_at:
                    self._active_seconds += (self._last_at - self._active_since).total_seconds()
                self._active_since = row.at
            case RunInterrupted() | RunEnded() if self._active_since:
                self._active_seconds += (row.at - self._active_since).total_seconds()
                self._active_since = None
            case _:
                pass

    def _fold_run(self, row: Row) -> None:
        match row.data:
            case RunStarted() as start:
                self._start = (row.at, start)
            case RunResumed():
                self._state, self._ended_at = RunState.RUNNING, None
            case RunInterrupted():
                self._state = RunState.INTERRUPTED
            case RunEnded():
                self._state, self._ended_at = RunState.FINISHED, row.at
            case WaveStarted() as wave:
                self._waves.setdefault(wave.wave, WaveRecord(number=wave.wave, base_commit=wave.base_commit))
            case WaveEnded() as wave:
                self._waves[wave.wave] = replace(self._waves[wave.wave], commit=wave.commit, tree=wave.tree)
            case GateEnded(package=None) as ended:
                self._gates.append(ended.gate)
            case StageEnded() as stage:
                self._stages.append(
                    StageTime(stage=stage.stage, seconds=stage.seconds, package=stage.package)
                )
            case TamperingFound() as found if found.tampering.package in self._packages:
                owner = self._packages[found.tampering.package]
                self._packages[owner.id] = replace(owner, tampering=(*owner.tampering, found.tampering))
            case AttemptJudged() as judged:
                self.judged[judged.package, judged.attempt] = judged
            case ChangesCaptured() as captured:
                self.captured[captured.package, captured.attempt] = captured
            case _:
                pass

    def _fold_package(self, package: PackageRecord, row: Row) -> PackageRecord:
        match row.data:
            case AttemptStarted() as started:
                return _new_attempt(package, started, row.at)
            case AttemptEnded() as ended:
                return _end_attempt(package, ended, row.at)
            case ChangesCaptured() as captured:
                return replace(
                    package,
                    tree=captured.tree,
                    commit=captured.commit,
                    owned_changed=captured.owned_changed,
                    strays=tuple(sorted({*package.strays, *captured.strays})),
                )
            case FileRequested() as asked:
                return replace(package, requests=(*package.requests, asked.request))
            case GateEnded() as gate:
                return replace(package, gates=(*package.gates, gate.gate))
            case VerdictReached() as reached:
                others = tuple(each for each in package.outcomes if each.issue != reached.outcome.issue)
                return replace(package, outcomes=(*others, reached.outcome))
            case QualityMeasured() as measured:
                return replace(package, quality=measured.quality)
            case PackageEnded() as ended_package:
                return replace(package, state=ended_package.state, detail=ended_package.detail)
            case _:
                return _decide(package, row.data)


def _new_attempt(package: PackageRecord, started: AttemptStarted, at: datetime) -> PackageRecord:
    attempt = AttemptRecord(number=started.attempt, agent=started.agent, started_at=at)
    # What an earlier attempt was judged by says nothing about this one; its strays stay on record.
    return replace(
        package,
        state=PackageState.RUNNING,
        attempts=(*package.attempts, attempt),
        gates=(),
        outcomes=(),
        tampering=(),
        quality=None,
    )


def _end_attempt(package: PackageRecord, ended: AttemptEnded, at: datetime) -> PackageRecord:
    attempts = tuple(
        replace(
            attempt,
            ended_at=at,
            outcome=ended.outcome,
            exit_code=ended.exit_code,
            seconds=ended.seconds,
            output_bytes=ended.output_bytes,
            tokens=ended.tokens,
            cost_usd=ended.cost_usd,
            detail=ended.detail,
            claims=ended.claims,
            redactions=ended.redactions,
            key_refused=ended.key_refused,
        )
        if attempt.number == ended.attempt
        else attempt
        for attempt in package.attempts
    )
    return replace(package, attempts=attempts, state=PackageState.VERIFYING)


def _decide(package: PackageRecord, data: EventData) -> PackageRecord:
    match data:
        case ApprovalGiven():
            return replace(
                package, decision=Decision.APPROVED, approved_tree=data.tree, decided_note=data.note
            )
        case PackageRejected():
            return replace(package, decision=Decision.REJECTED, approved_tree=None, decided_note=data.note)
        case PackageApplied():
            return replace(package, decision=Decision.APPLIED, approved_tree=data.tree)
        case PackageCommitted():
            return replace(
                package, decision=Decision.COMMITTED, approved_tree=data.tree, landed_commit=data.commit
            )
        case LandingUndone():
            # The person's yes was to landing it; taking it back leaves the question open again.
            return replace(package, decision=Decision.OPEN, approved_tree=None, landed_commit=None)
        case _:
            return package
