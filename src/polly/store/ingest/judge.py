"""What a record is, by itself alone: an event with the rows that it fills, or refused. Pure."""

from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

import msgspec

from polly.events.catalog import CATALOG
from polly.events.envelope import Envelope
from polly.events.event import EventData
from polly.events.transfer import Record, Stage
from polly.store.facts import Fact, facts
from polly.store.ingest.form import Form, Values

#: The columns of `events` in the order of `Event.row`.
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
    "stored_at",
)

_ENVELOPE = msgspec.json.Decoder(Envelope)
#: How JSON spells the one character that a text of PostgreSQL cannot hold.
_NUL = b"\\u0000"


class OwnRow(NamedTuple):
    """A row that belongs to one event alone. `row` has the values of `columns`, which begin with the key."""

    table: str
    columns: tuple[str, ...]
    key: tuple[Any, ...]
    row: tuple[Any, ...]


class PartRow(NamedTuple):
    """What one event says about a part of a row that several events fill.

    values: the key, the columns of the part, and its `<part>_at` and `<part>_event_id`.
    order: decides between events about the same part.
    """

    table: str
    key: tuple[Any, ...]
    part: str
    first_wins: bool
    order: tuple[datetime, str]
    values: Values
    defaults: Values


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


def judge(stream: str, record: Record, form: Form, stored_at: object) -> Event | Refused:
    """The record as rows in the form of a database, in which `stored_at` is already."""
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
        found = _facts(envelope)
        if _NUL in raw:
            _refuse_nul(envelope, found)
        own, parts = _rows(envelope, found, form)
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
        stored_at,
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


def _facts(envelope: Envelope) -> tuple[Fact, ...]:
    decoder = _decoders().get(envelope.type)
    return () if decoder is None else facts(decoder.decode(envelope.data), envelope)


@cache
def _decoders() -> dict[str, "msgspec.json.Decoder[EventData]"]:
    return {name: msgspec.json.Decoder(event) for name, event in CATALOG.items()}


def _rows(
    envelope: Envelope, found: tuple[Fact, ...], form: Form
) -> tuple[tuple[OwnRow, ...], tuple[PartRow, ...]]:
    own, parts = [], []
    for table, key, part, values, first_wins, defaults in found:
        name, size = table.name, len(key)
        if part is None:
            columns, row = form.row(table, key, values)
            own.append(OwnRow(name, columns, row[:size], row))
            continue
        marks = {f"{part}_at": envelope.time, f"{part}_event_id": envelope.id}
        columns, row = form.row(table, key, values, marks)
        default_columns, default_row = form.row(table, defaults) if defaults else ((), ())
        parts.append(
            PartRow(
                name,
                row[:size],
                part,
                first_wins,
                (envelope.time, envelope.id),
                dict(zip(columns, row, strict=True)),
                dict(zip(default_columns, default_row, strict=True)),
            )
        )
    return tuple(own), tuple(parts)


def _refuse_nul(envelope: Envelope, found: tuple[Fact, ...]) -> None:
    # What is not known by its columns is kept as JSON text, in which NUL has a spelling.
    texts = [getattr(envelope, name) for name in ("source", "id", "type", "subject", "sequence")]
    texts += [envelope.correlationid, envelope.sessionid]
    if _has_nul([texts, [(fact.key, fact.values) for fact in found]]):
        raise ValueError("it holds the character NUL, which a text of a database cannot")


def _has_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(each) for pair in value.items() for each in pair)
    return isinstance(value, list | tuple) and any(_has_nul(each) for each in value)
