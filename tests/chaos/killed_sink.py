"""A sink that ends itself, as kill -9 would, at a chosen call of one of its ports.

`python killed_sink.py CONFIG SEAM CALL before|after`
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from polly.cli.record_settings import record_settings
from polly.cli.sink import OpenedWhenNeeded, owner_options
from polly.kafka.producer import KafkaPublisher
from polly.kafka.settings import client_id, consumer_config, producer_config
from polly.sink.consumer.kafka_letters import KafkaLetters
from polly.sink.consumer.kafka_member import KafkaMember
from polly.sink.consumer.owner import Owner
from polly.store.opening import open_store

KILLED = 77


class Dying:
    """Passes everything on, and ends the process at the chosen call."""

    def __init__(self, port: Any, seam: str, call: int, when: str) -> None:
        self._port, self._seam, self._call, self._when, self._calls = port, seam, call, when, 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if name != self._seam:
            return method

        def dying(*arguments: Any, **options: Any) -> Any:
            self._calls += 1
            if self._calls == self._call and self._when == "before":
                os._exit(KILLED)
            result = method(*arguments, **options)
            if self._calls == self._call:
                os._exit(KILLED)
            return result

        return dying


def main(seam: str, call: str, when: str, config: str) -> None:
    settings = record_settings(Path(config))

    def dying(port: Any) -> Any:
        return Dying(port, seam, int(call), when)

    letters = KafkaLetters(
        lambda: KafkaPublisher(producer_config(settings.kafka, role="dead-letters", timeout_ms=8000)),
        group=settings.sink.group,
        client=client_id("sink"),
    )
    owner = Owner(
        options=owner_options(settings),
        member=dying(KafkaMember(consumer_config(settings.kafka, settings.sink))),
        destination=dying(OpenedWhenNeeded(lambda: open_store(settings.store.url or ""))),
        topics=dying(letters),
        tell=lambda message: print(message, flush=True),  # noqa: T201 - the test reads it
    )
    signal.signal(signal.SIGTERM, lambda _number, _frame: owner.stop())
    owner.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
