"""Dead letters: what is kept of a record, how it is published, and what a replay does to it."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from tests.contract.store.conftest import as_bytes
from tests.contract.store.stories import started

from polly.events.transfer import Batch, DeadLetter, IngestResult, Record, TooManyDead
from polly.store import schema
from polly.store.ports import Store

Rows = Callable[[sa.Table], list[dict[str, Any]]]
Put = Callable[..., IngestResult]

STREAM = "kafka:polly-sink:agent-actions:3"
BAD = Record(
    position=41,
    raw=b"\x00no json\xff",
    key=b"\x00key",
    headers=(("content-type", b"x/y"), ("", None), ("twice", b"\xff"), ("twice", b"")),
    timestamp_ms=1_700_000_000_123,
)


def put_one(store: Store, record: Record, stream: str = STREAM) -> IngestResult:
    start = store.position(stream) or record.position
    return store.ingest([Batch(stream, start, max(start, record.position) + 1, (record,))])


def replayed(record: Record, count: int, position: int) -> Record:
    """The record as a replay sends it."""
    headers = {
        "dlq.original.topic": b"agent-actions",
        "dlq.original.partition": b"3",
        "dlq.original.offset": b"41",
        "dlq.replay.count": str(count).encode(),
    }
    return record._replace(position=position, headers=tuple(headers.items()))


def test_a_letter_keeps_all_of_its_record(store: Store, rows: Rows) -> None:
    (told,) = put_one(store, BAD).letters
    assert (told.stream, told.record, told.stage, told.replays) == (STREAM, BAD, "decode", 0)
    (row,) = rows(schema.dead_letters)
    assert row["raw"] == BAD.raw
    assert row["headers"] == [["content-type", "eC95"], ["", None], ["twice", "/w=="], ["twice", ""]]
    assert (row["status"], row["disposition"], row["published_at"]) == ("open", "poison", None)
    assert row["first_failed_at"] == row["failed_at"] == row["created_at"]
    assert store.unpublished_letters([STREAM]) == (told,)


def test_letters_are_published_once_and_each_stream_by_its_owner(store: Store) -> None:
    mine = put_one(store, BAD).letters
    other = put_one(store, BAD, "kafka:polly-sink:agent-actions:4").letters
    assert store.unpublished_letters([]) == ()
    assert store.unpublished_letters([mine[0].stream, other[0].stream]) == (*mine, *other)
    store.mark_published(mine)
    store.mark_published(mine)
    store.mark_published([])
    assert store.unpublished_letters([mine[0].stream, other[0].stream]) == other


@pytest.mark.parametrize("milliseconds", [-1, 10**18, -(10**18)])
def test_a_timestamp_that_is_none_costs_nothing(store: Store, rows: Rows, milliseconds: int) -> None:
    assert put_one(store, BAD._replace(timestamp_ms=milliseconds)).dead == 1
    (row,) = rows(schema.dead_letters)
    assert row["record_timestamp"] is None or row["record_timestamp"].year == 1969


def test_words_of_a_record_never_break_its_letter(store: Store, rows: Rows) -> None:
    whole = as_bytes(started(), event_id="a").replace(b'"id":"a"', b'"id":"a\\u0000b"')
    headers = (("na\0me", b"\0"),)
    assert put_one(store, Record(1, whole, headers=headers)).dead == 1
    (row,) = rows(schema.dead_letters)
    assert (row["event_id"], row["headers"]) == ("a\\0b", [["na\\0me", "AA=="]])


def test_a_replay_that_fails_again_changes_its_letter(store: Store, rows: Rows) -> None:
    (first,) = put_one(store, BAD).letters
    store.mark_published([first])
    (before,) = rows(schema.dead_letters)
    (again,) = put_one(store, replayed(BAD, 1, 50)).letters
    assert (again.stream, again.record.position, again.replays) == (STREAM, 41, 1)
    assert again.first_failed_at is not None
    (row,) = rows(schema.dead_letters)
    assert (row["position"], row["replays"], row["status"]) == (41, 1, "open")
    assert (row["created_at"], row["first_failed_at"]) == (before["created_at"], before["first_failed_at"])
    assert row["failed_at"] > before["failed_at"]
    assert [letter.record.position for letter in store.unpublished_letters([STREAM])] == [41]
    put_one(store, replayed(BAD, 7, 51))
    put_one(store, replayed(BAD, 7, 52))  # however often the count is not carried on
    assert [row["replays"] for row in rows(schema.dead_letters)] == [8]


def test_a_replay_that_succeeds_marks_its_letter(store: Store, rows: Rows) -> None:
    put_one(store, BAD)
    good = Record(41, as_bytes(started(), event_id="a"))
    assert put_one(store, replayed(good, 1, 50))[:3] == (1, 0, 0)
    (row,) = rows(schema.dead_letters)
    assert row["status"] == "replayed"
    assert row["resolved_at"] is not None
    assert store.unpublished_letters([STREAM]) == ()
    assert put_one(store, replayed(good, 2, 51))[:3] == (0, 1, 0)


def test_a_letter_of_a_spool_is_replayed_straight_into_the_store(store: Store, rows: Rows) -> None:
    put_one(store, BAD, "spool:p1")
    headers = (("dlq.original.stream", b"spool:p1"), ("dlq.original.offset", b"41"))
    good = Record(0, as_bytes(started()), headers=headers)
    store.ingest([Batch("replay:1", 0, 1, (good,))])
    assert [row["status"] for row in rows(schema.dead_letters)] == ["replayed"]


@pytest.mark.parametrize("offset", [b"", b"-1", b"x", b"9" * 30, b"\xff", "٣".encode()])
def test_headers_that_name_no_place_name_none(store: Store, rows: Rows, offset: bytes) -> None:
    headers = (("dlq.original.stream", b"spool:p1"), ("dlq.original.offset", offset))
    put_one(store, BAD._replace(headers=headers))
    assert [(row["stream"], row["position"]) for row in rows(schema.dead_letters)] == [(STREAM, 41)]


def test_the_same_record_read_again_is_the_same_letter(store: Store, rows: Rows) -> None:
    put_one(store, BAD)
    before = rows(schema.dead_letters)
    store.forget(STREAM)
    put_one(store, BAD)
    assert rows(schema.dead_letters) == before
    store.forget(STREAM)
    put_one(store, BAD._replace(raw=b"of a topic that was made anew"))
    assert [row["raw"] for row in rows(schema.dead_letters)] == [b"of a topic that was made anew"]


def test_too_many_letters_are_none(store: Store, rows: Rows, put: Put) -> None:
    with pytest.raises(TooManyDead) as many:
        put(started(), b"bad", b"worse", most_dead=1)
    assert (many.value.dead, many.value.records) == (2, 3)
    assert (store.position("test"), rows(schema.events), rows(schema.dead_letters)) == (0, [], [])
    assert put(started(), b"bad", b"worse", most_dead=2)[:3] == (1, 0, 2)


def test_a_letter_is_equal_to_what_was_told(store: Store, put: Put) -> None:
    letters: tuple[DeadLetter, ...] = put(b"bad").letters
    assert store.unpublished_letters(["test"]) == letters
