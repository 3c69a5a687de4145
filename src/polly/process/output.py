"""The log of one program: what it printed, without secrets; the beginning and the end of what is too long."""

from __future__ import annotations

import os
from collections import deque

TYPE_CHECKING = False  # as typing has it, without the time that importing typing takes
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Redactor(Protocol):
        """Takes secrets out of a stream of bytes; may hold some back until it has seen what follows.

        counts: how many of each kind it has taken out.
        """

        counts: dict[str, int]

        def feed(self, data: bytes) -> bytes: ...
        def close(self) -> bytes: ...


#: bytes seen but not kept on either side of a gap, so that no half of a secret looks harmless
MARGIN_BYTES = 65_536
SEGMENT_BYTES = 65_536
#: a redactor needs many times the memory of what it is fed
SLICE_BYTES = 262_144


class PlainStream:
    """A redactor that takes nothing out."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def feed(self, data: bytes) -> bytes:
        """The data."""
        return data

    def close(self) -> bytes:
        """Nothing is ever held back."""
        return b""


class LastBytes:
    """The end of a stream, in flat memory whether it comes in bytes or in megabytes."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._segments: deque[bytearray] = deque()
        self._size = 0

    def append(self, data: bytes) -> None:
        """Take in data; forget the oldest that is not needed for the limit."""
        if self._segments and len(self._segments[-1]) < SEGMENT_BYTES:
            self._segments[-1] += data
        else:
            self._segments.append(bytearray(data))
        self._size += len(data)
        while self._size - len(self._segments[0]) >= self._limit:
            self._size -= len(self._segments.popleft())

    def take(self) -> bytes:
        """All that is still there: at least the limit, if there was as much."""
        taken = b"".join(self._segments)
        self._segments.clear()
        self._size = 0
        return taken


class BoundedLog:
    """Writes the first half at once and the last half when it is closed; what it may keep is `limit_bytes`.

    total_bytes: all that was handed in. redactions: how many secrets of each kind are left out of what is
    kept, once it is closed. problem: why the log is not complete, or "".
    """

    def __init__(self, path: str, limit_bytes: int, new_redactor: Callable[[], Redactor]) -> None:
        self.total_bytes = 0
        self.redactions: dict[str, int] = {}
        self.problem = ""
        self._half = max(1, limit_bytes // 2)
        self._new_redactor = new_redactor
        self._head: Redactor | None = None
        self._head_bytes = 0
        self._head_open = True
        self._tail = LastBytes(self._half + MARGIN_BYTES)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)

    def write(self, data: bytes) -> None:
        """Take in what was printed."""
        self.total_bytes += len(data)
        if self._head_open:
            data = self._write_head(data)
        if data:
            self._tail.append(data)

    def close(self) -> None:
        """Write what is kept of the end."""
        if self.total_bytes:
            self._write_end()
        os.close(self._file)

    def _write_end(self) -> None:
        tail = self._tail.take()
        gap = self.total_bytes - self._head_bytes - len(tail)
        if gap == 0:
            self._write_through(self._redactor(), tail)
        else:
            self._close_redactor(self._redactor())
            self._write_tail(tail)

    def _redactor(self) -> Redactor:
        """The head's. Made when there is something to write: loading it takes longer than starting does."""
        if self._head is None:
            self._head = self._new_redactor()
        return self._head

    def _write_head(self, data: bytes) -> bytes:
        """Returns what does not belong to the head, which ends with a line where it can."""
        room = self._half - self._head_bytes
        if len(data) <= room:
            end = len(data)
        else:
            line_end = data.find(b"\n", max(0, room - 1)) + 1
            end = line_end or len(data)
            # A line without end: the head is as long as it may become.
            if end > room + MARGIN_BYTES:
                end = max(0, room + MARGIN_BYTES)
            self._head_open = not line_end and end == len(data)
        self._head_bytes += end
        self._emit(self._redactor().feed(data[:end]))
        return data[end:]

    def _write_tail(self, tail: bytes) -> None:
        start = max(0, len(tail) - self._half)
        line_start = tail.find(b"\n", max(0, start - 1), start + MARGIN_BYTES) + 1
        start = line_start or start
        left_out = self.total_bytes - self._head_bytes - (len(tail) - start)
        note = f"\n[polly: {left_out} bytes left out; only the beginning and the end are kept]\n"
        redactor = self._new_redactor()
        redactor.feed(tail[:start])  # only so that it knows in what it stands
        redactor.counts = {}
        self._emit(note.encode())
        self._write_through(redactor, tail[start:])

    def _write_through(self, redactor: Redactor, data: bytes) -> None:
        for start in range(0, len(data), SLICE_BYTES):
            self._emit(redactor.feed(data[start : start + SLICE_BYTES]))
        self._close_redactor(redactor)

    def _close_redactor(self, redactor: Redactor) -> None:
        self._emit(redactor.close())
        for kind, count in redactor.counts.items():
            self.redactions[kind] = self.redactions.get(kind, 0) + count

    def _emit(self, data: bytes) -> None:
        view = memoryview(data)
        while view and not self.problem:
            try:
                view = view[os.write(self._file, view) :]
            except OSError as error:  # a full disk must not stop the draining: the program would hang
                self.problem = f"the log is not complete: {error.strerror}"
