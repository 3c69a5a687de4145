"""Whether a comment is still about something at the base commit, and where that is now.

The lines under a comment stand at the end of its difference hunk. They are looked for in the file as it
is: found, the comment is open there, wherever they moved; gone, it is as outdated as GitHub says.
"""

import re
from typing import NamedTuple

from polly.intake.paths import spell
from polly.intake.snapshot import Snapshot
from polly.intake.sources.github.posts import Post

_HEADER = re.compile(r"@@ -(\d{1,9})(?:,\d{1,9})? \+(\d{1,9})(?:,\d{1,9})? @@")
#: Lines of evidence; more would cost time and prove nothing further.
_MOST_LINES = 20
#: Letters and digits by which a piece of code is known again; a bracket alone stands everywhere.
_TELLING = 8


class Standing(NamedTuple):
    """What became of the place of a comment.

    state: "open", "changed" (the lines are no longer what they were) or "gone" (outdated).
    """

    state: str
    start_line: int | None = None
    end_line: int | None = None


class _Hunk(NamedTuple):
    """The end of a hunk: the lines under the comment, and the number of the last of them."""

    evidence: tuple[str, ...]
    last_line: int


class Head:
    """The files of the base commit, each read once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._paths = snapshot.paths
        self._lines: dict[str, list[str]] = {}
        self._places: dict[str, dict[str, list[int]]] = {}

    def has(self, path: str) -> bool:
        """True for a file of the base commit, and for a path that is none and is judged later."""
        spelling = spell(path)
        return path in self._paths or spelling is None or bool(spelling.anchor) or not path

    def judge(self, post: Post) -> Standing:
        """Where the comment stands now."""
        if not self.has(post.path):
            return Standing("gone")
        if post.is_about_file or post.path not in self._paths:
            return Standing("open")
        end = post.line if post.line is not None else post.original_line
        start = post.start_line if post.line is not None else post.original_start_line
        height = end - start if end is not None and start is not None and 0 < start < end else 0
        hunk = _end_of(post.hunk, height + 1)
        if post.is_left:
            return self._removed(post, hunk)
        if not hunk.evidence:
            return Standing("gone") if post.outdated else self._as_told(post.path, start, end)
        found = self._find(post.path, hunk.evidence, end or hunk.last_line)
        if found is not None:
            return Standing("open", max(found - height, 1), found)
        return Standing("gone") if post.outdated else self._changed(post.path, start, end)

    def _removed(self, post: Post, hunk: _Hunk) -> Standing:
        """A comment on the old side is about lines that are not there: it stands where they were."""
        if post.outdated:
            return Standing("gone")
        line = min(max(hunk.last_line, 1), self._length(post.path)) if hunk.last_line else None
        return Standing("open", line or None, line or None)

    def _as_told(self, path: str, start: int | None, end: int | None) -> Standing:
        if end is None:
            return Standing("open")
        return Standing("open", start or end, end) if 0 < end <= self._length(path) else Standing("changed")

    def _changed(self, path: str, start: int | None, end: int | None) -> Standing:
        return self._as_told(path, start, end)._replace(state="changed")

    def _find(self, path: str, evidence: tuple[str, ...], hint: int) -> int | None:
        """The number of the last line of the evidence, as near to the hint as it stands."""
        lines = self._text(path)
        last = len(evidence) - 1
        ends = [
            number
            for number in self._numbers(path).get(evidence[-1], ())
            if number >= last and tuple(lines[number - last : number + 1]) == evidence
        ]
        return min(ends, key=lambda number: abs(number + 1 - hint)) + 1 if ends else None

    def _text(self, path: str) -> list[str]:
        if path not in self._lines:
            content = self._snapshot.read(path) or b""
            text = content.decode("utf-8-sig", errors="replace").removesuffix("\n")
            self._lines[path] = [line.strip() for line in text.split("\n")]
        return self._lines[path]

    def _numbers(self, path: str) -> dict[str, list[int]]:
        if path not in self._places:
            places: dict[str, list[int]] = {}
            for number, line in enumerate(self._text(path)):
                places.setdefault(line, []).append(number)
            self._places[path] = places
        return self._places[path]

    def _length(self, path: str) -> int:
        return len(self._text(path))


def _end_of(hunk: str, height: int) -> _Hunk:
    """The last `height` lines of the hunk, and as many before them as make them telling."""
    header = _HEADER.match(hunk)
    if not header:
        return _Hunk((), 0)
    number = int(header[2]) - 1
    new: list[str] = []
    last = ""
    for line in hunk.split("\n")[1:]:
        if line.startswith("\\"):
            continue
        last = line[:1]
        if last != "-":
            new.append(line[1:].strip())
            number += 1
    if last == "-":  # the comment is about a line that is gone
        return _Hunk((), number)
    kept = min(height, _MOST_LINES, len(new))
    while kept < min(len(new), _MOST_LINES) and not _tells(new[-kept:]):
        kept += 1
    evidence = new[-kept:] if kept else []
    return _Hunk(tuple(evidence) if _tells(evidence) else (), number)


def _tells(lines: list[str]) -> bool:
    return sum(char.isalnum() for line in lines for char in line) >= _TELLING
