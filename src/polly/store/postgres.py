"""The store in a PostgreSQL database: one connection for what is stored, others for readers."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from selectors import DefaultSelector
from typing import Any, Self

import psycopg
import sqlalchemy as sa
from psycopg import conninfo
from psycopg.abc import AdaptContext, PQGen
from psycopg.waiting import Ready, Wait

from polly.errors import StoreError, StoreMisconfigured, StoreUnavailable
from polly.events.transfer import Batch, IngestResult, OffsetMoved, Record, TooManyDead
from polly.store.asking import AskingStore
from polly.store.ingest.ahead import Ahead
from polly.store.ingest.postgres_writer import Memory, PostgresWriter, with_adapters
from polly.store.ingest.sqlstates import Trouble, trouble_of, trouble_of_connecting
from polly.store.ingest.transaction import ingest
from polly.store.schema import REVISION
from polly.store.upgrade import current_revision, upgrade

#: How long one statement may take, and then how long its answer may take to come.
TIMEOUT_SECONDS = 30.0
#: How often a batch may fail for reasons that nobody knows before its records are looked at one by one.
MOST_UNKNOWN = 3

#: What a URL does not say by itself. A server that is gone without a word is noticed within a minute.
_UNLESS_GIVEN = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "client_encoding": "UTF8",
    "fallback_application_name": "polly",
}
#: A setting of the user, the database or the URL wins over ours.
_LIMIT = "SELECT set_config(%(name)s, %(value)s, false) WHERE current_setting(%(name)s) = '0'"


class _PatientConnection(psycopg.Connection[Any]):
    """A connection that does not wait for ever for a server that keeps silent."""

    patience_seconds: float | None = None
    #: What can be done while the server is at work: a little of it each time, False when nothing is left.
    meanwhile: Callable[[], bool] | None = None

    def wait(self, gen: PQGen[Any], *args: Any, **options: Any) -> Any:
        """Runs what talks to the server. The connection is closed when the answer takes too long."""
        if self.patience_seconds is None:
            return super().wait(gen, *args, **options)
        return super().wait(self._until(gen, time.monotonic() + self.patience_seconds), *args, **options)

    def _until(self, gen: PQGen[Any], deadline: float) -> PQGen[Any]:
        try:
            wanted = next(gen)
            while True:
                if time.monotonic() > deadline:
                    gen.close()
                    self.pgconn.finish()
                    raise psycopg.OperationalError("the server does not answer")
                wanted = gen.send(self._work_until_ready(wanted) or (yield wanted))
        except StopIteration as done:
            return done.value

    def _work_until_ready(self, wanted: Wait) -> Ready | None:
        """None when there is nothing to do (any more) but to wait."""
        if self.meanwhile is None:
            return None
        with DefaultSelector() as selector:
            selector.register(self.fileno(), wanted)
            while not (found := selector.select(0)):
                if not self.meanwhile():
                    self.meanwhile = None
                    return None
            return Ready(found[0][1])


class _CannotConnect(psycopg.OperationalError):
    """There is no connection, and so no code: only words."""


Connect = Callable[..., _PatientConnection]


class PostgresStore(AskingStore):
    """The store in a PostgreSQL database. Open it with `PostgresStore.open`, close it when done."""

    def __init__(self, connect: Connect, place: str) -> None:
        super().__init__(_engine(connect))
        self._connect = connect
        self._place = place
        self._connection: _PatientConnection | None = None
        self._memory = Memory()
        self._unknown: tuple[object, int] = (None, 0)
        self._ahead = Ahead(PostgresWriter.form)

    @property
    def place(self) -> str:
        """The URL without password and options."""
        return self._place

    @classmethod
    def open(cls, url: str, password: str | None = None, *, timeout_seconds: float = TIMEOUT_SECONDS) -> Self:
        """Connects, and brings the database to this version's schema when need be. Raises StoreError."""
        info, place = _connection_info(url, password)
        store = cls(partial(_connect, info, timeout_seconds), place)
        try:
            with store._problems("opened"):
                store._bring_up_to_date()
        except BaseException:
            store.close()
            raise
        return store

    def ingest(self, batches: Sequence[Batch], *, most_dead: int | None = None) -> IngestResult:
        """Stores batches and the positions of their streams in one transaction; see ports.Store."""
        # A batch is known by where it begins; how much of it is offered may change.
        batch = tuple((each.stream, each.start) for each in batches)
        times = self._unknown[1] if self._unknown[0] == batch else 0
        with self._problems("written"), self._ingesting() as connection:
            try:
                memory = self._memory.copy()
                connection.meanwhile = self._ahead.work
                with connection.transaction():
                    writer = PostgresWriter(connection, memory, isolates_unknown=times >= MOST_UNKNOWN)
                    result = ingest(writer, batches, most_dead, self._ahead.look)
            except psycopg.Error as error:
                if error.sqlstate and trouble_of(error.sqlstate) is Trouble.UNKNOWN:
                    self._unknown = (batch, times + 1)
                raise
            finally:
                connection.meanwhile = None
        self._memory = memory
        self._unknown = (None, 0)
        return result

    def expect(self, records: Mapping[str, Sequence[Record]]) -> None:
        """These come next: they are judged while the server is at work on those before."""
        self._ahead.expect(records)

    @contextmanager
    def refilling(self, *, keep: bool) -> Iterator[PostgresWriter]:
        """A transaction in which rows of stored events are written anew; see ports.Store."""
        with self._problems("written"), self._ingesting() as connection:
            memory = self._memory.copy()
            with connection.transaction(force_rollback=not keep):
                yield PostgresWriter(connection, memory, isolates_unknown=True)
        if keep:
            self._memory = memory

    def close(self) -> None:
        """Gives back all connections."""
        self._drop_connection()
        super().close()

    @contextmanager
    def _ingesting(self) -> Iterator[_PatientConnection]:
        """The one connection of the ingest. After trouble of any kind the next one is fresh."""
        if self._connection is None:
            self._connection = self._connect(autocommit=True)
            with_adapters(self._connection)
        try:
            yield self._connection
        except (OffsetMoved, TooManyDead):
            raise
        except BaseException:
            self._drop_connection()
            raise

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection, self._memory = None, Memory()

    def _bring_up_to_date(self) -> None:
        with self.engine.connect() as connection:
            if current_revision(connection) == REVISION:
                return
        with self.engine.connect() as connection:
            # Large tables may take long to change. The connection is not used for anything else.
            driver: Any = connection.connection.driver_connection
            driver.patience_seconds = None
            connection.detach()
            with connection.begin():
                connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
                upgrade(connection, self.place)

    @contextmanager
    def _problems(self, doing: str) -> Iterator[None]:
        """Turns the database's own trouble into a StoreError."""
        try:
            yield
        except (psycopg.Error, sa.exc.DBAPIError) as error:
            reason = error.orig if isinstance(error, sa.exc.DBAPIError) else error
            raise _store_error(f"the store {self.place} cannot be {doing}", reason) from error


def _connection_info(url: str, password: str | None) -> tuple[str, str]:
    """What libpq is told, and the URL as it may be shown. Raises StoreMisconfigured."""
    scheme, _, rest = url.partition("://")
    try:
        given = conninfo.conninfo_to_dict(f"{scheme.partition('+')[0]}://{rest}")
    except psycopg.ProgrammingError as error:
        # What is quoted may be the password.
        said = re.sub(r'".*"', "…", _first_line(error))
        raise StoreMisconfigured(
            f"the URL of the store cannot be read: {said}",
            next_step="Write [store] url as postgresql://USER@HOST:PORT/DATABASE.",
        ) from None
    if password is not None:
        given["password"] = password
    user, host, port = given.get("user"), given.get("host") or "localhost", given.get("port")
    place = f"postgresql://{f'{user}@' if user else ''}{host}{f':{port}' if port else ''}"
    complete: dict[str, Any] = {**_UNLESS_GIVEN, **given}
    return conninfo.make_conninfo(**complete), f"{place}/{given.get('dbname') or ''}"


def _connect(
    info: str, timeout_seconds: float, *, autocommit: bool = False, context: AdaptContext | None = None
) -> _PatientConnection:
    try:
        connection = _PatientConnection.connect(info, autocommit=True, context=context)
    except psycopg.OperationalError as error:
        raise _CannotConnect(*error.args) from error
    # The server gives up first, and says so.
    connection.patience_seconds = timeout_seconds * 1.25
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    limits = {
        "statement_timeout": timeout_seconds,
        "lock_timeout": timeout_seconds / 2,
        # A process that was stopped in the middle must not hold up the one that goes on in its place.
        "idle_in_transaction_session_timeout": timeout_seconds,
    }
    for name, seconds in limits.items():
        connection.execute(_LIMIT, {"name": name, "value": f"{max(1, round(seconds * 1000))}ms"})
    connection.autocommit = autocommit
    return connection


def _engine(connect: Connect) -> sa.Engine:
    engine = sa.create_engine(
        "postgresql+psycopg://", pool_size=1, pool_pre_ping=True, use_native_hstore=False
    )

    @sa.event.listens_for(engine, "do_connect")
    def do_connect(dialect: Any, record: Any, arguments: Any, options: Any) -> _PatientConnection:
        del dialect, record, arguments
        return connect(context=options.get("context"))

    return engine


def _store_error(what: str, reason: BaseException | None) -> StoreError:
    said = _first_line(reason)
    code = reason.sqlstate if isinstance(reason, psycopg.Error) else None
    never_connected = isinstance(reason, _CannotConnect)
    trouble = trouble_of_connecting(said) if never_connected else trouble_of(code)
    if trouble is Trouble.SETTINGS:
        return StoreMisconfigured(f"{what}: {said}", next_step=_next_step(code))
    return StoreUnavailable(f"{what}: {said}", next_step="Try again when the database can do its work.")


def _next_step(code: str | None) -> str:
    if code is None:
        return "Check [store] url and password in polly.toml, and what pg_hba.conf lets in."
    if code == "42501":
        return "Give the user of [store] url the right named; tables are made by `polly db upgrade`."
    return "`polly db check` compares the tables with what this version of Polly needs."


def _first_line(error: object) -> str:
    return str(error).strip().partition("\n")[0]
