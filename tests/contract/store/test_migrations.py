"""The way of a schema up and down, on both databases, with rows in it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from polly.errors import StoreError, StoreMisconfigured
from polly.store import inspection, schema
from polly.store.migrations.views_0003 import VIEWS
from polly.store.sqlite import SqliteStore
from polly.store.upgrade import configuration, current_revision, downgrade, own_tables, revisions, upgrade

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
Connect = Callable[[], sa.Engine]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """An empty database of each kind."""
    if request.param == "postgresql":
        made = sa.create_engine(request.getfixturevalue("postgres_url"))
    else:
        with SqliteStore.open(tmp_path / "polly.db") as store:
            made = store.engine
            with made.begin() as connection:
                downgrade(connection)
                connection.exec_driver_sql("DROP TABLE alembic_version")
    yield made
    made.dispose()


def up(engine: sa.Engine, revision: str = schema.REVISION) -> None:
    with engine.begin() as connection:
        if revision == schema.REVISION:
            upgrade(connection, "it")
        else:
            command.upgrade(configuration(connection), revision)


def down(engine: sa.Engine, revision: str) -> None:
    with engine.begin() as connection:
        downgrade(connection, revision)


def shape(engine: sa.Engine) -> dict[str, object]:
    """Columns, keys, checks and indexes of every table, and all views, as the database describes them."""
    inspector = sa.inspect(engine)
    tables = {
        name: (
            sorted(
                (each["name"], str(each["type"]), each["nullable"]) for each in inspector.get_columns(name)
            ),
            inspector.get_pk_constraint(name),
            sorted((each["name"], each["sqltext"]) for each in inspector.get_check_constraints(name)),
            sorted((each["name"], tuple(each["column_names"])) for each in inspector.get_indexes(name)),
        )
        for name in inspector.get_table_names()
        if name != "alembic_version"
    }
    return tables | {name: inspector.get_view_definition(name) for name in inspector.get_view_names()}


def rows(engine: sa.Engine, table: str) -> list[dict[str, Any]]:
    """As the declared table reads them."""
    declared = schema.metadata.tables[table]
    with engine.connect() as connection:
        query = sa.select(declared).order_by(*declared.primary_key.columns)
        return [dict(row) for row in connection.execute(query).mappings()]


def insert(engine: sa.Engine, table: str, **values: object) -> None:
    """Into a table as it is, whatever revision it has."""
    with engine.begin() as connection:
        connection.execute(sa.Table(table, sa.MetaData(), autoload_with=connection).insert(), values)


def fill_first_tables(engine: sa.Engine) -> None:
    """Rows that every revision has a place for."""
    event = {"source": "urn:a", "id": "e1", "type": "t", "time": NOON, "subject": "R", "correlation_id": "c"}
    insert(engine, "events", **event, session_id="s", sequence="1", envelope="{}", stored_at=NOON)
    insert(engine, "verdicts", event_id="e3", run="R", package="WP1", attempt=1, issue="C1", verdict="fixed",
           evidence=[{"kind": "check"}], created_at=NOON)  # fmt: skip
    insert(engine, "attempts", run="R", package="WP1", attempt=1, claims={"C1": {"status": "fixed"}},
           owned_changed=["a.py"])  # fmt: skip
    log = {"correlation_id": "c", "session_id": "s", "agent_name": "patch", "created_at": NOON}
    insert(engine, "agent_execution_logs", **log, execution_id="E1", status="success", run="R",
           started_at=NOON, started_event_id="e1", duration_ms=2500, completed_event_id="e9")  # fmt: skip
    insert(engine, "agent_execution_logs", **log, execution_id="E2", status="failed", completed_event_id="e9")


def test_the_schema_of_the_migrations_is_the_schema_declared(engine: sa.Engine) -> None:
    up(engine)
    migrated = shape(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []
        assert inspection.check(connection) == ()
    down(engine, "base")
    schema.metadata.create_all(engine)
    declared = shape(engine)
    assert declared == {name: migrated[name] for name in declared}
    assert set(migrated) - set(declared) == {view.name for view in VIEWS}


def test_the_revision_that_open_looks_for_is_the_last_one(engine: sa.Engine) -> None:
    up(engine)
    with engine.connect() as connection:
        script = ScriptDirectory.from_config(configuration(connection))
        assert script.get_heads() == [schema.REVISION]
        assert current_revision(connection) == schema.REVISION
        assert revisions() == tuple(sorted(each.revision for each in script.walk_revisions()))


def test_up_down_and_up_again_keeps_the_rows_that_both_schemas_have(engine: sa.Engine) -> None:
    up(engine)
    up(engine)
    fill_first_tables(engine)
    whole = shape(engine)
    tables = ("events", "verdicts", "attempts", "agent_execution_logs")
    before = {name: rows(engine, name) for name in tables}
    for revision in ("0002", "0001"):
        down(engine, revision)
        up(engine)
        assert shape(engine) == whole
        for name in tables:
            kept = [{**row, "created_event_id": None} for row in rows(engine, name)]
            assert kept == [{**row, "created_event_id": None} for row in before[name]], (revision, name)


def test_a_database_of_the_second_revision_keeps_its_rows(engine: sa.Engine) -> None:
    up(engine, "0002")
    fill_first_tables(engine)
    letter = {"stream": "spool:p", "position": 7, "raw": b"\x00\xff", "stage": "decode", "reason": "no JSON"}
    insert(engine, "dead_letters", **letter, created_at=NOON)
    up(engine)
    (event,) = rows(engine, "events")
    assert (event["id"], event["time"], event["envelope"]) == ("e1", NOON, "{}")
    first, second = rows(engine, "agent_execution_logs")
    assert (first["duration_ms"], first["created_event_id"]) == (2500.0, "e1")
    assert (second["status"], second["created_event_id"]) == ("failed", "e9")
    (kept,) = rows(engine, "dead_letters")
    assert {name: kept[name] for name in letter} == letter
    assert (kept["status"], kept["replays"], kept["headers"], kept["failed_at"]) == ("open", 0, [], NOON)
    (attempt,) = rows(engine, "attempts")
    assert attempt["claims"] == {"C1": {"status": "fixed"}}
    assert attempt["owned_changed"] == ["a.py"]


def test_base_is_the_empty_database_and_down_twice_is_fine(engine: sa.Engine) -> None:
    up(engine)
    down(engine, "base")
    down(engine, "base")
    assert shape(engine) == {}
    with engine.connect() as connection:
        assert current_revision(connection) is None
        if engine.dialect.name == "postgresql":
            left = "SELECT count(*) FROM pg_proc WHERE pronamespace = current_schema()::regnamespace"
            assert connection.exec_driver_sql(left).scalar() == 0


def test_a_migration_that_fails_leaves_everything_as_it_was(engine: sa.Engine) -> None:
    up(engine, "0002")
    fill_first_tables(engine)
    # In the way of a table that the migration makes after it has changed others.
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE hook_events (id INTEGER)")
    before = shape(engine)
    with pytest.raises(sa.exc.DBAPIError, match="hook_events"):
        up(engine)
    assert shape(engine) == before
    assert len(rows(engine, "verdicts")) == 1


def test_an_unknown_revision_is_refused_with_those_that_are_known(engine: sa.Engine) -> None:
    up(engine)
    with pytest.raises(StoreError, match="cannot go back to '9999'") as caught:
        down(engine, "9999")
    assert "base, 0001, 0002, 0003" in str(caught.value.next_step)


def test_a_database_of_another_program_is_refused_and_left_as_it_is(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE photos (id INTEGER)")
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('ab12')")
    with pytest.raises(StoreError, match="a database of another program"):
        up(engine)
    with engine.connect() as connection:
        assert own_tables(connection) == {"photos", "alembic_version"}


def test_a_store_of_a_newer_version_is_refused(engine: sa.Engine) -> None:
    up(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="written by a newer Polly: its schema is 9999"):
        up(engine)


@pytest.fixture
def in_schema(postgres_url: str) -> Iterator[Connect]:
    """Engines whose tables belong into the schema `polly`; another program lives in `public`."""
    url = sa.make_url(postgres_url).update_query_dict({"options": "-csearch_path=polly,public"})
    engines: list[sa.Engine] = []

    def connect() -> sa.Engine:
        engines.append(sa.create_engine(url))
        return engines[-1]

    with connect().begin() as connection:
        connection.exec_driver_sql("CREATE TABLE public.events (id INTEGER)")
        connection.exec_driver_sql("CREATE TABLE public.alembic_version (version_num VARCHAR(32))")
        connection.exec_driver_sql("INSERT INTO public.alembic_version VALUES ('ab12')")
    yield connect
    for engine in engines:
        engine.dispose()


def test_the_first_schema_of_the_search_path_is_polly_s_own(in_schema: Connect) -> None:
    engine = in_schema()
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA polly")
    up(engine)
    up(engine)
    with engine.connect() as connection:
        assert current_revision(connection) == schema.REVISION
        assert inspection.check(connection) == ()
        others = connection.exec_driver_sql("SELECT version_num FROM public.alembic_version").scalar()
        assert others == "ab12"
    down(engine, "base")
    assert sa.inspect(engine).get_columns("events", schema="public")[0]["name"] == "id"


def test_a_schema_of_another_program_is_refused(in_schema: Connect) -> None:
    # Without a schema `polly`, tables would be made in `public`.
    with pytest.raises(StoreError, match="a database of another program") as caught:
        up(in_schema())
    assert "search_path" in str(caught.value.next_step)


def test_a_search_path_without_any_schema_is_named(postgres_url: str) -> None:
    url = sa.make_url(postgres_url).update_query_dict({"options": "-csearch_path=nowhere"})
    engine = sa.create_engine(url)
    with pytest.raises(StoreMisconfigured, match="search path exists: nowhere"):
        up(engine)
    engine.dispose()


OPEN = """
import sys, sqlalchemy as sa
from polly.store.upgrade import upgrade
engine = sa.create_engine(sys.argv[1])
with engine.begin() as connection:
    print("ready", flush=True)
    sys.stdin.readline()
    upgrade(connection, "it")
"""


def test_processes_that_migrate_the_same_database_at_once_all_succeed(postgres_url: str) -> None:
    command = [sys.executable, "-c", OPEN, postgres_url]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0, 0, 0]
    engine = sa.create_engine(postgres_url)
    with engine.connect() as connection:
        assert inspection.check(connection) == ()
    engine.dispose()


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("DROP TABLE hook_events", ("hook_events", "the table is missing")),
        ("ALTER TABLE issues DROP COLUMN rule", ("issues.rule", "the column is missing")),
        ("ALTER TABLE issues ADD COLUMN more TEXT", ("issues.more", "it is not declared")),
        ("DROP INDEX ix_issues_fingerprint", ("issues", "index ix_issues_fingerprint is missing")),
        ("DROP VIEW tool_success_rates", ("tool_success_rates", "the view is missing")),
    ],
)
def test_what_differs_from_the_declaration_is_named(
    engine: sa.Engine, damage: str, found: tuple[str, str]
) -> None:
    up(engine)
    with engine.begin() as connection:
        if damage.startswith("DROP TABLE") and engine.dialect.name == "postgresql":
            damage += " CASCADE"
        connection.exec_driver_sql(damage)
    with engine.connect() as connection:
        problems = inspection.check(connection)
    assert found[0] in {each.place for each in problems}
    assert any(found[1] in each.what for each in problems), problems


OTHER_FUNCTION = """CREATE OR REPLACE FUNCTION extract_project_name(project_path text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN project_path"""
OTHER_INDEX = """DROP INDEX ix_events_time_stored_at;
    CREATE INDEX ix_events_time_stored_at ON events (time, stored_at)"""


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("ALTER TABLE agent_actions ALTER COLUMN action_name DROP NOT NULL", "it must not allow NULL"),
        ("ALTER TABLE attempts ALTER COLUMN exit_code TYPE bigint", "its type is BIGINT(), not Integer()"),
        ("ALTER TABLE agent_actions DROP CONSTRAINT ck_agent_actions_action_type_is_known", "is missing"),
        ("ALTER TABLE verdicts DROP CONSTRAINT verdicts_pkey", "its key is missing"),
        (OTHER_FUNCTION, "the function is not the declared one"),
        ("DROP FUNCTION cleanup_old_debug_logs", "the function is missing"),
        (
            "ALTER TABLE issues ADD CONSTRAINT later CHECK (run <> '') NOT VALID",
            "the constraint later was never checked",
        ),
        (OTHER_INDEX, "the index ix_events_time_stored_at is btree, not brin"),
        (
            "DROP VIEW tool_success_rates; CREATE VIEW tool_success_rates AS SELECT 1 AS calls",
            "the view is not the declared one",
        ),
    ],
)
def test_what_differs_in_postgresql_is_named(postgres_url: str, damage: str, found: str) -> None:
    engine = sa.create_engine(postgres_url)
    up(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql(damage)
        problems = inspection.check(connection)
    engine.dispose()
    assert any(found in each.what for each in problems), problems
