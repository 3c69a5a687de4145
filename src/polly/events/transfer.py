"""What moves events from where they wait (spool file, topic) into a store: bytes with their place."""

from datetime import datetime
from typing import Literal, NamedTuple

#: The step that refused a record: its bytes, what they say, or the tables.
Stage = Literal["decode", "validate", "store"]
Disposition = Literal["poison", "oversize", "manual"]


class Record(NamedTuple):
    """One event as its bytes. `position` is its place in the stream and never changes.

    key, headers and timestamp_ms (since 1970, UTC) are what a topic adds; a spool file has none.
    """

    position: int
    raw: bytes
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    timestamp_ms: int | None = None


class Batch(NamedTuple):
    """Records of one stream, in order. Storing them moves the stream's position from `start` to `end`.

    Positions between may be missing: a topic has gaps.
    """

    stream: str
    start: int
    end: int
    records: tuple[Record, ...]


class DeadLetter(NamedTuple):
    """A record that can never be stored as it is, with what is needed to understand it and to replay it.

    sqlstate: the database's code, when it was the database that refused it.
    replays: how often it had been replayed before it failed this time.
    """

    stream: str
    record: Record
    stage: Stage
    error_class: str
    reason: str
    sqlstate: str | None = None
    event_id: str | None = None
    disposition: Disposition = "poison"
    attempts: int = 1
    replays: int = 0
    first_failed_at: datetime | None = None
    failed_at: datetime | None = None


class IngestResult(NamedTuple):
    """What became of the records: stored + duplicates + dead = all of them. `letters` are the dead ones."""

    stored: int = 0
    duplicates: int = 0
    dead: int = 0
    letters: tuple[DeadLetter, ...] = ()


class OffsetMoved(Exception):  # noqa: N818 - a fact, not a fault
    """A stream's stored position is not the batch's start: somebody else stored it. Nothing was written."""

    def __init__(self, stream: str, message: str) -> None:
        super().__init__(message)
        self.stream = stream


class TooManyDead(Exception):  # noqa: N818 - a fact, not a fault
    """More records are poison than the caller allows: more likely a fault of ours. Nothing was written."""

    def __init__(self, dead: int, records: int) -> None:
        super().__init__(f"{dead} of {records} records cannot be stored")
        self.dead = dead
        self.records = records
