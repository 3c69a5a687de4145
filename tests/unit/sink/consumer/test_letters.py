"""Dead letters as records of their topic."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from polly.errors import BusError, BusMisconfigured
from polly.events.transfer import DeadLetter, Record
from polly.kafka.faults import Fault
from polly.kafka.producer import Failure, Message
from polly.sink.consumer.kafka_letters import KafkaLetters
from polly.sink.consumer.letters import envelope_record, letter_record

RECORD = Record(7, b"\xff bytes", b"\x00key", (("traceparent", b"00-1"), ("none", None)), 1_700_000_000_123)
LETTER = DeadLetter(
    "kafka:g:p-agent-actions:3",
    RECORD,
    "decode",
    "DecodeError",
    "it is no JSON",
    event_id="e",
    attempts=2,
    failed_at=datetime(2026, 1, 2, tzinfo=UTC),
)


def _headers(letter: DeadLetter) -> dict[str, bytes | None]:
    return dict(letter_record(letter, group="g", client="c").headers)


def test_the_original_is_unchanged_and_explained() -> None:
    record = letter_record(LETTER, group="g", client="c")
    assert (record.topic, record.key, record.value) == ("p-agent-actions.dlq", RECORD.key, RECORD.raw)
    assert record.timestamp_ms == RECORD.timestamp_ms
    assert record.headers[:2] == RECORD.headers
    assert dict(record.headers[2:]) == {
        "dlq.original.topic": b"p-agent-actions",
        "dlq.original.partition": b"3",
        "dlq.original.offset": b"7",
        "dlq.original.timestamp": b"1700000000123",
        "dlq.original.timestamp_type": b"CreateTime",
        "dlq.consumer.group": b"g",
        "dlq.client.id": b"c",
        "dlq.stage": b"decode",
        "dlq.error.class": b"DecodeError",
        "dlq.error.message": b"it is no JSON",
        "dlq.disposition": b"poison",
        "dlq.attempts": b"2",
        "dlq.failed_at": b"2026-01-02T00:00:00+00:00",
        "dlq.event_id": b"e",
        "dlq.replay.count": b"0",
    }


def test_a_replayed_record_that_fails_again_keeps_its_origin_and_its_headers_do_not_grow() -> None:
    first = letter_record(LETTER, group="g", client="c")
    again = LETTER._replace(
        stream="kafka:g:p-agent-actions:0",
        record=RECORD._replace(position=99, headers=first.headers),
        reason="still no JSON",
        replays=1,
    )
    headers = _headers(again)
    assert len(letter_record(again, group="g", client="c").headers) == len(first.headers)
    assert (headers["dlq.original.partition"], headers["dlq.original.offset"]) == (b"3", b"7")
    assert (headers["dlq.error.message"], headers["dlq.replay.count"]) == (b"still no JSON", b"1")


def test_a_long_reason_is_cut_between_characters() -> None:
    reason = _headers(LETTER._replace(reason="ä" * 5000 + "\ud800"))["dlq.error.message"]
    assert reason is not None
    assert reason.decode() == "ä" * 1024


def test_a_letter_too_large_is_told_without_its_payload() -> None:
    record = envelope_record(LETTER, group="g", client="c")
    told = json.loads(record.value)
    assert (told["bytes"], told["stream"], told["position"]) == (len(RECORD.raw), LETTER.stream, 7)
    assert len(told["sha256"]) == 64
    assert dict(record.headers)["dlq.payload"] == b"dead_letters"
    assert "traceparent" not in dict(record.headers)
    assert record.key == RECORD.key


class Producer:
    """Fails as told, by call; then acknowledges."""

    def __init__(self, *calls: dict[int, Failure]) -> None:
        self.over: Failure | None = None
        self.calls = list(calls)
        self.sent: list[Message] = []
        self.closed = False

    def publish(self, messages: Sequence[Message], seconds: float) -> Sequence[Failure | None]:
        failures = self.calls.pop(0) if self.calls else {}
        self.sent += messages
        return [failures.get(number) for number in range(len(messages))]

    def close(self) -> None:
        self.closed = True


AWAY = Failure(Fault.PASSING, "away")
LETTERS = [LETTER._replace(record=RECORD._replace(position=number)) for number in range(3)]


def _topics(*producers: Producer) -> KafkaLetters:
    made = list(producers)
    return KafkaLetters(lambda: made.pop(0), group="g", client="c")


def test_only_what_the_cluster_has_counts_as_published() -> None:
    assert _topics(Producer({1: AWAY})).publish(LETTERS) == (LETTERS[0], LETTERS[2])


@pytest.mark.parametrize(
    ("fault", "kind"), [(Fault.PASSING, BusError), (Fault.MISCONFIGURED, BusMisconfigured)]
)
def test_when_nothing_was_acknowledged_the_reason_is_raised(fault: Fault, kind: type[BusError]) -> None:
    failure = Failure(fault, "the topic does not exist")
    with pytest.raises(BusError, match="the topic does not exist") as raised:
        _topics(Producer(dict.fromkeys(range(3), failure))).publish(LETTERS)
    assert type(raised.value) is kind


def test_a_letter_that_the_topic_finds_too_large_is_told_in_its_place() -> None:
    producer = Producer({1: Failure(Fault.OVERSIZE, "too large")})
    assert _topics(producer).publish(LETTERS) == tuple(LETTERS)
    assert json.loads(producer.sent[3].value or b"")["position"] == 1


def test_a_letter_too_large_even_without_its_payload_is_not_dropped() -> None:
    large = Failure(Fault.OVERSIZE, "too large")
    with pytest.raises(BusError, match="too large"):
        _topics(Producer({0: large}, {0: large})).publish(LETTERS[:1])


def test_a_producer_that_is_over_is_replaced() -> None:
    first, second = Producer({0: AWAY}), Producer()
    topics = _topics(first, second)
    with pytest.raises(BusError):
        topics.publish(LETTERS[:1])
    first.over = Failure(Fault.CLIENT_OVER, "fenced")
    assert topics.publish(LETTERS[:1]) == (LETTERS[0],)
    assert first.closed
