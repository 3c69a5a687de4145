"""What the tools saw of one source, before it becomes a score."""

import enum
from collections.abc import Mapping

import msgspec

from polly.intelligence.analysis import Pattern
from polly.work.issues import Severity


class Part(enum.StrEnum):
    """The components of a score."""

    CORRECTNESS = "correctness"
    COMPLEXITY = "complexity"
    SIZE = "size"
    DUPLICATION = "duplication"
    DOCUMENTATION = "documentation"
    TYPES = "types"
    SECURITY = "security"


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """A function, or a statement of SQL. complexity: ways through it (McCabe)."""

    name: str
    start_line: int
    end_line: int
    complexity: int
    parameters: int = 0

    @property
    def lines(self) -> int:
        """From its first line to its last one."""
        return max(1, self.end_line - self.start_line + 1)


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """What a tool says about one line. rule: `tool:rule`."""

    part: Part
    line: int
    rule: str
    severity: Severity
    message: str


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """How many of the things that should have something have it."""

    of: int
    having: int


class LinePrint(msgspec.Struct, frozen=True, array_like=True):
    """A line of code as a number that is the same for lines which differ only in constants."""

    line: int
    print: int
    tokens: int


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One source as the tools saw it.

    parts: what was measured; unmeasured: why the others were not. lines: lines that hold code.
    broken: the parse error, else "". unread: why nothing could parse it although it may be right.
    """

    language: str | None
    lines: int = 0
    parts: frozenset[Part] = frozenset()
    unmeasured: Mapping[Part, str] = msgspec.field(default_factory=dict)
    functions: tuple[Function, ...] = ()
    remarks: tuple[Remark, ...] = ()
    documented: Share | None = None
    typed: Share | None = None
    prints: tuple[LinePrint, ...] = ()
    broken: str = ""
    unread: str = ""
    broken_line: int = 0
    patterns: tuple[Pattern, ...] = ()
    failed_tools: Mapping[str, str] = msgspec.field(default_factory=dict)
