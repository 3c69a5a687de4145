"""Sessions of agents as they are shown: what was done, by whom, how it ended, what it took.

Times are aware UTC, durations milliseconds. None means that nothing recorded tells it.
"""

import enum
from datetime import datetime

import msgspec


class SessionEnd(enum.StrEnum):
    """How the end of a session is known."""

    RECORDED = "recorded"  # the agent program said that it ended
    DERIVED = "derived"  # nothing was heard of it for a long time: it ended with its last event
    OPEN = "open"  # heard of lately


class StepKind(enum.StrEnum):
    """What a step of a session is."""

    TOOL = "tool"
    NOTE = "note"
    HOOK = "hook"
    EXECUTION = "execution"
    ROUTING = "routing"
    ROLE = "role"
    DETECTION = "detection"
    SUBAGENT = "subagent"


class StepOutcome(enum.StrEnum):
    """How a step ended."""

    SUCCESS = "success"
    FAILED = "failed"
    DENIED = "denied"
    CANCELLED = "cancelled"
    IN_PROGRESS = "in_progress"
    UNKNOWN = "unknown"  # it began, and the session is over
    NONE = ""  # nothing that could end well or badly


class SessionStep(msgspec.Struct, frozen=True, kw_only=True):
    """One thing of a session. depth: 0 for the agent itself, 1 for its subagents, and so on."""

    at: datetime
    depth: int
    kind: StepKind
    name: str
    outcome: StepOutcome = StepOutcome.NONE
    target: str = ""
    agent: str | None = None
    duration_ms: float | None = None
    detail: str = ""


class ToolUse(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of one tool. total_ms: of those that say how long they took."""

    tool: str
    calls: int
    failed: int
    denied: int
    total_ms: float | None


class SessionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One session in a list.

    ended_at: None while it is open. duration_ms: until its end, or until the last that was heard of it.
    tokens, cost_usd: sums of what agents told.
    """

    session: str
    agent: str | None
    project_name: str | None
    project_path: str | None
    runs: tuple[str, ...]
    started_at: datetime
    last_at: datetime
    ended_at: datetime | None
    end: SessionEnd
    duration_ms: float
    tools: int
    failures: int
    denials: int
    subagents: int
    tokens: int | None
    cost_usd: float | None


class SessionList(msgspec.Struct, frozen=True, kw_only=True):
    """The newest sessions of a stretch of time, and how many there are in all."""

    total: int
    sessions: tuple[SessionSummary, ...]

    @property
    def is_empty(self) -> bool:
        """True when no session was heard of in that time."""
        return not self.total


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One session: steps in the order in which they happened, those of a subagent below its launch.

    redactions: how many secrets of each kind were taken out of what is recorded of it.
    """

    summary: SessionSummary
    steps: tuple[SessionStep, ...]
    tools: tuple[ToolUse, ...]
    files_written: tuple[str, ...]
    denied: tuple[SessionStep, ...]
    redactions: dict[str, int] = {}


class SessionFound(msgspec.Struct, frozen=True, kw_only=True):
    """What an id led to: a session, or none and ids that are near it. any_recorded: whether there is any."""

    session: Session | None
    similar: tuple[str, ...] = ()
    any_recorded: bool = True
