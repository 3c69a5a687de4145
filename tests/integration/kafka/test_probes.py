"""Probes of a real sink while everything around it changes: answered at once, by nobody but themselves.

How long they took is printed, and not judged: another program may have had the machine.
"""

import http.client
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import pytest
from tests.integration.kafka import guarded_sink
from tests.integration.kafka.sink_process import Sink, SinkWorld, good, poison, wait
from tests.services.kafka import Kafka
from tests.services.postgres import PostgresCluster

PATHS = ("/healthz", "/readyz", "/health", "/metrics")
THREADS = 8


class Hammer:
    """Threads that ask all the time; `phase` names what they ask in."""

    def __init__(self, url: str) -> None:
        self.phase = "at work"
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.strange: list[int] = []
        self._place = urlsplit(url)
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(THREADS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._is_over.is_set():
            for path in PATHS:
                phase, began = self.phase, time.monotonic()
                try:
                    connection = http.client.HTTPConnection(
                        self._place.hostname or "", self._place.port, timeout=60
                    )
                    connection.request("GET", path)
                    answer = connection.getresponse()
                    answer.read()
                    connection.close()
                except (OSError, http.client.HTTPException):
                    if self.phase != "stop":  # its port stops with it, in the middle of an answer too
                        self.strange.append(0)
                    continue
                self.seconds[phase].append(time.monotonic() - began)
                if answer.status not in (200, 503):
                    self.strange.append(answer.status)

    def wait_for_answers(self, count: int = 200) -> None:
        """Until so many came in this phase."""
        wait(lambda: len(self.seconds[self.phase]) >= count, what="answers")


@pytest.fixture
def world(tmp_path: Path, kafka: Kafka, postgres_of_its_own: PostgresCluster) -> Iterator[SinkWorld]:
    world = SinkWorld(tmp_path, kafka, postgres_of_its_own.url)
    yield world
    world.end()


def test_no_probe_touches_the_client_in_a_rebalance_in_a_pause_or_at_the_end(
    world: SinkWorld, postgres_of_its_own: PostgresCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    sink = world.start(program=[guarded_sink.__file__])
    sink.wait_until_ready()
    with Hammer(sink.url) as hammer:
        world.emit(good(2000), poison(5))
        hammer.wait_for_answers()
        hammer.phase = "rebalance"
        other = world.start()
        wait(lambda: _has_partitions(other), other, "partitions taken over")
        assert other.stop() == 0, other.told()
        hammer.wait_for_answers()
        hammer.phase = "pause"
        postgres_of_its_own.kill()
        world.emit(good(500))
        sink.wait_for("Paused (store_unavailable)")
        hammer.wait_for_answers()
        postgres_of_its_own.start()
        wait(world.is_settled, sink, "everything stored")
        hammer.phase = "stop"
        world.emit(good(500))
        assert sink.stop() == 0, sink.told()
    assert guarded_sink.STRANGER not in sink.told()
    assert hammer.strange == []
    with capsys.disabled():
        for phase, seconds in hammer.seconds.items():
            _report(phase, seconds)
    last = world.start()
    last.wait_until_ready()
    wait(world.is_settled, last, "everything stored")
    assert last.stop() == 0, last.told()
    world.holds()


def _has_partitions(sink: Sink) -> bool:
    return len(sink.status()["partitions"]) > 0


def _report(phase: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    print(  # noqa: T201 - figures for a person
        f"\n{phase}: {len(ordered)} probes, median {ordered[len(ordered) // 2] * 1000:.1f} ms, "
        f"99 % within {ordered[len(ordered) * 99 // 100] * 1000:.1f} ms, longest {ordered[-1] * 1000:.1f} ms",
        end="",
    )
