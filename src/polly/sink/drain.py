"""Moves what waits in the spool into a store, in process. Nothing is read past what the store has kept."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from filelock import FileLock, Timeout

from polly.events.transfer import Batch, IngestResult, OffsetMoved, Record
from polly.sink.spool import SPOOL_SUFFIX, lock_path, producer_is_alive, spool_files

#: Bytes read at once, and so the most that one transaction holds.
BATCH_BYTES = 1024 * 1024
#: The longest line that can be an event; of a longer one this much is kept as a dead letter.
MAX_LINE_BYTES = 256 * 1024


class Destination(Protocol):
    """The part of a store that a drain needs."""

    def ingest(self, batch: Batch) -> IngestResult:
        """Stores a batch and the stream's new position at once. Raises OffsetMoved."""
        ...

    def position(self, stream: str) -> int:
        """Where the next batch of the stream starts."""
        ...

    def forget(self, stream: str) -> None:
        """Drops the position of a stream that is gone."""
        ...


class DrainResult(NamedTuple):
    """What a drain did. busy: another drain held the spool, and this one left it to that."""

    stored: int = 0
    duplicates: int = 0
    dead: int = 0
    files_deleted: int = 0
    busy: bool = False


def drain(folder: Path, destination: Destination, *, wait_seconds: float = 10.0) -> DrainResult:
    """Stores all complete events of the spool and deletes the files of dead producers.

    Errors of the destination pass through; what it had stored by then stays stored, the rest stays spooled.
    """
    if not folder.is_dir():
        return DrainResult()
    try:
        with FileLock(folder / "drain.lock", timeout=wait_seconds):
            total = DrainResult()
            for path in spool_files(folder):
                total = _added(total, _drain_file(path, destination))
            return total
    except Timeout:
        return DrainResult(busy=True)


def _added(one: DrainResult, other: DrainResult) -> DrainResult:
    return DrainResult(
        one.stored + other.stored,
        one.duplicates + other.duplicates,
        one.dead + other.dead,
        one.files_deleted + other.files_deleted,
    )


def _drain_file(path: Path, destination: Destination) -> DrainResult:
    stream = f"spool:{path.stem}"
    # Asked before reading: whoever is dead now has written all that there is.
    is_complete = not producer_is_alive(path.parent, path.stem)
    total = DrainResult()
    try:
        for batch in batches(path, stream, destination.position(stream), is_complete=is_complete):
            done = destination.ingest(batch)
            total = _added(total, DrainResult(done.stored, done.duplicates, done.dead))
    except OffsetMoved:  # a drain of another machine or folder view stores this stream
        return total
    if is_complete:
        _delete(path)
        destination.forget(stream)
        total = total._replace(files_deleted=1)
    return total


def _delete(path: Path) -> None:
    path.unlink()
    lock_path(path.parent, path.name.removesuffix(SPOOL_SUFFIX)).unlink(missing_ok=True)


def batches(path: Path, stream: str, start: int, *, is_complete: bool) -> Iterator[Batch]:
    """The lines of a file from a position on. A last line without an end counts when the file is complete."""
    with path.open("rb") as file:
        file.seek(start)
        while chunk := file.read(BATCH_BYTES):
            is_last = len(chunk) < BATCH_BYTES
            end = len(chunk) if is_last and is_complete else chunk.rfind(b"\n") + 1
            if not end and is_last:
                return  # its producer is still writing this line
            end = end or len(chunk)
            yield Batch(stream, start, start + end, _records(chunk[:end], start))
            start += end
            file.seek(start)


def _records(chunk: bytes, start: int) -> tuple[Record, ...]:
    records = []
    for line in chunk.split(b"\n"):
        if line:
            records.append(Record(start, line[:MAX_LINE_BYTES]))
        start += len(line) + 1
    return tuple(records)
