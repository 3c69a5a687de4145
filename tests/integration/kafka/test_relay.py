"""From the spool to a real cluster."""

import random
import re
import string
import threading
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import KafkaError
from tests.integration.kafka.relays import (
    Program,
    RelayBench,
    assert_each_once_or_more_in_order,
    make_bench,
    write_events,
)
from tests.services.kafka import Kafka, KafkaBroker
from tests.services.mock_cluster import MockCluster, Request

from polly.errors import BusError, PollyError
from polly.events.event import TOPICS
from polly.sink.relay.snapshot import read_snapshot
from polly.sink.relay.spool_file import relayed_bytes
from polly.sink.spool import SpoolWriter, spool_files

POISON = b'{"torn":\n'


def test_every_event_arrives_once_unchanged_and_in_the_order_of_its_key(tmp_path: Path, kafka: Kafka) -> None:
    bench = make_bench(tmp_path, kafka.bootstrap, kafka.topic_prefix)
    ids = []
    for _ in range(3):
        with SpoolWriter(bench.folder) as writer:
            ids += write_events(writer, 400)
    lines = {line for path in spool_files(bench.folder) for line in path.read_bytes().splitlines()}
    result = bench.run()
    found = bench.found()
    assert (result.published, result.dead_letters, result.files_deleted, result.waiting) == (1200, 0, 3, 0)
    assert len(found) == 1200
    assert {each.value for each in found} == lines
    assert_each_once_or_more_in_order(found, ids)
    for each in found:
        assert each.key == each.event.correlationid.encode()
        assert each.headers == {"content-type": b"application/cloudevents+json"}
        assert each.timestamp_ms == int(each.event.time.timestamp() * 1000)


def test_an_empty_spool_is_left_with_nothing_but_the_relays_own_files(tmp_path: Path, kafka: Kafka) -> None:
    bench = make_bench(tmp_path, kafka.bootstrap, kafka.topic_prefix)
    with SpoolWriter(bench.folder) as writer:
        write_events(writer, 10)
    bench.run()
    assert {path.name for path in bench.folder.iterdir()} == {"relay.json", "relay.lock", "drain.lock"}


def test_the_file_of_a_living_producer_is_relayed_on_from_where_it_was(tmp_path: Path, kafka: Kafka) -> None:
    bench = make_bench(tmp_path, kafka.bootstrap, kafka.topic_prefix)
    with SpoolWriter(bench.folder) as writer:
        ids = write_events(writer, 50)
        assert bench.run().published == 50
        assert relayed_bytes(writer.path) == writer.path.stat().st_size
        ids += write_events(writer, 30, first=50)
        result = bench.run()
        assert (result.published, result.files_deleted) == (30, 0)
    assert bench.run().files_deleted == 1
    found = bench.found()
    assert len(found) == 80
    assert_each_once_or_more_in_order(found, ids)


def test_a_line_that_is_no_event_is_dead_lettered_and_its_neighbours_arrive(
    tmp_path: Path, kafka: Kafka
) -> None:
    bench = make_bench(tmp_path, kafka.bootstrap, kafka.topic_prefix)
    with SpoolWriter(bench.folder) as writer:
        ids = write_events(writer, 3)
        with writer.path.open("ab") as file:
            file.write(POISON)
        ids += write_events(writer, 3, first=3)
        with writer.path.open("ab") as file:
            file.write(b'{"cut by kill -9')
    result = bench.run()
    found = bench.found()
    letters = [each for each in found if each.topic == f"{kafka.topic_prefix}polly-runs.dlq"]
    assert (result.published, result.dead_letters, result.waiting) == (6, 2, 0)
    assert_each_once_or_more_in_order(found, ids)
    assert {each.value for each in letters} == {POISON.strip(), b'{"cut by kill -9'}
    assert {each.headers["dlq.stage"] for each in letters} == {b"decode"}
    assert all(
        each.headers["dlq.original.stream"] == f"spool:{writer.path.stem}".encode() for each in letters
    )


def test_an_event_larger_than_the_client_may_send_is_kept_and_told_and_the_others_go_on(
    tmp_path: Path, kafka: Kafka
) -> None:
    options = {"message.max.bytes": 4000}
    bench = make_bench(tmp_path, kafka.bootstrap, kafka.topic_prefix, producer=options)
    with SpoolWriter(bench.folder) as writer:
        ids = write_events(writer, 3)
        (large,) = write_events(writer, 1, text="word " * 2000)
        whole = writer.path.read_bytes().splitlines()[-1]
        ids += write_events(writer, 3, first=3)
    result = bench.run()
    found = bench.found()
    (letter,) = [each for each in found if each.topic.endswith(".dlq")]
    told = msgspec.json.decode(letter.value)["omitted"]
    assert (result.published, result.dead_letters, result.waiting) == (6, 1, 0)
    assert_each_once_or_more_in_order(found, ids)
    assert (bench.folder / told["kept_in"]).read_bytes() == whole
    assert large in whole.decode()
    assert any("larger than the topic" in said for said in bench.said)


def test_an_event_larger_than_its_topic_is_found_among_its_neighbours_and_dead_lettered(
    tmp_path: Path, kafka: Kafka
) -> None:
    bench = make_bench(tmp_path, kafka.bootstrap, kafka.topic_prefix, topics=False)
    for name in ("agent-actions", "polly-runs"):
        kafka.create_topic(name, partitions=3, config={"max.message.bytes": "3000"})
        kafka.create_topic(f"{name}.dlq", partitions=1)
    ids, chooser = [], random.Random(1)  # what can be compressed would fit
    with SpoolWriter(bench.folder) as writer:
        for round_ in range(4):
            ids += write_events(writer, 40, first=round_ * 40)
            write_events(writer, 1, text="".join(chooser.choices(string.ascii_letters, k=9000)))
    result = bench.run()
    found = bench.found()
    letters = [each for each in found if each.topic.endswith(".dlq")]
    assert (result.published, result.dead_letters, result.waiting) == (160, 4, 0)
    assert_each_once_or_more_in_order(found, ids)
    assert {each.topic for each in letters} == {f"{kafka.topic_prefix}polly-runs.dlq"}
    assert len({each.event.id for each in letters}) == 4
    assert {each.headers["dlq.disposition"] for each in letters} == {b"oversize"}


def test_a_second_relay_and_a_drain_are_told_apart(tmp_path: Path, kafka: Kafka) -> None:
    bench = make_bench(tmp_path, kafka.bootstrap, kafka.topic_prefix)
    with Program(bench) as program:
        program.wait_for("Relaying")
        with SpoolWriter(bench.folder) as writer:
            ids = write_events(writer, 5)
        program.wait_until_published(5)
        with pytest.raises(PollyError, match="another relay works on the spool"):
            bench.run()
        program.terminate()
        assert program.end()[0] == 0
    assert_each_once_or_more_in_order(bench.found(), ids)


def test_events_that_are_written_while_it_works_go_out_and_sigterm_ends_it_well(
    tmp_path: Path, kafka: Kafka
) -> None:
    bench = make_bench(tmp_path, kafka.bootstrap, kafka.topic_prefix)
    with Program(bench) as program:
        program.wait_for("Relaying")
        with SpoolWriter(bench.folder) as writer:
            ids = write_events(writer, 200)
            program.wait_until_published(200)
            ids += write_events(writer, 100, first=200)
            program.wait_until_published(300)
            program.terminate()
            assert program.end()[0] == 0
    snapshot = read_snapshot(bench.folder)
    assert snapshot
    assert snapshot.state == "stopped"
    assert {source: len(numbers) for source, numbers in snapshot.sources.items()} == {writer.source: 300}
    assert bench.run().files_deleted == 1  # nothing of it was sent again
    found = bench.found()
    assert max(Counter(each.event.id for each in found).values()) == 1
    assert_each_once_or_more_in_order(found, ids)


def test_a_cluster_that_goes_away_and_comes_back_costs_nothing(
    tmp_path: Path, kafka_of_its_own: KafkaBroker
) -> None:
    bench = make_bench(tmp_path, kafka_of_its_own.bootstrap)
    relay = bench.relay()
    ended = threading.Thread(
        target=lambda: relay.run(until_empty=False, patience_seconds=0, flush_seconds=60.0)
    )
    writer = SpoolWriter(bench.folder)
    ids = write_events(writer, 100)
    ended.start()
    kafka_of_its_own.stop()
    ids += write_events(writer, 100, first=100)
    kafka_of_its_own.start()
    ids += write_events(writer, 100, first=200)
    kafka_of_its_own.kill()
    ids += write_events(writer, 100, first=300)
    kafka_of_its_own.start()
    writer.close()
    while spool_files(bench.folder):
        ended.join(0.1)
        assert ended.is_alive()
    relay.stop()
    ended.join()
    assert_each_once_or_more_in_order(bench.found(), ids)


@pytest.fixture
def mock_with_topics(mock_kafka: MockCluster) -> MockCluster:
    for name in TOPICS:
        mock_kafka.create_topic(name)
        mock_kafka.create_topic(f"{name}.dlq")
    return mock_kafka


def test_a_relay_that_starts_before_the_cluster_waits_for_it(
    tmp_path: Path, mock_with_topics: MockCluster
) -> None:
    bench = make_bench(tmp_path, mock_with_topics.bootstrap, topics=False)
    mock_with_topics.set_down()
    with SpoolWriter(bench.folder) as writer:
        ids = write_events(writer, 20)
    refused = _given_up(bench, r"Kafka has taken nothing for [0-9.]+ seconds: .*Connection refused")
    assert "wait in the spool" in str(refused.next_step)
    assert len(spool_files(bench.folder)) == 1
    with Program(bench) as program:
        assert "Connection refused" in program.wait_for("No events go out now")
        mock_with_topics.set_up()
        program.wait_for("Events go out again")
        program.terminate()
        assert program.end()[0] == 0
    assert_each_once_or_more_in_order(bench.found(), ids)


@pytest.mark.parametrize(
    "code",
    [
        KafkaError.NOT_ENOUGH_REPLICAS,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER,
        KafkaError.UNKNOWN_PRODUCER_ID,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.UNKNOWN,
    ],
)
def test_trouble_that_is_not_of_the_record_dead_letters_nothing(
    tmp_path: Path, mock_with_topics: MockCluster, code: int
) -> None:
    bench = make_bench(tmp_path, mock_with_topics.bootstrap, topics=False)
    with SpoolWriter(bench.folder) as writer:
        ids = write_events(writer, 200)
    mock_with_topics.push_errors(Request.PRODUCE, [code] * 2)
    result = bench.run()
    assert (result.published, result.dead_letters, result.waiting) == (200, 0, 0)
    found = bench.found()
    assert {each.event.id for each in found} == set(ids)


@pytest.mark.parametrize("code", [KafkaError.INVALID_RECORD, KafkaError.MSG_SIZE_TOO_LARGE])
def test_a_refusal_that_cannot_be_found_again_costs_nothing(
    tmp_path: Path, mock_with_topics: MockCluster, code: int
) -> None:
    bench = make_bench(tmp_path, mock_with_topics.bootstrap, topics=False)
    with SpoolWriter(bench.folder) as writer:
        ids = write_events(writer, 200)
    mock_with_topics.push_errors(Request.PRODUCE, [code])
    result = bench.run()
    assert (result.published, result.dead_letters, result.waiting) == (200, 0, 0)
    assert {each.event.id for each in bench.found()} == set(ids)


def test_a_cluster_that_does_not_let_us_in_is_told_in_words_and_without_the_password(
    tmp_path: Path, kafka: Kafka
) -> None:
    options = {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "polly",
        "sasl.password": {"env": "PW"},
    }
    bench = make_bench(tmp_path, kafka.bootstrap, kafka.topic_prefix, topics=False)
    variables = {"POLLY_KAFKA__OPTIONS": msgspec.json.encode(options).decode(), "PW": "hunter2-hunter2"}
    with Program(bench, env=variables) as program:
        status, text = program.end()
    assert status == 2
    assert "does not let us in" in text
    assert "[kafka.options]" in text
    assert "hunter2" not in text


def test_a_broker_that_does_not_speak_tls_is_told_with_the_state_of_the_handshake(
    tmp_path: Path, kafka: Kafka
) -> None:
    bench = make_bench(
        tmp_path,
        kafka.bootstrap,
        kafka.topic_prefix,
        topics=False,
        options={"security.protocol": "SSL"},
    )
    refused = _given_up(bench, r"(?i)ssl://.*handshake")
    assert "wait in the spool" in str(refused.next_step)


def _given_up(bench: RelayBench, reason: str) -> BusError:
    """How a relay gives up, with this reason: its patience is long enough for the client to have met it."""
    for seconds in (0.5, 8.0, 64.0):
        with pytest.raises(BusError) as told:
            bench.run(patience_seconds=seconds)
        if re.search(reason, str(told.value)):
            return told.value
    pytest.fail(f"the reason was {told.value}")


def test_missing_topics_are_named_with_the_command_that_makes_them(tmp_path: Path, kafka: Kafka) -> None:
    bench = make_bench(tmp_path, kafka.bootstrap, kafka.topic_prefix, topics=False)
    with Program(bench) as program:
        status, text = program.end()
    assert status == 2
    assert f"has no topic {kafka.topic_prefix}agent-actions" in text
    assert "polly topics create" in text


def test_once_tells_nothing_to_do_done_and_not_all_done_apart(tmp_path: Path, kafka: Kafka) -> None:
    bench = make_bench(tmp_path, kafka.bootstrap, kafka.topic_prefix)
    with Program(bench, "--once") as program:
        status, text = program.end()
    assert (status, "Nothing waits" in text) == (0, True)
    with SpoolWriter(bench.folder) as writer:
        write_events(writer, 5)
    with Program(bench, "--once") as program:
        status, text = program.end()
    assert (status, "5 events published" in text) == (0, True)
    with SpoolWriter(bench.folder) as writer:
        write_events(writer, 1)
        with writer.path.open("ab") as file:
            file.write(POISON)
    with Program(bench, "--once") as program:
        status, text = program.end()
    assert (status, "1 dead letter" in text) == (1, True)
