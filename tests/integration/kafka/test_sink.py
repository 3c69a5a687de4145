"""`polly sink` as a process between a real Kafka and a real PostgreSQL."""

import random
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa
from confluent_kafka import TopicPartition
from tests.integration.kafka.sink_process import Sink, SinkWorld, event, good, poison, send, wait
from tests.services.kafka import Kafka

from polly.events.event import RUNS_TOPIC, TOPICS

FULL_DISK = (
    "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$; "
    "CREATE TRIGGER full_disk BEFORE INSERT ON events EXECUTE FUNCTION full_disk()"
)


@pytest.fixture
def world(tmp_path: Path, kafka: Kafka, postgres_url: str) -> Iterator[SinkWorld]:
    world = SinkWorld(tmp_path, kafka, postgres_url)
    yield world
    world.end()


def test_good_bad_double_and_empty_records_end_where_they_belong(world: SinkWorld) -> None:
    events = good(500)
    world.emit(events, poison(20))
    send(world.bootstrap, world.topic, [*list(events.values())[:50], None, None])
    sink = world.start()
    wait(world.is_settled, sink, "everything stored")
    wait(lambda: sink.status()["lag_records"] == 0, sink, "lag 0")
    status = sink.status()
    assert (status["stored"], status["duplicates"], status["dead_lettered"]) == (500, 50, 20)
    sink.wait_until_ready()
    for path in ("/healthz", "/readyz", "/startupz", "/health"):
        assert sink.probe(path) == 200
    assert sink.stop() == 0, sink.told()
    world.holds()
    assert world.committed() == world.positions()


def test_three_sinks_share_the_partitions_and_one_that_leaves_or_dies_costs_nothing(world: SinkWorld) -> None:
    sinks = [world.start() for _ in range(3)]
    everything = len(TOPICS) + 2
    wait(lambda: _shares(sinks) == everything and all(map(_owned, sinks)), sinks[0], "partitions for each")
    for sink in sinks:
        sink.wait_until_ready()
    world.emit(good(300), poison(5))
    assert sinks[0].stop() == 0, sinks[0].told()
    world.emit(good(300), poison(5))
    sinks[1].kill()
    world.emit(good(300))
    wait(world.is_settled, sinks[2], "everything stored")
    wait(lambda: _owned(sinks[2]) == everything, sinks[2], "all partitions at the last one")
    assert sinks[2].stop() == 0, sinks[2].told()
    world.holds()


def _owned(sink: Sink) -> int:
    return len(sink.status()["partitions"])


def _shares(sinks: list[Sink]) -> int:
    return sum(map(_owned, sinks))


def test_a_sink_without_partitions_is_ready(tmp_path: Path, kafka: Kafka, postgres_url: str) -> None:
    world = SinkWorld(tmp_path, kafka, postgres_url, topics=[RUNS_TOPIC])
    sinks = [world.start() for _ in range(4)]
    wait(lambda: sorted(_owned(sink) for sink in sinks) == [0, 1, 1, 1], sinks[0], "all partitions taken")
    for sink in sinks:
        sink.wait_until_ready()
    world.end()


def test_a_sink_that_slept_through_its_replacement_is_fenced(world: SinkWorld) -> None:
    # The zombie has a batch in hand when it freezes: it waits for more until the batch is old enough.
    world.settings = "linger_ms = 3000\n"
    zombie = world.start()
    zombie.wait_until_ready()
    while world.is_settled():
        world.emit(good(50), partition=0)
        wait(lambda: _in_hand(zombie) > 0 or world.is_settled(), zombie, "a batch in hand")
        _freeze(zombie)
        if world.is_settled():  # it was faster
            zombie.process.send_signal(signal.SIGCONT)
    world.settings = ""
    heir = world.start()
    wait(world.is_settled, heir, "the heir has stored it")
    zombie.process.send_signal(signal.SIGCONT)
    world.emit(good(50), poison(1))
    wait(world.is_settled, heir, "the rest stored")
    wait(lambda: "another sink has stored it" in zombie.told() or "lost" in zombie.told(), zombie, "fenced")
    assert zombie.stop() == 0, zombie.told()
    assert heir.stop() == 0, heir.told()
    world.holds()


def _freeze(sink: Sink) -> None:
    sink.process.send_signal(signal.SIGSTOP)
    wait(lambda: psutil.Process(sink.process.pid).status() == psutil.STATUS_STOPPED, what="it stands still")


def _in_hand(sink: Sink) -> float:
    return sink.metric("polly_sink_records_in_hand")


@pytest.mark.parametrize(
    ("breaks", "mends", "cause"),
    [
        ("ALTER TABLE events RENAME TO gone", "ALTER TABLE gone RENAME TO events", "store_misconfigured"),
        ("REVOKE INSERT ON events FROM {role}", "GRANT INSERT ON events TO {role}", "store_misconfigured"),
        (
            "ALTER TABLE events ADD CONSTRAINT nothing CHECK (false) NOT VALID",
            "ALTER TABLE events DROP CONSTRAINT nothing",
            "store_misconfigured",
        ),
        (
            "ALTER TABLE events DROP COLUMN sequence CASCADE",
            "ALTER TABLE events ADD COLUMN sequence text NOT NULL DEFAULT ''",
            "store_misconfigured",
        ),
        (
            FULL_DISK,
            "DROP TRIGGER full_disk ON events",
            "store_unavailable",
        ),
    ],
    ids=["a table dropped", "a privilege revoked", "nothing taken", "a column dropped", "the disk full"],
)
def test_trouble_of_the_database_pauses_and_dead_letters_nothing(
    world: SinkWorld, breaks: str, mends: str, cause: str
) -> None:
    role = f"polly_{uuid.uuid4().hex[:8]}"
    url = sa.make_url(world.database)
    with world.connect() as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'")
        connection.execute(f'ALTER DATABASE "{url.database}" OWNER TO {role}')
        connection.execute(f"GRANT ALL ON SCHEMA public TO {role}")
    world.sink_database = url.set(username=role, password="secret").render_as_string(hide_password=False)
    try:
        sink = world.start()
        world.emit(good(20))
        wait(world.is_settled, sink, "the first events stored")
        with world.connect() as connection:
            connection.execute(breaks.format(role=role))
        world.emit(good(20), poison(2))
        sink.wait_until_paused(cause)
        assert (sink.probe("/healthz"), sink.probe("/health")) == (200, 503)
        assert world.rows("SELECT * FROM dead_letters") == []
        assert world.published() == []
        with world.connect() as connection:
            connection.execute(mends.format(role=role))
        wait(world.is_settled, sink, "the rest stored")
        sink.wait_until_ready()
        assert "secret" not in sink.told()
        assert sink.stop() == 0, sink.told()
        world.holds()
    finally:
        world.end()
        with world.connect() as connection:
            connection.execute(f'ALTER DATABASE "{url.database}" OWNER TO CURRENT_USER')
            connection.execute(f"REASSIGN OWNED BY {role} TO CURRENT_USER")
            connection.execute(f"DROP OWNED BY {role}")
            connection.execute(f"DROP ROLE {role}")


def test_records_that_only_the_database_refuses_block_nobody(world: SinkWorld) -> None:
    # No index takes a key of that length (54000); there is nothing good in this batch.
    bad = [event()[1].replace(b'"source":"urn:test"', b'"source":"%s"' % _long()) for _ in range(6)]
    world.emit({}, bad, partition=0)
    sink = world.start()
    wait(world.is_settled, sink, "the bad ones put aside")
    world.emit(good(20), partition=0)
    wait(world.is_settled, sink, "what came after them stored")
    assert sink.stop() == 0, sink.told()
    assert {row[0] for row in world.rows("SELECT sqlstate FROM dead_letters")} == {"54000"}
    world.holds()


def _long() -> bytes:
    return random.randbytes(8000).hex().encode()


def test_a_dead_letter_that_its_topic_does_not_take_is_told_there_and_kept_in_the_table(
    tmp_path: Path, kafka: Kafka, postgres_url: str
) -> None:
    world = SinkWorld(tmp_path, kafka, postgres_url, dead_letter_config={"max.message.bytes": "4000"})
    try:
        large = b"\xff" + random.randbytes(16_000)
        world.emit(good(5), [large, *poison(1)])
        sink = world.start()
        wait(lambda: len(world.published()) == 2, sink, "both told")
        assert sink.stop() == 0, sink.told()
        envelope = next(each for each in world.published() if each.value().startswith(b"{"))
        assert b'"bytes": 16001' in envelope.value()
        assert dict(envelope.headers())["dlq.payload"] == b"dead_letters"
        assert large in [bytes(row[0]) for row in world.rows("SELECT raw FROM dead_letters")]
        assert sum(world.committed().values()) == 7
    finally:
        world.end()


def test_a_start_at_the_end_reads_only_what_comes_later_and_stays_so(world: SinkWorld) -> None:
    send(world.bootstrap, world.topic, good(50).values())
    world.settings = 'start = "latest"\n'
    sink = world.start()
    sink.wait_until_ready()
    assert sink.stop() == 0, sink.told()
    world.emit(good(20))  # while no sink is there
    sink = world.start()
    wait(world.is_settled, sink, "what came later stored")
    assert sink.stop() == 0, sink.told()
    world.holds()


def test_a_position_that_the_topic_lost_is_told_and_not_skipped(world: SinkWorld, kafka: Kafka) -> None:
    world.emit(good(10), partition=0)
    sink = world.start()
    wait(world.is_settled, sink, "stored")
    assert sink.stop() == 0, sink.told()
    send(world.bootstrap, world.topic, good(10).values(), partition=0)
    place = TopicPartition(world.topic, 0, 15)
    admin = kafka.admin()  # held until the answer is there
    admin.delete_records([place])[place].result(timeout=60)
    sink = world.start()
    sink.wait_for("nothing can be read at offset 10")
    world.emit(good(5), partition=1)
    wait(world.is_settled, sink, "the other partitions go on")
    assert sink.probe("/readyz") == 503
    assert sink.probe("/healthz") == 200
    assert sink.stop() == 0, sink.told()
    assert world.positions()[0] == 10


def test_a_topic_that_does_not_exist_is_named(tmp_path: Path, kafka: Kafka, postgres_url: str) -> None:
    world = SinkWorld(tmp_path, kafka, postgres_url, topics=[RUNS_TOPIC])
    try:
        world.emit(good(5))
        sink = world.start()
        wait(world.is_settled, sink, "what is there is stored")
        sink.wait_for("agent-actions")
        assert sink.stop() == 0, sink.told()
    finally:
        world.end()


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_static_members_and_the_new_protocol_by_settings(world: SinkWorld, protocol: str) -> None:
    more = f'"group.protocol" = "{protocol}"\n"group.instance.id" = "one"\n'
    if protocol == "consumer":
        world.consumer_timeouts = ""  # the broker decides them
    world.emit(good(50), poison(3))
    sink = world.start(more=more)
    wait(world.is_settled, sink, "stored")
    sink.wait_until_ready()
    assert sink.stop() == 0, sink.told()
    world.emit(good(50))
    sink = world.start(more=more)
    wait(world.is_settled, sink, "stored again")
    assert sink.stop() == 0, sink.told()
    world.holds()


def test_sigterm_under_load_ends_in_order_and_the_next_one_goes_on(world: SinkWorld) -> None:
    world.settings = "batch_records = 50\n"
    world.emit(good(3000), poison(10))
    sink = world.start()
    wait(lambda: len(world.stored()) > 100, sink, "begun")
    assert sink.stop() == 0, sink.told()
    wait(lambda: not _members(world), what="the group left")
    sink = world.start()
    wait(world.is_settled, sink, "the rest stored")
    assert sink.stop() == 0, sink.told()
    world.holds()


def _members(world: SinkWorld) -> int:
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": world.bootstrap, "log_level": 0})
    return len(admin.describe_consumer_groups([world.group])[world.group].result(timeout=60).members)
