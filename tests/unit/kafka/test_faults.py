import pytest
from confluent_kafka import KafkaError

from polly.kafka.clients import Trouble
from polly.kafka.faults import KNOWN, Fault, fault, fault_of, told


def test_every_name_of_the_table_is_an_error_of_kafka() -> None:
    assert [name for name in KNOWN if not hasattr(KafkaError, name)] == []


@pytest.mark.parametrize("name", KNOWN)
def test_the_name_in_the_table_is_the_name_that_the_library_gives(name: str) -> None:
    error = KafkaError(getattr(KafkaError, name))
    assert error.name() == name
    assert fault(error) is fault_of(name)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("_TRANSPORT _ALL_BROKERS_DOWN _TIMED_OUT _MSG_TIMED_OUT _RESOLVE _QUEUE_FULL", Fault.PASSING),
        ("REQUEST_TIMED_OUT NETWORK_EXCEPTION NOT_LEADER_FOR_PARTITION LEADER_NOT_AVAILABLE", Fault.PASSING),
        ("NOT_ENOUGH_REPLICAS NOT_ENOUGH_REPLICAS_AFTER_APPEND KAFKA_STORAGE_ERROR", Fault.PASSING),
        ("COORDINATOR_NOT_AVAILABLE NOT_COORDINATOR COORDINATOR_LOAD_IN_PROGRESS", Fault.PASSING),
        ("UNKNOWN SOMETHING_NEW", Fault.PASSING),
        ("REBALANCE_IN_PROGRESS", Fault.REBALANCING),
        ("ILLEGAL_GENERATION UNKNOWN_MEMBER_ID FENCED_INSTANCE_ID _ASSIGNMENT_LOST", Fault.PARTITION_LOST),
        ("STALE_MEMBER_EPOCH FENCED_MEMBER_EPOCH _MAX_POLL_EXCEEDED", Fault.PARTITION_LOST),
        ("_AUTO_OFFSET_RESET OFFSET_OUT_OF_RANGE", Fault.POSITION_LOST),
        ("MSG_SIZE_TOO_LARGE RECORD_LIST_TOO_LARGE", Fault.OVERSIZE),
        ("INVALID_RECORD INVALID_TIMESTAMP", Fault.REFUSED),
        ("_FATAL _GAPLESS_GUARANTEE INVALID_PRODUCER_EPOCH PRODUCER_FENCED _PURGE_QUEUE", Fault.CLIENT_OVER),
        ("UNKNOWN_TOPIC_OR_PART _UNKNOWN_TOPIC TOPIC_AUTHORIZATION_FAILED _SSL", Fault.MISCONFIGURED),
        ("SASL_AUTHENTICATION_FAILED _AUTHENTICATION CLUSTER_AUTHORIZATION_FAILED", Fault.MISCONFIGURED),
        ("_PARTITION_EOF", Fault.END_OF_PARTITION),
    ],
)
def test_what_an_error_means(names: str, expected: Fault) -> None:
    assert {fault_of(name) for name in names.split()} == {expected}


def test_an_error_that_ends_the_client_needs_a_new_one_unless_that_would_meet_it_again() -> None:
    assert fault_of("_TRANSPORT", fatal=True) is Fault.CLIENT_OVER
    assert fault_of("FENCED_INSTANCE_ID", fatal=True) is Fault.CLIENT_OVER
    assert fault_of("CLUSTER_AUTHORIZATION_FAILED", fatal=True) is Fault.MISCONFIGURED


def test_errors_are_told_in_words_with_the_place_that_they_name() -> None:
    assert told(KafkaError(KafkaError._TRANSPORT)) == "the connection failed"
    place = KafkaError(KafkaError._TRANSPORT, "a:9092/1: Connect failed: Connection refused")
    assert told(place) == "the connection failed: a:9092/1: Connect failed: Connection refused"
    for detail in ("after 3ms in state CONNECT", "after 0ms in state UP, 582 identical error(s) suppressed"):
        again = KafkaError(KafkaError._TRANSPORT, f"{place.str()} ({detail})")
        assert told(again) == told(place)
    assert told(KafkaError(KafkaError._CONFLICT)).endswith("(_CONFLICT)")


def test_the_reason_is_not_hidden_by_the_count_of_brokers_that_follows_it() -> None:
    trouble = Trouble()
    trouble.note(KafkaError(KafkaError._AUTHENTICATION, "a:9092/1: Access denied"))
    trouble.note(KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down"))
    assert "Access denied" in str(trouble.latest)
    assert trouble.fault is Fault.MISCONFIGURED
    trouble.clear()
    assert trouble.latest is None
