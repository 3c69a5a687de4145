"""The store in one SQLite file: no set-up, readers beside one writer (WAL)."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from filelock import FileLock, Timeout

from polly.errors import StoreError, StoreMisconfigured, StoreUnavailable
from polly.events.transfer import Batch, IngestResult
from polly.store.asking import AskingStore
from polly.store.ingest.sqlite_writer import SqliteWriter
from polly.store.ingest.transaction import ingest
from polly.store.schema import REVISION
from polly.store.upgrade import current_revision, upgrade

#: How long a writer waits for another one before it gives up.
BUSY_TIMEOUT_SECONDS = 30.0

_SCHEME = "sqlite:///"

#: Primary result codes after which trying again later is right.
_PASSING = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        # Another process changed the tables; the next statement sees them.
        sqlite3.SQLITE_SCHEMA,
    }
)
_ABOUT_THE_PATH = (PermissionError, IsADirectoryError, NotADirectoryError, FileExistsError)


class SqliteStore(AskingStore):
    """The store in one SQLite file. Open it with `SqliteStore.open`, close it when done (or use `with`)."""

    def __init__(self, engine: sa.Engine, path: Path) -> None:
        super().__init__(engine)
        self.path = path

    @property
    def place(self) -> str:
        """The file."""
        return str(self.path)

    @classmethod
    def open(cls, url_or_path: str | Path, *, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> Self:
        """Opens the file, made and brought to this version's schema when need be. Raises StoreError."""
        path = _path(url_or_path)
        store = cls(_engine(path, busy_timeout_seconds), path)
        try:
            with store._problems("opened"):
                _create(path)
                store._bring_up_to_date(busy_timeout_seconds)
        except BaseException:
            store.close()
            raise
        return store

    def ingest(self, batches: Sequence[Batch], *, most_dead: int | None = None) -> IngestResult:
        """Stores batches and the positions of their streams in one transaction; see ports.Store."""
        with self._writing() as connection:
            return ingest(_writer(connection), batches, most_dead)

    @contextmanager
    def refilling(self, *, keep: bool) -> Iterator[SqliteWriter]:
        """A transaction in which rows of stored events are written anew; see ports.Store."""
        with self._writing() as connection:
            yield _writer(connection)
            if not keep:
                connection.rollback()

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with (
            self._problems("written"),
            self.engine.connect().execution_options(polly_writes=True) as connection,
            connection.begin(),
        ):
            yield connection

    def _bring_up_to_date(self, timeout_seconds: float) -> None:
        with self.engine.connect() as connection:
            if current_revision(connection) == REVISION:
                return
        with FileLock(f"{self.path}.lock", timeout=timeout_seconds):
            # Counts only for a file without tables, whose pruned space can then be given back bit by bit.
            self._set("auto_vacuum = INCREMENTAL")
            with self._writing() as connection:
                upgrade(connection, str(self.path))
            # Kept by the file from now on. Not set earlier: the file could have been another program's.
            self._set("journal_mode = WAL")

    def _set(self, pragma: str) -> None:
        raw = self.engine.raw_connection()
        raw.cursor().execute(f"PRAGMA {pragma}")
        raw.close()

    @contextmanager
    def _problems(self, doing: str) -> Iterator[None]:
        """Turns the database's own trouble into a StoreError."""
        try:
            yield
        except (sa.exc.DBAPIError, sqlite3.Error, OSError, Timeout) as error:
            reason = error.orig if isinstance(error, sa.exc.DBAPIError) else error
            raise _trouble(reason)(
                f"the store {self.path} cannot be {doing}: {reason}", next_step=_next_step(str(reason))
            ) from error


def _writer(connection: sa.Connection) -> SqliteWriter:
    cursor: sqlite3.Cursor = connection.connection.cursor()  # type: ignore[assignment]
    return SqliteWriter(cursor)


def _trouble(reason: BaseException | None) -> type[StoreError]:
    if isinstance(reason, Timeout):
        return StoreUnavailable
    if isinstance(reason, OSError):
        return StoreMisconfigured if isinstance(reason, _ABOUT_THE_PATH) else StoreUnavailable
    code = getattr(reason, "sqlite_errorcode", -1)
    return StoreUnavailable if code & 0xFF in _PASSING else StoreMisconfigured


def _path(url_or_path: str | Path) -> Path:
    text = str(url_or_path)
    if "://" not in text:
        return Path(text).expanduser()
    if not text.startswith(_SCHEME) or len(text) == len(_SCHEME):
        scheme = text.partition("://")[0]
        raise StoreMisconfigured(
            f"the store cannot be a {scheme} URL of this form: a file is needed.",
            next_step="Write [store] url as a path, as sqlite:///PATH or as postgresql://USER@HOST/DATABASE.",
        )
    return Path(text.removeprefix(_SCHEME)).expanduser()


def _create(path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Made here so that nobody else can read it; SQLite gives its side files the same rights.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _engine(path: Path, busy_timeout_seconds: float) -> sa.Engine:
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        connect_args={"timeout": busy_timeout_seconds},
    )

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        del record
        connection.isolation_level = None  # the driver's own BEGIN would break savepoints and DDL
        for pragma in ("synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # A transaction that starts as a reader cannot wait for another writer once it wants to write.
        writes = connection.get_execution_options().get("polly_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _next_step(reason: str) -> str:
    if "locked" in reason or "lock" in reason:
        return "Another program holds it; try again when it is done."
    if "not a database" in reason or "malformed" in reason:
        return "Name another file in [store] url of polly.toml; this one is left as it is."
    return "Check the path, its rights and the space on its disk, or set [store] url in polly.toml."
