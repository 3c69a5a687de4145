"""The server's consumer: a member of the group that shares the questions out. For one thread."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from polly.intelligence.bus.flow import Flow
from polly.intelligence.bus.messages import Headers
from polly.intelligence.bus.offsets import Offsets
from polly.kafka.clients import Trouble, new_consumer, unreachable
from polly.kafka.faults import Fault, fault, told
from polly.kafka.settings import ClientConfig, reader_config
from polly.settings import KafkaSettings

if TYPE_CHECKING:
    from confluent_kafka import Message, TopicPartition

_MOST_AT_ONCE = 100

_MEMBER = {
    # A question that nobody has taken yet is answered, unless its time has passed.
    "auto.offset.reset": "earliest",
    # A server that dies is replaced after this, while its clients still wait; brokers allow no less.
    "session.timeout.ms": "6000",
    "heartbeat.interval.ms": "1500",
    "queued.max.messages.kbytes": "4096",
    "fetch.error.backoff.ms": "100",
    # What came back from a pause is fetched only when the fetch before it has ended.
    "fetch.wait.max.ms": "100",
}
#: With the newer protocol of groups the broker decides these.
_OF_THE_BROKER = ("session.timeout.ms", "heartbeat.interval.ms")


def member_config(kafka: KafkaSettings, group: str) -> ClientConfig:
    """What the member needs. Raises SettingsError."""
    own = dict(_MEMBER)
    if str(kafka.options.get("group.protocol", "classic")).lower() == "consumer":
        for name in _OF_THE_BROKER:
            del own[name]
    return reader_config(kafka, role="intelligence-server", group=group, own=own)


class Place(NamedTuple):
    """Where a question stands. turn: which time it was that the partition came to us."""

    partition: int
    offset: int
    turn: int


class Received(NamedTuple):
    """A record of the topic of questions."""

    place: Place
    value: bytes
    key: bytes | None
    headers: Headers


class Questions:
    """Reads questions, and commits what is answered."""

    def __init__(self, config: ClientConfig, topic: str) -> None:
        """Raises BusError without the library, SettingsError for settings that it does not take."""
        self.trouble = Trouble()
        self._config = config
        self._topic = topic
        self._consumer = new_consumer(config, self.trouble)
        from confluent_kafka import KafkaException, TopicPartition  # noqa: PLC0415 - there since the line above

        self._exception = KafkaException
        self._partition = TopicPartition
        self._offsets: dict[int, Offsets] = {}
        self._turns: dict[int, int] = {}
        self._is_held = False
        self._flow = Flow()

    @property
    def partitions(self) -> int:
        """How many are ours."""
        return len(self._offsets)

    def join(self) -> None:
        """Ask the group for partitions."""
        self._consumer.subscribe(
            [self._topic],
            on_assign=lambda _consumer, parts: self._assigned(parts),
            on_revoke=lambda _consumer, parts: self._revoked(parts, is_lost=False),
            on_lost=lambda _consumer, parts: self._revoked(parts, is_lost=True),
        )

    def hold(self, is_held: bool) -> None:
        """Let nothing more in, or go on; either way the partitions stay ours as long as `read` is called."""
        if is_held == self._is_held:
            return
        ours = [self._partition(self._topic, number) for number in self._offsets]
        (self._consumer.pause if is_held else self._consumer.resume)(ours)
        self._is_held = is_held

    def read(self, seconds: float) -> Iterator[Received]:
        """What has come; waits at most so long for the first, and looks for others when that one is taken.

        Raises BusError when the client is over.
        """
        first = self._consumer.poll(seconds)
        if first is None:
            return
        is_flowing = self._flow.goes_on()
        if (received := self._received(first)) is not None:
            yield received
        if is_flowing and not self._is_held:
            more = (self._received(each) for each in self._consumer.consume(_MOST_AT_ONCE, 0))
            yield from (received for received in more if received is not None)

    def end(self, place: Place) -> None:
        """It is answered for good, or never will be."""
        if self._turns.get(place.partition) == place.turn and place.partition in self._offsets:
            self._offsets[place.partition].end(place.offset)

    def commit(self, *, is_last: bool = False) -> None:
        """Commit what is answered; a commit that fails costs a second answer, no more."""
        self._commit(self._offsets, wait=is_last)

    def close(self) -> None:
        """Commit and leave the group."""
        self._consumer.close()

    def _received(self, message: "Message[Any, Any]") -> Received | None:
        error = message.error()
        if error is not None:
            if fault(error) in (Fault.CLIENT_OVER, Fault.MISCONFIGURED):
                raise unreachable(self._config, self.trouble, error)
            self.trouble.latest = told(error)
            return None
        partition, offset = message.partition() or 0, message.offset() or 0
        offsets = self._offsets.get(partition)
        if offsets is None:  # taken from us in the middle of this read
            return None
        offsets.take(offset)
        headers: Any = message.headers() or ()
        place = Place(partition, offset, self._turns[partition])
        key: Any = message.key()
        return Received(place, message.value() or b"", key.encode() if isinstance(key, str) else key, headers)

    def _assigned(self, parts: "Iterable[TopicPartition]") -> None:
        given = list(parts)
        for each in given:
            self._offsets[each.partition] = Offsets()
            self._turns[each.partition] = self._turns.get(each.partition, 0) + 1
        self._consumer.incremental_assign(given)
        if self._is_held:
            self._consumer.pause(given)

    def _revoked(self, parts: "Iterable[TopicPartition]", *, is_lost: bool) -> None:
        gone = {
            each.partition: self._offsets.pop(each.partition)
            for each in parts
            if each.partition in self._offsets
        }
        if not is_lost:
            self._commit(gone, wait=True)

    def _commit(self, offsets: dict[int, Offsets], *, wait: bool) -> None:
        due = [(number, each.due()) for number, each in offsets.items()]
        wanted = [self._partition(self._topic, number, at) for number, at in due if at is not None]
        if wanted:
            with suppress(self._exception):
                self._consumer.commit(offsets=wanted, asynchronous=not wait)  # type: ignore[call-overload]
