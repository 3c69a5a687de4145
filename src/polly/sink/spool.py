"""Where events wait: one append-only file of JSON lines per producer process, safe against kill -9.

A producer holds a lock beside its file for as long as it lives, so that a reader can tell a file that may
still grow from one that is complete. What processes append to that live for a moment only, such as hooks, is
described in session_file.
"""

import os
import platform
import re
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
from filelock import FileLock, Timeout

from polly.events.envelope import Envelope, uuid7
from polly.events.redaction import redact_event
from polly.sink.fitting import MAX_DATA_BYTES, fitted_by
from polly.sink.session_file import (
    MAX_SPOOL_BYTES,
    SEQUENCE_DIGITS,
    SPOOL_SUFFIX,
    is_closed,
    is_of_a_session,
    spool_bytes,
)

#: Who holds the first moves events out of the spool. A relay holds both, for as long as it lives.
DRAIN_LOCK = "drain.lock"
RELAY_LOCK = "relay.lock"


class SpoolWriter:
    """Appends the events of this process to its own file, made with the first one.

    dropped: events that were not written because the spool was full.
    """

    def __init__(self, folder: Path, *, max_bytes: int = MAX_SPOOL_BYTES) -> None:
        self.dropped = 0
        self._folder = folder
        self._max_bytes = max_bytes
        self._producer = uuid7()
        self._lock = FileLock(lock_path(folder, self._producer), thread_local=False)
        self._guard = threading.Lock()
        self._file: int | None = None
        self._sequence = 0
        self._free_bytes = 0
        self._torn = False

    @property
    def source(self) -> str:
        """The `source` of every event that this writer appends."""
        host = re.sub(r"[^A-Za-z0-9.-]", "-", platform.node()) or "localhost"
        return f"urn:polly:{host}:{self._producer}"

    @property
    def path(self) -> Path:
        """The file of this producer."""
        return self._folder / f"{self._producer}{SPOOL_SUFFIX}"

    def append(self, envelope: Envelope) -> None:
        """Writes the event without secrets. Raises OSError of the disk.

        An event that has no number yet becomes the next one of this writer. One that was numbered by its
        own source (a run's journal) keeps both, so that sending it again is the same event again.
        """
        with self._guard:
            numbered = envelope if envelope.sequence else self._numbered(envelope)
            line = _line(numbered)
            if self._has_room(len(line)):
                self._write(line)
                self._sequence += numbered is not envelope
            else:
                self.dropped += 1

    def close(self) -> None:
        """Ends the file: a reader may take it to be complete."""
        with self._guard:
            if self._file is not None:
                os.close(self._file)
                self._file = None
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _numbered(self, envelope: Envelope) -> Envelope:
        sequence = str(self._sequence + 1).zfill(SEQUENCE_DIGITS)
        return msgspec.structs.replace(envelope, source=self.source, sequence=sequence)

    def _has_room(self, size: int) -> bool:
        if self._free_bytes < size:
            self._free_bytes = self._max_bytes - spool_bytes(self._folder)
        self._free_bytes -= size
        return self._free_bytes >= 0

    def _write(self, line: bytes) -> None:
        if self._file is None:
            self._file = self._create()
        # What an interrupted write left behind must not swallow the next line.
        line = b"\n" + line if self._torn else line
        self._torn = True
        if os.write(self._file, line) != len(line):
            raise OSError(f"{self.path}: only a part of an event could be written")
        self._torn = False

    def _create(self) -> int:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        self._lock.acquire()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        return os.open(self.path, flags, 0o600)


def _line(envelope: Envelope) -> bytes:
    data = fitted(redact_event(msgspec.json.decode(envelope.data)))
    return msgspec.json.encode(msgspec.structs.replace(envelope, data=msgspec.Raw(data))) + b"\n"


def lock_path(folder: Path, producer: str) -> Path:
    """The file that a producer keeps locked while it lives."""
    return folder / f"{producer}.lock"


def producer_is_alive(folder: Path, producer: str) -> bool:
    """True while more may be written to the producer's file."""
    if is_of_a_session(producer):
        return not is_closed(str(folder), producer)
    lock = FileLock(lock_path(folder, producer), thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def spool_files(folder: Path) -> list[Path]:
    """The files of all producers, the oldest producer first."""
    return sorted(folder.glob(f"*{SPOOL_SUFFIX}"))


def fitted(data: Any, limit: int = MAX_DATA_BYTES) -> bytes:
    """The JSON of `data`, shortened to `limit` bytes without changing its shape.

    What was shortened says so in place; `_cut` at the top keeps the size and the sha256 of the whole.
    """
    return fitted_by(msgspec.json.encode, data, limit)
