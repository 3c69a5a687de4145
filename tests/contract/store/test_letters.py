"""Finding dead letters and deciding about them, on each database."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from polly.store import letters
from polly.store.letters import Decision, LetterFilter, StoredLetter
from polly.store.schema import dead_letters, metadata

FIRST = datetime(2026, 5, 4, 12, tzinfo=UTC)
TOPIC = "kafka:polly-sink:agent-actions:0"
OTHER_GROUP = "kafka:g:agent-actions:x:agent-actions:1"
OTHER_TOPIC = "kafka:agent-actions:polly-runs:0"
SPOOL = "spool:p1"


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    url = f"sqlite:///{tmp_path}/polly.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    engine = sa.create_engine(url)
    metadata.create_all(engine, tables=[dead_letters])
    yield engine
    engine.dispose()


@pytest.fixture
def filled(engine: sa.Engine) -> sa.Engine:
    """Letters at 12:00, 12:01, 12:02, … in this order."""
    rows: list[dict[str, Any]] = [
        {"stream": TOPIC, "position": 5, "stage": "decode", "error_class": "DecodeError"},
        {"stream": TOPIC, "position": 9, "status": "replayed", "replays": 1},
        {"stream": OTHER_GROUP, "position": 7, "sqlstate": "22P05", "stage": "store"},
        {"stream": OTHER_TOPIC, "position": 1, "event_id": "e-1"},
        {"stream": SPOOL, "position": 0, "status": "discarded"},
    ]
    defaults = {
        "raw": b"\x00raw",
        "headers": [["trace", "AA=="], ["empty", None]],
        "stage": "validate",
        "error_class": "ValidationError",
        "reason": "because",
        "status": "open",
        "replays": 0,
        "event_id": None,
        "sqlstate": None,
        "record_timestamp": FIRST,
    }
    with engine.begin() as connection:
        for minute, row in enumerate(rows):
            at = FIRST + timedelta(minutes=minute)
            times = {"first_failed_at": at, "failed_at": at, "created_at": at}
            connection.execute(sa.insert(dead_letters), defaults | times | row)
    return engine


def names(found: tuple[StoredLetter, ...]) -> list[str]:
    return [each.name for each in found]


def find(engine: sa.Engine, limit: int | None = None, **wanted: Any) -> list[str]:
    with engine.connect() as connection:
        return names(letters.list_letters(connection, LetterFilter(**wanted), limit))


def only(engine: sa.Engine, stream: str, position: int) -> StoredLetter:
    with engine.connect() as connection:
        wanted = LetterFilter(names=((stream, position),))
        (found,) = letters.list_letters(connection, wanted, None)
    return found


A, B, C, D, E = (f"{TOPIC}@5", f"{TOPIC}@9", f"{OTHER_GROUP}@7", f"{OTHER_TOPIC}@1", f"{SPOOL}@0")


def test_the_letter_that_failed_last_comes_first(filled: sa.Engine) -> None:
    assert find(filled) == [E, D, C, B, A]
    assert find(filled, limit=2) == [E, D]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"topics": ("agent-actions",)}, [C, B, A]),
        ({"topics": ("polly-runs",)}, [D]),
        ({"topics": ("agent-actions", "polly-runs")}, [D, C, B, A]),
        ({"topics": ("none",)}, []),
        ({"streams": (SPOOL,)}, [E]),
        ({"streams": (SPOOL,), "topics": ("polly-runs",)}, [E, D]),
        ({"stage": "store"}, [C]),
        ({"error_class": "DecodeError"}, [A]),
        ({"event_id": "e-1"}, [D]),
        ({"since": FIRST + timedelta(minutes=1), "until": FIRST + timedelta(minutes=3)}, [C, B]),
        ({"positions": ((0, 1), (9, 9))}, [E, D, B]),
        ({"statuses": ("replayed", "discarded")}, [E, B]),
        ({"names": ((TOPIC, 9), (SPOOL, 0), (SPOOL, 4))}, [E, B]),
        ({"topics": ("agent-actions",), "statuses": ("open",), "positions": ((6, 9),)}, [C]),
    ],
)
def test_every_part_of_a_filter_must_hold(
    filled: sa.Engine, wanted: dict[str, Any], expected: list[str]
) -> None:
    assert find(filled, **wanted) == expected
    with filled.connect() as connection:
        counted = letters.count_letters(connection, LetterFilter(**wanted))
    assert sum(counted.values()) == len(expected)


def test_a_letter_comes_back_as_it_was_kept(filled: sa.Engine) -> None:
    record = only(filled, TOPIC, 5).letter.record
    assert (record.raw, record.headers) == (b"\x00raw", (("trace", b"\x00"), ("empty", None)))
    assert record.timestamp_ms == FIRST.timestamp() * 1000


def test_letters_are_gone_through_stream_by_stream_in_the_order_in_which_they_came(
    engine: sa.Engine,
) -> None:
    times = {"first_failed_at": FIRST, "failed_at": FIRST, "created_at": FIRST}
    rows = [
        {"stream": stream, "position": n, "raw": b"", "stage": "decode", "reason": "", **times}
        for stream in ("b", "a")
        for n in range(70)
    ]
    with engine.begin() as connection:
        connection.execute(sa.insert(dead_letters), rows)
    everything = [f"{stream}@{n}" for stream in ("a", "b") for n in range(70)]
    found: list[str] = []
    after = None
    with engine.connect() as connection:
        while page := letters.page_of_letters(connection, LetterFilter(), after, 50):
            found += names(page)
            after = (page[-1].letter.stream, page[-1].letter.record.position)
        assert len(list(letters.bytes_of_letters(connection))) == 140
    assert found == everything


def test_a_replay_says_by_whom_and_when_and_keeps_what_was_decided_before(filled: sa.Engine) -> None:
    seen = only(filled, TOPIC, 5)
    for minute, by in enumerate(("ann", "ben")):
        decision = Decision(by=by, at=FIRST + timedelta(minutes=minute), note="to the topic")
        with filled.begin() as connection:
            assert letters.mark_replayed(connection, seen, decision)
    now = only(filled, TOPIC, 5)
    assert (now.status, now.resolved_by, now.resolved_at) == ("replayed", "ben", FIRST + timedelta(minutes=1))
    assert now.history == (
        "2026-05-04T12:00:00Z replayed by ann: to the topic",
        "2026-05-04T12:01:00Z replayed by ben: to the topic",
    )


def test_a_letter_that_failed_again_in_the_meantime_stays_open(filled: sa.Engine) -> None:
    seen = only(filled, TOPIC, 5)
    with filled.begin() as connection:
        connection.execute(
            sa.update(dead_letters).where(dead_letters.c.position == 5).values(replays=1, reason="again")
        )
        assert not letters.mark_replayed(connection, seen, Decision(by="ann", at=FIRST, note=""))
    now = only(filled, TOPIC, 5)
    assert (now.status, now.letter.replays, now.letter.reason) == ("open", 1, "again")
    assert now.history == ("2026-05-04T12:00:00Z replayed, and it failed again by ann",)


def test_discarding_marks_an_open_letter_once_and_deletes_nothing(filled: sa.Engine) -> None:
    seen = only(filled, TOPIC, 5)
    decision = Decision(by="ann", at=FIRST, note="test\ndata\0")
    with filled.begin() as connection:
        assert letters.discard(connection, seen, decision)
        assert not letters.discard(connection, seen, decision)
        assert not letters.discard(connection, only(filled, TOPIC, 9), decision)
    now = only(filled, TOPIC, 5)
    assert (now.status, now.resolved_by, now.letter) == ("discarded", "ann", seen.letter)
    assert now.history == ("2026-05-04T12:00:00Z discarded by ann: test data",)
    assert len(find(filled)) == 5
