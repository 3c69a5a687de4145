"""Bytes in, rows out: judges each record, writes what is good, keeps what is not as a dead letter."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from polly.events.catalog import CATALOG
from polly.events.envelope import Envelope, unwrap
from polly.events.event import EventData
from polly.events.transfer import Batch, IngestResult, OffsetMoved, Record
from polly.store import schema
from polly.store.facts import Fact, facts

#: Errors that say something about one record. Everything else is the database's trouble and ends the batch.
DATA_ERRORS = (sa.exc.IntegrityError, sa.exc.DataError, OverflowError, ValueError)

_ENVELOPE = msgspec.json.Decoder(Envelope)

#: The `insert` of a dialect, with its `on_conflict_do_…`.
Insert = Callable[[sa.Table], sqlite.Insert]


class Event(NamedTuple):
    """A record that was understood. `facts` is empty for a type that this version does not know."""

    record: Record
    envelope: Envelope
    facts: tuple[Fact, ...]


class DeadLetter(NamedTuple):
    """A record that was not, with the step that refused it and why."""

    record: Record
    stage: str
    reason: str
    event_id: str | None = None


def judge(record: Record) -> Event | DeadLetter:
    """What a record is, by itself alone."""
    try:
        record.raw.decode("utf-8")
        envelope = _ENVELOPE.decode(record.raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return DeadLetter(record, "decode", str(error))
    problem = _problem(envelope)
    if problem:
        return DeadLetter(record, "validate", problem, envelope.id)
    try:
        data: EventData | None = unwrap(envelope) if envelope.type in CATALOG else None
        return Event(record, envelope, facts(data, envelope) if data is not None else ())
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        return DeadLetter(record, "validate", f"{envelope.type}: {error}", envelope.id)


def _problem(envelope: Envelope) -> str | None:
    if envelope.specversion != "1.0":
        return f"specversion is {envelope.specversion!r}, not '1.0'"
    for name in ("id", "source", "type"):
        if not getattr(envelope, name):
            return f"{name} is empty"
    if envelope.time.tzinfo is None:
        return "time has no time zone"
    try:
        envelope.time.astimezone(UTC)
    except OverflowError:
        return f"time {envelope.time} is out of range"
    return None


def ingest(connection: sa.Connection, insert: Insert, batch: Batch) -> IngestResult:
    """Stores a batch inside the caller's transaction. Raises OffsetMoved."""
    now = datetime.now(UTC)
    _advance(connection, insert, batch, now)
    judged = [judge(record) for record in batch.records]
    good = [each for each in judged if isinstance(each, Event)]
    dead = [each for each in judged if isinstance(each, DeadLetter)]
    try:
        with connection.begin_nested():
            stored = sum([_store(connection, insert, event, now) for event in good])
    except DATA_ERRORS:
        stored, refused = _one_by_one(connection, insert, good, now)
        dead += refused
    for letter in dead:
        _bury(connection, insert, batch.stream, letter, now)
    return IngestResult(stored, len(judged) - stored - len(dead), len(dead))


def _advance(connection: sa.Connection, insert: Insert, batch: Batch, now: datetime) -> None:
    table = schema.sink_offsets
    if batch.start == 0:
        first = {"stream": batch.stream, "next_offset": 0, "updated_at": now}
        connection.execute(_insert_once(insert, table), first)
    moved = connection.execute(
        sa.update(table)
        .where(table.c.stream == batch.stream, table.c.next_offset == batch.start)
        .values(next_offset=batch.end, updated_at=now)
    )
    if moved.rowcount != 1:
        raise OffsetMoved(batch.stream, f"{batch.stream} does not stand at {batch.start} any more")


def _one_by_one(
    connection: sa.Connection, insert: Insert, events: Sequence[Event], now: datetime
) -> tuple[int, list[DeadLetter]]:
    """Finds the records that the database refuses; the others are stored."""
    stored, refused = 0, []
    for event in events:
        try:
            with connection.begin_nested():
                stored += _store(connection, insert, event, now)
        except DATA_ERRORS as error:
            reason = str(error.__cause__ or error)
            refused.append(DeadLetter(event.record, "store", reason, event.envelope.id))
    return stored, refused


def _store(connection: sa.Connection, insert: Insert, event: Event, now: datetime) -> bool:
    """Stores an event and the rows that it fills. False when it was there already."""
    envelope = event.envelope
    row = {
        "source": envelope.source,
        "id": envelope.id,
        "type": envelope.type,
        "time": envelope.time,
        "subject": envelope.subject,
        "correlation_id": envelope.correlationid,
        "session_id": envelope.sessionid,
        "sequence": envelope.sequence,
        "envelope": event.record.raw.decode("utf-8"),
        "stored_at": now,
    }
    new = connection.execute(_insert_once(insert, schema.events), row).rowcount == 1
    if new:
        for fact in event.facts:
            _write(connection, insert, fact, envelope)
    return new


def _write(connection: sa.Connection, insert: Insert, fact: Fact, envelope: Envelope) -> None:
    values: dict[str, Any] = {**fact.key, **fact.values}
    if fact.part is None:
        connection.execute(_insert_once(insert, fact.table), values)
        return
    values |= {f"{fact.part}_at": envelope.time, f"{fact.part}_event_id": envelope.id}
    changed = tuple(name for name in values if name not in fact.key)
    upsert = _upsert(insert, fact.table, fact.part, changed, first_wins=fact.first_wins)
    connection.execute(upsert, {**fact.defaults, **values})


@cache
def _insert_once(insert: Insert, table: sa.Table) -> sqlite.Insert:
    return insert(table).on_conflict_do_nothing()


@cache
def _upsert(
    insert: Insert, table: sa.Table, part: str, changed: tuple[str, ...], *, first_wins: bool
) -> sqlite.Insert:
    """Fills the columns of a part, unless an event that counts more has filled them already."""
    statement = insert(table)
    at, event_id = table.c[f"{part}_at"], table.c[f"{part}_event_id"]
    old = sa.tuple_(at, event_id)
    new = sa.tuple_(statement.excluded[at.name], statement.excluded[event_id.name])
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={name: statement.excluded[name] for name in changed},
        where=sa.or_(event_id.is_(None), new < old if first_wins else new > old),
    )


def _bury(connection: sa.Connection, insert: Insert, stream: str, letter: DeadLetter, now: datetime) -> None:
    row = {
        "stream": stream,
        "position": letter.record.position,
        "raw": letter.record.raw,
        "stage": letter.stage,
        "reason": letter.reason,
        "event_id": letter.event_id,
        "created_at": now,
    }
    connection.execute(_insert_once(insert, schema.dead_letters), row)
