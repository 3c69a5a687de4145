"""What the consumer needs of the outside: a member of a consumer group, a store, and dead-letter topics."""

import enum
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from polly.events.transfer import Batch, DeadLetter, IngestResult, Record


class Place(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


def stream_name(group: str, place: Place) -> str:
    """The name under which the store keeps the position of a partition."""
    return f"kafka:{group}:{place.topic}:{place.partition}"


def place_of(stream: str) -> Place | None:
    """The partition that a stream is; None for one that is no partition, such as a spool file."""
    # A group may be called anything; a topic has no colon.
    found = re.fullmatch(r"kafka:.*:([^:]+):(\d+)", stream, re.DOTALL)
    return Place(found[1], int(found[2])) if found else None


class FaultKind(enum.StrEnum):
    """What an error that came instead of records means."""

    PASSING = "passing"  # the client goes on by itself
    OUT_OF_RANGE = "out_of_range"  # the topic has nothing where the partition stands
    FATAL = "fatal"  # this client will never work again


class Fault(NamedTuple):
    """An error that the client met. place: where, if it is about one partition."""

    kind: FaultKind
    reason: str
    place: Place | None = None


class Fetched(NamedTuple):
    """What a fetch brought, by partition, in order. A record without a value has an empty `raw`."""

    records: Mapping[Place, Sequence[Record]] = {}
    faults: Sequence[Fault] = ()


class CommitOutcome(enum.StrEnum):
    """What became of the commit of one partition."""

    DONE = "done"
    REBALANCING = "rebalancing"  # the next owner reads it again; the store knows better
    NOT_OURS = "not_ours"  # somebody else has the partition already
    TRY_AGAIN = "try_again"  # the coordinator is busy or away
    FAILED = "failed"  # anything else


class StartRule(enum.StrEnum):
    """Where a partition begins that neither the group nor the store knows."""

    EARLIEST = "earliest"
    LATEST = "latest"


class Rebalance(NamedTuple):
    """What the group calls, in the thread that fetches and while it fetches."""

    assigned: Callable[[Collection[Place]], None]
    revoked: Callable[[Collection[Place]], None]
    lost: Callable[[Collection[Place]], None]


class GroupMember(Protocol):
    """A consumer of a group. One thread calls it, always the same.

    Methods that ask the cluster raise BusError when it does not answer in time.
    """

    def join(self, topics: Sequence[str], rebalance: Rebalance) -> None:
        """Subscribe. Partitions come through `rebalance`, which must answer with `assign` and `release`."""
        ...

    def fetch(self, most: int, seconds: float) -> Fetched:
        """Up to `most` records, waiting for them up to `seconds`. Raises BusError when all is lost."""
        ...

    def assign(self, starts: Mapping[Place, int | None]) -> None:
        """Take these partitions on, each from its offset; None: nowhere yet, it will be paused."""
        ...

    def move(self, starts: Mapping[Place, int]) -> None:
        """Let partitions that are assigned go on from elsewhere."""
        ...

    def release(self, places: Collection[Place]) -> None:
        """Give partitions back."""
        ...

    def assignment(self) -> frozenset[Place]:
        """The partitions that the client holds."""
        ...

    def pause(self, places: Collection[Place]) -> None:
        """Fetches bring nothing of these any more."""
        ...

    def resume(self, places: Collection[Place]) -> None:
        """Take `pause` back."""
        ...

    def committed(self, places: Collection[Place]) -> Mapping[Place, int | None]:
        """The offsets of the group; None where it has none."""
        ...

    def first_offset(self, place: Place, rule: StartRule) -> int:
        """The offset where the rule lets the partition begin."""
        ...

    def end(self, place: Place) -> int | None:
        """The offset after the last record, as the last fetch told; None when it is not known."""
        ...

    def commit(self, offsets: Mapping[Place, int]) -> Mapping[Place, CommitOutcome]:
        """Commit, and wait for the answer about each partition. Never raises for what a cluster can do."""
        ...

    def close(self, offsets: Mapping[Place, int], seconds: float) -> bool:
        """Commit, and leave the group; nothing is called afterwards. False: it had not ended after so long.

        `rebalance` may be called in the meantime, from any thread.
        """
        ...


class Destination(Protocol):
    """The part of a store that the consumer needs; polly.store.ports.Store says what each does."""

    def ingest(self, batches: Sequence[Batch], *, most_dead: int | None = None) -> IngestResult:
        """All batches or none. Raises OffsetMoved, TooManyDead, StoreError."""
        ...

    def expect(self, records: Mapping[str, Sequence[Record]]) -> None:
        """A hint: these records come next, by stream. What they are may be found out ahead."""
        ...

    def position(self, stream: str) -> int:
        """Where the next batch of the stream starts."""
        ...

    def unpublished_letters(self, streams: Collection[str]) -> tuple[DeadLetter, ...]:
        """Dead letters that the topic has not acknowledged."""
        ...

    def mark_published(self, letters: Sequence[DeadLetter]) -> None:
        """The topic has acknowledged these."""
        ...

    def check_writable(self) -> None:
        """Raises StoreError when nothing can be stored."""
        ...


class DeadLetterTopics(Protocol):
    """Where dead letters are published for everybody."""

    def publish(self, letters: Sequence[DeadLetter]) -> tuple[DeadLetter, ...]:
        """The letters that the cluster has acknowledged: all of them, or those until trouble began.

        Raises BusError when it acknowledged none.
        """
        ...
