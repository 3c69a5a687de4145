"""The publisher against a cluster that fails on cue."""

import logging

import pytest
from confluent_kafka import KafkaError
from tests.services.kafka import Kafka
from tests.services.mock_cluster import MockCluster, Request

from polly.kafka.faults import Fault
from polly.kafka.producer import Group, KafkaPublisher, Message
from polly.kafka.settings import producer_config
from polly.settings import KafkaSettings


def publisher(
    bootstrap: str, options: dict[str, object] | None = None, *, gapless: bool = False
) -> KafkaPublisher:
    kafka = KafkaSettings.model_validate({"bootstrap_servers": bootstrap, "producer": options or {}})
    return KafkaPublisher(producer_config(kafka, gapless=gapless))


def test_each_record_has_its_own_outcome(mock_kafka: MockCluster) -> None:
    mock_kafka.create_topic("t", partitions=4)
    sending = publisher(mock_kafka.bootstrap, {"message.max.bytes": 2000})
    messages = [Message("t", b"x" * size, b"k") for size in (10, 3000, 20)]
    outcomes = sending.publish(messages, 60.0)
    assert [outcome and outcome.fault for outcome in outcomes] == [None, Fault.OVERSIZE, None]
    assert sending.publish((), 1.0) == ()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (KafkaError.MSG_SIZE_TOO_LARGE, Fault.OVERSIZE),
        (KafkaError.INVALID_RECORD, Fault.REFUSED),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, Fault.MISCONFIGURED),
        (KafkaError.NOT_ENOUGH_REPLICAS, None),
        (KafkaError.NOT_LEADER_FOR_PARTITION, None),
    ],
)
def test_what_the_broker_answers_is_told_apart(
    mock_kafka: MockCluster, code: int, expected: Fault | None
) -> None:
    mock_kafka.create_topic("t")
    sending = publisher(mock_kafka.bootstrap)
    assert sending.publish((Message("t", b"first"),), 60.0) == (None,)
    mock_kafka.push_errors(Request.PRODUCE, [code])
    (outcome,) = sending.publish((Message("t", b"second"),), 60.0)
    assert (outcome and outcome.fault) == expected
    if expected is not Fault.MISCONFIGURED:  # the client remembers that for a while
        assert sending.publish((Message("t", b"third"),), 60.0) == (None,)


def test_a_gapless_publisher_is_over_when_a_record_is_refused_and_says_so_once(
    mock_kafka: MockCluster,
) -> None:
    mock_kafka.create_topic("t")
    sending = publisher(mock_kafka.bootstrap, gapless=True)
    mock_kafka.push_errors(Request.PRODUCE, [KafkaError.INVALID_RECORD])
    (outcome,) = sending.publish((Message("t", b"x"),), 60.0)
    assert outcome
    assert outcome.fault is Fault.REFUSED
    sending.flush(60.0)
    assert sending.over
    assert sending.over.fault is Fault.CLIENT_OVER
    refused = sending.send(Message("t", b"y"), Group())
    assert refused
    assert refused.fault is Fault.CLIENT_OVER
    sending.close()


def test_a_cluster_that_is_away_is_no_outcome_in_time_with_the_reason(mock_kafka: MockCluster) -> None:
    mock_kafka.create_topic("t")
    sending = publisher(mock_kafka.bootstrap)
    assert sending.publish((Message("t", b"first"),), 60.0) == (None,)
    mock_kafka.set_down()
    (outcome,) = sending.publish((Message("t", b"second"),), 0.5)
    assert outcome
    assert outcome.fault is Fault.PASSING
    mock_kafka.set_up()
    assert sending.publish((Message("t", b"third"),), 60.0) == (None,)


def test_the_queue_is_bounded(mock_kafka: MockCluster) -> None:
    mock_kafka.set_down()
    sending = publisher(mock_kafka.bootstrap)
    group = Group()

    def fill() -> None:
        for _ in range(100):
            sending.send(Message("t", b"x" * 1_000_000), group)

    with pytest.raises(BufferError):
        fill()
    assert group.unsettled < 40
    assert sending.flush(0.2) == group.unsettled
    sending.close()
    assert group.unsettled == 0
    assert not group.is_acknowledged


def test_a_topic_that_does_not_exist_is_a_matter_of_settings(kafka: Kafka) -> None:
    topic = f"{kafka.topic_prefix}missing"
    sending = publisher(kafka.bootstrap, {"topic.metadata.propagation.max.ms": 100})
    (outcome,) = sending.publish((Message(topic, b"x"),), 60.0)
    assert outcome
    assert outcome.fault is Fault.MISCONFIGURED


def test_the_log_of_the_library_goes_to_logging_and_not_to_stderr(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="polly.kafka"):
        sending = publisher("127.0.0.1:1")
        while not sending.complaint:
            sending.serve(0.1)
    assert "Connection refused" in sending.complaint
    assert "Connection refused" in caplog.text
    assert capfd.readouterr().err == ""
