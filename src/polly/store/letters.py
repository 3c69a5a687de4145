"""Dead letters as people ask for them, and what a person decided about each. Nothing is deleted here."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from polly.events.transfer import DeadLetter, Stage
from polly.store.ingest.letters import letter_values, stored_letter
from polly.store.schema import dead_letters

Status = Literal["open", "replayed", "discarded"]

#: Letters that are held at once while many are gone through; a letter is at most a megabyte.
PAGE = 50


class StoredLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter with what became of it since.

    history: one line for each decision, the oldest first. published_at: when the topic had acknowledged it.
    """

    letter: DeadLetter
    status: Status
    created_at: datetime
    published_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    history: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What people call it: its stream and its place there."""
        return f"{self.letter.stream}@{self.letter.record.position}"


class LetterFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which letters are meant; every part that is given must hold.

    names: (stream, position). positions: ranges with both ends. since and until: when a letter failed last.
    """

    names: tuple[tuple[str, int], ...] = ()
    streams: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    stage: Stage | None = None
    error_class: str | None = None
    event_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    positions: tuple[tuple[int, int], ...] = ()
    statuses: tuple[Status, ...] = ()

    @property
    def chooses(self) -> bool:
        """True when any part but the status is given."""
        return msgspec.structs.replace(self, statuses=()) != LetterFilter()


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided about a letter, by whom, when, and why or how."""

    by: str
    at: datetime
    note: str


def list_letters(
    connection: sa.Connection, wanted: LetterFilter, limit: int | None
) -> tuple[StoredLetter, ...]:
    """The letters that failed last come first."""
    newest = (dead_letters.c.failed_at.desc(), dead_letters.c.stream, dead_letters.c.position.desc())
    query = _query(connection, wanted).order_by(*newest).limit(limit)
    return tuple(_letter(row) for row in connection.execute(query).mappings())


def count_letters(connection: sa.Connection, wanted: LetterFilter) -> dict[Status, int]:
    """How many letters match, by status."""
    matching = _query(connection, wanted, dead_letters.c.status).subquery()
    query = sa.select(matching.c.status, sa.func.count()).group_by(matching.c.status)
    return {status: count for status, count in connection.execute(query)}  # noqa: C416 - rows are no pairs


def page_of_letters(
    connection: sa.Connection, wanted: LetterFilter, after: tuple[str, int] | None, size: int
) -> tuple[StoredLetter, ...]:
    """The next letters in the order of their streams and positions, from the one after (stream, position)."""
    table = dead_letters.c
    query = _query(connection, wanted).order_by(table.stream, table.position).limit(size)
    if after is not None:
        query = query.where(sa.tuple_(table.stream, table.position) > sa.tuple_(*after))
    return tuple(_letter(row) for row in connection.execute(query).mappings())


def bytes_of_letters(connection: sa.Connection) -> Iterator[tuple[Status, bytes]]:
    """The status and the bytes of each letter."""
    query = sa.select(dead_letters.c.status, dead_letters.c.raw)
    for status, raw in connection.execution_options(yield_per=PAGE).execute(query):
        yield status, bytes(raw)


def keep_letters(connection: sa.Connection, letters: Sequence[DeadLetter], now: datetime) -> None:
    """Dead letters of somebody else than the store. One that is there already stays as it is."""
    rows = [letter_values(each, now) for each in letters]
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    if rows:
        connection.execute(insert(dead_letters).on_conflict_do_nothing(), rows)


def mark_replayed(connection: sa.Connection, seen: StoredLetter, decision: Decision) -> bool:
    """The letter was replayed. False when it has failed again since it was `seen`: it stays open then."""
    here, line = _here(seen.letter), _line("replayed", decision)
    unchanged = sa.and_(here, dead_letters.c.replays == seen.letter.replays)
    marked = connection.execute(
        sa.update(dead_letters)
        .where(unchanged, dead_letters.c.status.in_(("open", "replayed")))
        .values(
            status="replayed",
            resolved_at=decision.at,
            resolved_by=decision.by,
            resolution_note=_with_line(line),
        )
    )
    if marked.rowcount:
        return True
    again = _line("replayed, and it failed again", decision)
    connection.execute(sa.update(dead_letters).where(here).values(resolution_note=_with_line(again)))
    return False


def discard(connection: sa.Connection, seen: StoredLetter, decision: Decision) -> bool:
    """Nobody shall look at this letter any more; it is kept. False when it is not open."""
    marked = connection.execute(
        sa.update(dead_letters)
        .where(_here(seen.letter), dead_letters.c.status == "open")
        .values(
            status="discarded",
            resolved_at=decision.at,
            resolved_by=decision.by,
            resolution_note=_with_line(_line("discarded", decision)),
        )
    )
    return marked.rowcount == 1


def _here(letter: DeadLetter) -> sa.ColumnElement[bool]:
    table = dead_letters.c
    return sa.and_(table.stream == letter.stream, table.position == letter.record.position)


def _line(what: str, decision: Decision) -> str:
    note = " ".join(decision.note.split())
    text = f"{decision.at:%Y-%m-%dT%H:%M:%SZ} {what} by {decision.by}" + (f": {note}" if note else "")
    return text.replace("\0", "")


def _with_line(line: str) -> sa.ColumnElement[str]:
    before = dead_letters.c.resolution_note
    return sa.case((before.is_(None), line), else_=before + "\n" + line)


def _query(
    connection: sa.Connection, wanted: LetterFilter, *columns: sa.ColumnElement[Any]
) -> sa.Select[Any]:
    table = dead_letters.c
    query = sa.select(*columns) if columns else sa.select(dead_letters)
    if wanted.names:
        query = query.where(sa.tuple_(table.stream, table.position).in_(wanted.names))
    if wanted.streams or wanted.topics:
        query = query.where(table.stream.in_((*wanted.streams, *_streams_of(connection, wanted.topics))))
    if wanted.stage:
        query = query.where(table.stage == wanted.stage)
    if wanted.error_class:
        query = query.where(table.error_class == wanted.error_class)
    if wanted.event_id:
        query = query.where(table.event_id == wanted.event_id)
    if wanted.since:
        query = query.where(table.failed_at >= wanted.since)
    if wanted.until:
        query = query.where(table.failed_at < wanted.until)
    if wanted.positions:
        query = query.where(sa.or_(*(table.position.between(*each) for each in wanted.positions)))
    if wanted.statuses:
        query = query.where(table.status.in_(wanted.statuses))
    return query


def _streams_of(connection: sa.Connection, topics: tuple[str, ...]) -> list[str]:
    """The partitions of these topics, of any consumer group, that have letters."""
    if not topics:
        return []
    stream = dead_letters.c.stream
    found = connection.execute(sa.select(stream).where(stream.like("kafka:%")).distinct()).scalars()
    # A group may be called anything, so that only the end of the name can be trusted.
    return [name for name in found if name.rsplit(":", 2)[1] in topics]


def _letter(row: sa.RowMapping) -> StoredLetter:
    return StoredLetter(
        letter=stored_letter(row),
        status=row["status"],
        created_at=row["created_at"],
        published_at=row["published_at"],
        resolved_at=row["resolved_at"],
        resolved_by=row["resolved_by"],
        history=tuple((row["resolution_note"] or "").splitlines()),
    )
