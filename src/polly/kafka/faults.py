"""What an error of Kafka means for who must decide: pure, by the error's name, without the client library."""

import enum
import re
from collections.abc import Mapping
from typing import Protocol


class Fault(enum.StrEnum):
    """What is the matter, and so what to do."""

    #: Heals without a change of anything of ours: try again, keep the event.
    PASSING = "passing"
    #: Stays until somebody changes a topic, a right or a setting: wait, and say so.
    MISCONFIGURED = "misconfigured"
    #: This record is larger than the topic takes.
    OVERSIZE = "oversize"
    #: The broker refuses this record for what it says.
    REFUSED = "refused"
    #: The group is being shared out anew: the next owner repeats, nothing is to be done.
    REBALANCING = "rebalancing"
    #: The partition belongs to somebody else by now: forget what is known of it.
    PARTITION_LOST = "partition lost"
    #: The position is not in the partition any more, or the group has none and must not guess.
    POSITION_LOST = "position lost"
    #: This client cannot go on; a new one can.
    CLIENT_OVER = "client over"
    #: No error: the end of what there is now.
    END_OF_PARTITION = "end of partition"


_OF: Mapping[Fault, tuple[str, ...]] = {
    Fault.END_OF_PARTITION: ("_PARTITION_EOF",),
    Fault.OVERSIZE: ("MSG_SIZE_TOO_LARGE", "RECORD_LIST_TOO_LARGE", "INVALID_MSG_SIZE"),
    Fault.REFUSED: ("INVALID_RECORD", "INVALID_TIMESTAMP", "INVALID_MSG", "UNSUPPORTED_FOR_MESSAGE_FORMAT"),
    Fault.REBALANCING: ("REBALANCE_IN_PROGRESS",),
    Fault.PARTITION_LOST: (
        "ILLEGAL_GENERATION",
        "UNKNOWN_MEMBER_ID",
        "FENCED_INSTANCE_ID",
        "FENCED_MEMBER_EPOCH",
        "STALE_MEMBER_EPOCH",
        "UNRELEASED_INSTANCE_ID",
        "_ASSIGNMENT_LOST",
        "_MAX_POLL_EXCEEDED",
        "_REVOKE_PARTITIONS",
    ),
    Fault.POSITION_LOST: ("_AUTO_OFFSET_RESET", "OFFSET_OUT_OF_RANGE", "_LOG_TRUNCATION"),
    Fault.CLIENT_OVER: (
        "_FATAL",
        "_GAPLESS_GUARANTEE",
        "_DESTROY",
        "_FENCED",
        "_STATE",
        "PRODUCER_FENCED",
        "INVALID_PRODUCER_EPOCH",
        "INVALID_PRODUCER_ID_MAPPING",
        "UNKNOWN_PRODUCER_ID",
        "OUT_OF_ORDER_SEQUENCE_NUMBER",
        "_PURGE_QUEUE",
        "_PURGE_INFLIGHT",
    ),
    Fault.MISCONFIGURED: (
        "UNKNOWN_TOPIC_OR_PART",
        "UNKNOWN_TOPIC_ID",
        "_UNKNOWN_TOPIC",
        "_UNKNOWN_PARTITION",
        "TOPIC_EXCEPTION",
        "TOPIC_AUTHORIZATION_FAILED",
        "GROUP_AUTHORIZATION_FAILED",
        "CLUSTER_AUTHORIZATION_FAILED",
        "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
        "SASL_AUTHENTICATION_FAILED",
        "UNSUPPORTED_SASL_MECHANISM",
        "ILLEGAL_SASL_STATE",
        "SECURITY_DISABLED",
        "_AUTHENTICATION",
        "_SSL",
        "_INVALID_ARG",
        "_UNSUPPORTED_FEATURE",
        "_NOT_IMPLEMENTED",
        "UNSUPPORTED_VERSION",
        "UNSUPPORTED_COMPRESSION_TYPE",
        "UNSUPPORTED_ASSIGNOR",
        "INCONSISTENT_GROUP_PROTOCOL",
        "INVALID_GROUP_ID",
        "INVALID_SESSION_TIMEOUT",
        "INVALID_REGULAR_EXPRESSION",
        "GROUP_MAX_SIZE_REACHED",
        "INVALID_REQUIRED_ACKS",
        "INVALID_REPLICATION_FACTOR",
        "INVALID_PARTITIONS",
        "INVALID_CONFIG",
        "POLICY_VIOLATION",
    ),
}

_BY_NAME: Mapping[str, Fault] = {name: fault for fault, names in _OF.items() for name in names}

#: Every name that the table judges.
KNOWN = tuple(_BY_NAME)


def fault_of(name: str, *, fatal: bool = False) -> Fault:
    """What the error of this name means; `fatal`: the client says that it is over.

    A name that is not in the table is taken to pass: nothing is lost by trying again.
    """
    found = _BY_NAME.get(name, Fault.PASSING)
    # A new client would meet the same wrong setting again.
    return Fault.CLIENT_OVER if fatal and found is not Fault.MISCONFIGURED else found


class ClientError(Protocol):
    """The part of confluent_kafka.KafkaError that is asked."""

    def name(self) -> str: ...
    def str(self) -> str: ...
    def fatal(self) -> bool: ...


def fault(error: ClientError) -> Fault:
    """What an error of the client library means."""
    return fault_of(error.name(), fatal=error.fatal())


_WORDS: Mapping[str, str] = {
    "_ALL_BROKERS_DOWN": "no broker of the cluster answers",
    "_TRANSPORT": "the connection failed",
    "_RESOLVE": "the name of a broker cannot be resolved",
    "_AUTHENTICATION": "the cluster refused user or password",
    "SASL_AUTHENTICATION_FAILED": "the cluster refused user or password",
    "UNSUPPORTED_SASL_MECHANISM": "the cluster does not offer this sasl.mechanism",
    "_SSL": "TLS failed",
    "_TIMED_OUT": "the cluster did not answer in time",
    "_MSG_TIMED_OUT": "the cluster did not acknowledge in time",
    "REQUEST_TIMED_OUT": "the cluster did not answer in time",
    "_UNKNOWN_TOPIC": "the topic does not exist (`polly topics create` makes it)",
    "UNKNOWN_TOPIC_OR_PART": "the topic does not exist (`polly topics create` makes it)",
    "_UNKNOWN_PARTITION": "the partition does not exist",
    "TOPIC_AUTHORIZATION_FAILED": "this user has no right to the topic",
    "GROUP_AUTHORIZATION_FAILED": "this user has no right to the consumer group",
    "CLUSTER_AUTHORIZATION_FAILED": "this user has no right to do that on the cluster",
    "MSG_SIZE_TOO_LARGE": "the record is larger than the topic or message.max.bytes allows",
    "RECORD_LIST_TOO_LARGE": "the records are larger than the topic allows",
    "NOT_ENOUGH_REPLICAS": "too few replicas of the partition are in step (min.insync.replicas)",
    "NOT_ENOUGH_REPLICAS_AFTER_APPEND": "too few replicas of the partition are in step (min.insync.replicas)",
    "LEADER_NOT_AVAILABLE": "the partition has no leader now",
    "INVALID_TIMESTAMP": "the broker does not take the record's time",
    "INVALID_RECORD": "the broker does not take the record",
    "POLICY_VIOLATION": "a policy of the cluster forbids it",
    "_AUTO_OFFSET_RESET": "the position is not in the partition any more",
    "OFFSET_OUT_OF_RANGE": "the position is not in the partition any more",
}


#: What the library adds about one try. Each would make another message of the same trouble.
_PASSING_DETAIL = re.compile(r" \(after \d+ms in state \w+(?:, \d+ identical error\(s\) suppressed)?\)")


def told(error: ClientError) -> str:
    """The error in plain words, with what the library says where that names a place or a reason."""
    words, said = _WORDS.get(error.name()), " ".join(error.str().split())
    said = _PASSING_DETAIL.sub("", said.removeprefix("Local: ").removeprefix("Broker: "))
    if words is None:
        return f"{said} ({error.name()})"
    # Words of the library alone repeat the code; a colon comes with a place.
    return f"{words}: {said}" if ": " in said else words
