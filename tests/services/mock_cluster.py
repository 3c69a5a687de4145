"""librdkafka's own mock cluster: a broker that answers with the error, or the silence, that a test asks for.

It is part of the library inside the confluent-kafka package, which has no Python names for it.
"""

import ctypes
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import confluent_kafka

_PRODUCER = 0


class LibraryMissing(Exception):  # noqa: N818 - reads as what is the matter
    """This build of confluent-kafka does not carry librdkafka as a file of its own."""


class Request(IntEnum):
    """Numbers of Kafka's protocol."""

    PRODUCE = 0
    FETCH = 1
    LIST_OFFSETS = 2
    METADATA = 3
    OFFSET_COMMIT = 8
    OFFSET_FETCH = 9
    FIND_COORDINATOR = 10
    JOIN_GROUP = 11
    HEARTBEAT = 12
    LEAVE_GROUP = 13
    SYNC_GROUP = 14
    INIT_PRODUCER_ID = 22
    CONSUMER_GROUP_HEARTBEAT = 68


class MockCluster:
    """Brokers 1 to `brokers` on ports of 127.0.0.1, inside this process, until the `with` block ends.

    Groups form at once. Topics are made with `create_topic`; a client may also make one by using it.
    """

    def __init__(self, *, brokers: int = 1) -> None:
        self._library = _library()
        reason = ctypes.create_string_buffer(512)
        call = self._function("rd_kafka_new", ctypes.c_void_p)
        size = ctypes.c_size_t(len(reason))
        settings = ctypes.c_void_p(self._function("rd_kafka_conf_new", ctypes.c_void_p)())
        # It hosts the cluster and is no client of it, which it would otherwise complain about.
        self._function("rd_kafka_conf_set", ctypes.c_int)(settings, b"log_level", b"0", reason, size)
        self._host = ctypes.c_void_p(call(_PRODUCER, settings, reason, size))
        if not self._host:
            raise OSError(f"librdkafka: {reason.value.decode()}")
        made = self._function("rd_kafka_mock_cluster_new", ctypes.c_void_p)(self._host, brokers)
        self._cluster = ctypes.c_void_p(made)
        self._tell("rd_kafka_mock_group_initial_rebalance_delay_ms", ctypes.c_int32(0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._function("rd_kafka_mock_cluster_destroy", None)(self._cluster)
        self._function("rd_kafka_destroy", None)(self._host)

    @property
    def bootstrap(self) -> str:
        """Addresses of the brokers, as `bootstrap.servers` wants them."""
        text: bytes = self._function("rd_kafka_mock_cluster_bootstraps", ctypes.c_char_p)(self._cluster)
        return text.decode()

    def create_topic(self, name: str, *, partitions: int = 1) -> None:
        """Create a topic, each partition on one broker."""
        self._ask("rd_kafka_mock_topic_create", name.encode(), ctypes.c_int(partitions), ctypes.c_int(1))

    def push_errors(self, request: Request, codes: Sequence[int]) -> None:
        """Answer the next requests of this kind with these errors, in order; 0 lets one through.

        codes: of `confluent_kafka.KafkaError`, those that a broker can send.
        """
        errors = (ctypes.c_int * len(codes))(*codes)
        kind, count = ctypes.c_int16(request), ctypes.c_size_t(len(codes))
        self._tell("rd_kafka_mock_push_request_errors_array", kind, count, errors)

    def clear_errors(self, request: Request) -> None:
        """Forget the errors that have not been sent yet."""
        self._tell("rd_kafka_mock_clear_request_errors", ctypes.c_int16(request))

    def fail_topic(self, name: str, code: int) -> None:
        """Answer what concerns this topic with this error, until it is called with 0."""
        self._tell("rd_kafka_mock_topic_set_error", name.encode(), ctypes.c_int(code))

    def set_down(self, broker: int = 1) -> None:
        """Close the broker's connections and refuse new ones."""
        self._ask("rd_kafka_mock_broker_set_down", ctypes.c_int32(broker))

    def set_up(self, broker: int = 1) -> None:
        """Take `set_down` back: same address, same records."""
        self._ask("rd_kafka_mock_broker_set_up", ctypes.c_int32(broker))

    def set_round_trip(self, milliseconds: int, broker: int = 1) -> None:
        """Let every answer of the broker wait that long."""
        self._ask("rd_kafka_mock_broker_set_rtt", ctypes.c_int32(broker), ctypes.c_int(milliseconds))

    def set_group_coordinator(self, group: str, broker: int) -> None:
        """Let this broker coordinate the group."""
        key, kind = group.encode(), b"group"
        self._ask("rd_kafka_mock_coordinator_set", kind, key, ctypes.c_int32(broker))

    def set_leader(self, topic: str, partition: int, broker: int) -> None:
        """Let this broker lead the partition."""
        where = (topic.encode(), ctypes.c_int32(partition), ctypes.c_int32(broker))
        self._ask("rd_kafka_mock_partition_set_leader", *where)

    def _ask(self, name: str, *arguments: Any) -> None:
        code = self._function(name, ctypes.c_int)(self._cluster, *arguments)
        if code:
            raise confluent_kafka.KafkaException(confluent_kafka.KafkaError(code))

    def _tell(self, name: str, *arguments: Any) -> None:
        self._function(name, None)(self._cluster, *arguments)

    def _function(self, name: str, result: Any) -> Any:
        function = self._library[name]
        function.restype = result
        return function


def _library() -> ctypes.CDLL:
    package = Path(confluent_kafka.__file__).parent
    folders = (package.with_name("confluent_kafka.libs"), package / ".dylibs")
    found = sorted(file for folder in folders for file in folder.glob("*rdkafka*") if "++" not in file.name)
    if not found:
        raise LibraryMissing("this build of confluent-kafka carries no librdkafka file, so no mock cluster")
    return ctypes.CDLL(str(found[0]))
