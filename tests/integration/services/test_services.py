"""The servers that other tests stand on: each does what these tests rely on."""

import contextlib
import socket
from collections.abc import Iterator

import psycopg
import pytest
from confluent_kafka import (
    OFFSET_INVALID,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from tests.services.kafka import Kafka, KafkaBroker, corner
from tests.services.mock_cluster import MockCluster, Request
from tests.services.postgres import PostgresCluster, PostgresServer, plain

QUIET = {"log_level": 0}
HEADERS: list[tuple[str, str | bytes | None]] = [
    ("traceparent", b"00-01"),
    ("empty", b""),
    ("none", None),
    ("traceparent", b"00-02"),
]


@contextlib.contextmanager
def consumer(bootstrap: str, group: str) -> Iterator[Consumer]:
    client = Consumer(
        QUIET
        | {"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest"}
        # Where Tansu stands in, joining a group takes half a session.
        | {"enable.auto.commit": False, "fetch.wait.max.ms": 20, "session.timeout.ms": 6000}
    )
    try:
        yield client
    finally:
        client.close()


def produce(bootstrap: str, topic: str, *values: bytes) -> None:
    """Send the values with a key and headers, and wait until the cluster has acknowledged each."""
    refused: list[KafkaError] = []
    client = Producer(QUIET | {"bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 0})
    for value in values:
        client.produce(
            topic,
            value,
            key=b"key of " + value,
            headers=HEADERS,
            on_delivery=lambda error, _message: refused.append(error) if error else None,
        )
    assert client.flush(60) == 0
    assert refused == []


def consume(client: Consumer, count: int) -> list[Message]:
    """The next `count` records; fails when they do not come."""
    messages: list[Message] = []
    for _ in range(600):
        for message in client.consume(count - len(messages), 0.2):
            assert message.error() is None
            messages.append(message)
        if len(messages) == count:
            return messages
    pytest.fail(f"{len(messages)} records came instead of {count}")


def refuses_connections(address: str) -> bool:
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def test_postgres_answers(postgres_url: str) -> None:
    with psycopg.connect(plain(postgres_url)) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
        assert connection.execute("select current_setting('is_superuser')").fetchone() == ("on",)


def test_each_database_is_empty_and_separate(postgres_server: PostgresServer) -> None:
    tables = "select count(*) from pg_tables where schemaname = 'public'"
    with postgres_server.database() as first, postgres_server.database() as second:
        with psycopg.connect(plain(first)) as connection:
            connection.execute("create table only_here (a int)")
        with psycopg.connect(plain(second)) as connection:
            assert connection.execute(tables).fetchone() == (0,)


def test_a_database_is_dropped_though_somebody_is_connected(postgres_server: PostgresServer) -> None:
    with postgres_server.database() as url:
        left_open = psycopg.connect(plain(url), autocommit=True)
    with left_open, pytest.raises(psycopg.OperationalError):
        left_open.execute("select 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(plain(url))


def test_postgres_wants_the_password(postgres_of_its_own: PostgresCluster) -> None:
    without = psycopg.conninfo.make_conninfo(plain(postgres_of_its_own.url), password="guessed")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(without)


@pytest.mark.parametrize("end", [PostgresCluster.stop, PostgresCluster.kill])
def test_postgres_of_its_own_keeps_its_data(postgres_of_its_own: PostgresCluster, end: object) -> None:
    cluster, url = postgres_of_its_own, plain(postgres_of_its_own.url)
    with psycopg.connect(url) as connection:
        connection.execute("create table kept as select 42 as answer")

    assert callable(end)
    end(cluster)
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(url)

    cluster.start()
    with psycopg.connect(url) as connection:
        assert connection.execute("select answer from kept").fetchone() == (42,)


def test_a_frozen_postgres_is_silent_until_it_thaws(postgres_of_its_own: PostgresCluster) -> None:
    url = plain(postgres_of_its_own.url)
    with psycopg.connect(url) as connection:
        postgres_of_its_own.freeze()
        with pytest.raises(psycopg.OperationalError, match="timeout"):
            psycopg.connect(url, connect_timeout=2)
        postgres_of_its_own.thaw()
        assert connection.execute("select 1").fetchone() == (1,)


def test_kafka_gives_back_keys_values_and_headers(kafka: Kafka) -> None:
    topic = kafka.create_topic("events", partitions=3)
    assert len(kafka.admin().list_topics(topic, timeout=60).topics[topic].partitions) == 3

    produce(kafka.bootstrap, topic, b"one", b"two")

    with consumer(kafka.bootstrap, f"{kafka.topic_prefix}group") as client:
        client.subscribe([topic])
        messages = consume(client, 2)
    assert {(message.key(), message.value()) for message in messages} == {
        (b"key of one", b"one"),
        (b"key of two", b"two"),
    }
    assert [message.headers() for message in messages] == [HEADERS, HEADERS]


def test_kafka_remembers_what_a_group_committed(kafka: Kafka) -> None:
    topic = kafka.create_topic("events")
    group = f"{kafka.topic_prefix}group"
    produce(kafka.bootstrap, topic, b"one", b"two")
    with consumer(kafka.bootstrap, group) as client:
        client.subscribe([topic])
        consume(client, 2)
        client.commit(offsets=[TopicPartition(topic, 0, 1)], asynchronous=False)

    with consumer(kafka.bootstrap, group) as client:
        client.subscribe([topic])
        assert [message.value() for message in consume(client, 1)] == [b"two"]


def test_topics_of_two_tests_never_meet(kafka: Kafka, kafka_server: str) -> None:
    with corner(kafka_server) as other:
        topic = other.create_topic("events")
        assert not topic.startswith(kafka.topic_prefix)
    assert topic not in kafka.admin().list_topics(timeout=60).topics


@pytest.mark.parametrize("end", [KafkaBroker.stop, KafkaBroker.kill])
def test_kafka_of_its_own_keeps_its_data(kafka_of_its_own: KafkaBroker, end: object) -> None:
    broker = kafka_of_its_own
    topic = Kafka(bootstrap=broker.bootstrap, topic_prefix="own-").create_topic("events")
    produce(broker.bootstrap, topic, b"before")

    assert callable(end)
    end(broker)
    assert refuses_connections(broker.bootstrap)

    broker.start()
    produce(broker.bootstrap, topic, b"after")
    with consumer(broker.bootstrap, "group") as client:
        client.subscribe([topic])
        assert [message.value() for message in consume(client, 2)] == [b"before", b"after"]


def test_a_frozen_kafka_is_silent_until_it_thaws(kafka_of_its_own: KafkaBroker) -> None:
    admin = Kafka(bootstrap=kafka_of_its_own.bootstrap, topic_prefix="own-").admin()
    kafka_of_its_own.freeze()
    with pytest.raises(KafkaException):
        admin.list_topics(timeout=1)

    kafka_of_its_own.thaw()
    # A broker of one test's own has no topics, and makes none because somebody asks for it.
    asked = admin.list_topics("nobody-made-it", timeout=60).topics["nobody-made-it"]
    assert asked.error is not None
    assert asked.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART
    assert admin.list_topics(timeout=60).topics == {}


def test_the_mock_cluster_refuses_a_commit_when_told_to(mock_kafka: MockCluster) -> None:
    mock_kafka.create_topic("events", partitions=2)
    produce(mock_kafka.bootstrap, "events", b"one")
    with consumer(mock_kafka.bootstrap, "group") as client:
        client.subscribe(["events"])
        (message,) = consume(client, 1)
        mock_kafka.push_errors(Request.OFFSET_COMMIT, [KafkaError.ILLEGAL_GENERATION])

        with pytest.raises(KafkaException) as refused:
            client.commit(message=message, asynchronous=False)

        assert refused.value.args[0].code() == KafkaError.ILLEGAL_GENERATION
        (committed,) = client.committed([TopicPartition("events", message.partition() or 0)], timeout=60)
        assert committed.offset == OFFSET_INVALID


def test_the_mock_cluster_can_be_down_for_a_while(mock_kafka: MockCluster) -> None:
    mock_kafka.create_topic("events")
    produce(mock_kafka.bootstrap, "events", b"before")

    mock_kafka.set_down()
    assert refuses_connections(mock_kafka.bootstrap)

    mock_kafka.set_up()
    produce(mock_kafka.bootstrap, "events", b"after")
    with consumer(mock_kafka.bootstrap, "group") as client:
        client.subscribe(["events"])
        assert [message.value() for message in consume(client, 2)] == [b"before", b"after"]
