"""Reads what Claude Code prints with `--output-format stream-json`.

A message comes as one line per block, each with the usage of its beginning: figures are taken from the
results, and from distinct messages only when no result came. `is_error` says whether it went well: errors of
the API come with the subtype `success`.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
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
from polly.execution.agents.wording import model_failed, one_line, refuses_key, target_of


class _Block(msgspec.Struct):
    type: str = ""
    id: str = ""
    name: str = ""
    input: Any = None
    tool_use_id: str = ""
    content: Any = None
    is_error: bool | None = None


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None

    def counts(self) -> TokenCounts:
        return TokenCounts(
            input=self.input_tokens or 0,
            output=self.output_tokens or 0,
            cache_read=self.cache_read_input_tokens or 0,
            cache_write=self.cache_creation_input_tokens or 0,
        )


class _ModelUsage(msgspec.Struct, rename="camel"):
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cost_usd: float | None = msgspec.field(default=None, name="costUSD")

    def counts(self) -> TokenCounts:
        return TokenCounts(
            input=self.input_tokens,
            output=self.output_tokens,
            cache_read=self.cache_read_input_tokens,
            cache_write=self.cache_creation_input_tokens,
        )


class _Message(msgspec.Struct):
    id: str | None = None
    content: list[_Block] | str = ""
    usage: _Usage | None = None


class _Decision(msgspec.Struct):
    decision: str = ""


class _ResultMeta(msgspec.Struct):
    id: str = ""
    permission_decision: _Decision | None = None


class _Line(msgspec.Struct):
    type: str = ""
    subtype: str = ""
    session_id: str | None = None
    model: str | None = None
    claude_code_version: str | None = None
    uuid: str | None = None
    message: Any = None  # a text in some lines of the system
    parent_tool_use_id: str | None = None
    timestamp: str | None = None
    tool_result_meta: list[_ResultMeta] | None = None
    tool_name: str = ""
    tool_use_id: str | None = None
    attempt: int | None = None
    retry_delay_ms: float | None = None
    error_status: int | None = None
    error: Any = None
    tag: str | None = None
    hook_event: str | None = None
    compact_metadata: Any = None
    is_error: bool | None = None
    result: Any = None
    errors: list[Any] | None = None
    num_turns: int | None = None
    total_cost_usd: float | None = None
    usage: _Usage | None = None
    modelUsage: dict[str, _ModelUsage] | None = None  # noqa: N815 - the name in the stream
    model_usage_since_last_result: dict[str, _ModelUsage] | None = None
    permission_denials: list[Any] | None = None
    terminal_reason: str | None = None
    api_error_status: int | None = None


class _Open(msgspec.Struct):
    """A call without its result."""

    called: ToolCalled
    at: str | None


class ClaudeStream:
    """One session's lines."""

    def __init__(self) -> None:
        self._figures: dict[str, Any] = {}
        self._open: dict[str, _Open] = {}
        self._messages: dict[str, TokenCounts] = {}
        self._denied: set[str] = set()
        self._retries = 0
        self._last_error: tuple[int | None, str] = (None, "")
        self._results: list[_Line] = []

    def line(self, line: bytes, seen_at: float) -> Iterable[Fact]:  # noqa: ARG002 - lines carry their time
        """The facts in one line."""
        record = json_record(line, _Line)
        if record is None:
            return ()
        match record.type:
            case "assistant":
                return list(self._assistant(record))
            case "user":
                return list(self._user(record))
            case "system":
                return list(self._system(record))
            case "result":
                self._results.append(record)
                self._denied |= {
                    str(each.get("tool_use_id"))
                    for each in record.permission_denials or ()
                    if isinstance(each, dict)
                }
                return ()
            case _:
                return ()

    def said(self) -> Said:
        """The end as the last result tells it; without one it did not come to its end."""
        figures = {**self._figures, "retries": self._retries, "denials": len(self._denied)}
        turns = sum(result.num_turns or 0 for result in self._results)
        if not self._results:
            return Said(
                finished=False,
                detail=self._why_no_result(),
                status=self._last_error[0] if self._gave_up() else None,
                tokens=_sum(self._messages.values()) if self._messages else None,
                figures={**figures, "tokens_are": "at least"} if self._messages else figures,
            )
        last = self._results[-1]
        return Said(
            finished=last.is_error is False,
            detail="" if last.is_error is False else self._why(last),
            status=self._status(last) if last.is_error is not False else None,
            tokens=self._tokens(),
            cost_usd=self._cost(),
            figures={**figures, "turns": turns},
        )

    # Lines

    def _assistant(self, record: _Line) -> Iterator[Fact]:
        message = msgspec.convert(record.message, _Message)
        if message.id and message.usage:
            self._messages[message.id] = message.usage.counts()
        for block in message.content if isinstance(message.content, list) else ():
            if block.type == "tool_use" and block.id and block.id not in self._open:
                called = ToolCalled(
                    call=block.id,
                    tool=block.name or "unknown",
                    target=target_of(block.input),
                    parent=record.parent_tool_use_id,
                )
                self._open[block.id] = _Open(called, record.timestamp)
                yield called

    def _user(self, record: _Line) -> Iterator[Fact]:
        message = msgspec.convert(record.message, _Message)
        rejected = {
            meta.id
            for meta in record.tool_result_meta or ()
            if meta.permission_decision and meta.permission_decision.decision == "reject"
        }
        for block in message.content if isinstance(message.content, list) else ():
            known = self._open.pop(block.tool_use_id, None) if block.type == "tool_result" else None
            if known is None:
                continue
            denied = block.tool_use_id in rejected | self._denied
            if denied:
                self._denied.add(block.tool_use_id)
            failed = ToolOutcome.FAILED if block.is_error else ToolOutcome.SUCCEEDED
            yield ToolEnded(
                call=known.called.call,
                tool=known.called.tool,
                target=known.called.target,
                parent=known.called.parent,
                outcome=ToolOutcome.DENIED if denied else failed,
                duration_ms=_between(known.at, record.timestamp),
                detail=one_line(_text_of(block.content)) if denied or block.is_error else "",
            )

    def _system(self, record: _Line) -> Iterator[Fact]:
        match record.subtype:
            case "init":
                told = {
                    "session": record.session_id,
                    "model": record.model,
                    "version": record.claude_code_version,
                }
                self._figures |= {name: value for name, value in told.items() if value}
            case "api_retry":
                self._retries += 1
                self._last_error = (record.error_status, str(record.error or ""))
                yield Noticed(
                    key=f"retry-{self._retries}",
                    name="rate_limited" if record.error_status == 429 else "api_retry",
                    is_error=True,
                    details={
                        "retry": record.attempt,
                        "status": record.error_status,
                        "error": one_line(record.error or ""),
                        "delay_ms": record.retry_delay_ms,
                    },
                )
            case "permission_denied" if record.tool_use_id:
                self._denied.add(record.tool_use_id)
            case "informational" if record.tag == "hook_no_verdict":
                # The tool ran without the guard's word.
                self._figures["hooks_without_verdict"] = self._figures.get("hooks_without_verdict", 0) + 1
                yield Noticed(
                    key=f"no-verdict-{self._figures['hooks_without_verdict']}",
                    name="hook_no_verdict",
                    is_error=True,
                    details={"hook_event": record.hook_event, "tool_use_id": record.tool_use_id},
                )
            case "compact_boundary":
                self._figures["compactions"] = self._figures.get("compactions", 0) + 1
                yield Noticed(key=f"compaction-{self._figures['compactions']}", name="compaction")
            case _:
                pass

    # Figures. A session can be gone on with, and a process can give several results: totals would count
    # twice what an earlier result has told.

    def _tokens(self) -> TokenCounts:
        apart = [result.model_usage_since_last_result for result in self._results]
        if all(apart):
            return _sum(usage.counts() for by_model in apart if by_model for usage in by_model.values())
        last = self._results[-1].modelUsage
        if last:  # with subagents, which `usage` leaves out
            return _sum(usage.counts() for usage in last.values())
        return _sum(result.usage.counts() for result in self._results if result.usage)

    def _cost(self) -> float | None:
        apart = [
            usage.cost_usd
            for result in self._results
            for usage in (result.model_usage_since_last_result or {}).values()
        ]
        if apart and None not in apart and all(r.model_usage_since_last_result for r in self._results):
            return sum(cost for cost in apart if cost is not None)
        return self._results[-1].total_cost_usd

    # Words

    def _why(self, last: _Line) -> str:
        said = one_line(last.result or "; ".join(str(each) for each in last.errors or ()))
        if last.subtype == "error_max_turns":
            return f"it was stopped by its limit of turns, after {last.num_turns}"
        if last.terminal_reason == "prompt_too_long":
            return f"the conversation became too long for the model: {said}"
        if last.terminal_reason == "api_error" or last.api_error_status is not None:
            return model_failed(self._status(last), said, retries=self._retries)
        if (last.terminal_reason or "").startswith("aborted"):
            return "it was interrupted"
        return said or f"it ended with {last.subtype or 'an error'}"

    def _status(self, last: _Line) -> int | None:
        """Of the error that ended it; None when no error of the model did."""
        if last.terminal_reason == "api_error" or last.api_error_status is not None:
            return last.api_error_status or self._last_error[0]
        return None

    def _gave_up(self) -> bool:
        """Without a result: had the model given no answer, or refused the key and was not asked again?"""
        status = self._last_error[0]
        return self._last_error != (None, "") and (not self._messages or refuses_key(status))

    def _why_no_result(self) -> str:
        if self._gave_up():
            return model_failed(*self._last_error, retries=self._retries)
        return "it ended without a result"


def _sum(counts: Iterable[TokenCounts]) -> TokenCounts:
    total = TokenCounts()
    for each in counts:
        total = total.plus(each)
    return total


def _between(start: str | None, end: str | None) -> float | None:
    if not start or not end:
        return None
    try:
        seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    except (ValueError, TypeError):
        return None
    return max(0.0, round(seconds * 1000, 3))


def _text_of(content: object) -> str:
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")
