"""Fills the tables anew from `events`, which keeps every envelope: what is missing is added.

Every transaction is short and nothing but writing, so that whoever else writes gets their turn while the next
events are read. What is there already is left alone where it says the same, so that it can be interrupted
at any time and done again.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from polly.errors import StoreUnavailable
from polly.events.transfer import Record
from polly.store import schema
from polly.store.ingest.canary import canary
from polly.store.ingest.form import Form, postgres_form, sqlite_form
from polly.store.ingest.isolation import store_all
from polly.store.ingest.judge import Event, Refused, judge
from polly.store.ports import Refiller, Store

#: Events of one transaction at most.
BATCH = 1_000
#: Characters of their envelopes from which on no more are read.
_LARGE = 8 << 20
#: Events that are named although nothing can be made of them; the others are counted.
MOST_NAMED = 10_000
#: Pauses, in seconds, after which a transaction is tried again that could not be had.
_PAUSES = (0.1, 0.2, 0.4)

#: What no event fills: the tables of arrival and departure.
_NOT_DERIVED = {
    schema.events.name,
    schema.sink_offsets.name,
    schema.dead_letters.name,
    schema.pruned_events.name,
}
DERIVED = tuple(table for name, table in sorted(schema.metadata.tables.items()) if name not in _NOT_DERIVED)


class TableRows(msgspec.Struct, frozen=True, kw_only=True):
    """before, after: what the table held. written: rows that were added or completed; one to which events of
    several batches add counts in each of them.
    """

    table: str
    before: int
    after: int
    written: int


class Unusable(msgspec.Struct, frozen=True, kw_only=True):
    """A stored event of which no rows can be made (any more), and why."""

    id: str
    source: str
    type: str
    reason: str


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the events. `unusable` names the first MOST_NAMED of `refused`."""

    events: int
    refused: int
    tables: tuple[TableRows, ...]
    unusable: tuple[Unusable, ...]


class Stored(NamedTuple):
    """A row of `events`."""

    id: str
    source: str
    type: str
    envelope: str


class _Done(NamedTuple):
    written: Counter[str]
    unusable: list[Unusable]


#: Told how many of how many events are done.
Watch = Callable[[int, int], None]


def rebuild(store: Store, *, keep: bool = True, batch: int = BATCH, watch: Watch | None = None) -> Rebuilt:
    """Adds the rows that are missing, in steps of at most `batch` events; without `keep`, only finds out.

    Others may write at the same time. Raises StoreError.
    """
    form = postgres_form() if store.engine.dialect.name == "postgresql" else sqlite_form()
    total, before = store.ask(_count_events), store.ask(_count_rows)
    events = refused = 0
    written: Counter[str] = Counter()
    unusable: list[Unusable] = []
    last = ("", "")
    while page := store.ask(partial(_page, after=last, most=batch)):
        done = _patiently(partial(_refill, store, form, page, keep=keep))
        written.update(done.written)
        unusable += done.unusable[: MOST_NAMED - len(unusable)]
        events, refused = events + len(page), refused + len(done.unusable)
        last = page[-1].id, page[-1].source
        if watch is not None:
            watch(events, max(total, events))
    after = store.ask(_count_rows)
    tables = tuple(
        TableRows(table=name, before=before[name], after=after[name], written=written[name])
        for name in before
    )
    return Rebuilt(events=events, refused=refused, tables=tables, unusable=tuple(unusable))


def has_events(connection: sa.Connection) -> bool:
    """Is any event stored?"""
    return connection.execute(sa.select(schema.events.c.id).limit(1)).first() is not None


def _count_events(connection: sa.Connection) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(schema.events)).scalar_one()


def _count_rows(connection: sa.Connection) -> dict[str, int]:
    return {
        str(table.name): connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        for table in DERIVED
    }


def _page(connection: sa.Connection, after: tuple[str, str], most: int) -> list[Stored]:
    """The next events by their key: at most so many, and fewer of large ones."""
    event = schema.events.c
    query = (
        sa.select(event.id, event.source, event.type, event.envelope)
        .where(sa.tuple_(event.id, event.source) > sa.tuple_(*map(sa.literal, after)))
        .order_by(event.id, event.source)
        .limit(most)
    )
    found: list[Stored] = []
    size = 0
    with connection.execute(query, execution_options={"yield_per": 100}) as rows:
        for row in rows:
            found.append(Stored(*row))
            size += len(row.envelope)
            if size >= _LARGE:
                break
    return found


def _patiently(attempt: Callable[[], _Done]) -> _Done:
    """Tries again what met another one's lock, or a database that was away for a moment."""
    for pause in _PAUSES:
        try:
            return attempt()
        except StoreUnavailable:
            time.sleep(pause)
    return attempt()


def _refill(store: Store, form: Form, page: Sequence[Stored], *, keep: bool) -> _Done:
    """The rows of these events, in one transaction."""
    events, unusable = _judged(page, form)
    written: Counter[str] = Counter()
    with store.refilling(keep=keep) as writer:
        done, _ = store_all(partial(_attempt, writer, written), partial(_takes, writer, form), iter(events))
    for each in done.refused:
        row = page[each.record.position]
        unusable.append(_unusable(row, each.reason))
    return _Done(written, unusable)


def _judged(page: Sequence[Stored], form: Form) -> tuple[list[Event], list[Unusable]]:
    events: list[Event] = []
    unusable: list[Unusable] = []
    for place, row in enumerate(page):
        judged = judge("events", Record(place, row.envelope.encode()), form)
        if isinstance(judged, Refused):
            unusable.append(_unusable(row, judged.reason))
        elif judged.identity != (row.id, row.source):
            unusable.append(_unusable(row, "its envelope is the one of another event"))
        elif judged.own or judged.parts:
            events.append(judged)
    return events, unusable


def _unusable(row: Stored, reason: str) -> Unusable:
    return Unusable(id=row.id, source=row.source, type=row.type, reason=reason)


def _attempt(writer: Refiller, written: Counter[str], events: Iterable[Event]) -> int:
    written.update(writer.refill(events))
    return 0  # none of them was new


def _takes(writer: Refiller, form: Form, instead_of: Sequence[Event]) -> bool:
    return writer.would_store([canary(each, f"~{number}", form) for number, each in enumerate(instead_of)])
