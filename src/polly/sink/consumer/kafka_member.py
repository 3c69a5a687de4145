"""A member of a consumer group by confluent-kafka. The library's objects end here."""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from polly.errors import BusError
from polly.events.transfer import Record
from polly.kafka.clients import Trouble, new_consumer
from polly.kafka.faults import ClientError, told
from polly.kafka.faults import Fault as Meaning
from polly.kafka.faults import fault as meaning_of
from polly.kafka.settings import ClientConfig
from polly.sink.consumer.ports import (
    CommitOutcome,
    Fault,
    FaultKind,
    Fetched,
    Place,
    Rebalance,
    StartRule,
)

if TYPE_CHECKING:
    from confluent_kafka import Message, TopicPartition

#: How long the cluster may take to tell offsets: less than the group waits for a member.
ASK_SECONDS = 10.0

#: The thread that closes the client.
LEAVING = "leaving the group"

#: Errors of a commit after which the same commit may succeed soon.
_SOON_AGAIN = frozenset(
    {
        "COORDINATOR_NOT_AVAILABLE",
        "NOT_COORDINATOR",
        "COORDINATOR_LOAD_IN_PROGRESS",
        "REQUEST_TIMED_OUT",
        "NETWORK_EXCEPTION",
        "_TIMED_OUT",
        "_TIMED_OUT_QUEUE",
        "_TRANSPORT",
        "_WAIT_COORD",
        "_ALL_BROKERS_DOWN",
        "_RETRY",
    }
)


def commit_outcome(error: ClientError) -> CommitOutcome:
    """What a commit that failed with this error means for the partition."""
    match meaning_of(error):
        case Meaning.REBALANCING:
            return CommitOutcome.REBALANCING
        case Meaning.PARTITION_LOST:
            return CommitOutcome.NOT_OURS
        case _:
            return CommitOutcome.TRY_AGAIN if error.name() in _SOON_AGAIN else CommitOutcome.FAILED


class KafkaMember:
    """See GroupMember. Used in one thread, until `close`."""

    def __init__(self, config: ClientConfig) -> None:
        """Raises BusError without the library, SettingsError for settings that it does not take."""
        self._trouble = Trouble()
        self._consumer = new_consumer(config, self._trouble)
        import confluent_kafka  # noqa: PLC0415 - an extra; there since the line above

        self._kafka = confluent_kafka

    def join(self, topics: Sequence[str], rebalance: Rebalance) -> None:
        def calling(callback: Callable[[Collection[Place]], None]) -> Any:
            return lambda _consumer, partitions: callback([_place(each) for each in partitions])

        self._consumer.subscribe(
            list(topics),
            on_assign=calling(rebalance.assigned),
            on_revoke=calling(rebalance.revoked),
            on_lost=calling(rebalance.lost),
        )

    def fetch(self, most: int, seconds: float) -> Fetched:
        try:
            messages = self._consumer.consume(most, seconds)
        except self._kafka.KafkaException as error:
            return Fetched(faults=[self._fault(error.args[0], None)])
        records: dict[Place, list[Record]] = {}
        place = Place("", -1)
        found: list[Record] = []
        faults = []
        for message in messages:
            fault = message.error()
            if fault is None:
                at = message.topic() or "", message.partition() or 0
                if at != place:  # most follow one of the same partition
                    place = Place(*at)
                    found = records.setdefault(place, [])
                found.append(_record(message))
            elif meaning_of(fault) is not Meaning.END_OF_PARTITION:
                faults.append(self._fault(fault, message))
        if self._trouble.latest is not None:
            faults.append(Fault(FaultKind.PASSING, self._trouble.latest))
            self._trouble.clear()
        return Fetched(records, faults)

    def _fault(self, error: ClientError, message: "Message | None") -> Fault:
        match meaning_of(error):
            case Meaning.CLIENT_OVER:
                kind = FaultKind.FATAL
            case Meaning.POSITION_LOST:
                kind = FaultKind.OUT_OF_RANGE
            case _:
                kind = FaultKind.PASSING
        place = None
        if message is not None and message.topic() and (message.partition() or 0) >= 0:
            place = Place(message.topic() or "", message.partition() or 0)
        return Fault(kind, told(error), place)

    def assign(self, starts: Mapping[Place, int | None]) -> None:
        nowhere = self._kafka.OFFSET_END
        self._consumer.incremental_assign(
            [
                self._partition(place, nowhere if offset is None else offset)
                for place, offset in starts.items()
            ]
        )

    def move(self, starts: Mapping[Place, int]) -> None:
        # Not by seek: it refuses a partition whose first fetch has not begun.
        self._consumer.incremental_unassign(self._partitions(starts))
        self.assign(starts)

    def release(self, places: Collection[Place]) -> None:
        self._consumer.incremental_unassign(self._partitions(places))

    def assignment(self) -> frozenset[Place]:
        return frozenset(_place(each) for each in self._consumer.assignment())

    def pause(self, places: Collection[Place]) -> None:
        self._consumer.pause(self._partitions(places))

    def resume(self, places: Collection[Place]) -> None:
        self._consumer.resume(self._partitions(places))

    def committed(self, places: Collection[Place]) -> Mapping[Place, int | None]:
        try:
            found = self._consumer.committed(self._partitions(places), timeout=ASK_SECONDS)
        except self._kafka.KafkaException as error:
            raise BusError(f"the group does not tell its offsets: {told(error.args[0])}") from error
        for each in found:
            if each.error is not None:
                raise BusError(f"the group does not tell its offsets: {told(each.error)}")
        return {_place(each): each.offset if each.offset >= 0 else None for each in found}

    def first_offset(self, place: Place, rule: StartRule) -> int:
        try:
            low, high = self._consumer.get_watermark_offsets(self._partition(place), timeout=ASK_SECONDS)
        except self._kafka.KafkaException as error:
            raise BusError(
                f"{place.topic}/{place.partition} does not tell its offsets: {told(error.args[0])}"
            ) from error
        return low if rule is StartRule.EARLIEST else high

    def end(self, place: Place) -> int | None:
        try:
            _low, high = self._consumer.get_watermark_offsets(self._partition(place), cached=True)
        except self._kafka.KafkaException:
            return None
        return high if high >= 0 else None

    def commit(self, offsets: Mapping[Place, int]) -> Mapping[Place, CommitOutcome]:
        wanted = [self._partition(place, offset) for place, offset in offsets.items()]
        try:
            found = self._consumer.commit(offsets=wanted, asynchronous=False)
        except self._kafka.KafkaException as error:
            return dict.fromkeys(offsets, commit_outcome(error.args[0]))
        return {
            _place(each): CommitOutcome.DONE if each.error is None else commit_outcome(each.error)
            for each in found
        }

    def close(self, offsets: Mapping[Place, int], seconds: float) -> bool:
        def end() -> None:
            if offsets:
                self.commit(offsets)
            self._consumer.close()

        # The library knows no limit here: it waits for the cluster, and for what was assigned a moment ago.
        # The client now belongs to a thread that nobody has to wait for.
        ending = threading.Thread(target=end, name=LEAVING, daemon=True)
        ending.start()
        ending.join(seconds)
        return not ending.is_alive()

    def _partitions(self, places: Iterable[Place]) -> "list[TopicPartition]":
        return [self._kafka.TopicPartition(*place) for place in places]

    def _partition(self, place: Place, offset: int | None = None) -> "TopicPartition":
        if offset is None:
            return self._kafka.TopicPartition(*place)
        return self._kafka.TopicPartition(*place, offset)


def _place(partition: "TopicPartition") -> Place:
    return Place(partition.topic, partition.partition)


def _record(message: "Message[Any, Any]") -> Record:
    kind, milliseconds = message.timestamp()
    # The library's types speak of producers too; what was read has a list of bytes.
    headers: Any = message.headers()
    return Record(
        message.offset() or 0,
        message.value() or b"",
        message.key(),
        tuple(headers) if headers else (),
        milliseconds if kind else None,
    )
