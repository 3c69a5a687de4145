"""Servers are started once, found by everybody, and never left behind."""

import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from tests.services import guard, kafka, kafka_program, postgres
from tests.services.postgres import PostgresCluster, plain
from tests.services.run import ServiceError, Shared, TestRun, finish, in_worker, share, to_worker
from tests.services.server import PortTaken


@pytest.fixture
def owner() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that does nothing; servers of its run live as long as it does."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


@pytest.fixture
def run(owner: "subprocess.Popen[bytes]") -> Iterator[TestRun]:
    """A test run of which the owner is the controller."""
    place = Path(tempfile.gettempdir()) / f"polly-tests-{uuid.uuid4().hex[:12]}"
    made = TestRun(place=str(place), owner=owner.pid, given_postgres=None, given_kafka=None)
    yield made
    finish(made)


def answer_of(url: str) -> tuple[int, ...] | None:
    with psycopg.connect(plain(url)) as connection:
        return connection.execute("select 1").fetchone()


def test_a_server_ends_and_its_folder_goes_when_the_test_run_is_killed(
    run: TestRun, owner: "subprocess.Popen[bytes]"
) -> None:
    cluster = postgres.own_cluster(run)
    server = cluster.process

    owner.kill()
    owner.wait()
    guard.wait_until_gone(server)

    assert not guard.is_there(server)
    cluster.kill()  # also waits for the guard, which clears up last
    assert not run.folder.exists()


def test_the_end_of_a_test_run_ends_its_shared_servers(run: TestRun) -> None:
    server = postgres.shared_server(run)
    assert answer_of(server.url) == (1,)

    finish(run)

    with pytest.raises(psycopg.OperationalError, match="refused"):
        answer_of(server.url)
    assert not run.folder.exists()


def test_a_worker_finds_the_server_that_another_one_started(run: TestRun) -> None:
    first = postgres.shared_server(run)
    again = postgres.shared_server(in_worker(to_worker(run)))
    assert again == first


def test_many_who_ask_at_once_start_one_server(run: TestRun) -> None:
    starts: list[str] = []

    def start() -> Shared:
        starts.append("started")
        return Shared(address=f"number {len(starts)}", pid=run.owner, started_at=0.0, stop_signal="SIGTERM")

    with ThreadPoolExecutor(8) as pool:
        addresses = list(pool.map(lambda _: share(run, "thing", start), range(8)))

    assert addresses == ["number 1"] * 8


def test_a_process_that_only_has_the_number_of_a_server_is_not_ended(
    run: TestRun, owner: "subprocess.Popen[bytes]"
) -> None:
    other = Shared(address="here", pid=owner.pid, started_at=1.0, stop_signal="SIGKILL")
    share(run, "thing", lambda: other)
    finish(run)
    assert owner.poll() is None


def test_a_server_that_cannot_start_is_tried_once_and_everybody_is_told(run: TestRun) -> None:
    starts: list[str] = []

    def start() -> Shared:
        starts.append("started")
        raise ServiceError("install this")

    for _ in range(3):
        with pytest.raises(ServiceError, match="install this"):
            share(run, "thing", start)
    assert starts == ["started"]


def test_a_run_without_servers_leaves_no_folder(run: TestRun) -> None:
    finish(run)
    assert not run.folder.exists()


def test_a_given_server_is_used_and_none_started(run: TestRun, postgres_url: str) -> None:
    theirs = postgres_url.replace("postgresql+psycopg://", "postgresql://")
    given = TestRun(place=run.place, owner=run.owner, given_postgres=theirs, given_kafka="localhost:1")

    with postgres.shared_server(given).database() as url:
        assert answer_of(url) == (1,)
    assert kafka.shared_bootstrap(given) == "localhost:1"
    assert not run.folder.exists()


def test_passwords_of_a_given_server_are_not_told(run: TestRun) -> None:
    url = "postgresql://me:secret@localhost/postgres"
    given = TestRun(place=run.place, owner=run.owner, given_postgres=url, given_kafka=None)
    assert postgres.description(given) == "PostgreSQL at postgresql://me:***@localhost/postgres"


def test_a_port_that_somebody_took_is_named_as_the_reason(postgres_of_its_own: PostgresCluster) -> None:
    postgres_of_its_own.stop()
    port = postgres_of_its_own.port
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PortTaken, match=str(port)):
        postgres_of_its_own.start()
    assert not postgres_of_its_own.is_running


def test_a_server_that_does_not_start_shows_its_log(postgres_of_its_own: PostgresCluster) -> None:
    postgres_of_its_own.stop()
    (postgres_of_its_own.folder / "data" / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(ServiceError, match=r"(?s)ended while starting.*no_such_setting"):
        postgres_of_its_own.start()


def test_without_java_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(ServiceError, match=r"(?s)Java is not installed.*Install Java 17.*POLLY_TEST_KAFKA"):
        kafka_program.program()


def test_without_java_the_header_names_the_broker_that_stands_in(
    run: TestRun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert kafka.description(run).endswith("(Java is not installed)")


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in has no build for Windows")
def test_the_broker_that_stands_in_gives_back_what_was_produced(run: TestRun) -> None:
    broker = kafka.stand_in(run)
    assert broker is not None
    topic = kafka.Kafka(bootstrap=broker.bootstrap, topic_prefix="own-").create_topic("events")
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    producer.produce(topic, b"value", key=b"key", headers=[("name", b"header")])
    assert producer.flush(60) == 0

    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "group", "fetch.wait.max.ms": 20})
    consumer.assign([TopicPartition(topic, 0, 0)])
    message = next(each for each in iter(lambda: consumer.poll(60), None) if each.error() is None)
    consumer.close()
    broker.remove()

    assert (message.key(), message.value()) == (b"key", b"value")
    assert message.headers() == [("name", b"header")]
