"""The server's producer: answers leave from any thread, and are sent again until Kafka has them."""

import queue
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from polly.errors import BusError
from polly.intelligence.bus.messages import Outgoing
from polly.kafka.clients import Trouble, new_producer
from polly.kafka.faults import Fault, told
from polly.kafka.settings import producer_config
from polly.settings import KafkaSettings

#: After how long an answer that Kafka has not taken is sent again.
_ACKNOWLEDGE_MS = 10_000
_AGAIN_SECONDS = 0.5
_FULL_SECONDS = 0.05


class Reply(NamedTuple):
    """An answer on its way. ended: called once, in the thread of `serve`; False when Kafka never took it.

    deadline: by time.monotonic(); nobody waits for it any more after that.
    """

    message: Outgoing
    deadline: float
    ended: Callable[[bool], None]


class Replies:
    """`send` may be called by any thread, the rest by one."""

    def __init__(self, kafka: KafkaSettings) -> None:
        """Raises BusError without the library, SettingsError for settings that it does not take."""
        self.trouble = Trouble()
        self._prefix = kafka.topic_prefix
        self._config = producer_config(
            kafka, role="intelligence-server", timeout_ms=_ACKNOWLEDGE_MS, linger_ms=0
        )
        self._producer = new_producer(self._config, self.trouble)
        from confluent_kafka import KafkaException  # noqa: PLC0415 - there since the line above

        self._exception = KafkaException
        self._outcomes: queue.SimpleQueue[tuple[Reply, str | None]] = queue.SimpleQueue()
        self._again: list[Reply] = []
        self._again_at = 0.0

    @property
    def client(self) -> Any:
        """The producer itself, to ask the cluster with."""
        return self._producer

    def send(self, reply: Reply) -> None:
        """Let it leave soon."""
        while True:
            try:
                self._producer.produce(
                    self._prefix + reply.message.topic,
                    reply.message.value,
                    reply.message.key,
                    headers=list(reply.message.headers),
                    on_delivery=lambda error, _message: self._outcomes.put(
                        (reply, None if error is None else told(error))
                    ),
                )
            except BufferError:
                self._producer.poll(_FULL_SECONDS)
            except self._exception as error:
                self._outcomes.put((reply, told(error.args[0])))
                return
            else:
                return

    def serve(self, seconds: float = 0.0) -> None:
        """Hear of outcomes, and send again what was not taken. Raises BusError when the client is over."""
        self._producer.poll(seconds)
        if self.trouble.fault is Fault.CLIENT_OVER:
            raise BusError(f"the Kafka client cannot go on: {self.trouble.latest}")
        now = time.monotonic()
        while not self._outcomes.empty():
            reply, refusal = self._outcomes.get()
            if refusal is None:
                reply.ended(True)
            elif now >= reply.deadline:
                reply.ended(False)
            else:
                self.trouble.latest = refusal
                self._again.append(reply)
        if self._again and now >= self._again_at:
            again, self._again = self._again, []
            self._again_at = now + _AGAIN_SECONDS
            for reply in again:
                self.send(reply)

    def close(self) -> None:
        """End it; what has no outcome is given up."""
        self._producer.purge()
        self._producer.flush(1.0)
