"""What an agent's own records say while it works and when it has ended: facts, and a last word."""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


class ToolOutcome(enum.StrEnum):
    """How one call of a tool ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    DENIED = "denied"  # a hook, a rule or nobody to ask: the tool did not run


@dataclass(frozen=True, kw_only=True)
class ToolCalled:
    """An agent called a tool.

    call: its id within the attempt. target: the file, command or question. parent: the call that started
    the subagent which made this one.
    """

    call: str
    tool: str
    target: str = ""
    parent: str | None = None


@dataclass(frozen=True, kw_only=True)
class ToolEnded:
    """A call of a tool has ended. duration_ms: None when nothing tells it. detail: why it failed."""

    call: str
    tool: str
    target: str = ""
    parent: str | None = None
    outcome: ToolOutcome
    duration_ms: float | None = None
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Noticed:
    """Something else that is worth knowing: a retry, a rate limit, a hook that gave no verdict.

    key: names it within the attempt, the same whenever the records are read again.
    """

    key: str
    name: str
    is_error: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)


Fact = ToolCalled | ToolEnded | Noticed


@dataclass(frozen=True, kw_only=True)
class TokenCounts:
    """Tokens of one attempt, each counted once: `input` holds neither kind of cached ones."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    @property
    def total(self) -> int:
        """All that went to the model and came from it."""
        return self.input + self.output + self.cache_read + self.cache_write

    def plus(self, other: "TokenCounts") -> "TokenCounts":
        """Both together."""
        return TokenCounts(
            input=self.input + other.input,
            output=self.output + other.output,
            cache_read=self.cache_read + other.cache_read,
            cache_write=self.cache_write + other.cache_write,
        )


def told_cost(costs: Iterable[float | None]) -> float | None:
    """The sum of what a program says; None when it says nothing, or 0, as it does without knowing a price."""
    return sum(cost for cost in costs if cost is not None) or None


@dataclass(frozen=True, kw_only=True)
class Said:
    """An agent's last word.

    finished: None when its records do not speak of the end; the exit status alone counts then.
    detail: why it did not finish, in words for a person.
    status: the HTTP status with which the model failed, when that is why.
    tokens, cost_usd: of this attempt alone; None when nothing tells them.
    figures: what else was counted, by name.
    """

    finished: bool | None = None
    detail: str = ""
    status: int | None = None
    tokens: TokenCounts | None = None
    cost_usd: float | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)


class Listener(Protocol):
    """Reads the records of one attempt. Reading the same records again gives the same facts."""

    def read(self, *, to_end: bool = False) -> Sequence[Fact]:
        """What is new since the last call: a bounded part of it, or all when the agent has ended."""
        ...

    def said(self) -> Said:
        """The last word, after everything was read."""
        ...


class Silent:
    """The listener of an agent whose output is for people only."""

    def read(self, *, to_end: bool = False) -> Sequence[Fact]:  # noqa: ARG002 - the port's signature
        """Nothing."""
        return ()

    def said(self) -> Said:
        """Nothing."""
        return Said()
