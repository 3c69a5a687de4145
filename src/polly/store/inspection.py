"""What a database holds, and where it differs from what this version of Polly declares."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from polly.store.migrations.views_0003 import FUNCTIONS, VIEWS
from polly.store.schema import REVISION, metadata
from polly.store.upgrade import current_revision, current_schema, own_tables, revisions
from polly.store.views import Function, View

State = Literal["empty", "older", "current", "newer"]

#: Complaints of the database about itself that are told at most.
_MOST_COMPLAINTS = 20


class TableSize(msgspec.Struct, frozen=True, kw_only=True):
    """bytes: with indexes; None when the database cannot say."""

    table: str
    rows: int
    bytes: int | None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Revision of the database and of this version, and what the tables hold."""

    state: State
    revision: str | None
    newest: str
    tables: tuple[TableSize, ...]


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What is not as it should be, and of which thing."""

    place: str
    what: str


def status(connection: sa.Connection) -> Status:
    """What the database holds. The tables of other programs beside Polly's are left out."""
    revision = current_revision(connection)
    there = sorted(own_tables(connection) & set(metadata.tables))
    sizes = _bytes(connection, there)
    return Status(
        state=_state(revision),
        revision=revision,
        newest=REVISION,
        tables=tuple(
            TableSize(table=name, rows=_rows(connection, name), bytes=sizes.get(name)) for name in there
        ),
    )


def check(connection: sa.Connection) -> tuple[Problem, ...]:
    """Everything that is wrong with the schema, then with the data. Empty when all is well."""
    found = status_of_schema(connection)
    if found:
        return (found,)
    return (*_tables(connection), *_keys_and_checks(connection), *_derived(connection), *_sound(connection))


def status_of_schema(connection: sa.Connection) -> Problem | None:
    """The reason why nothing can be compared, when there is one."""
    revision = current_revision(connection)
    match _state(revision):
        case "empty":
            return Problem(place="database", what="it is empty: `polly db upgrade` makes the tables")
        case "older":
            what = f"its schema is {revision}, this version needs {REVISION}: run `polly db upgrade`"
            return Problem(place="database", what=what)
        case "newer":
            what = f"its schema is {revision}, and this version knows none after {REVISION}: update Polly"
            return Problem(place="database", what=what)
        case "current":
            return None


def _state(revision: str | None) -> State:
    if revision is None:
        return "empty"
    if revision == REVISION:
        return "current"
    return "older" if revision in revisions() else "newer"


def _rows(connection: sa.Connection, table: str) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(sa.table(table))).scalar_one()


def _bytes(connection: sa.Connection, tables: Iterable[str]) -> dict[str, int]:
    if connection.dialect.name == "postgresql":
        size = sa.func.pg_total_relation_size(sa.func.to_regclass(sa.bindparam("name")))
        return {name: connection.execute(sa.select(size), {"name": name}).scalar_one() for name in tables}
    query = (
        "SELECT item.tbl_name, sum(page.pgsize) FROM dbstat AS page "
        "JOIN sqlite_master AS item ON item.name = page.name WHERE page.aggregate GROUP BY item.tbl_name"
    )
    try:
        return {name: int(size) for name, size in connection.exec_driver_sql(query)}
    except sa.exc.OperationalError as error:
        if "no such table" in str(error.orig):  # this build of SQLite does not count
            return {}
        raise


def _tables(connection: sa.Connection) -> Iterator[Problem]:
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - slow to import
    from alembic.migration import MigrationContext  # noqa: PLC0415

    options = {"compare_type": True, "version_table_schema": current_schema(connection)}
    context = MigrationContext.configure(connection, opts=options)
    with warnings.catch_warnings():
        # SQLAlchemy stumbles over what it reads of constraints that were never checked; `_sound` names them.
        warnings.simplefilter("ignore", sa.exc.SAWarning)
        differences = compare_metadata(context, metadata)
    for difference in differences:
        for each in difference if isinstance(difference, list) else [difference]:
            problem = _in_words(each)
            if problem:
                yield problem


def _in_words(difference: tuple[Any, ...]) -> Problem | None:
    words = _WORDS.get(difference[0])
    return words(difference) if words else Problem(place="schema", what=difference[0].replace("_", " "))


def _undeclared_index(difference: tuple[Any, ...]) -> Problem | None:
    index = difference[1]
    what = f"the index {index.name} is not declared as it is"
    return Problem(place=index.table.name, what=what) if index.table.name in metadata.tables else None


#: What alembic's words mean, by the first of them. Tables that are not ours are another program's.
_WORDS: dict[str, Callable[[tuple[Any, ...]], Problem | None]] = {
    "add_table": lambda found: Problem(place=found[1].name, what="the table is missing"),
    "remove_table": lambda _: None,
    "add_column": lambda found: Problem(place=f"{found[2]}.{found[3].name}", what="the column is missing"),
    "remove_column": lambda found: Problem(place=f"{found[2]}.{found[3].name}", what="it is not declared"),
    "add_index": lambda found: Problem(
        place=found[1].table.name, what=f"the index {found[1].name} is missing or differs"
    ),
    "remove_index": _undeclared_index,
    "modify_nullable": lambda found: Problem(
        place=f"{found[2]}.{found[3]}", what="it must allow NULL" if found[6] else "it must not allow NULL"
    ),
    "modify_type": lambda found: Problem(
        place=f"{found[2]}.{found[3]}", what=f"its type is {found[5]!r}, not {found[6]!r}"
    ),
}


def _keys_and_checks(connection: sa.Connection) -> Iterator[Problem]:
    inspector = sa.inspect(connection)
    there = own_tables(connection)
    for table in metadata.sorted_tables:
        if table.name not in there:
            continue
        key = inspector.get_pk_constraint(table.name)["constrained_columns"]
        if key != [column.name for column in table.primary_key.columns]:
            yield Problem(place=table.name, what=f"its key is {', '.join(key) or 'missing'}")
        found = {each["name"] for each in inspector.get_check_constraints(table.name)}
        for constraint in table.constraints:
            if isinstance(constraint, sa.CheckConstraint) and constraint.name not in found:
                yield Problem(place=table.name, what=f"the constraint {constraint.name} is missing")
        methods = {
            each["name"]: each.get("dialect_options", {}).get("postgresql_using", "btree")
            for each in inspector.get_indexes(table.name)
        }
        for index in table.indexes:
            wanted = index.dialect_options["postgresql"]["using"] or "btree"
            found_method = methods.get(index.name, wanted)
            if connection.dialect.name == "postgresql" and found_method != wanted:
                yield Problem(
                    place=table.name, what=f"the index {index.name} is {found_method}, not {wanted}"
                )


def _derived(connection: sa.Connection) -> Iterator[Problem]:
    for view in VIEWS:
        found = _view_definition(connection, view)
        if found is None:
            yield Problem(place=view.name, what="the view is missing")
        elif found != _declared_view(connection, view):
            yield Problem(place=view.name, what="the view is not the declared one")
    if connection.dialect.name == "postgresql":
        for function in FUNCTIONS:
            yield from _function(connection, function)


def _view_definition(connection: sa.Connection, view: View) -> str | None:
    if connection.dialect.name == "postgresql":
        query = sa.text("SELECT pg_get_viewdef(to_regclass(:name))")
    else:
        query = sa.text("SELECT sql FROM sqlite_master WHERE type = 'view' AND name = :name")
    definition: str | None = connection.execute(query, {"name": view.name}).scalar()
    return definition


def _declared_view(connection: sa.Connection, view: View) -> str | None:
    query = view.query(connection.dialect.name)
    if connection.dialect.name == "sqlite":
        return f"CREATE VIEW {view.name} AS\n{query}"
    # PostgreSQL keeps no text; what it makes of ours is asked of a view that is gone with this savepoint.
    with connection.begin_nested() as trial:
        _run(connection, f"CREATE TEMPORARY VIEW polly_declared AS {query}")
        definition: str | None = connection.exec_driver_sql(
            "SELECT pg_get_viewdef('polly_declared'::regclass)"
        ).scalar()
        trial.rollback()
    return definition


def _function(connection: sa.Connection, function: Function) -> Iterator[Problem]:
    body = sa.text(
        "SELECT pg_get_function_sqlbody(oid) FROM pg_proc "
        "WHERE proname = :name AND pronamespace = to_regnamespace(:schema)"
    )
    name = {"name": function.name}
    found = connection.execute(body, {**name, "schema": current_schema(connection)}).scalar()
    if found is None:
        yield Problem(place=function.name, what="the function is missing")
        return
    with connection.begin_nested() as trial:
        _run(connection, f"CREATE FUNCTION pg_temp.{function.name}({function.arguments})\n{function.body}")
        temporary = sa.text("SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()")
        declared = connection.execute(
            body, {**name, "schema": connection.execute(temporary).scalar_one()}
        ).scalar()
        trial.rollback()
    if found != declared:
        yield Problem(place=function.name, what="the function is not the declared one")


def _run(connection: sa.Connection, statement: str) -> None:
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def _sound(connection: sa.Connection) -> Iterator[Problem]:
    """What the database itself finds wrong with its data."""
    if connection.dialect.name == "sqlite":
        for (said,) in connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST_COMPLAINTS})"):
            if said != "ok":
                yield Problem(place="data", what=said)
        return
    schema = {"schema": current_schema(connection)}
    invalid = sa.text(
        "SELECT conrelid::regclass::text, 'the constraint ' || conname || ' was never checked' "
        "FROM pg_constraint WHERE NOT convalidated AND connamespace = to_regnamespace(:schema) "
        "UNION ALL SELECT indrelid::regclass::text, 'the index ' || indexrelid::regclass || ' is not valid' "
        "FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
        "WHERE NOT (indisvalid AND indisready) AND relnamespace = to_regnamespace(:schema)"
    )
    for place, what in connection.execute(invalid, schema):
        yield Problem(place=place, what=what)
