"""What is known of a source so far, while one tool after the other looks at it."""

from collections.abc import Sequence

from polly.intelligence.analysis import Pattern
from polly.intelligence.quality.measured import Function, LinePrint, Measured, Part, Remark, Share
from polly.intelligence.source import Source


class Draft:
    """Collects; `measured` makes the record of it."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.lines = 0
        self.functions: Sequence[Function] = ()
        self.prints: Sequence[LinePrint] = ()
        self.remarks: list[Remark] = []
        self.documented: Share | None = None
        self.typed: Share | None = None
        self.patterns: Sequence[Pattern] = ()
        self.failed_tools: dict[str, str] = {}
        self._parts: set[Part] = set()
        self._unmeasured: dict[Part, str] = {}
        self._broken = self._unread = ""
        self._broken_line = 0

    def measure(self, *parts: Part) -> None:
        """A tool has looked at these."""
        self._parts.update(parts)

    def miss(self, reason: str, *parts: Part) -> None:
        """Nothing could look at these, and why."""
        self._unmeasured.update(dict.fromkeys(parts, reason))

    def broken(self, line: int, why: str) -> None:
        """The source cannot be parsed; it counts as wrong. The first place is told."""
        if not self._broken:
            self._broken, self._broken_line = why, line

    def unread(self, line: int, why: str) -> None:
        """The source could not be parsed, which may be the fault of what parses it."""
        self._unread, self._broken_line = why, line

    def nothing(self, reason: str) -> Measured:
        """The record of a source of which nothing can be measured."""
        self.miss(reason, *Part)
        return self.measured()

    def measured(self) -> Measured:
        """The record."""
        return Measured(
            language=self.source.language.value if self.source.language else None,
            lines=self.lines,
            parts=frozenset(self._parts),
            unmeasured=self._unmeasured,
            functions=tuple(self.functions),
            remarks=tuple(self.remarks),
            documented=self.documented,
            typed=self.typed,
            prints=tuple(self.prints),
            broken=self._broken,
            unread=self._unread,
            broken_line=self._broken_line,
            patterns=tuple(self.patterns),
            failed_tools=self.failed_tools,
        )
