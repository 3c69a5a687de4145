"""Hands lines to Kafka. What is refused goes as a dead letter, at last as one without its payload."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from polly.events.transfer import DeadLetter
from polly.kafka.faults import Fault
from polly.kafka.producer import Failure, Group, Message
from polly.sink.relay.outgoing import (
    Outgoing,
    letter,
    refused_letter,
    unreadable_letter,
    without_payload,
)
from polly.sink.relay.spool_file import Chunk, SpoolFile

#: The folder in the spool for payloads that no topic takes.
KEPT = "kept"
#: How long one record that is sent alone is awaited.
_ALONE_SECONDS = 30.0
#: How long a full queue is waited for before the relay looks at other things.
_LOOK_SECONDS = 0.1

#: Faults of one record, which its neighbours do not share.
OF_THE_RECORD = (Fault.OVERSIZE, Fault.REFUSED)


class Publisher(Protocol):
    """What the relay needs of a producer; polly.kafka.producer.KafkaPublisher says what each does."""

    over: Failure | None

    @property
    def complaint(self) -> str | None:
        """What the client last said was wrong between it and the cluster."""
        ...

    def forget_complaint(self) -> None:
        """The cluster has answered."""
        ...

    def send(self, message: Message, group: Group) -> Failure | None:
        """Take a record; raises BufferError when the queue is full."""
        ...

    def serve(self, seconds: float) -> None:
        """Hear of outcomes."""
        ...

    def flush(self, seconds: float) -> int:
        """Write out what is queued."""
        ...

    def publish(self, messages: Sequence[Message], seconds: float) -> tuple[Failure | None, ...]:
        """Write and wait."""
        ...

    def close(self) -> None:
        """Give up what has no outcome."""
        ...


class Halted(Exception):  # noqa: N818 - an event, not an error
    """Sending cannot go on with this client, or shall not. failure: None when the relay was told to stop."""

    def __init__(self, failure: Failure | None) -> None:
        super().__init__(failure)
        self.failure = failure


class Sender:
    """Sends through one publisher.

    breathe: called while the queue is full; it may raise Halted.
    buried: hears of each line that becomes a dead letter, before it is sent: the file, and the letter.
    """

    def __init__(
        self,
        folder: Path,
        publisher: Publisher,
        *,
        breathe: Callable[[], None],
        buried: Callable[[SpoolFile, DeadLetter], None],
    ) -> None:
        self._folder = folder
        self._publisher = publisher
        self._breathe = breathe
        self._buried = buried

    def queue(self, file: SpoolFile, position: int, outgoing: Outgoing, chunk: Chunk) -> None:
        """Send it soon, in its order; the outcome settles the chunk. Raises Halted."""
        self._note_unreadable(file, position, outgoing)
        try:
            failure = self._publisher.send(outgoing.message, chunk.group)
        except BufferError:
            failure = self._queued(outgoing.message, chunk.group)
        if failure is not None:
            self._send_letter(file, position, outgoing, failure, lambda each: self._queued(each, chunk.group))
        chunk.note(outgoing, is_letter=failure is not None or outgoing.reason is not None)

    def send_alone(self, file: SpoolFile, position: int, outgoing: Outgoing, chunk: Chunk) -> None:
        """Send it and wait until the cluster has it. Raises Halted."""
        self._note_unreadable(file, position, outgoing)
        failure = self._awaited(outgoing.message)
        if failure is not None:
            self._send_letter(file, position, outgoing, failure, self._awaited)
        chunk.note(outgoing, is_letter=failure is not None or outgoing.reason is not None)

    def _queued(self, message: Message, group: Group) -> Failure | None:
        while True:
            try:
                return self._publisher.send(message, group)
            except BufferError:
                self._publisher.serve(_LOOK_SECONDS)
                self._breathe()

    def _awaited(self, message: Message) -> Failure | None:
        return self._publisher.publish((message,), _ALONE_SECONDS)[0]

    def _send_letter(
        self,
        file: SpoolFile,
        position: int,
        outgoing: Outgoing,
        failure: Failure,
        send: Callable[[Message], Failure | None],
    ) -> None:
        _halt_unless_refused(failure)
        if outgoing.reason is None:
            self._buried(file, refused_letter(outgoing, file.stream, position, failure))
        message = letter(outgoing.message, file.stream, position, failure.reason)
        again = send(message) if message is not outgoing.message else failure
        if again is not None:
            _halt_unless_refused(again)
            name = f"{file.producer}-{position}.json"
            self._keep(name, message.value or b"")
            last = send(without_payload(message, f"{KEPT}/{name}"))
            if last is not None:
                raise Halted(last)

    def _note_unreadable(self, file: SpoolFile, position: int, outgoing: Outgoing) -> None:
        if outgoing.reason is not None:
            self._buried(file, unreadable_letter(outgoing, file.stream, position))

    def _keep(self, name: str, payload: bytes) -> None:
        folder = self._folder / KEPT
        folder.mkdir(mode=0o700, exist_ok=True)
        with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())


def _halt_unless_refused(failure: Failure) -> None:
    if failure.fault not in OF_THE_RECORD:
        raise Halted(failure)
