"""How an ingest writes into SQLite. Nobody else writes during its transaction, so looking comes before."""

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from polly.events.transfer import Batch, DeadLetter
from polly.store import schema
from polly.store.ingest import statements
from polly.store.ingest.form import converted, sqlite_form
from polly.store.ingest.isolation import RecordRefused
from polly.store.ingest.judge import STORED_COLUMNS, Event
from polly.store.ingest.letters import Origin, letter_values
from polly.store.ingest.merge import PartRows, PartShape, own_rows, part_rows

#: Errors of the client that say something about one record. Everything else is the database's trouble.
_OF_A_RECORD = (sqlite3.IntegrityError, sqlite3.DataError, OverflowError, UnicodeError, ValueError)
_OF_A_RECORD_CODES = (sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH)

_MOVE = "UPDATE sink_offsets SET next_offset = ?, updated_at = ? WHERE stream = ? AND next_offset = ?"
_BEGIN = "INSERT OR IGNORE INTO sink_offsets (stream, next_offset, updated_at) VALUES (?, ?, ?)"
# The order of the join is said, not guessed: the index of events is asked for each id.
_KNOWN = (
    "SELECT events.id, events.source FROM json_each(?) AS asked CROSS JOIN events ON events.id = asked.value"
)


class SqliteWriter:
    """Writes through a cursor of the driver, inside a transaction begun as a writer."""

    form = sqlite_form()

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor
        self.now = datetime.now(UTC)

    def advance(self, batches: Sequence[Batch]) -> Collection[str]:
        """Moves each stream from its batch's start to its end. The streams that do not stand there."""
        at = self.form.time(self.now)
        return [batch.stream for batch in batches if not self._moves(batch, at)]

    def _moves(self, batch: Batch, at: str) -> bool:
        if self._cursor.execute(_MOVE, (batch.end, at, batch.stream, batch.start)).rowcount:
            return True
        return self._cursor.execute(_BEGIN, (batch.stream, batch.end, at)).rowcount == 1

    def store(self, events: Iterable[Event]) -> int:
        """Stores the events that are new with all their rows, or nothing: how many. Raises RecordRefused."""
        with self._all_or_nothing():
            fresh = self._new(events)
            at = self.form.time(self.now)
            rows = [(*event.row, at) for _, event in fresh]
            self._insert("events", STORED_COLUMNS, rows, [number for number, _ in fresh])
            self._write_rows(fresh)
        return len(fresh)

    def refill(self, events: Iterable[Event]) -> Counter[str]:
        """Adds what the tables lack of the events that are stored: rows written by table, or nothing.

        Raises RecordRefused.
        """
        with self._all_or_nothing():
            numbered = list(enumerate(events))
            known = self._known({event.row[0] for _, event in numbered})
            return self._write_rows([each for each in numbered if each[1].identity in known], again=True)

    def _write_rows(self, events: Sequence[tuple[int, Event]], *, again: bool = False) -> Counter[str]:
        written: Counter[str] = Counter()
        for own in own_rows(events):
            written[own.table] += self._insert(own.table, own.columns, own.rows, own.events)
        for parts in part_rows(events):
            written[parts.table] += self._fill(parts, again=again)
        return written

    def would_store(self, events: Sequence[Event]) -> bool:
        """Would all of these events be stored? Nothing of them is kept."""
        self._cursor.execute("SAVEPOINT canary")
        try:
            return self.store(events) == len(events)
        except RecordRefused:
            return False
        finally:
            self._cursor.execute("ROLLBACK TO canary")
            self._cursor.execute("RELEASE canary")

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        self._cursor.execute("SAVEPOINT attempt")
        try:
            yield
        except RecordRefused:
            self._cursor.execute("ROLLBACK TO attempt")
            self._cursor.execute("RELEASE attempt")
            raise
        self._cursor.execute("RELEASE attempt")

    def _new(self, events: Iterable[Event]) -> list[tuple[int, Event]]:
        first: dict[tuple[str, str], tuple[int, Event]] = {}
        for number, event in enumerate(events):
            first.setdefault(event.identity, (number, event))
        for known in self._known(event_id for event_id, _ in first):
            first.pop(known, None)
        return list(first.values())

    def _known(self, ids: Iterable[str]) -> set[tuple[str, str]]:
        """The stored events with these ids."""
        return set(self._cursor.execute(_KNOWN, (json.dumps([*ids]),)))

    def _insert(
        self, table: str, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]], numbers: Sequence[int]
    ) -> int:
        text, places = _insert_once(table, columns)
        return self._many(text, _arranged(rows, places), numbers)

    def _fill(self, parts: PartRows, *, again: bool) -> int:
        text, places = _filling(parts.table, parts.columns, parts.parts, again=again)
        return self._many(text, _arranged(parts.rows, places), parts.events)

    def _many(self, text: str, rows: Iterator[tuple[Any, ...]], numbers: Sequence[int | None]) -> int:
        """Runs the statement for each row: how many were written. The client takes one at a time, so the last
        one is to blame.
        """
        taken = 0

        def counted() -> Iterator[tuple[Any, ...]]:
            nonlocal taken
            for row in rows:
                taken += 1
                yield row

        try:
            self._cursor.executemany(text, counted())
        except (*_OF_A_RECORD, sqlite3.Error) as error:
            if not is_of_a_record(error):
                raise
            code = getattr(error, "sqlite_errorname", None)
            raise RecordRefused(error, code=code, number=numbers[taken - 1] if taken else None) from error
        return self._cursor.rowcount

    def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Keeps dead letters; one that is there at the same coordinates is changed."""
        for letter in letters:
            values = letter_values(letter, self.now)
            columns = tuple(values)
            row = converted([*values.values()], self.form.conversions(schema.dead_letters, columns))
            text, places = _burial(columns)
            self._cursor.execute(text, tuple(row[place] for place in places))

    def mark_replayed(self, origins: Sequence[Origin]) -> None:
        """The records that failed there once have been stored now."""
        text, names = statements.sqlite_text(statements.replayed())
        at = self.form.time(self.now)
        for each in origins:
            values = {"origin_stream": each.stream, "origin_position": each.position, "now": at}
            self._cursor.execute(text, tuple(values[name] for name in names))


def is_of_a_record(error: Exception) -> bool:
    """Does the error of the client say something about one record alone?"""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, _OF_A_RECORD) or (code is not None and code & 0xFF in _OF_A_RECORD_CODES)


def _arranged(rows: Sequence[tuple[Any, ...]], places: tuple[int, ...]) -> Iterator[tuple[Any, ...]]:
    if places == tuple(range(len(places))):
        return iter(rows)
    return (tuple(row[place] for place in places) for row in rows)


def _text(statement: Any, columns: tuple[str, ...]) -> tuple[str, tuple[int, ...]]:
    text, names = statements.sqlite_text(statement)
    return text, tuple(columns.index(name) for name in names)


def _values(table: sa.Table, columns: tuple[str, ...]) -> Any:
    return insert(table).values({name: sa.bindparam(name) for name in columns})


@cache
def _insert_once(table_name: str, columns: tuple[str, ...]) -> tuple[str, tuple[int, ...]]:
    table = schema.metadata.tables[table_name]
    return _text(statements.once(_values(table, columns), table), columns)


@cache
def _filling(
    table_name: str, columns: tuple[str, ...], parts: tuple[PartShape, ...], *, again: bool
) -> tuple[str, tuple[int, ...]]:
    table = schema.metadata.tables[table_name]
    statement = statements.filling(_values(table, columns), table, parts, collation="BINARY", again=again)
    return _text(statement, columns)


@cache
def _burial(columns: tuple[str, ...]) -> tuple[str, tuple[int, ...]]:
    return _text(statements.buried(_values(schema.dead_letters, columns)), columns)
