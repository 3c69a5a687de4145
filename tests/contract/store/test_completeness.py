"""Which numbers of which sources are stored, on each database."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polly.events.numbering import Gap, StoredNumbers
from polly.store import completeness
from polly.store.schema import events, metadata

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    url = f"sqlite:///{tmp_path}/polly.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    engine = sa.create_engine(url)
    metadata.create_all(engine, tables=[events])
    yield engine
    engine.dispose()


def fill(engine: sa.Engine, stored: dict[str, list[str]]) -> None:
    """Events of each source with these sequences, stored a minute apart."""
    rows = [
        {
            "id": f"{source}-{place}",
            "source": source,
            "type": "t",
            "time": NOON,
            "subject": "s",
            "correlation_id": "c",
            "session_id": "s",
            "sequence": sequence,
            "envelope": "{}",
            "stored_at": NOON + timedelta(minutes=place),
        }
        for source, sequences in stored.items()
        for place, sequence in enumerate(sequences)
    ]
    with engine.begin() as connection:
        connection.execute(sa.delete(events))
        if rows:
            connection.execute(sa.insert(events), rows)


def padded(*numbers: int) -> list[str]:
    return [f"{number:012d}" for number in numbers]


def test_only_sources_that_lack_or_repeat_a_number_are_named(engine: sa.Engine) -> None:
    fill(
        engine,
        {
            "complete": padded(3, 1, 2),
            "gaps": padded(2, 5, 6, 9),
            "twice": padded(1, 2, 2, 3),
            "hidden by a repeat": padded(1, 2, 2, 5, 5),
            "foreign": ["", "x", "-1", "1.5", "9" * 40, "٣", "0"],
            "short": ["9", "10", "8", "7", "6", "5", "4", "3", "2", "1"],
        },
    )
    with engine.connect() as connection:
        surveyed = completeness.survey(connection)
    found = {each.source: each for each in surveyed.incomplete}
    assert found == {
        "gaps": StoredNumbers(
            "gaps",
            2,
            9,
            (Gap(1, 1, NOON), Gap(3, 4, NOON + timedelta(minutes=1)), Gap(7, 8, NOON + timedelta(minutes=3))),
        ),
        "twice": StoredNumbers("twice", 1, 3, (), 1),
        "hidden by a repeat": StoredNumbers(
            "hidden by a repeat", 1, 5, (Gap(3, 4, NOON + timedelta(minutes=3)),), 2
        ),
    }
    assert surveyed[:3] == (5, 33, 7)


def test_sources_are_looked_up_by_name_even_by_the_thousand(engine: sa.Engine) -> None:
    fill(engine, {f"s{number:04d}": padded(1, 2) for number in range(1_200)})
    wanted = {f"s{number:04d}" for number in range(1_100)} | {"unknown"}
    with engine.connect() as connection:
        found = list(completeness.stored_sources(connection, wanted))
    assert sorted(each.source for each in found) == sorted(wanted - {"unknown"})
    assert {(each.first, each.last, each.gaps) for each in found} == {(1, 2, ())}


def test_an_empty_store_has_no_sources(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        assert completeness.survey(connection) == (0, 0, 0, ())


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.integers(1, 25), min_size=1, max_size=30))
def test_gaps_and_repeats_are_those_of_the_numbers(engine: sa.Engine, numbers: list[int]) -> None:
    fill(engine, {"a": padded(*numbers), "b": padded(1)})
    with engine.connect() as connection:
        found = {each.source: each for each in completeness.survey(connection).incomplete}
        (looked_up,) = completeness.stored_sources(connection, ["a"])
    missing = set(range(1, max(numbers))) - set(numbers)
    repeats = len(numbers) - len(set(numbers))
    assert set(found) == ({"a"} if missing or repeats else set())
    told = {number for gap in looked_up.gaps for number in range(gap.first, gap.last + 1)}
    assert (told, looked_up.repeats, looked_up.last) == (missing, repeats, max(numbers))
    assert len(looked_up.numbers) == len(set(numbers))
