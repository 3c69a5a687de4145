"""A sink whose ports tell when another thread than the owner's calls them. `python guarded_sink.py CONFIG`"""

import signal
import sys
import threading
from pathlib import Path
from typing import Any

from polly.cli.record_settings import record_settings
from polly.cli.sink import OpenedWhenNeeded, owner_options
from polly.kafka.producer import KafkaPublisher
from polly.kafka.settings import client_id, consumer_config, producer_config
from polly.sink.consumer.kafka_letters import KafkaLetters
from polly.sink.consumer.kafka_member import LEAVING, KafkaMember
from polly.sink.consumer.owner import Owner
from polly.sink.health.server import HealthServer, Watched
from polly.store.opening import open_store

STRANGER = "called by a strange thread"
#: One after the other: the second one gets the client when the first one has done with it.
OWNERS = ("owner", LEAVING)


class Guarded:
    """Passes everything on, and tells of callers that are not the owner."""

    def __init__(self, port: Any) -> None:
        self._port = port

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        def guarded(*arguments: Any, **options: Any) -> Any:
            if threading.current_thread().name not in OWNERS:
                _tell(f"{STRANGER}: {type(self._port).__name__}.{name}")
            return method(*arguments, **options)

        return guarded


def _tell(message: str) -> None:
    print(message, flush=True)  # noqa: T201 - the test reads it


def main(config: str) -> None:
    settings = record_settings(Path(config))
    letters = KafkaLetters(
        lambda: KafkaPublisher(producer_config(settings.kafka, role="dead-letters", timeout_ms=8000)),
        group=settings.sink.group,
        client=client_id("sink"),
    )
    member = KafkaMember(consumer_config(settings.kafka, settings.sink))
    owner = Owner(
        options=owner_options(settings),
        member=Guarded(member),
        destination=Guarded(OpenedWhenNeeded(lambda: open_store(settings.store.url or ""))),
        topics=Guarded(letters),
        tell=_tell,
    )
    thread = threading.Thread(target=owner.run, name="owner")
    signal.signal(signal.SIGTERM, lambda _number, _frame: owner.stop())
    with HealthServer("127.0.0.1", 0, Watched(lambda: owner.snapshot, thread.is_alive)) as health:
        _tell(f"health at {health.url}/health")
        thread.start()
        while thread.is_alive():
            thread.join(0.2)


if __name__ == "__main__":
    main(*sys.argv[1:])
