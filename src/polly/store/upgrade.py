"""Brings a database to the schema of this version. Alembic is imported only when there is something to do."""

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from polly.errors import StoreError, StoreMisconfigured
from polly.store.schema import REVISION

if TYPE_CHECKING:
    from alembic.config import Config

#: Of the lock that whoever migrates a PostgreSQL database holds until the end of the transaction.
_LOCK = int.from_bytes(b"polly-db", "big")


def current_revision(connection: sa.Connection) -> str | None:
    """The revision that the database says it has; None when it says nothing."""
    schema = current_schema(connection)
    if not sa.inspect(connection).has_table("alembic_version", schema=schema):
        return None
    versions = sa.table("alembic_version", sa.column("version_num", sa.String), schema=schema)
    revision: str | None = connection.execute(sa.select(versions.c.version_num)).scalar()
    return revision


def current_schema(connection: sa.Connection) -> str | None:
    """Where tables are made: in PostgreSQL the first schema of the search path; None for SQLite."""
    if connection.dialect.name != "postgresql":
        return None
    schema: str | None = connection.execute(sa.text("SELECT current_schema()")).scalar()
    if schema is None:
        path = connection.execute(sa.text("SHOW search_path")).scalar()
        raise StoreMisconfigured(
            f"none of the schemas of the search path exists: {path}.",
            next_step="Create the schema, or change search_path of the user or in [store] url.",
        )
    return schema


def own_tables(connection: sa.Connection) -> set[str]:
    """The tables where Polly's are, or would be."""
    return set(sa.inspect(connection).get_table_names(schema=current_schema(connection)))


def upgrade(connection: sa.Connection, place: str) -> None:
    """Brings the database to REVISION. Raises StoreError, naming `place`, for one that is not Polly's.

    Several at once are safe in PostgreSQL, where the others wait; for SQLite the caller holds a lock.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    revision = current_revision(connection)
    if revision == REVISION:
        return
    refuse_foreign(connection, place)
    from alembic import command  # noqa: PLC0415 - half a second that an up-to-date database need not pay
    from alembic.util import CommandError  # noqa: PLC0415

    try:
        command.upgrade(configuration(connection), REVISION)
    except CommandError as error:
        raise StoreError(
            f"{place} was written by a newer Polly: its schema is {revision}, this one knows {REVISION}.",
            next_step="Update Polly, or name another file in [store] url of polly.toml.",
        ) from error


def refuse_foreign(connection: sa.Connection, place: str) -> None:
    """Raises StoreError when there are tables, but none of Polly's."""
    tables = own_tables(connection) - {"alembic_version"}
    if tables and "sink_offsets" not in tables:
        raise StoreError(
            f"{place} is a database of another program: it has tables, but none of Polly's.",
            next_step="Name another file in [store] url of polly.toml."
            if connection.dialect.name == "sqlite"
            else "Name another database in [store] url of polly.toml, or a schema of Polly's own: "
            "add ?options=-csearch_path%3DSCHEMA to it.",
        )


def downgrade(connection: sa.Connection, revision: str = "base") -> None:
    """Takes the database back to a revision; `base` is the empty database. Raises StoreError."""
    from alembic import command  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    try:
        command.downgrade(configuration(connection), revision)
    except CommandError as error:
        raise StoreError(
            f"the schema cannot go back to {revision!r}: {error}.",
            next_step=f"Known are base, {', '.join(revisions())}; the database has "
            f"{current_revision(connection) or 'none'}.",
        ) from error


def revisions() -> tuple[str, ...]:
    """Every revision that this version knows, the oldest first."""
    folder = Path(__file__).parent / "migrations" / "versions"
    return tuple(sorted(path.name[1:5] for path in folder.glob("v[0-9][0-9][0-9][0-9]_*.py")))


def configuration(connection: sa.Connection) -> "Config":
    """Alembic's configuration for this connection."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    # Alembic reads "%" as the start of a variable.
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["schema"] = current_schema(connection)
    return config
