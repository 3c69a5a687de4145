"""Reads the trajectory of mini-swe-agent: one JSON file, written anew after every step.

Its exit status is 0 also when it ran into a limit; `exit_status` in the file says how it ended.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from polly.execution.agents.listening import (
    Fact,
    Said,
    TokenCounts,
    ToolCalled,
    ToolEnded,
    ToolOutcome,
    told_cost,
)
from polly.execution.agents.wording import MAX_TARGET, model_failed, one_line

MAX_BYTES = 64_000_000

#: how it ended -> what that means; None is a good end
_ENDS = {
    "Submitted": None,
    "LimitsExceeded": "it was stopped by its limit of steps or cost",
    "TimeExceeded": "it was stopped by its limit of time",
    "UserInterruption": "it was interrupted",
}
_STATUS = {"AuthenticationError": 401, "PermissionDeniedError": 403, "RateLimitError": 429}


class _Stats(msgspec.Struct):
    instance_cost: float | None = None
    api_calls: int | None = None


class _Info(msgspec.Struct):
    model_stats: _Stats = msgspec.field(default_factory=_Stats)
    exit_status: str | None = None
    mini_version: str | None = None
    exception_str: Any = None


class _Extra(msgspec.Struct):
    actions: list[Any] | None = None
    response: Any = None
    returncode: int | None = None
    raw_output: str | None = None
    timestamp: float | None = None
    exit_status: str | None = None


class _Message(msgspec.Struct):
    role: str = ""
    extra: _Extra = msgspec.field(default_factory=_Extra)


class _Trajectory(msgspec.Struct):
    info: _Info = msgspec.field(default_factory=_Info)
    messages: list[_Message] = msgspec.field(default_factory=list)


class TrajectoryListener:
    """One attempt's trajectory. Facts of messages that were read already are not told again."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp: tuple[int, int] | None = None
        self._whole = _Trajectory()
        self._told: set[tuple[str, bool]] = set()
        self._problem = ""

    def read(self, *, to_end: bool = False) -> Sequence[Fact]:
        """The commands of the steps that are new."""
        if not self._load(to_end=to_end):
            return ()
        facts = []
        for fact in _facts(self._whole.messages):
            key = (fact.call, isinstance(fact, ToolEnded))
            if key not in self._told:
                self._told.add(key)
                facts.append(fact)
        return facts

    def said(self) -> Said:
        """How the trajectory says that it ended."""
        info = self._whole.info
        figures = {
            "turns": info.model_stats.api_calls or 0,
            **({"version": info.mini_version} if info.mini_version else {}),
        }
        if not self._whole.messages:
            return Said(finished=False, detail=self._problem or "it wrote no trajectory", figures=figures)
        why = _why(info)
        return Said(
            finished=why is None,
            detail=why or "",
            status=_STATUS.get(info.exit_status or "") if why else None,
            tokens=_tokens(self._whole.messages),
            cost_usd=told_cost([info.model_stats.instance_cost]),
            figures=figures,
        )

    def _load(self, *, to_end: bool) -> bool:
        """True when there is something new that can be read: the file may be half written."""
        try:
            status = self._file.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            if stamp == self._stamp and not to_end:
                return False
            if status.st_size > MAX_BYTES:
                self._problem = f"its trajectory is longer than {MAX_BYTES} bytes"
                return False
            self._whole = msgspec.json.decode(self._file.read_bytes(), type=_Trajectory)
        except OSError:
            return False
        except (msgspec.DecodeError, RecursionError):
            self._problem = "its trajectory is not readable"
            return False
        self._stamp, self._problem = stamp, ""
        return True


def _facts(messages: Sequence[_Message]) -> Iterator[ToolCalled | ToolEnded]:
    """Commands, each with the outcome that stands in a message after it, in the same order."""
    waiting: list[tuple[ToolCalled, float | None]] = []
    for number, message in enumerate(messages):
        for index, action in enumerate(message.extra.actions or ()):
            command = action.get("command", "") if isinstance(action, dict) else action
            called = ToolCalled(
                call=f"step-{number}-{index}", tool="bash", target=one_line(command, MAX_TARGET)
            )
            waiting.append((called, message.extra.timestamp))
            yield called
        if message.extra.returncode is not None and waiting:
            called, since = waiting.pop(0)
            yield _ended(called, since, message.extra)
        elif message.role == "exit":
            # The command that hands in the work ends the agent: there is no answer to it.
            for called, _ in waiting:
                yield ToolEnded(
                    call=called.call, tool=called.tool, target=called.target, outcome=ToolOutcome.SUCCEEDED
                )
            waiting.clear()


def _ended(called: ToolCalled, since: float | None, extra: _Extra) -> ToolEnded:
    until = extra.timestamp
    failed = extra.returncode != 0
    output = (extra.raw_output or "")[-1000:]
    return ToolEnded(
        call=called.call,
        tool=called.tool,
        target=called.target,
        outcome=ToolOutcome.FAILED if failed else ToolOutcome.SUCCEEDED,
        duration_ms=round((until - since) * 1000, 3) if since and until and until >= since else None,
        detail=one_line(f"exit status {extra.returncode} {output}".strip()) if failed else "",
    )


def _tokens(messages: Sequence[_Message]) -> TokenCounts | None:
    """Of every answer of the model that says what it took; None when none does."""
    total, told = TokenCounts(), False
    for message in messages:
        usage = message.extra.response.get("usage") if isinstance(message.extra.response, dict) else None
        if not isinstance(usage, dict):
            continue
        told = True
        details = usage.get("prompt_tokens_details")
        cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else 0
        total = total.plus(
            TokenCounts(
                input=max(0, _count(usage.get("prompt_tokens")) - cached),
                output=_count(usage.get("completion_tokens")),
                cache_read=cached,
            )
        )
    return total if told else None


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _why(info: _Info) -> str | None:
    status = info.exit_status
    if status is None:
        return "it ended in the middle of its work"
    if status in _ENDS:
        return _ENDS[status]
    message = one_line(f"{status} {info.exception_str or ''}")
    if status.endswith("Error"):
        return model_failed(_STATUS.get(status), message)
    return f"it ended with {message}"
