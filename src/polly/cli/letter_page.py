"""Dead letters for people and for programs. Everything in them is untrusted; who prints makes it harmless."""

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from polly.cli.output import Table

if TYPE_CHECKING:
    from polly.store.letters import StoredLetter

#: Characters of a reason in a list; `polly dlq show` has all of it.
_MOST_CHARACTERS = 100


def letter_table(letters: "tuple[StoredLetter, ...]", *, empty: str) -> Table:
    """One row for each letter."""
    return Table(
        columns=("letter", "failed", "stage", "error", "event", "replays", "status", "reason"),
        rows=tuple(
            (
                each.name,
                f"{each.letter.failed_at:%Y-%m-%d %H:%M:%S} UTC" if each.letter.failed_at else None,
                each.letter.stage,
                _error(each),
                each.letter.event_id,
                each.letter.replays,
                each.status,
                _shortened(each.letter.reason),
            )
            for each in letters
        ),
        empty=empty,
    )


def letter_json(stored: "StoredLetter", *, whole: bool = False) -> dict[str, Any]:
    """A letter as a record; `whole` with its bytes, as text where they are UTF-8, else as {"base64": …}."""
    letter, record = stored.letter, stored.letter.record
    value: dict[str, Any] = {
        "letter": stored.name,
        "stream": letter.stream,
        "position": record.position,
        "status": stored.status,
        "stage": letter.stage,
        "error_class": letter.error_class,
        "sqlstate": letter.sqlstate,
        "reason": letter.reason,
        "event_id": letter.event_id,
        "disposition": letter.disposition,
        "attempts": letter.attempts,
        "replays": letter.replays,
        "first_failed_at": letter.first_failed_at,
        "failed_at": letter.failed_at,
        "published_at": stored.published_at,
        "resolved_at": stored.resolved_at,
        "resolved_by": stored.resolved_by,
        "history": stored.history,
        "record_timestamp_ms": record.timestamp_ms,
        "bytes": len(record.raw),
    }
    if whole:
        value["key"] = _bytes(record.key)
        value["headers"] = [[name, _bytes(each)] for name, each in record.headers]
        value["payload"] = _bytes(record.raw)
    return value


def letter_lines(stored: "StoredLetter") -> Iterator[str]:
    """A letter whole, for reading."""
    letter, record = stored.letter, stored.letter.record
    facts = {
        "letter": stored.name,
        "status": stored.status,
        "refused by": f"{letter.stage}: {_error(stored)}",
        "reason": letter.reason,
        "event": letter.event_id,
        "failed": _failed(stored),
        "attempts": letter.attempts,
        "replays": letter.replays,
        "published": stored.published_at,
        "resolved": f"{stored.resolved_at} by {stored.resolved_by or 'the sink'}"
        if stored.resolved_at
        else None,
        "key": None if record.key is None else record.key.decode("utf-8", "backslashreplace"),
        "timestamp": record.timestamp_ms,
    }
    width = max(map(len, facts)) + 2
    for name, value in facts.items():
        if value not in (None, ""):
            yield f"{name + ':':<{width}}{_one_line(str(value))}"
    if stored.history:
        yield from ("", "history:", *(f"  {line}" for line in stored.history))
    if record.headers:
        yield from ("", "headers:")
        for name, header in record.headers:
            shown = "(none)" if header is None else header.decode("utf-8", "backslashreplace")
            yield f"  {_one_line(name)}: {_one_line(shown)}"
    yield from ("", f"payload ({len(record.raw)} bytes):")
    yield _readable(record.raw)


def _readable(raw: bytes) -> str:
    """The bytes as text: JSON with its lines broken, everything else as it is."""
    try:
        return msgspec.json.format(raw, indent=2).decode("utf-8")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return raw.decode("utf-8", "backslashreplace")


def _error(stored: "StoredLetter") -> str:
    letter = stored.letter
    return f"{letter.error_class} {letter.sqlstate}" if letter.sqlstate else letter.error_class


def _failed(stored: "StoredLetter") -> str:
    first, last = stored.letter.first_failed_at, stored.letter.failed_at
    return f"{last}" if first in (None, last) else f"{last}, the first time {first}"


def _shortened(text: str) -> str:
    line = _one_line(text)
    return line if len(line) <= _MOST_CHARACTERS else line[: _MOST_CHARACTERS - 1] + "…"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _bytes(value: bytes | None) -> object:
    if value is None:
        return None
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode("ascii")}
