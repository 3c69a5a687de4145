"""Publishes dead letters to `<topic>.dlq`, and counts a letter as published only when the cluster has it."""

from collections.abc import Callable, Sequence
from typing import Protocol

from polly.errors import BusError, BusMisconfigured
from polly.events.transfer import DeadLetter
from polly.kafka.faults import Fault
from polly.kafka.producer import Failure, Message
from polly.sink.consumer.letters import LetterRecord, envelope_record, letter_record

#: How long the cluster may take to acknowledge. What comes later is published twice; its coordinates show it.
ACKNOWLEDGE_SECONDS = 10.0
#: Letters in flight together.
CHUNK = 500


class Publisher(Protocol):
    """The part of a producer that is needed; polly.kafka.producer.KafkaPublisher has it."""

    @property
    def over(self) -> Failure | None:
        """Why it cannot write any more."""
        ...

    def publish(self, messages: Sequence[Message], seconds: float) -> Sequence[Failure | None]:
        """For each message None when the cluster has it, else why not."""
        ...

    def close(self) -> None: ...


class KafkaLetters:
    """See DeadLetterTopics. A producer is made with the first letter, and anew when one is over."""

    def __init__(self, connect: Callable[[], Publisher], *, group: str, client: str) -> None:
        self._connect = connect
        self._group = group
        self._client = client
        self._publisher: Publisher | None = None

    def publish(self, letters: Sequence[DeadLetter]) -> tuple[DeadLetter, ...]:
        chunk = letters[:CHUNK]
        failures = self._send([letter_record(each, group=self._group, client=self._client) for each in chunk])
        large = [
            number
            for number, failure in enumerate(failures)
            if failure is not None and failure.fault in (Fault.OVERSIZE, Fault.REFUSED)
        ]
        if large:
            small = [
                envelope_record(chunk[number], group=self._group, client=self._client) for number in large
            ]
            for number, failure in zip(large, self._send(small), strict=True):
                failures[number] = failure
        acknowledged = tuple(
            letter for letter, failure in zip(chunk, failures, strict=True) if failure is None
        )
        refused = next((failure for failure in failures if failure is not None), None)
        if refused is not None and not acknowledged:
            kind = BusMisconfigured if refused.fault is Fault.MISCONFIGURED else BusError
            raise kind(
                f"dead letters cannot be published: {refused.reason}",
                next_step="`polly topics create` makes the topics of dead letters.",
            )
        return acknowledged

    def close(self) -> None:
        """End the producer. Nothing waits in it: what `publish` returned is acknowledged."""
        if self._publisher is not None:
            self._publisher.close()
            self._publisher = None

    def _send(self, records: Sequence[LetterRecord]) -> list[Failure | None]:
        if self._publisher is not None and self._publisher.over is not None:
            self.close()
        if self._publisher is None:
            self._publisher = self._connect()
        messages = [
            Message(each.topic, each.value, each.key, each.headers, each.timestamp_ms) for each in records
        ]
        return list(self._publisher.publish(messages, ACKNOWLEDGE_SECONDS))
