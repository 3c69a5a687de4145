"""The database as it is: opened without being made, migrated or hurried."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa
from filelock import FileLock

from polly.settings import SecretFrom, read_secret
from polly.store.opening import STORE_PASSWORD, postgres_store, require_file
from polly.store.ports import Store
from polly.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from polly.store.postgres import PostgresStore

#: Maintenance of large tables takes as long as it takes.
_PATIENCE_SECONDS = 86_400.0


class _SqliteFile(SqliteStore):
    def _bring_up_to_date(self, timeout_seconds: float) -> None:
        del timeout_seconds  # it is looked at as it is


@contextmanager
def visit(url: str, password: SecretFrom | None = None) -> Iterator[Store]:
    """The store at `url` with whatever schema it has. Raises StoreMisconfigured when there is none.

    Trouble with the database inside of the `with` becomes a StoreError.
    """
    store = _opened(url, password)
    try:
        with store._problems("examined"):  # noqa: SLF001 - a store translates the trouble of its own database
            yield store
    finally:
        store.close()


def migrating(store: Store) -> FileLock | None:
    """The lock that whoever migrates this store holds; PostgreSQL has its own."""
    return FileLock(f"{store.path}.lock") if isinstance(store, SqliteStore) else None


def _opened(url: str, password: SecretFrom | None) -> "SqliteStore | PostgresStore":
    if url.startswith(("postgresql", "postgres:")):
        return _postgres(url, password)
    require_file(url)
    return _SqliteFile.open(url)


def _postgres(url: str, password: SecretFrom | None) -> "PostgresStore":
    secret = read_secret(password, STORE_PASSWORD) if password else None

    class PostgresDatabase(postgres_store()):  # type: ignore[misc] # which class is known when it runs
        def _bring_up_to_date(self) -> None:
            """It is looked at as it is."""

    opened: PostgresStore = PostgresDatabase.open(url, secret, timeout_seconds=_PATIENCE_SECONDS)
    return opened


def writing(store: Store) -> sa.Engine:
    """The engine for transactions that write."""
    return store.engine.execution_options(polly_writes=True)
