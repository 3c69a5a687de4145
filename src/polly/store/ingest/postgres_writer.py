"""How an ingest writes into PostgreSQL: binary COPY, by way of temporary tables where rows may be there.

Each attempt is a savepoint. As long as batches are all new, as nearly all are, events and the rows that
belong to one event alone go straight into their tables. When one turns out to be there already, the batch is
taken back and goes by way of temporary tables, from which only what is new goes on.
"""

import struct
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple, NoReturn

import psycopg
import sqlalchemy as sa
from psycopg import sql
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.types.json import Jsonb
from sqlalchemy.dialects.postgresql import insert

from polly.events.transfer import Batch, DeadLetter
from polly.store import schema
from polly.store.ingest import statements
from polly.store.ingest.form import postgres_form
from polly.store.ingest.isolation import RecordRefused
from polly.store.ingest.judge import STORED_COLUMNS, Event
from polly.store.ingest.letters import Origin, letter_values
from polly.store.ingest.merge import OwnRows, PartRows, PartShape, own_rows, part_rows
from polly.store.ingest.sqlstates import Trouble, is_missing_partition, row_of_copy, trouble_of

Connection = psycopg.Connection[Any]

_MOVE = """
UPDATE sink_offsets AS old SET next_offset = batch.stop, updated_at = %s
FROM unnest(%s::text[], %s::int8[], %s::int8[]) AS batch (stream, start, stop)
WHERE old.stream = batch.stream AND old.next_offset = batch.start
RETURNING old.stream
"""
_BEGIN = """
INSERT INTO sink_offsets (stream, next_offset, updated_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
"""
#: A constraint that waits for the end of the transaction could not be told from other trouble.
_AT_ONCE = "SET CONSTRAINTS ALL IMMEDIATE"
#: Whoever prunes waits with these events until their rows are there, and takes both.
_STORED = """
SELECT id, source FROM unnest(%s::text[], %s::text[]) AS asked (id, source) JOIN events USING (id, source)
ORDER BY id, source FOR KEY SHARE OF events
"""
#: Types of columns as SQLAlchemy writes them -> as psycopg looks them up.
_TYPES = {
    "BIGINT": "int8",
    "BOOLEAN": "bool",
    "BYTEA": "bytea",
    "DOUBLE PRECISION": "float8",
    "FLOAT": "float8",
    "INTEGER": "int4",
    "JSONB": "jsonb",
    "TEXT": "text",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
}
#: What the client raises for a value that has no binary form.
_NO_FORM = (psycopg.DataError, ValueError, OverflowError, TypeError, AttributeError, struct.error)


class JsonBytes(bytes):
    """JSON in UTF-8."""


class JsonBytesDumper(Dumper):
    """JSON that is encoded already, as JSONB takes it."""

    oid = psycopg.adapters.types["jsonb"].oid
    format = Format.BINARY

    def dump(self, obj: bytes) -> bytes:
        """The first byte is the version of the format."""
        return b"\x01" + obj


class KeyTaken(Exception):  # noqa: N818 - a fact, not a fault
    """A row that was thought to be new is there already."""


@dataclass
class Memory:
    """What is known about a connection.

    stages: the tables for which it has a temporary one. hopeful: the last batch was all new, so the next one
    is tried straight away.
    """

    stages: set[str] = field(default_factory=set)
    hopeful: bool = True

    def copy(self) -> "Memory":
        """The same, to be changed."""
        return Memory(set(self.stages), self.hopeful)


class _Rows(NamedTuple):
    """The rows that events fill; number: of the events."""

    number: int
    parts: list[PartRows]
    own: list[OwnRows]

    @classmethod
    def of(cls, events: list[tuple[int, Event]]) -> "_Rows":
        return cls(len(events), part_rows(events), own_rows(events))


class PostgresWriter:
    """Writes inside the transaction of a connection with `JsonBytesDumper`.

    memory: of the connection, changed here; it counts only when the transaction is kept.
    isolates_unknown: errors that nobody knows are taken to be about records.
    """

    form = postgres_form()

    def __init__(self, connection: Connection, memory: Memory, *, isolates_unknown: bool = False) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._memory = memory
        self._isolates_unknown = isolates_unknown
        self._used: set[str] = set()
        self.now = datetime.now(UTC)

    def advance(self, batches: Sequence[Batch]) -> Collection[str]:
        """Moves each stream from its batch's start to its end. The streams that do not stand there."""
        self._cursor.execute(_AT_ONCE)
        names = [batch.stream for batch in batches]
        ends = [batch.end for batch in batches]
        self._cursor.execute(_MOVE, (self.now, names, [batch.start for batch in batches], ends))
        moved = {name for (name,) in self._cursor.fetchall()}
        missing = [batch for batch in batches if batch.stream not in moved]
        return [batch.stream for batch in missing if not self._begins(batch)]

    def _begins(self, batch: Batch) -> bool:
        return self._cursor.execute(_BEGIN, (batch.stream, batch.end, self.now)).rowcount == 1

    def store(self, events: Iterable[Event]) -> int:
        """Stores the events that are new with all their rows, or nothing: how many. Raises RecordRefused."""
        arriving = iter(events)
        taken: list[Event] = []
        if self._memory.hopeful:
            try:
                return self._attempt(taken, arriving, is_hopeful=True)
            except KeyTaken:
                self._memory.hopeful = False
        taken += arriving
        stored = self._attempt([], iter(taken), is_hopeful=False)
        self._memory.hopeful = stored == len(taken)
        return stored

    def would_store(self, events: Sequence[Event]) -> bool:
        """Would all of these events be stored? Nothing of them is kept."""
        stages, hopeful = set(self._memory.stages), self._memory.hopeful
        try:
            with self._connection.transaction(force_rollback=True):
                return self.store(events) == len(events)
        except RecordRefused:
            return False
        finally:
            self._memory.stages, self._memory.hopeful = stages, hopeful

    def _attempt(self, taken: list[Event], arriving: Iterator[Event], *, is_hopeful: bool) -> int:
        """`taken` gets what was taken of those that arrive."""
        with self._all_or_nothing():
            fresh = self._insert_events(taken, arriving, is_hopeful=is_hopeful)
            self._write_rows(fresh, is_hopeful=is_hopeful)
        return fresh.number

    def refill(self, events: Iterable[Event]) -> Counter[str]:
        """Adds what the tables lack of the events that are stored: rows written by table, or nothing.

        Raises RecordRefused.
        """
        with self._all_or_nothing():
            stored = self._stored(list(enumerate(events)))
            return self._write_rows(_Rows.of(stored), is_hopeful=False, again=True)

    def _write_rows(self, rows: _Rows, *, is_hopeful: bool, again: bool = False) -> Counter[str]:
        written: Counter[str] = Counter()
        for parts in rows.parts:
            written[parts.table] += self._fill(parts, again=again)
        for own in rows.own:
            written[own.table] += self._insert_own(own, is_hopeful=is_hopeful)
        return written

    def _stored(self, events: Sequence[tuple[int, Event]]) -> list[tuple[int, Event]]:
        """Those of the events that are there, and stay as long as the transaction lasts."""
        self._cursor.execute(_AT_ONCE)
        identities = [event.identity for _, event in events]
        self._cursor.execute(_STORED, ([id_ for id_, _ in identities], [source for _, source in identities]))
        known = set(self._cursor.fetchall())
        return [each for each in events if each[1].identity in known]

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        stages = set(self._memory.stages)
        try:
            with self._connection.transaction():
                yield
        except BaseException:
            self._memory.stages = stages
            raise

    def _insert_events(self, taken: list[Event], arriving: Iterator[Event], *, is_hopeful: bool) -> _Rows:
        first: dict[tuple[str, str], tuple[int, Event]] = {}
        numbers: list[int | None] = []

        def rows() -> Iterator[tuple[Any, ...]]:
            for number, event in enumerate(arriving):
                taken.append(event)
                if event.identity not in first:
                    first[event.identity] = number, event
                    numbers.append(number)
                    yield (*event.row, self.now)

        if is_hopeful:
            fresh: list[_Rows] = []

            def rows_and_what_follows() -> Iterator[tuple[Any, ...]]:
                yield from rows()
                # The database is still at work on the rows that it has.
                fresh.append(_Rows.of(list(first.values())))

            self._copy("events", "events", STORED_COLUMNS, rows_and_what_follows(), numbers)
            return fresh[0]
        self._copy(self._clean_stage("events"), "events", STORED_COLUMNS, rows(), numbers)
        self._run(_insert_events())
        new = set(self._cursor.fetchall())
        return _Rows.of([each for identity, each in first.items() if identity in new])

    def _insert_own(self, own: OwnRows, *, is_hopeful: bool) -> int:
        if is_hopeful:
            self._copy_rows(own.table, own)
            return len(own.rows)
        self._copy_rows(self._clean_stage(own.table), own)
        return self._run(_insert_once(own.table, own.columns))

    def _fill(self, parts: PartRows, *, again: bool) -> int:
        stage = self._clean_stage(parts.table)
        filling = _filling(parts.table, parts.columns, parts.parts, again=again)
        try:
            with self._connection.transaction():
                return self._fill_from(stage, parts, filling)
        except RecordRefused as error:
            if error.number is None:
                error.number = self._suspect(stage, parts, filling)
            raise

    def _fill_from(self, stage: str, parts: PartRows, filling: bytes) -> int:
        self._copy_rows(stage, parts)
        return self._run(filling)

    def _suspect(self, stage: str, parts: PartRows, filling: bytes) -> int | None:
        """The event of the first row that is refused, found by halves; None when it is of several events."""
        while len(parts.rows) > 1:
            half, rest = parts.halves()
            parts = half if self._is_refused(stage, half, filling) else rest
        return parts.events[0]

    def _is_refused(self, stage: str, parts: PartRows, filling: bytes) -> bool:
        try:
            with self._connection.transaction(force_rollback=True):
                self._fill_from(stage, parts, filling)
        except RecordRefused:
            return True
        return False

    def _clean_stage(self, table: str) -> str:
        """The name of the table's stage, in which nothing waits: the end of each transaction empties it."""
        stage = sql.Identifier(_stage(table))
        if table not in self._memory.stages:
            # Not LIKE: it would copy NOT NULL, and a row may wait there that has only a part.
            make = "CREATE TEMPORARY TABLE {} ON COMMIT DELETE ROWS AS SELECT * FROM {} WITH NO DATA"
            self._cursor.execute(sql.SQL(make).format(stage, sql.Identifier(table)))
            self._memory.stages.add(table)
        elif table in self._used:
            self._cursor.execute(sql.SQL("TRUNCATE {}").format(stage))
        self._used.add(table)
        return _stage(table)

    def _copy_rows(self, target: str, rows: OwnRows | PartRows) -> None:
        # Counted as they go, so that the last one is to blame for what its values are.
        numbers: list[int | None] = []

        def counted() -> Iterator[tuple[Any, ...]]:
            for row, number in zip(rows.rows, rows.events, strict=True):
                numbers.append(number)
                yield row

        self._copy(target, rows.table, rows.columns, counted(), numbers)

    def _copy(
        self,
        target: str,
        table: str,
        columns: tuple[str, ...],
        rows: Iterator[tuple[Any, ...]],
        numbers: Sequence[int | None],
    ) -> None:
        """Copies rows; `numbers` grows with them and says which event each is of."""
        try:
            with self._cursor.copy(_copying(target, columns)) as copy:
                copy.set_types(_types(table, columns))
                for row in rows:
                    try:
                        copy.write_row(row)
                    except _NO_FORM as error:
                        raise RecordRefused(error, code=None, number=numbers[-1]) from error
        except psycopg.errors.UniqueViolation as error:
            # Nothing that waits in a stage is unique: this was a table, in the hope that all is new.
            raise KeyTaken from error
        except psycopg.DatabaseError as error:
            self._refuse(error, numbers, row_of_copy(error.diag.context))

    def _run(self, statement: bytes) -> int:
        """How many rows it wrote."""
        try:
            return self._cursor.execute(statement).rowcount
        except psycopg.DatabaseError as error:
            self._refuse(error, (), None)

    def _refuse(self, error: psycopg.Error, numbers: Sequence[int | None], place: int | None) -> NoReturn:
        if not self._is_of_a_record(error):
            raise error
        known = place is not None and 0 <= place < len(numbers)
        raise RecordRefused(
            error, code=error.sqlstate, number=numbers[place] if known and place is not None else None
        ) from error

    def _is_of_a_record(self, error: psycopg.Error) -> bool:
        said = error.diag
        if is_missing_partition(error.sqlstate, said.table_name, said.constraint_name):
            return False
        trouble = trouble_of(error.sqlstate)
        return trouble is Trouble.RECORD or (trouble is Trouble.UNKNOWN and self._isolates_unknown)

    def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Keeps dead letters; one that is there at the same coordinates is changed."""
        for letter in letters:
            values = letter_values(letter, self.now)
            columns = tuple(values)
            values["headers"] = Jsonb(values["headers"])
            self._cursor.execute(_burial(columns), values)

    def mark_replayed(self, origins: Sequence[Origin]) -> None:
        """The records that failed there once have been stored now."""
        for each in origins:
            values = {"origin_stream": each.stream, "origin_position": each.position, "now": self.now}
            self._cursor.execute(_marking(), values)


def _stage(table: str) -> str:
    return f"polly_stage_{table}"


@cache
def _copying(target: str, columns: tuple[str, ...]) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(target), names)


@cache
def _types(table_name: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    table = schema.metadata.tables[table_name]
    return tuple(_TYPES[table.c[name].type.compile(dialect=statements.POSTGRESQL)] for name in columns)


@cache
def _insert_events() -> bytes:
    table = schema.events
    insertion = statements.from_stage(insert, table, _stage("events"), STORED_COLUMNS)
    return statements.postgres_text(statements.once(insertion, table).returning(table.c.id, table.c.source))


@cache
def _insert_once(table_name: str, columns: tuple[str, ...]) -> bytes:
    table = schema.metadata.tables[table_name]
    insertion = statements.from_stage(insert, table, _stage(table_name), columns)
    return statements.postgres_text(statements.once(insertion, table))


@cache
def _filling(
    table_name: str, columns: tuple[str, ...], parts: tuple[PartShape, ...], *, again: bool
) -> bytes:
    table = schema.metadata.tables[table_name]
    insertion = statements.from_stage(insert, table, _stage(table_name), columns)
    statement = statements.filling(insertion, table, parts, collation="C", again=again)
    return statements.postgres_text(statement)


@cache
def _burial(columns: tuple[str, ...]) -> bytes:
    insertion = insert(schema.dead_letters).values({name: sa.bindparam(name) for name in columns})
    return statements.postgres_text(statements.buried(insertion))


@cache
def _marking() -> bytes:
    return statements.postgres_text(statements.replayed())


def with_adapters(connection: Connection) -> Connection:
    """The connection, which now takes JSON as bytes."""
    connection.adapters.register_dumper(JsonBytes, JsonBytesDumper)
    return connection
