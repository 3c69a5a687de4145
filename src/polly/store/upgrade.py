"""Brings a database to the schema of this version. Alembic is imported only when there is something to do."""

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from polly.errors import StoreError
from polly.store.schema import REVISION

if TYPE_CHECKING:
    from alembic.config import Config


def current_revision(connection: sa.Connection) -> str | None:
    """The revision that the database says it has; None when it says nothing."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return revision


def upgrade(connection: sa.Connection, place: str) -> None:
    """Brings the database to REVISION. Raises StoreError, naming `place`, for one that is not Polly's."""
    revision = current_revision(connection)
    if revision == REVISION:
        return
    tables = set(sa.inspect(connection).get_table_names()) - {"alembic_version"}
    if tables and "sink_offsets" not in tables:
        raise StoreError(
            f"{place} is a database of another program: it has tables, but none of Polly's.",
            next_step="Name another file in [store] url of polly.toml.",
        )
    from alembic import command  # noqa: PLC0415 - half a second that an up-to-date database need not pay
    from alembic.util import CommandError  # noqa: PLC0415

    try:
        command.upgrade(configuration(connection), REVISION)
    except CommandError as error:
        raise StoreError(
            f"{place} was written by a newer Polly: its schema is {revision}, this one knows {REVISION}.",
            next_step="Update Polly, or name another file in [store] url of polly.toml.",
        ) from error


def downgrade(connection: sa.Connection, revision: str = "base") -> None:
    """Takes the database back to a revision; `base` is the empty database."""
    from alembic import command  # noqa: PLC0415

    command.downgrade(configuration(connection), revision)


def configuration(connection: sa.Connection) -> "Config":
    """Alembic's configuration for this connection."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    # Alembic reads "%" as the start of a variable.
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
