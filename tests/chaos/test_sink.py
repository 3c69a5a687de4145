"""Sinks are killed at every seam and at any moment: nothing is lost, nothing is there twice.

POLLY_CHAOS_EVENTS and POLLY_CHAOS_KILLS make it longer (`make chaos-sink`).
"""

import os
import random
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.chaos import killed_sink
from tests.integration.kafka import sink_process
from tests.integration.kafka.sink_process import Sink, SinkWorld, event, good, poison, wait
from tests.services.kafka import Kafka, KafkaBroker
from tests.services.postgres import PostgresCluster

pytestmark = pytest.mark.skipif(os.name == "nt", reason="SIGKILL is what is tested")

EVENTS = int(os.environ.get("POLLY_CHAOS_EVENTS", "50000"))
KILLS = int(os.environ.get("POLLY_CHAOS_KILLS", "6"))
#: Each sink gets somewhere on average, so that killing them goes on until everything is stored. Later ones
#: live longer: where a machine is slow, the first ones may not get anywhere.
LONGEST_LIFE_SECONDS = 1.5 if EVENTS <= 100_000 else 4.0
#: The group notices a dead member after a second, not after the usual 45.
FAST = '"session.timeout.ms" = 1000\n"heartbeat.interval.ms" = 200\n'
PATIENT = '"session.timeout.ms" = 6000\n"heartbeat.interval.ms" = 300\n'
#: Port method, call, and whether the process ends before or after it was carried out.
SEAMS = [
    ("ingest", "1", "before"),
    ("ingest", "2", "after"),  # stored, letters not published, offsets not committed
    ("publish", "1", "after"),  # acknowledged by the topic, and the store does not know
    ("mark_published", "1", "after"),
    ("commit", "1", "before"),
    ("commit", "2", "after"),
]


@pytest.fixture
def world(tmp_path: Path, kafka: Kafka, postgres_url: str) -> Iterator[SinkWorld]:
    world = SinkWorld(tmp_path, kafka, postgres_url)
    world.consumer_timeouts = FAST
    world.settings = "batch_records = 200\n"
    yield world
    world.end()


def _killed(world: SinkWorld, *seam: str) -> Sink:
    return world.start(program=[killed_sink.__file__, *seam])


def test_a_sink_killed_at_each_seam_loses_nothing_and_doubles_nothing(world: SinkWorld) -> None:
    for seam in SEAMS:
        world.emit(good(500), poison(4))
        sink = _killed(world, *seam)
        assert sink.process.wait(timeout=sink_process.PATIENCE) == killed_sink.KILLED, (seam, sink.told())
    last = world.start()
    wait(world.is_settled, last, "everything stored")
    assert last.stop() == 0, last.told()
    world.holds()


def test_a_sink_killed_in_a_rebalance_or_while_stopping_loses_nothing(world: SinkWorld) -> None:
    world.consumer_timeouts = PATIENT  # who is missed by the group while it lives has nothing to release
    dying = _killed(world, "release", "1", "before")
    dying.wait_for("Partitions assigned")
    world.emit(good(300), poison(3))
    heir = world.start()
    assert dying.process.wait(timeout=sink_process.PATIENCE) == killed_sink.KILLED, dying.told()
    wait(world.is_settled, heir, "everything stored")
    assert heir.stop() == 0, heir.told()
    leaving = _killed(world, "close", "1", "before")
    leaving.wait_for("Partitions assigned")
    world.emit(good(300), poison(3))
    leaving.process.send_signal(signal.SIGTERM)
    assert leaving.process.wait(timeout=sink_process.PATIENCE) == killed_sink.KILLED, leaving.told()
    last = world.start()
    wait(world.is_settled, last, "everything stored")
    assert last.stop() == 0, last.told()
    world.holds()


def test_kill_9_at_any_moment_loses_nothing_and_doubles_nothing(
    world: SinkWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    chooser = random.Random(54)
    world.settings = ""
    monkeypatch.setattr(sink_process, "PATIENCE", max(sink_process.PATIENCE, EVENTS / 500))
    for start in range(0, EVENTS, 50_000):
        world.emit(dict(event(number) for number in range(start, min(EVENTS, start + 50_000))), poison(20))
    kills = 0
    while kills < KILLS or not world.is_settled():
        sink = world.start()
        sink.wait_for("Partitions assigned")
        try:  # the moment of the kill is what chance decides here
            sink.process.wait(timeout=chooser.uniform(0, LONGEST_LIFE_SECONDS * (1 + kills / KILLS)))
        except subprocess.TimeoutExpired:
            sink.kill()
        kills += 1
    last = world.start()
    last.wait_until_ready()
    wait(world.is_settled, last, "everything stored")
    assert last.stop() == 0, last.told()
    world.holds()


def test_a_database_that_goes_away_and_comes_back_costs_nothing(
    tmp_path: Path, kafka: Kafka, postgres_of_its_own: PostgresCluster
) -> None:
    world = SinkWorld(tmp_path, kafka, postgres_of_its_own.url)
    try:
        sink = world.start()
        world.emit(good(100))
        wait(world.is_settled, sink, "the first events stored")
        postgres_of_its_own.kill()
        world.emit(good(100), poison(3))
        sink.wait_until_paused("store_unavailable")
        assert sink.probe("/healthz") == 200
        members = sink.status()["partitions"]
        assert members  # the group has not taken them away
        postgres_of_its_own.start()
        wait(world.is_settled, sink, "the rest stored")
        postgres_of_its_own.restart()
        world.emit(good(100))
        wait(world.is_settled, sink, "stored after a restart between batches")
        assert sink.stop() == 0, sink.told()
        world.holds()
    finally:
        world.end()


def test_a_broker_that_goes_away_and_comes_back_costs_nothing(
    tmp_path: Path, kafka_of_its_own: KafkaBroker, postgres_url: str
) -> None:
    world = SinkWorld(tmp_path, Kafka(kafka_of_its_own.bootstrap, "own-"), postgres_url)
    try:
        sink = world.start()
        world.emit(good(100), poison(2))
        wait(world.is_settled, sink, "the first events stored")
        kafka_of_its_own.stop()
        sink.wait_for("Kafka: ")
        assert sink.probe("/healthz") == 200
        kafka_of_its_own.start()
        world.emit(good(100), poison(2))
        wait(world.is_settled, sink, "the rest stored")
        assert sink.stop() == 0, sink.told()
        world.holds()
    finally:
        world.end()
