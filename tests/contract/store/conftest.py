"""The backends that the contract is held against: a new one is a function and a line in BACKENDS."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from tests.services.postgres import PostgresServer

from polly.events.envelope import wrap
from polly.events.event import EventData
from polly.events.transfer import Batch, IngestResult, Record
from polly.store import schema
from polly.store.opening import open_store
from polly.store.ports import Store

BACKENDS = ("postgresql", "sqlite")

Put = Callable[..., IngestResult]
Rows = Callable[[sa.Table], list[dict[str, Any]]]
KeptStores = Callable[[str, Callable[[], PostgresServer]], Store]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """The name of each backend."""
    return str(request.param)


@pytest.fixture(scope="session")
def kept_stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeptStores]:
    """`kept_stores(backend, server)`: the store of a backend that tests share; making one takes a second."""
    with ExitStack() as stack:

        def open_once(backend: str, server: Callable[[], PostgresServer]) -> Store:
            if backend == "sqlite":
                url = str(tmp_path_factory.mktemp("store") / "polly.db")
            else:
                url = stack.enter_context(server().database())
            return stack.enter_context(closing(open_store(url)))

        opened: dict[str, Store] = {}

        def kept(backend: str, server: Callable[[], PostgresServer]) -> Store:
            if backend not in opened:
                opened[backend] = open_once(backend, server)
            return opened[backend]

        yield kept


@pytest.fixture
def store(backend: str, kept_stores: KeptStores, request: pytest.FixtureRequest) -> Store:
    """An empty store of each backend. Who changes its tables takes `store_url` instead."""
    return emptied(kept_stores(backend, lambda: request.getfixturevalue("postgres_server")))


@pytest.fixture
def store_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store of the backend can be opened for the first time."""
    if backend == "sqlite":
        return str(tmp_path / "polly.db")
    return str(request.getfixturevalue("postgres_url"))


def as_bytes(data: EventData | bytes, **options: Any) -> bytes:
    """A line of a spool: an event in its envelope, or bytes as they are."""
    if isinstance(data, bytes):
        return data
    defaults = {"source": "urn:polly:test:1", "correlation_id": data.subject, "session": "session-1"}
    return msgspec.json.encode(wrap(data, **{**defaults, **options}))


@pytest.fixture
def put(store: Store) -> Put:
    """Stores lines (bytes, or events without an id of their own) as the next batch of a stream."""

    def store_lines(*lines: EventData | bytes, stream: str = "test", **options: Any) -> IngestResult:
        start = store.position(stream)
        records = tuple(Record(start + number, as_bytes(line)) for number, line in enumerate(lines))
        return store.ingest([Batch(stream, start, start + len(records), records)], **options)

    return store_lines


def all_rows(store: Store, table: sa.Table) -> list[dict[str, Any]]:
    """All rows of a table in the order of its key, as code points have it."""
    with store.engine.connect() as connection:
        found = [dict(row) for row in connection.execute(sa.select(table)).mappings()]
    keys = [column.name for column in table.primary_key.columns]
    return sorted(found, key=lambda row: [row[key] for key in keys])


@pytest.fixture
def rows(store: Store) -> Rows:
    """All rows of a table in the order of its key."""
    return lambda table: all_rows(store, table)


def emptied(store: Store) -> Store:
    """The same store without any row."""
    with store.engine.begin() as connection:
        for table in schema.metadata.sorted_tables:
            connection.execute(sa.delete(table))
    return store


@pytest.fixture
def line() -> Callable[..., bytes]:
    """`line(data, event_id=…, at=…)` is an event as bytes."""
    return as_bytes
