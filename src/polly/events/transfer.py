"""What moves events from where they wait (spool file, topic) into a store: bytes with their place."""

from typing import NamedTuple


class Record(NamedTuple):
    """One event as its bytes. `position` is its place in the stream and never changes."""

    position: int
    raw: bytes


class Batch(NamedTuple):
    """Records of one stream, in order. Storing them moves the stream's position from `start` to `end`."""

    stream: str
    start: int
    end: int
    records: tuple[Record, ...]


class IngestResult(NamedTuple):
    """What became of a batch: stored + duplicates + dead = its records."""

    stored: int
    duplicates: int
    dead: int


class OffsetMoved(Exception):  # noqa: N818 - a fact, not a fault
    """The stream's stored position is not the batch's start: somebody else stored it. Nothing was written."""
