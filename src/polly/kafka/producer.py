"""Writes records, and says of each whether the cluster has it."""

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from polly.kafka.clients import Trouble, metadata, new_producer
from polly.kafka.faults import ClientError, Fault, fault, fault_of, told
from polly.kafka.settings import ClientConfig

Headers = tuple[tuple[str, bytes | None], ...]

#: How many more errors an ended client may raise while it hands out the last outcomes.
_MOST_ERRORS = 10
#: How long one look at the queue waits, and so how late a caller hears of a stop.
_LOOK_SECONDS = 0.1


class Message(NamedTuple):
    """A record to be written. Records with the same key keep their order. timestamp_ms: since 1970, UTC."""

    topic: str
    value: bytes | None
    key: bytes | None = None
    headers: Headers = ()
    timestamp_ms: int | None = None


class Failure(NamedTuple):
    """Why a record was not written. reason: in plain words, without a full stop."""

    fault: Fault
    reason: str


class Group:
    """Records whose outcome is asked for together."""

    __slots__ = ("_errors", "unsettled")

    def __init__(self) -> None:
        self.unsettled = 0
        self._errors: list[ClientError] = []

    @property
    def is_acknowledged(self) -> bool:
        """True when the cluster has every one of them."""
        return not self.unsettled and not self._errors

    @property
    def has_failed(self) -> bool:
        """True when at least one of them was not written."""
        return bool(self._errors)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Why some of them were not written."""
        return tuple(Failure(fault(error), told(error)) for error in self._errors)

    def settle(self, error: ClientError | None, _message: object = None) -> None:
        """One of them has its outcome: the delivery callback.

        When the client is over, it calls this with an exception pending, at which any call from here fails
        after it was carried out. So there is one call, and it is the last thing.
        """
        self.unsettled -= 1
        if error is not None:
            self._errors.append(error)


class KafkaPublisher:
    """A producer with a bounded queue. For one thread; outcomes arrive inside `serve`, `flush`, `publish`."""

    def __init__(self, config: ClientConfig) -> None:
        """Raises BusError without the library, SettingsError for settings that it does not take."""
        self.trouble = Trouble()
        #: Why this producer cannot write any more; make a new one, and write again what has no outcome.
        self.over: Failure | None = None
        self._config = config
        self._producer = new_producer(config, self.trouble)
        from confluent_kafka import KafkaException  # noqa: PLC0415 - an extra; there since the line above

        self._exception = KafkaException

    @property
    def complaint(self) -> str | None:
        """What the client last said was wrong between it and the cluster."""
        return self.trouble.latest

    def forget_complaint(self) -> None:
        """The cluster has answered."""
        self.trouble.clear()

    def topics(self, seconds: float) -> frozenset[str]:
        """The topics of the cluster that this user may see. Raises BusError when it cannot be reached."""
        return frozenset(metadata(self._producer, self._config, self.trouble, seconds).topics)

    def send(self, message: Message, group: Group) -> Failure | None:
        """Take a record to be written soon; its outcome settles `group`.

        Raises BufferError when the queue is full: `serve`, then send it again. A failure that is known at
        once is returned, and the group does not hear of it.
        """
        try:
            self._producer.produce(
                message.topic,
                message.value,
                message.key,
                on_delivery=group.settle,
                headers=list(message.headers),
                timestamp=message.timestamp_ms or 0,  # 0: now
            )
        except self._exception as error:
            return Failure(fault(error.args[0]), told(error.args[0]))
        group.unsettled += 1
        return None

    def serve(self, seconds: float) -> None:
        """Hear of outcomes; waits at most so long for the first one."""
        try:
            self._producer.poll(seconds)
        except (self._exception, SystemError) as error:
            self._end(error)

    def flush(self, seconds: float) -> int:
        """Write out what is queued; how many records have no outcome after so long."""
        try:
            return self._producer.flush(seconds)
        except (self._exception, SystemError) as error:
            self._end(error)
            return len(self._producer)

    def publish(self, messages: Sequence[Message], seconds: float) -> tuple[Failure | None, ...]:
        """Write all of them and wait: for each, in order, None when the cluster has it, else why not.

        One that has no outcome after so long counts as failed, although it may still arrive.
        """
        deadline = time.monotonic() + seconds
        groups: list[Group] = []
        refused: dict[int, Failure] = {}
        for number, message in enumerate(messages):
            groups.append(Group())
            failure = self._sent_in_time(message, groups[-1], deadline)
            if failure is not None:
                refused[number] = failure
        while any(group.unsettled for group in groups) and self.over is None:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            self.serve(min(left, _LOOK_SECONDS))
        late = self.over or self._late(seconds)
        return tuple(
            refused.get(number) or next(iter(group.failures), late if group.unsettled else None)
            for number, group in enumerate(groups)
        )

    def close(self) -> None:
        """End it. What has no outcome yet is given up; `flush` first."""
        self._producer.purge()
        self.flush(1.0)

    def _late(self, seconds: float) -> Failure:
        if self.trouble.latest:
            return Failure(self.trouble.fault, self.trouble.latest)
        return Failure(Fault.PASSING, f"the cluster did not acknowledge within {seconds:g} seconds")

    def _sent_in_time(self, message: Message, group: Group, deadline: float) -> Failure | None:
        while True:
            try:
                return self.send(message, group)
            except BufferError:
                left = deadline - time.monotonic()
                if left <= 0 or self.over:
                    return self.over or Failure(Fault.PASSING, "the queue of records to be written is full")
                self.serve(min(left, _LOOK_SECONDS))

    def _end(self, error: BaseException) -> None:
        """The client is over: it raises that from wherever it is, also inside of a delivery callback."""
        reason = error if isinstance(error, self._exception) else error.__cause__ or error.__context__
        if not isinstance(reason, self._exception):
            raise error
        said = reason.args[0]
        found = fault_of(said.name(), fatal=True)
        self.over = Failure(found, told(said))
        # The outcome of the record that ended it may still wait behind the error.
        for _ in range(_MOST_ERRORS):
            with suppress(self._exception, SystemError):
                self._producer.flush(1.0)
                return
