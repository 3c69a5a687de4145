"""The journal: one start and one end per attempt, and every event published once, whatever dies when."""

from collections.abc import Callable
from pathlib import Path

import pytest

from polly.errors import RunError
from polly.events.catalog import AttemptEnded, AttemptStarted, RunInterrupted, RunResumed
from polly.events.envelope import Envelope, unwrap
from polly.events.event import EventData
from polly.execution.journal import Journal, read_rows
from polly.work.run import AttemptOutcome

RUN = "20260101-000000-abcdef"


def started(attempt: int = 1) -> AttemptStarted:
    return AttemptStarted(
        run=RUN, package="WP1", attempt=attempt, agent="patch", role="general", base_commit="b", workspace="w"
    )


def ended(outcome: AttemptOutcome) -> AttemptEnded:
    return AttemptEnded(run=RUN, package="WP1", attempt=1, outcome=outcome)


def kept(rows: list[Envelope]) -> list[EventData]:
    return [unwrap(envelope) for envelope in rows]


@pytest.fixture
def published() -> list[Envelope]:
    return []


@pytest.fixture
def journal(tmp_path: Path, published: list[Envelope]) -> Journal:
    return Journal.create(tmp_path / "journal.db", RUN, published.append)


def test_events_come_back_in_order_and_equal(journal: Journal) -> None:
    events: list[EventData] = [started(), ended(AttemptOutcome.FINISHED), RunResumed(run=RUN)]
    for event in events:
        assert journal.append(event)
    assert [row.data for row in journal.rows()] == events
    assert [row.seq for row in journal.rows()] == [1, 2, 3]


def test_an_attempt_starts_once_and_ends_once(journal: Journal) -> None:
    assert journal.append(started())
    assert not journal.append(started())
    assert journal.append(ended(AttemptOutcome.FINISHED))
    assert not journal.append(ended(AttemptOutcome.CRASHED))
    assert journal.append(started(attempt=2))
    outcomes = [row.data.outcome for row in journal.rows() if isinstance(row.data, AttemptEnded)]
    assert outcomes == [AttemptOutcome.FINISHED]


def test_events_of_one_call_are_recorded_all_or_none(journal: Journal, published: list[Envelope]) -> None:
    journal.append(started())
    assert not journal.append(RunResumed(run=RUN), started())
    assert len(journal.rows()) == 1
    assert len(published) == 1


def test_what_was_not_known_to_be_published_is_published_again_with_the_same_ids(
    tmp_path: Path, journal: Journal, published: list[Envelope]
) -> None:
    journal.append(started())
    journal.append(ended(AttemptOutcome.FINISHED))
    # The process dies here: nothing is closed, nothing is marked.
    again: list[Envelope] = []
    Journal.open(tmp_path / "journal.db", RUN, again.append).close()
    assert [(e.id, e.source, e.sequence, e.time) for e in again] == [
        (e.id, e.source, e.sequence, e.time) for e in published
    ]
    assert kept(again) == kept(published)
    once_more: list[Envelope] = []
    Journal.open(tmp_path / "journal.db", RUN, once_more.append).close()
    assert once_more == []


def test_a_reader_sees_the_events_of_a_journal_that_is_open_elsewhere(
    tmp_path: Path, journal: Journal, published: list[Envelope]
) -> None:
    journal.append(RunInterrupted(run=RUN, reason="stopped"))
    assert [row.data for row in read_rows(tmp_path / "journal.db", RUN)] == kept(published)


@pytest.mark.parametrize("opener", [read_rows, lambda file, run: Journal.open(file, run, lambda _: None)])
def test_a_missing_journal_is_said_so(tmp_path: Path, opener: Callable[..., object]) -> None:
    with pytest.raises(RunError, match="has no journal"):
        opener(tmp_path / "journal.db", RUN)
