"""What is asked about source code, and what is answered."""

import enum
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec

from polly.errors import InputError
from polly.work.issues import Severity


class OperationType(enum.StrEnum):
    """What is asked for."""

    QUALITY_ASSESSMENT = "QUALITY_ASSESSMENT"
    PATTERN_EXTRACTION = "PATTERN_EXTRACTION"
    CODE_ANALYSIS = "CODE_ANALYSIS"  # both, and what they say together


class FailureCode(enum.StrEnum):
    """Why a source was not analysed, or not wholly."""

    FILE_NOT_FOUND = "file_not_found"
    NOT_READABLE = "not_readable"
    NOT_A_FILE = "not_a_file"
    BINARY = "binary"
    TOO_LARGE = "too_large"
    UNPARSABLE = "unparsable"
    TIMEOUT = "timeout"
    TOOL_FAILED = "tool_failed"
    BAD_REQUEST = "bad_request"


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """What could not be analysed, and why; line 0 means that no line is to blame."""

    path: str
    code: FailureCode
    message: str
    line: int = 0


class AnalysisError(InputError):
    """A request that cannot be answered; `code` tells programs why."""

    def __init__(self, code: FailureCode, what: str, *, next_step: str | None = None) -> None:
        super().__init__(what, next_step=next_step)
        self.code = code


class AnalysisRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One question about one source: a file, a folder, or text that is given with it.

    source_path: read when `content` is None, otherwise only the name of the text. language: guessed from
    the name when None. options: `timeout_seconds` (number), `patterns_folder` (own pattern rules),
    `include` (list of globs, for a folder).
    """

    operation: OperationType
    source_path: str
    content: str | None = None
    language: str | None = None
    options: Mapping[str, Any] = msgspec.field(default_factory=dict)
    correlation_id: str = msgspec.field(default_factory=lambda: str(uuid4()))
    project_id: str = ""
    user_id: str = "system"
    requested_at: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a score, from 0 to 1; None when nothing measured it, and then `detail` says why."""

    score: float | None
    weight: float
    measured: bool
    detail: str


class QualityIssue(msgspec.Struct, frozen=True, kw_only=True):
    """One remark of a tool about one line. rule: `tool:rule`."""

    path: str
    line: int
    rule: str
    severity: Severity
    message: str


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """How good one source is. score: the weighted mean of the measured components, None without any.

    components: by name. lines: lines that hold code. recommendations: the most valuable first.
    reason: why there is no score, or why it is 0; else "".
    """

    score: float | None
    components: Mapping[str, Component] = msgspec.field(default_factory=dict)
    issues: tuple[QualityIssue, ...] = ()
    recommendations: tuple[str, ...] = ()
    lines: int = 0
    reason: str = ""


class Pattern(msgspec.Struct, frozen=True, kw_only=True):
    """A shape that the code has, and where. why: what in the code speaks for it."""

    name: str
    category: str
    path: str
    start_line: int
    end_line: int
    confidence: float
    why: str
    snippet: str


class Analysis(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one request.

    tools: name -> version of what measured. failures: what is missing in it. answered_by: "bus" or
    "in process", with the reason where it was not the first choice.
    """

    operation: OperationType
    source_path: str
    language: str | None
    quality: Quality | None = None
    patterns: tuple[Pattern, ...] = ()
    insights: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    tools: Mapping[str, str] = msgspec.field(default_factory=dict)
    seconds: float = 0.0
    answered_by: str = "in process"
