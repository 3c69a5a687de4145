"""Stored envelopes, a page at a time, the newest first."""

from datetime import datetime

import msgspec
import sqlalchemy as sa

from polly.store.schema import UtcDateTime, events


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event as it came, and when it was stored."""

    stored_at: datetime
    envelope: msgspec.Raw
    id: str
    source: str
    sequence: str
    type: str
    time: datetime
    subject: str
    session_id: str


class EventFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which events are meant; every part that is given must hold. since: their own time."""

    source: str | None = None
    session: str | None = None
    run: str | None = None
    type: str | None = None
    since: datetime | None = None


def list_events(
    connection: sa.Connection, wanted: EventFilter, after: str | None, limit: int
) -> tuple[StoredEvent, ...] | None:
    """Up to `limit` events, older than the one with the id `after`; None when there is no such event."""
    table = events.c
    place = sa.tuple_(table.time, table.id, table.source)
    query = sa.select(events).order_by(table.time.desc(), table.id.desc(), table.source.desc()).limit(limit)
    for column, value in (
        (table.source, wanted.source),
        (table.session_id, wanted.session),
        (table.subject, wanted.run),
        (table.type, wanted.type),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(table.time >= wanted.since)
    if after is not None:
        named = sa.select(table.time, table.id, table.source).where(table.id == after)
        anchor = connection.execute(named.order_by(table.source).limit(1)).one_or_none()
        if anchor is None:
            return None
        query = query.where(
            place < sa.tuple_(sa.literal(anchor.time, UtcDateTime()), anchor.id, anchor.source)
        )
    return tuple(_event(row) for row in connection.execute(query).mappings())


def _event(row: sa.RowMapping) -> StoredEvent:
    return StoredEvent(
        stored_at=row["stored_at"],
        envelope=msgspec.Raw(row["envelope"].encode()),
        id=row["id"],
        source=row["source"],
        sequence=row["sequence"],
        type=row["type"],
        time=row["time"],
        subject=row["subject"],
        session_id=row["session_id"],
    )
