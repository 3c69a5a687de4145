"""The client's end of Kafka: one thread that owns the consumer of answers and the producer of questions.

It reads every partition of the topics of answers from where they end when it connects, in no group: nothing
is rebalanced when a client comes or goes, and what is asked after `Ready` cannot be answered before it reads.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from polly.errors import BusError, BusMisconfigured, PollyError
from polly.events.event import ANALYSIS_COMPLETED_TOPIC, ANALYSIS_FAILED_TOPIC, ANALYSIS_REQUESTED_TOPIC
from polly.intelligence.bus.flow import Flow
from polly.intelligence.bus.messages import (
    CLIENT_HEADER,
    REQUEST_HEADER,
    Answer,
    Outgoing,
    header,
    read_answer,
)
from polly.kafka.clients import Trouble, metadata, new_consumer, new_producer, unreachable
from polly.kafka.faults import Fault, fault, told
from polly.kafka.settings import producer_config, reader_config
from polly.kafka.topics import intelligence_topics, require_topics
from polly.kafka.watermarks import Watermarks, watermarks
from polly.settings import KafkaSettings

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message, Producer

#: How long the cluster may take to say that it is there.
CONNECT_SECONDS = 5.0
#: After how long without an acknowledgement the bus counts as away for a question.
ACKNOWLEDGE_SECONDS = 5.0
#: How often a connection is tried again.
_AGAIN_SECONDS = 1.0
#: The longest wait of one look, and so how fast a stop is noticed.
_LOOK_SECONDS = 0.1
#: How often is looked whether the topics of answers have grown.
_GROWTH_SECONDS = 30.0
_MOST_AT_ONCE = 500
#: What can wait is done this often, not after each answer: it would hold up who waits for that answer.
_CARE_SECONDS = 0.01

_READER = {
    # What was asked before a position was lost may be answered after it; answers to others are skipped.
    "auto.offset.reset": "earliest",
    "queued.max.messages.kbytes": "8192",
    "fetch.error.backoff.ms": "100",
}


class Ready(NamedTuple):
    """Answers are read, and questions can be sent. partitions: of the topic of questions."""

    partitions: int


class Away(NamedTuple):
    """The bus cannot be used now; it is tried again. error: why, as a person reads it."""

    error: PollyError


class Undelivered(NamedTuple):
    """A question that no server will get."""

    request: str
    reason: str


class Answers(NamedTuple):
    """What came, in order; `request` is None for what cannot be read. foreign: answers for others."""

    answers: tuple[tuple[str, Answer | None], ...]
    foreign: int


Told = Ready | Away | Undelivered | Answers


class Link(threading.Thread):
    """`tell` is called in this thread, in the order of what happened; `send` may be called by any."""

    def __init__(self, kafka: KafkaSettings, client: str, tell: Callable[[Told], None]) -> None:
        """Raises SettingsError when the settings of Kafka cannot be used."""
        super().__init__(name="intelligence-client", daemon=True)
        self._kafka = kafka
        self._client = client
        self._own_header = (CLIENT_HEADER, client.encode())
        self._tell = tell
        self._reader_config = reader_config(
            kafka, role="intelligence-client", group=f"polly-intelligence-client-{client}", own=_READER
        )
        self._producer_config = producer_config(
            kafka,
            role="intelligence-client",
            timeout_ms=int(ACKNOWLEDGE_SECONDS * 1000),
            linger_ms=0,
        )
        self._stopping = threading.Event()
        self._trouble = Trouble()
        self._producer: Producer | None = None
        self._consumer: Consumer | None = None
        self._is_away = False
        self._parts: dict[str, int] = {}
        self._looked_at = 0.0
        self._kafka_error: Any = None

    def send(self, message: Outgoing, request: str, partition: int | None = None) -> bool:
        """Queue a question; False when the queue is full. Raises BusError when it is refused at once."""
        producer = self._producer
        if producer is None:
            raise BusError("there is no connection to Kafka")
        where = {} if partition is None else {"partition": partition}
        try:
            # It only puts the record into a queue of the library, which is made for many threads.
            producer.produce(
                self._kafka.topic_prefix + message.topic,
                message.value,
                message.key,
                headers=list(message.headers),
                on_delivery=lambda error, _message: self._delivered(request, error),
                **where,  # type: ignore[arg-type]
            )
        except BufferError:
            return False
        except self._kafka_error as error:
            raise BusError(told(error.args[0])) from error
        return True

    def stop(self) -> None:
        """End the thread soon; join it to wait for that."""
        self._stopping.set()

    def run(self) -> None:
        """Connect, serve, and connect again, until `stop`."""
        while not self._stopping.is_set():
            try:
                self._connect()
                self._serve()
            except PollyError as error:
                self._say(Away(error))
            except Exception as error:  # noqa: BLE001 - the thread's work ends here, and the client is told
                self._say(Away(BusError(f"the client of Kafka failed: {type(error).__name__}: {error}")))
            finally:
                self._disconnect()
            self._stopping.wait(_AGAIN_SECONDS)

    def _say(self, told: Told) -> None:
        try:
            self._tell(told)
        except RuntimeError:  # the event loop has ended without `stop`
            self._stopping.set()

    def _connect(self) -> None:
        self._trouble = Trouble()
        self._is_away = False
        producer = new_producer(self._producer_config, self._trouble)
        from confluent_kafka import KafkaException, TopicPartition  # noqa: PLC0415 - there since the line above

        self._kafka_error = KafkaException
        found = metadata(producer, self._producer_config, self._trouble, CONNECT_SECONDS).topics
        require_topics(self._kafka, found, intelligence_topics(self._kafka))
        questions = found[self._kafka.topic_prefix + ANALYSIS_REQUESTED_TOPIC].partitions
        consumer = self._consumer = new_consumer(self._reader_config, self._trouble)
        ends = self._ends()
        consumer.assign([TopicPartition(each.topic, each.partition, each.high) for each in ends])
        self._parts = {topic: sum(each.topic == topic for each in ends) for topic in self._topics()}
        self._looked_at = time.monotonic()
        self._producer = producer
        self._say(Ready(len(questions)))

    def _ends(self) -> tuple[Watermarks, ...]:
        """Where the topics of answers end; one that was just made has no leader for a moment."""
        deadline = time.monotonic() + CONNECT_SECONDS
        while True:
            try:
                return watermarks(self._kafka, self._topics())
            except BusMisconfigured:
                raise
            except BusError:
                if time.monotonic() >= deadline or self._stopping.wait(_LOOK_SECONDS):
                    raise

    def _disconnect(self) -> None:
        producer, self._producer = self._producer, None
        consumer, self._consumer = self._consumer, None
        if producer is not None:
            with suppress(self._kafka_error, SystemError):
                producer.purge()
                producer.flush(1.0)
        if consumer is not None:
            consumer.close()

    def _topics(self) -> tuple[str, ...]:
        return tuple(
            self._kafka.topic_prefix + name for name in (ANALYSIS_COMPLETED_TOPIC, ANALYSIS_FAILED_TOPIC)
        )

    def _serve(self) -> None:
        consumer, producer = self._consumer, self._producer
        if consumer is None or producer is None:
            return
        flow, cared_at = Flow(), 0.0
        while not self._stopping.is_set():
            first = consumer.poll(_LOOK_SECONDS)
            if first is not None:
                is_flowing = flow.goes_on()
                self._hand_over([first])
                if is_flowing:
                    self._hand_over(consumer.consume(_MOST_AT_ONCE, 0))
            if time.monotonic() - cared_at >= _CARE_SECONDS:
                cared_at = time.monotonic()
                producer.poll(0)
                self._watch(consumer, producer)

    def _hand_over(self, messages: "Sequence[Message[Any, Any]]") -> None:
        answers: list[tuple[str, Answer | None]] = []
        foreign = 0
        for message in messages:
            error = message.error()
            if error is not None:
                self._met(error)
                continue
            headers: Any = message.headers() or ()
            if self._own_header not in headers and header(headers, CLIENT_HEADER) is not None:
                foreign += 1
                continue
            answer = read_answer(message.value() or b"")
            if answer is not None and answer.client != self._client:
                foreign += 1
                continue
            request = answer.request if answer is not None else header(headers, REQUEST_HEADER)
            answers.append((request or "", answer))
        if answers or foreign:
            self._say(Answers(tuple(answers), foreign))

    def _met(self, error: Any) -> None:
        if fault(error) in (Fault.CLIENT_OVER, Fault.MISCONFIGURED):
            raise unreachable(self._reader_config, self._trouble, error)

    def _delivered(self, request: str, error: Any) -> None:
        if error is not None:
            self._say(Undelivered(request, told(error)))

    def _watch(self, consumer: "Consumer", producer: "Producer") -> None:
        """Notice that the cluster has gone or come back, and that topics have grown."""
        now = time.monotonic()
        if self._trouble.fault is Fault.CLIENT_OVER:
            raise BusError(f"the client of Kafka is over: {self._trouble.latest}")
        if self._trouble.all_are_down and not self._is_away:
            self._is_away = True
            servers = self._kafka.bootstrap_servers
            self._say(Away(BusError(f"Kafka at {servers} cannot be reached: {self._trouble.latest}")))
        due = _AGAIN_SECONDS if self._is_away else _GROWTH_SECONDS
        if now - self._looked_at >= due:
            self._look(consumer, producer)
            self._looked_at = time.monotonic()

    def _look(self, consumer: "Consumer", producer: "Producer") -> None:
        from confluent_kafka import TopicPartition  # noqa: PLC0415

        try:
            found = producer.list_topics(timeout=_AGAIN_SECONDS).topics
        except self._kafka_error:
            return
        for topic in self._topics():
            there = len(found[topic].partitions) if topic in found else 0
            # A partition that is new has no answer from before this client.
            grown = [TopicPartition(topic, number, 0) for number in range(self._parts[topic], there)]
            if grown:
                consumer.incremental_assign(grown)
                self._parts[topic] = there
        if self._is_away:
            self._is_away = False
            self._trouble.clear()
            questions = found.get(self._kafka.topic_prefix + ANALYSIS_REQUESTED_TOPIC)
            self._say(Ready(len(questions.partitions) if questions else 0))
