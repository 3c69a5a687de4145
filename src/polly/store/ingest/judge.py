"""What a record is, by itself alone: an event with the rows that it fills, or refused. Pure."""

from datetime import UTC
from typing import Any, NamedTuple

import msgspec

from polly.events.envelope import Envelope
from polly.events.transfer import Record, Stage
from polly.store.ingest.form import Form
from polly.store.ingest.rows import OwnRow, PartRow, rows_of

#: The columns of `events` in the order of `Event.row`; when it is stored, nobody knows yet.
EVENT_COLUMNS = (
    "id",
    "source",
    "type",
    "time",
    "subject",
    "correlation_id",
    "session_id",
    "sequence",
    "envelope",
)
#: Those of a row that is stored: `Event.row`, and when.
STORED_COLUMNS = (*EVENT_COLUMNS, "stored_at")

_ENVELOPE = msgspec.json.Decoder(Envelope)
#: How JSON spells the one character that a text of PostgreSQL cannot hold.
_NUL = b"\\u0000"


class Event(NamedTuple):
    """A record that was understood, as rows. A type that this version does not know fills `events` alone."""

    stream: str
    record: Record
    row: tuple[Any, ...]
    own: tuple[OwnRow, ...]
    parts: tuple[PartRow, ...]

    @property
    def identity(self) -> tuple[str, str]:
        """Its id and source, which are the key of `events`."""
        return self.row[0], self.row[1]


class Refused(NamedTuple):
    """A record that cannot be stored: the step that found out, and why."""

    stream: str
    record: Record
    stage: Stage
    error_class: str
    reason: str
    event_id: str | None = None
    sqlstate: str | None = None


def judge(stream: str, record: Record, form: Form) -> Event | Refused:
    """The record as rows in the form of a database."""
    raw = record.raw
    try:
        text = raw.decode("utf-8")
        envelope = _ENVELOPE.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Refused(stream, record, "decode", type(error).__name__, str(error))
    problem = _problem(envelope)
    if problem:
        return Refused(stream, record, "validate", "ValidationError", problem, envelope.id)
    try:
        own, parts = rows_of(envelope, form, may_have_nul=_NUL in raw)
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError) as error:
        reason = f"{envelope.type}: {error}"
        return Refused(stream, record, "validate", type(error).__name__, reason, envelope.id)
    row = (
        envelope.id,
        envelope.source,
        envelope.type,
        form.time(envelope.time),
        envelope.subject,
        envelope.correlationid,
        envelope.sessionid,
        envelope.sequence,
        text,
    )
    return Event(stream, record, row, own, parts)


def _problem(envelope: Envelope) -> str | None:
    if envelope.specversion != "1.0":
        return f"specversion is {envelope.specversion!r}, not '1.0'"
    if not (envelope.id and envelope.source and envelope.type):
        empty = next(name for name in ("id", "source", "type") if not getattr(envelope, name))
        return f"{empty} is empty"
    if envelope.time.tzinfo is UTC:
        return None
    if envelope.time.tzinfo is None:
        return "time has no time zone"
    try:
        envelope.time.astimezone(UTC)
    except OverflowError:
        return f"time {envelope.time} is out of range"
    return None
