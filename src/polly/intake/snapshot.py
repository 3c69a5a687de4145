"""The files of the base commit, as far as intake needs them."""

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate
from typing import Protocol


class Snapshot(Protocol):
    """Files at one commit. Paths are relative to the root, with "/"."""

    @property
    def paths(self) -> frozenset[str]:
        """Every file of the commit."""
        ...

    def read(self, path: str) -> bytes | None:
        """The content of one file, or None when the commit has no such file."""
        ...


class FileLines:
    """Lines and offsets of snapshot files; each file is read and measured once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._paths = snapshot.paths
        self._contents: dict[str, bytes | None] = {}
        self._lines: dict[str, list[str]] = {}
        self._starts: dict[tuple[str, str], list[int]] = {}

    def text_of(self, path: str, number: int | None) -> str | None:
        """The text of a line (counted from 1) without the space around it; None when it is not known."""
        if number is None or number < 1:
            return None
        lines = self._lines.get(path) or self._split(path)
        return lines[number - 1].strip() if number <= len(lines) else None

    def line_at(self, path: str, offset: int, unit: str) -> int | None:
        """The line in which an offset lies, counted in units of "byte", "utf16" or "character".

        None outside the file, and in files that are missing or binary.
        """
        if self._content(path) is None:
            return None
        if (path, unit) not in self._starts:
            self._starts[path, unit] = self._measured(path, unit)
        starts = self._starts[path, unit]
        return bisect_left(starts, offset + 1) if 0 <= offset < starts[-1] else None

    def _content(self, path: str) -> bytes | None:
        if path not in self._contents:
            content = self._snapshot.read(path) if path in self._paths else None
            self._contents[path] = None if content is None or b"\0" in content else content
        return self._contents[path]

    def _split(self, path: str) -> list[str]:
        if path not in self._lines:
            content = self._content(path) or b""
            self._lines[path] = content.decode("utf-8-sig", errors="replace").split("\n")
        return self._lines[path]

    def _measured(self, path: str, unit: str) -> list[int]:
        """Where each line starts, and one position behind the end of the file."""
        lengths: Iterable[int]
        if unit == "byte":
            lengths = map(len, (self._content(path) or b"").split(b"\n"))
        elif unit == "utf16":
            lengths = (len(line.encode("utf-16-le", errors="replace")) // 2 for line in self._split(path))
        else:
            lengths = map(len, self._split(path))
        return list(accumulate((length + 1 for length in lengths), initial=0))
