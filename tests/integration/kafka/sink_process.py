"""Real sinks as processes, records for them, and what must hold afterwards."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from tests.services.postgres import plain

from polly.events.catalog import RunInterrupted
from polly.events.envelope import uuid7, wrap
from polly.events.event import RUNS_TOPIC, TOPICS

QUIET = {"log_level": 0}
#: How long anything may take; nothing is measured by it.
PATIENCE = 120.0


def event(number: int = 0) -> tuple[str, bytes]:
    """A good event: its id and its bytes."""
    made = wrap(
        RunInterrupted(run=f"run-{number}", reason="test"), source="urn:test", correlation_id="c", session="s"
    )
    return made.id, msgspec.json.encode(made)


def good(count: int) -> dict[str, bytes]:
    """Good events by id."""
    return dict(event(number) for number in range(count))


def poison(count: int) -> list[bytes]:
    """Records that can never be stored; each another one."""
    return [b"\xff no event " + uuid7().encode() for _ in range(count)]


def send(bootstrap: str, topic: str, values: Iterable[bytes | None], *, partition: int | None = None) -> None:
    """Send the values with keys of their own, and wait until the cluster has acknowledged each."""
    refused: list[KafkaError] = []
    client = Producer(
        QUIET
        | {"bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 5, "message.max.bytes": 2_000_000}
    )
    where = {} if partition is None else {"partition": partition}
    for number, value in enumerate(values):
        while True:
            try:
                client.produce(
                    topic,
                    value,
                    key=b"key %d" % number,
                    headers=[("number", b"%d" % number)],
                    on_delivery=lambda error, _message: refused.append(error) if error else None,
                    **where,  # type: ignore[arg-type]
                )
                break
            except BufferError:
                client.poll(0.1)
    assert client.flush(PATIENCE) == 0
    assert refused == []


class SinkWorld:
    """A cluster with the topics of events, a database, and sinks in a folder.

    settings: what their polly.toml says under [sink] besides what every sink needs.
    sink_database: another URL of the database, for the sinks.
    """

    def __init__(
        self,
        folder: Path,
        kafka: Any,
        database: str,
        *,
        partitions: int = 3,
        topics: Sequence[str] = TOPICS,
        dead_letter_config: Mapping[str, str] | None = None,
    ) -> None:
        self.bootstrap: str = kafka.bootstrap
        self.prefix: str = kafka.topic_prefix
        self.group = f"{self.prefix}sink"
        self.database = database
        self.sink_database: str | None = None
        self.folder = folder
        self.settings = ""
        self.dead_letters = f"{self.prefix}{RUNS_TOPIC}.dlq"
        self.topic = f"{self.prefix}{RUNS_TOPIC}"
        self.emitted: set[str] = set()
        self.poison: set[bytes] = set()
        self.processes: list[subprocess.Popen[str]] = []
        self.consumer_timeouts = '"session.timeout.ms" = 6000\n"heartbeat.interval.ms" = 300\n'
        for name in topics:
            kafka.create_topic(name, partitions=partitions if name == RUNS_TOPIC else 1)
        kafka.create_topic(f"{RUNS_TOPIC}.dlq", partitions=1, config=dead_letter_config)

    def emit(self, events: Mapping[str, bytes], bad: Sequence[bytes] = (), **where: int) -> None:
        """Good and bad records, mixed."""
        values = list(events.values())
        step = max(1, len(values) // (len(bad) + 1))
        for number, each in enumerate(bad):
            values.insert(min(len(values), number * step + number), each)
        send(self.bootstrap, self.topic, values, **where)
        self.emitted.update(events)
        self.poison.update(bad)

    def start(self, *, program: Sequence[str] = (), port: int = 0, more: str = "") -> "Sink":
        """A sink of its own process."""
        config = self.folder / f"sink-{len(self.processes)}.toml"
        config.write_text(
            f'[kafka]\nbootstrap_servers = "{self.bootstrap}"\ntopic_prefix = "{self.prefix}"\n'
            f"[kafka.consumer]\n{self.consumer_timeouts}"
            f'"fetch.wait.max.ms" = 50\n"fetch.error.backoff.ms" = 100\n{more}'
            f'[sink]\ngroup = "{self.group}"\nport = {port}\n{self.settings}'
        )
        command = [sys.executable, *(program or ["-m", "polly", "sink", "--config"]), str(config)]
        log = (self.folder / f"sink-{len(self.processes)}.log").open("w")
        # A password in the URL comes by the environment only.
        url = plain(self.sink_database or self.database)
        environment = os.environ | {"POLLY_STORE__URL": url, "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        log.close()
        self.processes.append(process)
        return Sink(process, Path(log.name))

    def end(self) -> None:
        """Leave no process behind."""
        for process in self.processes:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()

    @contextlib.contextmanager
    def connect(self) -> "Iterator[psycopg.Connection[Any]]":
        with psycopg.connect(plain(self.database), autocommit=True) as connection:
            yield connection

    def rows(self, statement: str) -> list[Any]:
        """What the database answers; nothing while the tables are not there yet."""
        with self.connect() as connection:
            try:
                return connection.execute(statement).fetchall()
            except psycopg.errors.UndefinedTable:
                return []

    def stored(self) -> list[str]:
        return [row[0] for row in self.rows("SELECT id FROM events")]

    def is_settled(self) -> bool:
        """Everything that was emitted is stored or dead-lettered."""
        kept = self.rows("SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM dead_letters)")
        return bool(kept) and kept[0] == (len(self.emitted), len(self.poison))

    def committed(self) -> dict[int, int]:
        """The group's offsets of the topic of runs, by partition."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        asked = ConsumerGroupTopicPartitions(self.group)
        found = admin.list_consumer_group_offsets([asked])[self.group].result(timeout=60)
        return {each.partition: each.offset for each in found.topic_partitions if each.topic == self.topic}

    def positions(self) -> dict[int, int]:
        """The store's positions of the topic of runs, by partition."""
        start = f"kafka:{self.group}:{self.topic}:"
        return {
            int(stream.removeprefix(start)): offset
            for stream, offset in self.rows("SELECT stream, next_offset FROM sink_offsets")
            if stream.startswith(start)
        }

    def published(self) -> list[Any]:
        """The records of the topic of dead letters."""
        client = Consumer(QUIET | {"bootstrap.servers": self.bootstrap, "group.id": f"{self.prefix}reader"})
        try:
            place = TopicPartition(self.dead_letters, 0, 0)
            client.assign([place])
            _low, high = client.get_watermark_offsets(place, timeout=60)
            found: list[Any] = []
            while len(found) < high:
                found += [each for each in client.consume(high - len(found), 5) if each.error() is None]
            return found
        finally:
            client.close()

    def holds(self) -> None:
        """Stored and dead-lettered are together what was emitted, nothing twice, commits within the store."""
        stored = self.stored()
        assert len(stored) == len(set(stored))
        assert set(stored) == self.emitted
        dead = [bytes(row[0]) for row in self.rows("SELECT raw FROM dead_letters")]
        assert sorted(dead) == sorted(self.poison)
        published = self.published()
        assert {each.value() for each in published} == self.poison
        coordinates = [_coordinates(each) for each in published]
        kept = self.rows("SELECT stream, position FROM dead_letters")
        assert {f"{stream.split(':')[-1]}:{position}" for stream, position in kept} == set(coordinates)
        positions = self.positions()
        for partition, offset in self.committed().items():
            assert offset <= positions[partition]


def _coordinates(message: Any) -> str:
    headers = dict(message.headers())
    return f"{headers['dlq.original.partition'].decode()}:{headers['dlq.original.offset'].decode()}"


class Sink:
    """One process."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self.process = process
        self.log = log

    @property
    def url(self) -> str:
        """Where its health is, once it has said so."""
        self.wait_for("health at ")
        return self.log.read_text().split("health at ")[1].split("/health")[0]

    def told(self) -> str:
        return self.log.read_text()

    def wait_for(self, words: str) -> None:
        """Until it has told this."""
        wait(lambda: words in self.told(), self, f"{words!r} told")

    def wait_until_paused(self, cause: str) -> None:
        """Until it has told that it waits, and shows it: what it shows follows what it tells."""
        self.wait_for(f"Paused ({cause})")
        wait(lambda: self.probe("/readyz") == 503, self, "unready")

    def status(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/status", timeout=60) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def probe(self, path: str) -> int:
        """The status of an endpoint."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=60) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def wait_until_ready(self) -> None:
        wait(lambda: self.probe("/readyz") == 200, self, "ready")

    def metric(self, name: str) -> float:
        """The sum of a metric's samples."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=60) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if re.match(rf"{name}[ {{]", line))

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def wait(is_true: Callable[[], bool], sink: Sink | None = None, what: str = "it") -> None:
    """Until something outside this process has become true."""
    until = time.monotonic() + PATIENCE
    while not is_true():
        if sink is not None and sink.process.poll() is not None:
            pytest.fail(f"the sink ended with {sink.process.returncode}:\n{sink.told()}")
        if time.monotonic() > until:
            pytest.fail(f"{what} did not come true" + (f":\n{sink.told()}\n{sink.status()}" if sink else ""))
        time.sleep(0.05)  # a look at another process, which has no other way to say how far it is
