"""The statements that both databases run, built from the tables as declared."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from polly.store.ingest.merge import PartShape
from polly.store.schema import dead_letters

_SQLITE: sa.Dialect = sqlite.dialect(paramstyle="qmark")
POSTGRESQL: sa.Dialect = postgresql.dialect(paramstyle="pyformat")  # type: ignore[no-untyped-call]
_ZERO: Any = sa.literal_column("0")

#: The `insert` of a dialect, with its `on_conflict_do_…`.
Insert = Callable[[sa.Table], Any]


def once(statement: Any, table: sa.Table) -> Any:
    """The insert that leaves rows alone that are there already. Any other clash is an error."""
    return statement.on_conflict_do_nothing(index_elements=list(table.primary_key.columns))


def filling(
    statement: Any, table: sa.Table, parts: Sequence[PartShape], *, collation: str, again: bool = False
) -> Any:
    """The insert that fills each part of a row, unless an event that counts more has filled it already.

    collation: the one that orders ids by their code points, as Python does. again: the event that has filled
    a part may correct it, as columns may have come after it.
    """
    new = statement.excluded
    counts = {part: _counts(table, new, part, collation, first_wins=first) for part, _, first in parts}
    if again:
        counts |= {
            part: sa.or_(counts[part], _corrects(table, new, part, columns)) for part, columns, _ in parts
        }
    changes: dict[str, Any] = {}
    for part, columns, _ in parts:
        for name in columns:
            before = changes.get(name, table.c[name])
            changes[name] = new[name] if len(parts) == 1 else _either(counts[part], new[name], before)
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns), set_=changes, where=sa.or_(*counts.values())
    )


def _either(condition: Any, one: Any, other: Any) -> Any:
    # Without its type, SQLAlchemy would wrap the value for it once more.
    return sa.case((condition, one), else_=other)


def _counts(table: sa.Table, new: Any, part: str, collation: str, *, first_wins: bool) -> Any:
    at, event_id = f"{part}_at", f"{part}_event_id"
    old_order = sa.tuple_(table.c[at], sa.collate(table.c[event_id], collation))
    new_order = sa.tuple_(new[at], sa.collate(new[event_id], collation))
    wins = new_order < old_order if first_wins else new_order > old_order
    return sa.and_(new[event_id].is_not(None), sa.or_(table.c[event_id].is_(None), wins))


def _corrects(table: sa.Table, new: Any, part: str, columns: Iterable[str]) -> Any:
    """True where the same event says something else now."""
    marks = f"{part}_at", f"{part}_event_id"
    differs = (table.c[name].is_distinct_from(new[name]) for name in columns if name not in marks)
    return sa.and_(*(table.c[name] == new[name] for name in marks), sa.or_(*differs))


def sqlite_text(statement: Any) -> tuple[str, tuple[str, ...]]:
    """A statement as SQLite's client takes it, and the names of its parameters in order."""
    compiled = statement.compile(dialect=_SQLITE)
    return str(compiled), tuple(compiled.positiontup or ())


def postgres_text(statement: Any) -> bytes:
    """A statement as PostgreSQL's client takes it; parameters go by their names."""
    return str(statement.compile(dialect=POSTGRESQL)).encode()


def from_stage(insert: Insert, table: sa.Table, stage: str, columns: Iterable[str]) -> Any:
    """The insert of what waits in a table of the same columns."""
    names = list(columns)
    waiting = sa.table(stage, *(sa.column(name) for name in names))
    return insert(table).from_select(names, sa.select(*(waiting.c[name] for name in names)))


def buried(statement: Any) -> Any:
    """The insert of a dead letter. At coordinates that are taken, a replay that failed again changes the row,
    and so does another record (of a topic that was made anew); the same record read again does not.
    """
    new, old = statement.excluded, dead_letters.c
    is_replay = new.replays > _ZERO
    once_more = sa.case((new.replays > old.replays, new.replays), else_=old.replays + sa.literal_column("1"))
    kept = {"stream", "position", "created_at", "resolution_note"}
    changes = {column.name: new[column.name] for column in old if column.name not in kept}
    changes["replays"] = sa.case((is_replay, once_more), else_=_ZERO)
    changes["first_failed_at"] = sa.case((is_replay, old.first_failed_at), else_=new.first_failed_at)
    return statement.on_conflict_do_update(
        index_elements=[old.stream, old.position],
        set_=changes,
        where=sa.or_(is_replay, new.raw != old.raw),
    )


def replayed() -> Any:
    """Marks a dead letter as replayed, unless a person discarded it."""
    table = dead_letters
    return (
        sa.update(table)
        .where(
            table.c.stream == sa.bindparam("origin_stream"),
            table.c.position == sa.bindparam("origin_position"),
            table.c.status == sa.literal_column("'open'"),
        )
        .values(status=sa.literal_column("'replayed'"), resolved_at=sa.bindparam("now"))
    )
