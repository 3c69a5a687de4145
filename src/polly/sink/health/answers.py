"""What the probes answer about a snapshot. Pure."""

from datetime import UTC, datetime

import msgspec

from polly.sink.consumer.snapshot import PartitionView, Snapshot, State

#: The longest turn of the owner thread: a database that hangs is given up by then. Kafka's own limit
#: (max.poll.interval.ms, five minutes) must not be reached first.
LIVE_SECONDS = 180.0


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """The three verdicts with their reasons; a reason is None where the verdict is good."""

    dead: str | None
    unready: str | None
    unstarted: str | None

    @property
    def is_healthy(self) -> bool:
        return self.dead is None and self.unready is None


def answers(snapshot: Snapshot, *, is_running: bool, now: float) -> Answers:
    """The verdicts. is_running: the owner thread is alive. now: time.monotonic()."""
    dead = _dead(snapshot, is_running, now)
    return Answers(
        dead=dead,
        unready=dead or _unready(snapshot),
        unstarted=None if snapshot.joined else dead or _unready(snapshot) or "not started yet",
    )


def _dead(snapshot: Snapshot, is_running: bool, now: float) -> str | None:
    if snapshot.state is State.FAILED:
        return f"it failed: {snapshot.failure}"
    if snapshot.state is State.STOPPED:
        return "it has stopped"
    if not is_running:
        return "its thread has ended"
    silent = now - snapshot.beat
    return f"it has not moved for {silent:.0f} s" if silent > LIVE_SECONDS else None


def _unready(snapshot: Snapshot) -> str | None:
    if snapshot.state is State.STOPPING:
        return "it is stopping"
    if snapshot.pause is not None:
        return f"paused ({snapshot.pause.cause}): {snapshot.pause.reason}"
    if not snapshot.joined:
        return f"no partitions yet: {snapshot.trouble or 'the group has not been joined'}"
    if snapshot.unplaced:
        return f"it is not known yet where {snapshot.unplaced} partitions begin"
    if snapshot.stuck:
        place, why = next(iter(snapshot.stuck.items()))
        return f"{place} waits for somebody: {why}"
    return None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What `/status` says and `polly sink status` shows.

    status and consumer: as `/health` has them. lag_records: of all partitions; None when one is not known.
    """

    status: str
    consumer: str
    ready: bool
    state: State
    reason: str | None
    trouble: str | None
    group: str
    started_at: datetime | None
    at: datetime | None
    lag_records: int | None
    lag_seconds: float | None
    stored: int
    duplicates: int
    dead_lettered: int
    last_store_at: datetime | None
    last_commit_at: datetime | None
    stuck: dict[str, str]
    partitions: tuple[PartitionView, ...]


def report(snapshot: Snapshot, verdict: Answers) -> Report:
    """The snapshot and the verdict as one record for people and programs."""
    tally = snapshot.tally
    return Report(
        status="healthy" if verdict.is_healthy else "unhealthy",
        consumer="running" if verdict.dead is None else "stopped",
        ready=verdict.unready is None,
        state=snapshot.state,
        reason=verdict.unready,
        trouble=snapshot.trouble,
        group=snapshot.group,
        started_at=snapshot.started_at,
        at=snapshot.at or datetime.now(UTC),
        lag_records=_sum([view.lag_records for view in snapshot.partitions]),
        lag_seconds=_most([view.lag_seconds for view in snapshot.partitions]),
        stored=tally.stored,
        duplicates=tally.duplicates,
        dead_lettered=int(sum(tally.dead.values())),
        last_store_at=snapshot.last_store_at,
        last_commit_at=snapshot.last_commit_at,
        stuck=snapshot.stuck,
        partitions=snapshot.partitions,
    )


def _sum(numbers: list[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


def _most(numbers: list[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return max(known, default=0.0) if len(known) == len(numbers) else None
