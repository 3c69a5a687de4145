"""Spools with events in them, relays on them, and what Kafka has of it."""

import os
import signal
import subprocess
import sys
from collections import defaultdict
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec
from confluent_kafka import Consumer, TopicPartition

from polly.events.agents import ActionRecorded
from polly.events.catalog import RunInterrupted
from polly.events.envelope import Envelope, wrap
from polly.events.event import TOPICS
from polly.kafka.producer import KafkaPublisher
from polly.kafka.settings import producer_config
from polly.kafka.topics import create_topics
from polly.settings import KafkaSettings
from polly.sink.relay.letters import Keep
from polly.sink.relay.loop import Relay, RelayResult
from polly.sink.relay.outgoing import Addressing
from polly.sink.relay.snapshot import read_snapshot
from polly.sink.spool import SpoolWriter


class Found(NamedTuple):
    """A record of a topic."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes
    headers: dict[str, bytes | None]
    timestamp_ms: int

    @property
    def event(self) -> Envelope:
        return msgspec.json.decode(self.value, type=Envelope)


def write_events(
    writer: SpoolWriter,
    count: int,
    *,
    correlations: int = 5,
    text: str = "",
    first: int = 0,
    prefix: str = "c",
) -> list[str]:
    """Append events of two topics; their ids, in order."""
    ids = []
    for number in range(first, first + count):
        correlation = f"{prefix}{number % correlations}"
        data = (
            RunInterrupted(run=correlation, reason=text)
            if number % 3 == 0
            else ActionRecorded(
                agent_name="a",
                action_type="decision",
                action_name=str(number),
                action_details={"text": text},
            )
        )
        made = wrap(data, source="", correlation_id=correlation, session="s1")
        writer.append(made)
        ids.append(made.id)
    return ids


def read_all(kafka: KafkaSettings) -> list[Found]:
    """Every record of every topic of these settings, each topic in the order of its partitions."""
    options = {"bootstrap.servers": kafka.bootstrap_servers, "group.id": "reader", "log_level": 0}
    consumer = Consumer({**options, "enable.partition.eof": True, "enable.auto.commit": False})
    found = []
    with closing(consumer):
        topics = consumer.list_topics(timeout=60).topics
        wanted = {kafka.topic_prefix + name + end for name in TOPICS for end in ("", ".dlq")}
        parts = [
            TopicPartition(name, number, 0)
            for name in sorted(wanted & topics.keys())
            for number in topics[name].partitions
        ]
        consumer.assign(parts)
        # By partition: that one has ended may be said twice.
        left = {(part.topic, part.partition) for part in parts}
        while left:
            for message in consumer.consume(500, 1.0):
                if (error := message.error()) is not None:
                    assert error.name() == "_PARTITION_EOF", error
                    left.discard((message.topic() or "", message.partition() or 0))
                else:
                    found.append(_found(message))
    return found


def _found(message: Any) -> Found:
    headers = dict(message.headers() or [])
    return Found(
        topic=message.topic() or "",
        partition=message.partition() or 0,
        key=message.key(),
        value=message.value() or b"",
        headers=headers,
        timestamp_ms=message.timestamp()[1],
    )


def assert_each_once_or_more_in_order(found: list[Found], ids: list[str]) -> None:
    """All ids arrived; those of a key in one partition of each topic, in the order of their writing."""
    events = [each for each in found if not each.topic.endswith(".dlq")]
    arrived = {each.event.id for each in events}
    assert arrived == set(ids), (len(arrived), len(ids), [ids.index(each) for each in set(ids) - arrived])
    place = {event_id: number for number, event_id in enumerate(ids)}
    first_seen: dict[tuple[str, bytes | None], list[int]] = defaultdict(list)
    partitions: dict[tuple[str, bytes | None], set[int]] = defaultdict(set)
    seen = set()
    for each in events:
        partitions[each.topic, each.key].add(each.partition)
        if each.event.id not in seen:
            seen.add(each.event.id)
            first_seen[each.topic, each.key].append(place[each.event.id])
    assert {len(numbers) for numbers in partitions.values()} == {1}
    for key, order in first_seen.items():
        assert order == sorted(order), key


class RelayBench:
    """One spool, one cluster, and relays between them."""

    def __init__(self, folder: Path, settings: KafkaSettings) -> None:
        self.folder = folder
        self.kafka = settings
        self.said: list[str] = []
        self.keep: Keep | None = None

    def relay(self) -> Relay:
        """A relay that has not begun."""
        addressing = Addressing(prefix=self.kafka.topic_prefix, retention_days=self.kafka.retention_days)

        def connect(gapless: bool) -> KafkaPublisher:
            publisher = KafkaPublisher(producer_config(self.kafka, gapless=gapless))
            publisher.topics(3)
            return publisher

        return Relay(self.folder, addressing, connect, self.said.append, self.keep)

    def run(self, patience_seconds: float = 300.0) -> RelayResult:
        """Relay until the spool is empty."""
        return self.relay().run(until_empty=True, patience_seconds=patience_seconds, flush_seconds=60.0)

    def found(self) -> list[Found]:
        return read_all(self.kafka)


def make_bench(
    folder: Path, bootstrap: str, prefix: str = "", *, topics: bool = True, **settings: object
) -> RelayBench:
    """An empty spool below `folder`, and topics with three partitions, unless they shall be missing."""
    values = {"bootstrap_servers": bootstrap, "topic_prefix": prefix, "partitions": 3, **settings}
    kafka = KafkaSettings.model_validate(values)
    if topics:
        create_topics(kafka, dry_run=False)
    spool = folder / "home" / "spool"
    spool.mkdir(parents=True, exist_ok=True)
    return RelayBench(spool, kafka)


class Program:
    """`polly relay` as a process on the spool of a bench, which is killed when the block ends."""

    def __init__(self, bench: RelayBench, *arguments: str, env: dict[str, str] | None = None) -> None:
        self._folder = bench.folder
        kafka = bench.kafka
        variables = {
            "POLLY_HOME": str(bench.folder.parent),
            "POLLY_KAFKA__BOOTSTRAP_SERVERS": str(kafka.bootstrap_servers),
            "POLLY_KAFKA__TOPIC_PREFIX": kafka.topic_prefix,
            **(env or {}),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "polly", "relay", *arguments],
            cwd=bench.folder.parent,
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._process.communicate()

    def wait_for(self, word: str) -> str:
        """The next line of its messages that has this word in it."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if word in line:
                return line
        raise AssertionError(f"it ended with {self._process.wait()} and never said {word!r}")

    def wait_until_published(self, count: int) -> None:
        """Until its snapshot counts so many events."""
        while True:
            snapshot = read_snapshot(self._folder)
            if snapshot and sum(map(len, snapshot.sources.values())) >= count:
                return
            with suppress(subprocess.TimeoutExpired):
                raise AssertionError(f"it ended with {self._process.wait(0.05)}")

    def terminate(self) -> None:
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> tuple[int, str]:
        """Its exit code and what it said at last."""
        _, said = self._process.communicate(timeout=300)
        return self._process.returncode, said
