"""What aider tells: lines for people in its log, and figures in the file of its analytics."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
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
from polly.execution.agents.log_lines import LogLines, LogListener, json_record
from polly.execution.agents.wording import MAX_TARGET, model_failed, one_line, status_in

_APPLIED = re.compile(rb"Applied edit to (.+)")
_FAILED_EDIT = re.compile(rb"^(?:# )?\d+ SEARCH/REPLACE blocks? failed to match")
_API_ERROR = re.compile(rb"^litellm\.(\w*Error)\b[:.]?(.*)")
_RETRY = re.compile(rb"^Retrying in [\d.]+ seconds")

#: litellm's names of errors, as the HTTP status that they stand for
_STATUS = {
    "AuthenticationError": 401,
    "PermissionDeniedError": 403,
    "RateLimitError": 429,
    "InternalServerError": 500,
    "ServiceUnavailableError": 503,
    "BadRequestError": 400,
    "NotFoundError": 404,
}


class _Properties(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost: float | None = None
    reason: str | None = None


class _Line(msgspec.Struct):
    event: str = ""
    properties: _Properties = msgspec.field(default_factory=_Properties)


class _Log:
    """The lines that aider prints."""

    def __init__(self) -> None:
        self._edits = 0
        self._errors = 0
        self._error: tuple[int | None, str] | None = None
        self._unmatched = False

    def line(self, line: bytes, seen_at: float) -> Iterable[Fact]:  # noqa: ARG002 - the port's signature
        applied = _APPLIED.fullmatch(line.strip())
        if applied:
            return self._applied(applied[1].decode("utf-8", "replace"))
        if line.startswith(b"Tokens:"):
            self._error = None  # an answer came after all
        if _FAILED_EDIT.match(line):
            self._unmatched = True
        failed = _API_ERROR.match(line)
        if failed:
            self._errors += 1
            name, message = failed[1].decode(), failed[2].decode("utf-8", "replace")
            status = _STATUS.get(name, status_in(message))
            self._error = (status, one_line(f"{name} {message}"))
            what = "rate_limited" if status == 429 else "api_error"
            details = {"status": status, "error": self._error[1]}
            return [Noticed(key=f"error-{self._errors}", name=what, is_error=True, details=details)]
        return ()

    def said(self) -> Said:
        finished = None if self._error is None else False
        why = model_failed(*self._error) if self._error else ""
        if finished is None and self._unmatched and not self._edits:
            finished, why = False, "none of its edits fitted the files"
        return Said(
            finished=finished,
            detail=why,
            status=self._error[0] if self._error else None,
            figures={"edits": self._edits, "errors": self._errors},
        )

    def _applied(self, path: str) -> Iterable[Fact]:
        self._edits += 1
        call, target = f"edit-{self._edits}", one_line(path, MAX_TARGET)
        return (
            ToolCalled(call=call, tool="edit", target=target),
            ToolEnded(call=call, tool="edit", target=target, outcome=ToolOutcome.SUCCEEDED),
        )


class AiderListener:
    """Log and figures of one attempt."""

    def __init__(self, folder: Path) -> None:
        self._log = LogListener(folder / "log.txt", _Log())
        self._analytics = folder / "aider" / "analytics.jsonl"

    def read(self, *, to_end: bool = False) -> Sequence[Fact]:
        """The edits and errors that the log tells of."""
        return self._log.read(to_end=to_end)

    def said(self) -> Said:
        """With the tokens and the cost of every message."""
        return replace(self._log.said(), **_figures(self._analytics))


def _figures(file: Path) -> dict[str, Any]:
    tokens = TokenCounts()
    costs: list[float | None] = []
    sent = 0
    for line in LogLines(file).new(to_end=True):
        try:
            record = json_record(line, _Line)
        except (msgspec.DecodeError, RecursionError):
            continue
        if record is None or record.event != "message_send":
            continue
        sent += 1
        told = record.properties
        tokens = tokens.plus(TokenCounts(input=told.prompt_tokens or 0, output=told.completion_tokens or 0))
        costs.append(told.cost)
    return {"tokens": tokens if sent else None, "cost_usd": told_cost(costs)}
