"""The backends that the contract is held against: a new one is a function and a line in BACKENDS."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from polly.events.envelope import wrap
from polly.events.event import EventData
from polly.events.transfer import Batch, IngestResult, Record
from polly.store.sqlite import SqliteStore

BACKENDS: dict[str, Callable[[Path], SqliteStore]] = {
    "sqlite": lambda folder: SqliteStore.open(folder / "polly.db"),
}


@pytest.fixture(params=sorted(BACKENDS))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteStore]:
    """An empty store of each backend."""
    opened = BACKENDS[request.param](tmp_path)
    yield opened
    opened.close()


Put = Callable[..., IngestResult]
Rows = Callable[[sa.Table], list[dict[str, Any]]]


def as_bytes(data: EventData | bytes, **options: Any) -> bytes:
    """A line of a spool: an event in its envelope, or bytes as they are."""
    if isinstance(data, bytes):
        return data
    defaults = {"source": "urn:polly:test:1", "correlation_id": data.subject, "session": "session-1"}
    return msgspec.json.encode(wrap(data, **{**defaults, **options}))


@pytest.fixture
def put(store: SqliteStore) -> Put:
    """Stores lines (bytes, or events without an id of their own) as the next batch of a stream."""

    def store_lines(*lines: EventData | bytes, stream: str = "test") -> IngestResult:
        start = store.position(stream)
        records = tuple(Record(start + number, as_bytes(line)) for number, line in enumerate(lines))
        return store.ingest(Batch(stream, start, start + len(records), records))

    return store_lines


@pytest.fixture
def rows(store: SqliteStore) -> Rows:
    """All rows of a table in the order of its key."""

    def read(table: sa.Table) -> list[dict[str, Any]]:
        with store.engine.connect() as connection:
            query = sa.select(table).order_by(*table.primary_key.columns)
            return [dict(row) for row in connection.execute(query).mappings()]

    return read


@pytest.fixture
def line() -> Callable[..., bytes]:
    """`line(data, event_id=…, at=…)` is an event as bytes."""
    return as_bytes
