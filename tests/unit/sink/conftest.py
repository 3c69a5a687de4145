from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from polly.events.catalog import RunInterrupted
from polly.events.envelope import Envelope, wrap
from polly.events.event import EventData
from polly.store.sqlite import SqliteStore

MakeEvent = Callable[..., Envelope]


@pytest.fixture
def event() -> MakeEvent:
    """Makes the envelope of a small event; `data` or `event_id` can be given."""

    def make(reason: str = "because", data: EventData | None = None, event_id: str | None = None) -> Envelope:
        return wrap(
            data or RunInterrupted(run="run-1", reason=reason),
            source="",
            correlation_id="run-1",
            session="session-1",
            event_id=event_id,
        )

    return make


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with SqliteStore.open(tmp_path / "store" / "polly.db") as opened:
        yield opened
