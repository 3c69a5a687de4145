"""What the consumer shows of itself: one frozen record, replaced by the owner thread in one assignment.

Probes, metrics and logs read this and nothing else, so that none of them waits for Kafka or a database.
"""

import enum
from datetime import datetime

import msgspec

from polly.sink.consumer.policy import Cause
from polly.sink.consumer.tally import Tally


class State(enum.StrEnum):
    """What the consumer is doing."""

    STARTING = "starting"  # until the store answered and the group was joined
    RUNNING = "running"
    PAUSED = "paused"  # something must heal first; it is tried again by itself
    STOPPING = "stopping"  # finishing what is in hand
    STOPPED = "stopped"
    FAILED = "failed"  # ended by a fault


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """Why nothing is let in, and since when."""

    cause: Cause
    reason: str
    since: datetime


class PartitionView(msgspec.Struct, frozen=True, kw_only=True):
    """One partition of ours. None means: not known, never 0.

    position, stored, committed: next offsets. lag_records: in the topic and not stored.
    lag_seconds: how old the newest stored record is, while there is a lag.
    """

    topic: str
    partition: int
    position: int
    stored: int
    committed: int | None
    end: int | None
    lag_records: int | None
    lag_seconds: float | None


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """All of it at one moment.

    beat: time.monotonic() of the owner thread's last turn.
    joined: the group has told us which partitions are ours, which may be none.
    trouble: what the operator should know although work goes on, such as a topic that does not exist.
    unplaced: partitions of which it is not known yet where to begin.
    stuck: partitions that cannot go on by themselves ("topic/0": why).
    """

    state: State = State.STARTING
    group: str = ""
    beat: float = 0.0
    at: datetime | None = None
    started_at: datetime | None = None
    joined: bool = False
    pause: Pause | None = None
    trouble: str | None = None
    unplaced: int = 0
    stuck: dict[str, str] = {}
    partitions: tuple[PartitionView, ...] = ()
    in_hand: int = 0
    last_store_at: datetime | None = None
    last_commit_at: datetime | None = None
    tally: Tally = Tally()
    failure: str | None = None
