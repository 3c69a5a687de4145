from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.events.transfer import DeadLetter, Record
from polly.sink.replay import Pace, refusal, step

FAILED = datetime(2026, 5, 4, 12, tzinfo=UTC)
STREAM = "kafka:a:group:polly-runs:3"


def letter(record: Record, stream: str = STREAM, replays: int = 0) -> DeadLetter:
    return DeadLetter(
        stream, record, "validate", "ValidationError", "no", replays=replays, first_failed_at=FAILED
    )


def test_a_letter_of_a_topic_goes_back_to_its_topic_with_its_first_coordinates() -> None:
    record = Record(17, b"raw", b"key", (("trace", b"1"), ("empty", None)), 1_000)
    sent = step(letter(record), direct=False)
    assert sent.topic == "polly-runs"
    assert (sent.record.raw, sent.record.key, sent.record.timestamp_ms) == (b"raw", b"key", 1_000)
    assert sent.record.headers == (
        ("trace", b"1"),
        ("empty", None),
        ("dlq.original.stream", STREAM.encode()),
        ("dlq.original.topic", b"polly-runs"),
        ("dlq.original.partition", b"3"),
        ("dlq.consumer.group", b"a:group"),
        ("dlq.original.offset", b"17"),
        ("dlq.original.timestamp", b"1000"),
        ("dlq.original.timestamp_type", b"CreateTime"),
        ("dlq.first_failure_at", b"2026-05-04T12:00:00+00:00"),
        ("dlq.replay.count", b"1"),
    )


def test_a_letter_of_a_spool_file_and_a_direct_one_go_straight_into_the_store() -> None:
    assert step(letter(Record(0, b"x"), stream="spool:p"), direct=False).topic is None
    assert step(letter(Record(0, b"x")), direct=True).topic is None


@given(
    raw=st.binary(),
    key=st.none() | st.binary(),
    headers=st.lists(st.tuples(st.text(), st.none() | st.binary())).map(tuple),
    replays=st.integers(0, 100),
)
def test_replaying_again_and_again_changes_nothing_but_the_count(
    raw: bytes, key: bytes | None, headers: tuple[tuple[str, bytes | None], ...], replays: int
) -> None:
    first = step(letter(Record(5, raw, key, headers), replays=replays), direct=False).record
    again = step(letter(first, replays=replays + 1), direct=False).record
    assert (first.raw, first.key) == (again.raw, again.key) == (raw, key)
    assert first.headers[:-1] == again.headers[:-1]
    assert again.headers[-1] == ("dlq.replay.count", str(replays + 2).encode())
    own = [each for each in headers if not each[0].startswith("dlq.")]
    assert list(first.headers[: len(own)]) == own


@pytest.mark.parametrize(
    ("status", "replays", "reason"),
    [
        ("open", 0, None),
        ("open", 2, None),
        ("open", 3, "replayed 3 times, and it failed each time"),
        ("replayed", 1, "replayed already"),
        ("discarded", 0, "discarded already"),
    ],
)
def test_only_open_letters_below_the_limit_are_replayed(
    status: str, replays: int, reason: str | None
) -> None:
    assert refusal(status, replays, 3) == reason


def test_a_pace_never_lets_more_pass_than_it_may() -> None:
    now, slept = [100.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    pace = Pace(4, clock=lambda: now[0], sleep=sleep)
    for _ in range(5):
        pace.wait()
    assert now[0] == pytest.approx(101.0)
    now[0] += 60  # a pause is not made up for
    for _ in range(3):
        pace.wait()
    assert now[0] == pytest.approx(161.5)
    free = Pace(None, clock=lambda: now[0], sleep=sleep)
    before = len(slept)
    for _ in range(100):
        free.wait()
    assert len(slept) == before
