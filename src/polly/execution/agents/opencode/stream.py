"""Reads what `opencode run --format json` prints: a tool once, when it ended, and a cost for each step."""

from collections.abc import Iterable
from typing import Any

import msgspec

from polly.execution.agents.listening import (
    Fact,
    Noticed,
    Said,
    TokenCounts,
    ToolCalled,
    ToolEnded,
    ToolOutcome,
    told_cost,
)
from polly.execution.agents.log_lines import json_record
from polly.execution.agents.wording import model_failed, one_line, target_of

#: What it answers itself when a rule does not let a tool write.
_DENIAL = ("a rule which prevents", "rejected permission", "permission denied")


class _Time(msgspec.Struct):
    start: float | None = None
    end: float | None = None


class _State(msgspec.Struct):
    status: str = ""
    input: Any = None
    error: Any = None
    metadata: Any = None
    time: _Time | None = None


class _Cache(msgspec.Struct):
    read: int = 0
    write: int = 0


class _Tokens(msgspec.Struct):
    input: int = 0
    output: int = 0
    reasoning: int = 0
    cache: _Cache = msgspec.field(default_factory=_Cache)


class _Part(msgspec.Struct):
    id: str = ""
    tool: str = ""
    callID: str = ""  # noqa: N815 - the name in the stream
    state: _State | None = None
    reason: str = ""
    tokens: _Tokens | None = None
    cost: float | None = None


class _ErrorData(msgspec.Struct):
    message: str = ""
    statusCode: int | None = None  # noqa: N815 - the name in the stream


class _Error(msgspec.Struct):
    name: str = ""
    data: _ErrorData | None = None


class _Line(msgspec.Struct):
    type: str = ""
    sessionID: str | None = None  # noqa: N815 - the name in the stream
    part: _Part | None = None
    error: _Error | None = None


class OpencodeStream:
    """One session's lines."""

    def __init__(self) -> None:
        self._session: str | None = None
        self._steps: dict[str, _Part] = {}
        self._calls: set[str] = set()
        self._denials = 0
        self._errors: list[_Error] = []
        self._ended = False

    def line(self, line: bytes, seen_at: float) -> Iterable[Fact]:  # noqa: ARG002 - tools carry their time
        """The facts in one line."""
        record = json_record(line, _Line)
        if record is None:
            return ()
        self._session = self._session or record.sessionID
        part = record.part
        match record.type:
            case "step_start":
                self._ended = False
            case "tool_use" if part and part.callID not in self._calls:
                self._calls.add(part.callID)
                return self._tool(part)
            case "step_finish" if part:
                self._steps[part.id or str(len(self._steps))] = part
                self._ended = part.reason == "stop"
            case "error":
                self._errors.append(record.error or _Error())
                return [self._told(self._errors[-1])]
            case _:
                pass
        return ()

    def said(self) -> Said:
        """It has ended well when its last step says `stop`: a question to nobody ends it with status 0."""
        steps = self._steps.values()
        finished = self._ended and not self._errors
        return Said(
            finished=finished,
            detail="" if finished else self._why(),
            status=None if finished else self._status(),
            tokens=_tokens(steps) if steps else None,
            cost_usd=told_cost(step.cost for step in steps),
            figures={"session": self._session, "turns": len(steps), "denials": self._denials},
        )

    def _tool(self, part: _Part) -> Iterable[Fact]:
        state = part.state or _State()
        target = target_of(state.input)
        outcome = _outcome(state)
        self._denials += outcome is ToolOutcome.DENIED
        spent = state.time
        called = ToolCalled(call=part.callID, tool=part.tool or "unknown", target=target)
        ended = ToolEnded(
            call=part.callID,
            tool=called.tool,
            target=target,
            outcome=outcome,
            duration_ms=spent.end - spent.start if spent and spent.start and spent.end else None,
            detail=one_line(state.error or _exit(state) or "")
            if outcome is not ToolOutcome.SUCCEEDED
            else "",
        )
        return (called, ended)

    def _told(self, error: _Error) -> Noticed:
        data = error.data or _ErrorData()
        return Noticed(
            key=f"error-{len(self._errors)}",
            name="rate_limited" if data.statusCode == 429 else "api_error",
            is_error=True,
            details={"status": data.statusCode, "error": one_line(data.message or error.name)},
        )

    def _status(self) -> int | None:
        data = self._errors[-1].data if self._errors else None
        return data.statusCode if data else None

    def _why(self) -> str:
        if self._errors:
            data = self._errors[-1].data or _ErrorData()
            return model_failed(data.statusCode, data.message or self._errors[-1].name)
        if not self._steps:
            return "it ended before its first step"
        return "it stopped in the middle, as it does when it asks for a permission that nobody can give"


def _outcome(state: _State) -> ToolOutcome:
    if state.status == "error":
        said = str(state.error).lower()
        return ToolOutcome.DENIED if any(word in said for word in _DENIAL) else ToolOutcome.FAILED
    return ToolOutcome.FAILED if _exit(state) else ToolOutcome.SUCCEEDED


def _exit(state: _State) -> str:
    """How a command ended that the tool itself calls completed; "" for success."""
    code = state.metadata.get("exit") if isinstance(state.metadata, dict) else None
    return f"exit status {code}" if isinstance(code, int) and code != 0 else ""


def _tokens(steps: Iterable[_Part]) -> TokenCounts:
    total = TokenCounts()
    for step in steps:
        used = step.tokens or _Tokens()
        total = total.plus(
            TokenCounts(
                input=used.input,
                output=used.output + used.reasoning,
                cache_read=used.cache.read,
                cache_write=used.cache.write,
            )
        )
    return total
