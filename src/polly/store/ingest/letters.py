"""Dead letters: from a refused record to its row and back. Pure.

A letter is kept at its original coordinates. A record that was replayed carries them in headers, so that
failing again changes its row instead of adding one.
"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from polly.events.transfer import DeadLetter, Record
from polly.store.ingest.judge import Refused

ORIGINAL_STREAM = "dlq.original.stream"
ORIGINAL_TOPIC = "dlq.original.topic"
ORIGINAL_PARTITION = "dlq.original.partition"
ORIGINAL_OFFSET = "dlq.original.offset"
CONSUMER_GROUP = "dlq.consumer.group"
REPLAY_COUNT = "dlq.replay.count"
FIRST_FAILURE_AT = "dlq.first_failure_at"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: What a database keeps as a position.
_MOST = 2**63


class Origin(NamedTuple):
    """Where a replayed record stood when it failed first. replays: how often it was sent again by now."""

    stream: str
    position: int
    replays: int
    first_failed_at: datetime | None


def origin(stream: str, record: Record) -> Origin | None:
    """The origin of a record that was replayed; None for one that was not."""
    if not record.headers:
        return None
    headers = {name: value.decode("utf-8", "replace") for name, value in record.headers if value is not None}
    position = _number(headers.get(ORIGINAL_OFFSET))
    first_stream = _stream(stream, headers)
    if position is None or first_stream is None:
        return None
    replays = max(1, _number(headers.get(REPLAY_COUNT)) or 1)
    return Origin(first_stream, position, min(replays, 2**31 - 1), _time(headers.get(FIRST_FAILURE_AT)))


def _stream(stream: str, headers: Mapping[str, str]) -> str | None:
    if ORIGINAL_STREAM in headers:
        return headers[ORIGINAL_STREAM] or None
    topic, partition = headers.get(ORIGINAL_TOPIC), _number(headers.get(ORIGINAL_PARTITION))
    group = headers.get(CONSUMER_GROUP) or _group(stream)
    return None if partition is None or not topic or not group else f"kafka:{group}:{topic}:{partition}"


def _group(stream: str) -> str | None:
    kind, _, rest = stream.partition(":")
    return rest.rsplit(":", 2)[0] if kind == "kafka" else None


def _number(text: str | None) -> int | None:
    if text is None or not (text.isascii() and text.isdigit() and len(text) < 20):
        return None
    number = int(text)
    return number if number < _MOST else None


def _time(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text or "")
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def letter(refused: Refused, now: datetime) -> DeadLetter:
    """The refused record as a dead letter at its original coordinates."""
    came = origin(refused.stream, refused.record)
    record = refused.record if came is None else refused.record._replace(position=came.position)
    return DeadLetter(
        stream=refused.stream if came is None else came.stream,
        record=record,
        stage=refused.stage,
        error_class=refused.error_class,
        reason=harmless(refused.reason),
        sqlstate=refused.sqlstate,
        event_id=None if refused.event_id is None else harmless(refused.event_id),
        replays=0 if came is None else came.replays,
        first_failed_at=(came and came.first_failed_at) or now,
        failed_at=now,
    )


def harmless(text: str) -> str:
    """The text as any database can keep it."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode("utf-8")


def letter_values(letter: DeadLetter, now: datetime) -> dict[str, Any]:
    """The columns of its row when it is new."""
    record = letter.record
    return {
        "stream": harmless(letter.stream),
        "position": record.position,
        "raw": record.raw,
        "key": record.key,
        "headers": [[harmless(name), _base64(value)] for name, value in record.headers],
        "record_timestamp": _moment(record.timestamp_ms),
        "stage": letter.stage,
        "error_class": letter.error_class,
        "sqlstate": letter.sqlstate,
        "reason": letter.reason,
        "event_id": letter.event_id,
        "disposition": letter.disposition,
        "attempts": letter.attempts,
        "replays": letter.replays,
        "first_failed_at": letter.first_failed_at or now,
        "failed_at": letter.failed_at or now,
        "published_at": None,
        "status": "open",
        "resolved_at": None,
        "created_at": now,
    }


def stored_letter(row: Mapping[Any, Any]) -> DeadLetter:
    """The dead letter of a row."""
    at: datetime | None = row["record_timestamp"]
    record = Record(
        row["position"],
        bytes(row["raw"]),
        None if row["key"] is None else bytes(row["key"]),
        tuple((name, _bytes(value)) for name, value in row["headers"] or ()),
        None if at is None else (at - _EPOCH) // timedelta(milliseconds=1),
    )
    return DeadLetter(
        stream=row["stream"],
        record=record,
        stage=row["stage"],
        error_class=row["error_class"] or "",
        reason=row["reason"],
        sqlstate=row["sqlstate"],
        event_id=row["event_id"],
        disposition=row["disposition"],
        attempts=row["attempts"],
        replays=row["replays"],
        first_failed_at=row["first_failed_at"],
        failed_at=row["failed_at"],
    )


def _moment(milliseconds: int | None) -> datetime | None:
    if milliseconds is None:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:  # a client may write any number
        return None


def _base64(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode("ascii")


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
