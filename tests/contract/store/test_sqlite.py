"""The file behind SqliteStore: how it is made, shared, upgraded and refused."""

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from polly.errors import StoreError, StoreMisconfigured, StoreUnavailable
from polly.events.catalog import RunResumed
from polly.events.transfer import Batch, Record
from polly.store import schema
from polly.store.sqlite import SqliteStore
from polly.store.upgrade import configuration, current_revision, downgrade, upgrade

Line = Callable[..., bytes]


def tables(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    return names


def shape(engine: sa.Engine) -> dict[str, object]:
    """Columns, keys, checks and indexes of every table, as the database itself describes them."""
    inspector = sa.inspect(engine)
    return {
        name: (
            [(each["name"], str(each["type"]), each["nullable"]) for each in inspector.get_columns(name)],
            inspector.get_pk_constraint(name)["constrained_columns"],
            sorted((each["name"], each["sqltext"]) for each in inspector.get_check_constraints(name)),
            sorted((each["name"], each["column_names"]) for each in inspector.get_indexes(name)),
        )
        for name in sorted(inspector.get_table_names())
        if name != "alembic_version"
    }


def test_the_schema_of_the_migrations_is_the_schema_declared(tmp_path: Path) -> None:
    declared = sa.create_engine(f"sqlite:///{tmp_path / 'declared.db'}")
    schema.metadata.create_all(declared)
    with SqliteStore.open(tmp_path / "polly.db") as store, store.engine.connect() as connection:
        assert shape(store.engine) == shape(declared)
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    declared.dispose()


def test_the_revision_that_open_looks_for_is_the_last_one(tmp_path: Path) -> None:
    with SqliteStore.open(tmp_path / "polly.db") as store, store.engine.connect() as connection:
        assert ScriptDirectory.from_config(configuration(connection)).get_heads() == [schema.REVISION]
        assert current_revision(connection) == schema.REVISION


def test_up_down_and_up_again_works_on_a_database_with_data(tmp_path: Path, line: Line) -> None:
    with SqliteStore.open(tmp_path / "polly.db") as store:
        batch = Batch("s", 0, 2, (Record(0, line(RunResumed(run="R"))), Record(1, b"poison")))
        store.ingest([batch])
        before = shape(store.engine)
        with store.engine.begin() as connection:
            downgrade(connection)
        assert shape(store.engine) == {}
        with store.engine.begin() as connection:
            upgrade(connection, "it")
            upgrade(connection, "it")
        assert shape(store.engine) == before
        assert store.ingest([batch]).stored == 1


def test_an_up_to_date_store_is_opened_without_the_migrations_program(tmp_path: Path) -> None:
    SqliteStore.open(tmp_path / "polly.db").close()
    program = (
        "import sys; from polly.store.sqlite import SqliteStore;"
        "SqliteStore.open(sys.argv[1]).close(); print('alembic' in sys.modules)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "polly.db")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize("form", ["{}", "sqlite:///{}"])
def test_a_store_is_named_by_a_path_or_a_url(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a folder" / "100%.db"
    SqliteStore.open(form.format(path)).close()
    assert "events" in tables(path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such mode bits")
def test_nobody_else_can_read_the_store(tmp_path: Path) -> None:
    path = tmp_path / "new" / "polly.db"
    SqliteStore.open(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_database_waits_for_others_and_keeps_what_it_said_it_stored(tmp_path: Path) -> None:
    with SqliteStore.open(tmp_path / "polly.db") as store, store.engine.connect() as connection:

        def pragma(name: str) -> object:
            return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

        assert pragma("journal_mode") == "wal"
        assert pragma("foreign_keys") == 1
        assert pragma("busy_timeout") == 30_000
        assert pragma("synchronous") == 2


def test_readers_see_the_last_stored_state_while_a_writer_writes(tmp_path: Path, line: Line) -> None:
    path = tmp_path / "polly.db"
    with SqliteStore.open(path) as store:
        store.ingest([Batch("s", 0, 1, (Record(0, line(RunResumed(run="R"))),))])
        writer = sqlite3.connect(path, isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM runs")
        assert [run.run for run in store.list_runs()] == ["R"]
        writer.execute("ROLLBACK")
        writer.close()


def test_a_locked_store_is_a_clear_error_and_no_dead_letter(tmp_path: Path, line: Line) -> None:
    path = tmp_path / "polly.db"
    with SqliteStore.open(path, busy_timeout_seconds=0.01) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="cannot be written: database is locked") as caught:
            store.ingest([Batch("s", 0, 1, (Record(0, line(RunResumed(run="R"))),))])
        assert caught.value.next_step == "Another program holds it; try again when it is done."
        other.execute("ROLLBACK")
        other.close()
        assert store.position("s") == 0


def test_a_lost_table_is_trouble_of_the_store_and_no_dead_letter(tmp_path: Path, line: Line) -> None:
    with SqliteStore.open(tmp_path / "polly.db") as store:
        with store.engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE runs")
        with pytest.raises(StoreMisconfigured, match="no such table: runs"):
            store.ingest([Batch("s", 0, 1, (Record(0, line(RunResumed(run="R"))),))])
        assert store.position("s") == 0


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes, " * 100)
    before = path.read_bytes()
    with pytest.raises(StoreMisconfigured, match="file is not a database"):
        SqliteStore.open(path)
    assert path.read_bytes() == before


def test_a_database_of_another_program_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE photos (id)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="a database of another program"):
        SqliteStore.open(path)
    assert path.read_bytes() == before


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "polly.db"
    with SqliteStore.open(path) as store, store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="written by a newer Polly: its schema is 9999"):
        SqliteStore.open(path)


@pytest.mark.parametrize("url", ["postgresql://me@db/x", "sqlite://", "sqlite:///", "mysql://x"])
def test_a_url_without_a_file_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="a file is needed"):
        SqliteStore.open(url)


def test_a_folder_or_a_place_below_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is a folder"):
        SqliteStore.open(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be opened"):
        SqliteStore.open(tmp_path / "file" / "polly.db")


OPEN = "import sys; from polly.store.sqlite import SqliteStore; SqliteStore.open(sys.argv[1]).close()"


def test_processes_that_make_the_same_store_at_once_all_get_it(tmp_path: Path) -> None:
    path = tmp_path / "polly.db"
    processes = [subprocess.Popen([sys.executable, "-c", OPEN, str(path)]) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert "events" in tables(path)


def test_a_full_disk_is_trouble_that_passes_and_no_dead_letter(tmp_path: Path, line: Line) -> None:
    with SqliteStore.open(tmp_path / "polly.db") as store:
        with store.engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()

        @sa.event.listens_for(store.engine, "begin")
        def limit(connection: sa.Connection) -> None:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

        raws = [line(RunResumed(run=f"R{number}" * 900)) for number in range(60)]
        records = tuple(Record(number, raw) for number, raw in enumerate(raws))
        with pytest.raises(StoreUnavailable, match="full"):
            store.ingest([Batch("s", 0, 60, records)])
        sa.event.remove(store.engine, "begin", limit)
        with store.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 100000000")
        assert store.position("s") == 0
        assert store.ingest([Batch("s", 0, 60, records)])[:3] == (60, 0, 0)
