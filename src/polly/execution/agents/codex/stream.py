"""Reads what `codex exec --json` prints.

Records carry no time and no cost; `usage` is that of the whole thread so far, so the last one counts.
`turn.failed` says that it went wrong. What a hook denied is not told here: the guard records it.
"""

from collections.abc import Iterable, Iterator
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
)
from polly.execution.agents.log_lines import json_record
from polly.execution.agents.wording import MAX_TARGET, model_failed, one_line, status_in


class _Change(msgspec.Struct):
    path: str = ""
    kind: str = ""


class _Item(msgspec.Struct):
    id: str = ""
    type: str = ""
    command: Any = None
    aggregated_output: str | None = None
    exit_code: int | None = None
    status: str | None = None
    changes: list[_Change] | None = None
    tool: str | None = None
    server: str | None = None
    query: str | None = None
    prompt: str | None = None
    message: str | None = None


class _Usage(msgspec.Struct):
    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_input_tokens: int = 0
    output_tokens: int = 0


class _Error(msgspec.Struct):
    message: str = ""


class _Line(msgspec.Struct):
    type: str = ""
    thread_id: str | None = None
    item: _Item | None = None
    usage: _Usage | None = None
    error: _Error | None = None
    message: str | None = None


#: type of item -> the tool's name in the records; other types are words and thoughts
_TOOLS = {
    "command_execution": "shell",
    "file_change": "file_change",
    "collab_tool_call": "subagent",
    "mcp_tool_call": "mcp",
    "web_search": "web_search",
}


class CodexStream:
    """One thread's lines."""

    def __init__(self) -> None:
        self._figures: dict[str, Any] = {}
        self._began: dict[str, float] = {}
        self._retries = 0
        self._turns = 0
        self._usage: _Usage | None = None
        self._error = ""
        self._failed: str | None = None
        self._completed = False

    def line(self, line: bytes, seen_at: float) -> Iterable[Fact]:
        """The facts in one line."""
        record = json_record(line, _Line)
        if record is None:
            return ()
        item = record.item
        match record.type:
            case "thread.started":
                self._figures["session"] = record.thread_id
            case "item.started" if item and item.type in _TOOLS and item.id not in self._began:
                self._began[item.id] = seen_at
                return [_called(item)]
            case "item.completed" if item and item.type in _TOOLS:
                return list(self._tool_ended(item, seen_at))
            case "item.completed" if item and item.type == "error":
                return self._warned(item)
            case "turn.started":
                self._turns += 1
                self._completed = False
            case "turn.completed":
                self._completed, self._failed = True, None
                self._usage = record.usage or self._usage
            case "turn.failed":
                self._failed = record.error.message if record.error else ""
            case "error":
                return self._api_error(record.message or "")
            case _:
                pass
        return ()

    def said(self) -> Said:
        """The end as the last turn tells it."""
        figures = {**self._figures, "retries": self._retries, "turns": self._turns}
        finished = self._completed and self._failed is None
        return Said(
            finished=finished,
            detail="" if finished else self._why(),
            status=None if finished else status_in(self._failed or self._error),
            tokens=self._tokens(),
            figures=figures,
        )

    def _tool_ended(self, item: _Item, seen_at: float) -> Iterator[Fact]:
        if item.id not in self._began:
            yield _called(item)
        began = self._began.get(item.id)
        # Lines that were read in one look do not say how much time lies between them.
        measured = round((seen_at - began) * 1000, 3) if began is not None and seen_at > began else None
        good = item.exit_code in (0, None) and item.status in ("completed", None)
        denied = item.status == "declined"
        yield ToolEnded(
            call=item.id,
            tool=_TOOLS[item.type],
            target=_target(item),
            outcome=_outcome(good=good, denied=denied),
            duration_ms=measured,
            detail="" if good else _why_failed(item),
        )

    def _warned(self, item: _Item) -> Iterable[Fact]:
        if "--dangerously-bypass-hook-trust" in (item.message or ""):
            return ()  # the hooks are ours
        return [Noticed(key=item.id, name="warning", details={"message": one_line(item.message or "")})]

    def _api_error(self, message: str) -> Iterable[Fact]:
        self._error = message
        if not message.startswith("Reconnecting"):
            return ()
        self._retries += 1
        status = status_in(message)
        return [
            Noticed(
                key=f"retry-{self._retries}",
                name="rate_limited" if status == 429 else "api_retry",
                is_error=True,
                details={"retry": self._retries, "status": status, "error": one_line(message)},
            )
        ]

    def _tokens(self) -> TokenCounts | None:
        used = self._usage
        if used is None:
            return None
        cached = used.cached_input_tokens + used.cache_write_input_tokens
        return TokenCounts(
            input=max(0, used.input_tokens - cached),
            output=used.output_tokens,
            cache_read=used.cached_input_tokens,
            cache_write=used.cache_write_input_tokens,
        )

    def _why(self) -> str:
        if self._failed is None and not self._error:
            return "it ended in the middle of its turn" if self._turns else "it ended without a turn"
        message = self._failed or self._error
        return model_failed(status_in(message), message, retries=self._retries)


def _called(item: _Item) -> ToolCalled:
    return ToolCalled(call=item.id, tool=_TOOLS[item.type], target=_target(item))


def _target(item: _Item) -> str:
    if item.changes:
        return one_line(", ".join(f"{change.path} ({change.kind})" for change in item.changes), MAX_TARGET)
    command = " ".join(map(str, item.command)) if isinstance(item.command, list) else item.command
    named = f"{item.server}/{item.tool}" if item.server else item.tool
    return one_line(command or item.query or item.prompt or named or "", MAX_TARGET)


def _outcome(*, good: bool, denied: bool) -> ToolOutcome:
    if good:
        return ToolOutcome.SUCCEEDED
    return ToolOutcome.DENIED if denied else ToolOutcome.FAILED


def _why_failed(item: _Item) -> str:
    if item.exit_code not in (0, None):
        return one_line(f"exit status {item.exit_code} {(item.aggregated_output or '')[-1000:]}".strip())
    return one_line(f"{item.status} {(item.aggregated_output or '')[-1000:]}".strip())
