"""The journal of one run: every event in order, in one SQLite file. The run's state is their fold.

It is also the outbox of the record half. A row is on disk before it is published, and rows that were
not known to be published when a process died are published again on the next opening, with the same ids.
"""

import sqlite3
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import msgspec

from polly.errors import RunError
from polly.events.catalog import CATALOG, AttemptEnded, AttemptStarted
from polly.events.envelope import Envelope, session_id, uuid7, wrap
from polly.events.event import EventData

_SCHEMA = f"""
CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  at TEXT NOT NULL,
  package TEXT,
  attempt INTEGER,
  data BLOB NOT NULL
);
-- One start and one end per attempt: a second Polly cannot start it again, a late answer changes nothing.
CREATE UNIQUE INDEX one_start ON events (package, attempt) WHERE type = '{AttemptStarted.type}';
CREATE UNIQUE INDEX one_end ON events (package, attempt) WHERE type = '{AttemptEnded.type}';
CREATE TABLE published (through INTEGER NOT NULL);
INSERT INTO published VALUES (0);
PRAGMA user_version = 1;
"""  # noqa: S608 # nosec B608 - what is put in are constants of the catalog

#: Rows are marked as published in steps of this many; after a crash at most so many are published twice.
_PUBLISHED_STEP = 50


@dataclass(frozen=True, kw_only=True)
class Row:
    """One event as the journal keeps it."""

    seq: int
    id: str
    at: datetime
    data: EventData


@dataclass(kw_only=True)
class Journal:
    """One run's journal, used by one process and one thread at a time (the run's lock sees to that)."""

    run: str
    publish: Callable[[Envelope], None]
    listeners: list[Callable[[Row], None]] = field(default_factory=list)
    _connection: sqlite3.Connection
    _session: str
    _marked: int = 0
    _last: int = 0

    @classmethod
    def create(cls, file: Path, run: str, publish: Callable[[Envelope], None]) -> Self:
        """A new, empty journal."""
        connection = _connect(file)
        connection.executescript(_SCHEMA)
        return cls(run=run, publish=publish, _connection=connection, _session=session_id())

    @classmethod
    def open(cls, file: Path, run: str, publish: Callable[[Envelope], None]) -> Self:
        """The journal of an earlier process; what it may not have published is published now."""
        if not file.is_file():
            raise RunError(
                f"Run {run} has no journal", next_step="`polly runs` lists the runs that there are."
            )
        connection = _connect(file)
        if connection.execute("PRAGMA user_version").fetchone()[0] != 1:
            raise RunError(f"The journal of run {run} was written by another version of Polly")
        journal = cls(run=run, publish=publish, _connection=connection, _session=session_id())
        journal._marked = connection.execute("SELECT through FROM published").fetchone()[0]
        for row in journal.rows(after=journal._marked):
            journal._publish(row)
        journal._mark(force=True)
        return journal

    def append(self, *data: EventData) -> bool:
        """Record these events, all or none. False when an attempt's start or end is there already."""
        rows = []
        try:
            with self._connection:
                rows = [self._insert(each) for each in data]
        except sqlite3.IntegrityError:
            return False
        for row in rows:
            self._publish(row)
            for listener in self.listeners:
                listener(row)
        self._mark(force=False)
        return True

    def rows(self, *, after: int = 0) -> list[Row]:
        """The events with a higher number than `after`, in order."""
        return _rows(self._connection, after)

    def close(self) -> None:
        """Mark all as published and let go of the file."""
        self._mark(force=True)
        self._connection.close()

    def _insert(self, data: EventData) -> Row:
        event_id, at = uuid7(), datetime.now(UTC)
        cursor = self._connection.execute(
            "INSERT INTO events (id, type, at, package, attempt, data) VALUES (?, ?, ?, ?, ?, ?)",
            (
                event_id,
                data.type,
                at.isoformat(),
                getattr(data, "package", None),
                getattr(data, "attempt", None),
                msgspec.json.encode(data),
            ),
        )
        return Row(seq=cursor.lastrowid or 0, id=event_id, at=at, data=data)

    def _publish(self, row: Row) -> None:
        self.publish(
            wrap(
                row.data,
                source=f"urn:polly:run:{self.run}",
                correlation_id=correlation_id(self.run),
                # What an agent does is the session of its execution; its hooks record under the same id.
                session=getattr(row.data, "execution", None) or self._session,
                event_id=row.id,
                at=row.at,
                sequence=f"{row.seq:012d}",
            )
        )
        self._last = row.seq

    def _mark(self, *, force: bool) -> None:
        if self._last > self._marked and (force or self._last - self._marked >= _PUBLISHED_STEP):
            with self._connection:
                self._connection.execute("UPDATE published SET through = ?", (self._last,))
            self._marked = self._last


def correlation_id(run: str) -> str:
    """The UUID that joins all events of a run."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:polly:run:{run}"))


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=10.0)
    connection.execute("PRAGMA journal_mode = WAL")
    # NORMAL survives kill -9 of any process; only a power failure may take the last events.
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def read_rows(file: Path, run: str) -> list[Row]:
    """The events of a run that may be going on elsewhere; nothing is written or published."""
    if not file.is_file():
        raise _no_journal(run)
    connection = _connect(file)
    try:
        return _rows(connection, 0)
    finally:
        connection.close()


def _rows(connection: sqlite3.Connection, after: int) -> list[Row]:
    found = connection.execute(
        "SELECT seq, id, type, at, data FROM events WHERE seq > ? ORDER BY seq", (after,)
    )
    return [
        Row(
            seq=seq,
            id=event_id,
            at=datetime.fromisoformat(at),
            data=msgspec.json.decode(data, type=CATALOG[kind]),
        )
        for seq, event_id, kind, at, data in found
    ]


def _no_journal(run: str) -> RunError:
    return RunError(f"Run {run} has no journal", next_step="`polly runs` lists the runs that there are.")
