"""Gives the disk back what deleted rows leave behind, and measures it."""

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from polly.store.schema import metadata

#: Pages that one step gives back in SQLite: a step keeps writers waiting for a few milliseconds.
_PAGES = 500

#: A table is rewritten when less than this share of it is in use.
_IN_USE = 0.5

#: Smaller tables are not worth a lock.
_SMALLEST_BYTES = 256 * 1024

#: How long a rewrite waits for writers: while it waits, they queue behind it.
_LOCK_TIMEOUT_MS = 2_000


class Reclaimed(msgspec.Struct, frozen=True, kw_only=True):
    """rewritten: tables that were written anew. left: those that should have been, with the reason."""

    rewritten: tuple[str, ...] = ()
    left: dict[str, str] = {}


def used_bytes(engine: sa.Engine) -> int:
    """What the tables take on the disk now, with indexes; for SQLite all files of the database."""
    if engine.dialect.name == "sqlite":
        path = str(engine.url.database)
        files = [Path(path + suffix) for suffix in ("", "-wal", "-shm")]
        return sum(file.stat().st_size for file in files if file.exists())
    with engine.connect() as connection:
        return sum(_relation_bytes(connection, table, "total_relation") for table in _tables())


def reclaim(
    engine: sa.Engine, *, rewrite: bool = True, pause: Callable[[float], None] = time.sleep
) -> Reclaimed:
    """Gives back what it can. Writers are kept waiting only by a rewrite, which `rewrite=False` leaves."""
    if engine.dialect.name == "sqlite":
        with closing(engine.raw_connection()) as raw:
            return _reclaim_sqlite(raw.cursor(), rewrite, pause)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        return _reclaim_postgres(connection, rewrite=rewrite)


def _reclaim_sqlite(cursor: Any, rewrite: bool, pause: Callable[[float], None]) -> Reclaimed:
    def pragma(words: str) -> int:
        rows = cursor.execute(f"PRAGMA {words}").fetchall()
        return int(rows[0][0]) if rows else 0

    found = Reclaimed()
    if pragma("auto_vacuum") == 2:
        free = pragma("freelist_count")
        while free:
            began = time.monotonic()
            pragma(f"incremental_vacuum({_PAGES})")
            pause(min(time.monotonic() - began, 0.5))
            before, free = free, pragma("freelist_count")
            if free >= before:  # others delete at the same time
                break
    elif pragma("freelist_count") and rewrite:
        # From now on the file gives back page by page; this takes one rewrite.
        pragma("auto_vacuum = INCREMENTAL")
        cursor.execute("VACUUM")
        found = Reclaimed(rewritten=("the whole file",))
    elif pragma("freelist_count"):
        found = Reclaimed(left={"the whole file": "a rewrite was not wanted"})
    pragma("wal_checkpoint(TRUNCATE)")
    return found


def _reclaim_postgres(connection: sa.Connection, *, rewrite: bool) -> Reclaimed:
    rewritten, left = [], {}
    connection.exec_driver_sql(f"SET lock_timeout = {_LOCK_TIMEOUT_MS}")
    connection.exec_driver_sql("SET statement_timeout = 0")
    for table in _tables():
        connection.exec_driver_sql(f"VACUUM (ANALYZE) {table}")
        size = _relation_bytes(connection, table, "table")
        if size < _SMALLEST_BYTES or _live_bytes(connection, table) > _IN_USE * size:
            continue
        if not rewrite:
            left[table] = "a rewrite was not wanted"
            continue
        try:
            connection.exec_driver_sql(f"VACUUM (FULL, ANALYZE) {table}")
            rewritten.append(table)
        except sa.exc.OperationalError as error:
            left[table] = str(error.orig).strip()
    return Reclaimed(rewritten=tuple(rewritten), left=left)


def _tables() -> list[str]:
    return sorted(map(str, metadata.tables))


def _relation_bytes(connection: sa.Connection, table: str, kind: str) -> int:
    size = connection.exec_driver_sql(f"SELECT pg_{kind}_size(to_regclass('{table}'))").scalar()
    return int(size or 0)


def _live_bytes(connection: sa.Connection, table: str) -> float:
    """About what the rows need: their number, which VACUUM has just counted, times the width of a sample."""
    rows, width = connection.exec_driver_sql(
        f"SELECT (SELECT reltuples FROM pg_class WHERE oid = to_regclass('{table}')), "  # noqa: S608  # nosec B608
        f"(SELECT avg(pg_column_size(row)) FROM (SELECT * FROM {table} LIMIT 2000) AS row)"
    ).one()
    return max(float(rows), 0.0) * float(width or 0.0)
