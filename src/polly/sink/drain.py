"""Moves what waits in the spool into a store, in process. Nothing is read past what the store has kept."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from filelock import FileLock, Timeout

from polly.errors import StoreUnavailable
from polly.events.transfer import Batch, IngestResult, OffsetMoved, Record
from polly.sink.session_file import SPOOL_SUFFIX, forget_old_sessions
from polly.sink.spool import DRAIN_LOCK, lock_path, producer_is_alive, spool_files
from polly.sink.straggling import bring_home

#: Bytes read at once, and so the most that one transaction holds.
BATCH_BYTES = 1024 * 1024
#: The longest line that can be an event; of a longer one this much is kept as a dead letter.
MAX_LINE_BYTES = 256 * 1024
#: Files that one transaction may complete; each has a position that is dropped afterwards.
_MOST_FILES = 200
#: Pauses before trying again, as long as all tries together have not taken long.
_RETRY_SECONDS = (0.1, 0.2, 0.4)
_QUICK_SECONDS = 2.0


class Destination(Protocol):
    """The part of a store that a drain needs; polly.store.ports.Store says what each does."""

    def ingest(self, batches: Sequence[Batch], *, most_dead: int | None = None) -> IngestResult:
        """All batches and the new positions of their streams at once. Raises OffsetMoved, StoreError."""
        ...

    def position(self, stream: str) -> int:
        """Where the next batch of the stream starts."""
        ...

    def forget(self, stream: str) -> None:
        """Drops the position of a stream that is gone."""
        ...


class DrainResult(NamedTuple):
    """What a drain did. busy: another drain or a relay held the spool, and this one left it to that."""

    stored: int = 0
    duplicates: int = 0
    dead: int = 0
    files_deleted: int = 0
    busy: bool = False


def drain(folder: Path, destination: Destination, *, wait_seconds: float = 10.0) -> DrainResult:
    """Stores all complete events of the spool and deletes the files of dead producers.

    Errors of the destination pass through; what it had stored by then stays stored, the rest stays spooled.
    """
    bring_home(folder)
    if not folder.is_dir():
        return DrainResult()
    try:
        with FileLock(folder / DRAIN_LOCK, timeout=wait_seconds):
            forget_old_sessions(str(folder))
            hand = _Hand(destination)
            for path in spool_files(folder):
                _drain_file(path, hand)
            hand.store()
            return hand.result
    except Timeout:
        return DrainResult(busy=True)


class _Hand:
    """Batches of several files, which are stored together: most producers write a few lines only."""

    def __init__(self, destination: Destination) -> None:
        self.destination = destination
        self.result = DrainResult()
        #: Streams that somebody else stores: a drain of another machine or folder view.
        self.moved: set[str] = set()
        self._batches: dict[str, Batch] = {}
        self._bytes = 0
        self._complete: list[Path] = []

    def add(self, batch: Batch) -> None:
        """Takes a batch; stores what is in hand first when it would be too much, or of the same file."""
        size = batch.end - batch.start
        if batch.stream in self._batches or self._bytes + size > BATCH_BYTES:
            self.store()
        self._batches[batch.stream] = batch
        self._bytes += size

    def complete(self, path: Path) -> None:
        """All of the file has been added, and nothing more will be written to it."""
        self._complete.append(path)
        if len(self._complete) >= _MOST_FILES:
            self.store()

    def store(self) -> None:
        """Stores all batches and deletes the files that are done with."""
        while self._batches:
            try:
                done = _with_retries(self.destination, tuple(self._batches.values()))
            except OffsetMoved as moved:
                self.moved.add(moved.stream)
                del self._batches[moved.stream]
                continue
            self._count(DrainResult(done.stored, done.duplicates, done.dead))
            break
        self._batches, self._bytes = {}, 0
        for path in self._complete:
            if _stream(path) not in self.moved:
                _delete(path)
                self.destination.forget(_stream(path))
                self._count(DrainResult(files_deleted=1))
        self._complete = []

    def _count(self, more: DrainResult) -> None:
        one = self.result
        self.result = DrainResult(
            one.stored + more.stored,
            one.duplicates + more.duplicates,
            one.dead + more.dead,
            one.files_deleted + more.files_deleted,
        )


def _with_retries(destination: Destination, batches: tuple[Batch, ...]) -> IngestResult:
    """Stores them; trouble that passes quickly, such as a restart or a deadlock, is not even told."""
    begun = time.monotonic()
    for pause in _RETRY_SECONDS:
        try:
            return destination.ingest(batches)
        except StoreUnavailable:
            if time.monotonic() - begun > _QUICK_SECONDS:
                raise  # the store has waited long enough itself
            time.sleep(pause)
    return destination.ingest(batches)


def _stream(path: Path) -> str:
    return f"spool:{path.stem}"


def _drain_file(path: Path, hand: _Hand) -> None:
    stream = _stream(path)
    # Asked before reading: whoever is dead now has written all that there is.
    is_complete = not producer_is_alive(path.parent, path.stem)
    for batch in batches(path, stream, hand.destination.position(stream), is_complete=is_complete):
        hand.add(batch)
        if stream in hand.moved:
            return
    if is_complete:
        hand.complete(path)


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
