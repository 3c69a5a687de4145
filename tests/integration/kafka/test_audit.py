"""`polly events` over real databases, a real spool and real topics."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from confluent_kafka import Consumer, TopicPartition
from tests.integration.kafka.commands import Done, Polly
from tests.services.kafka import Kafka

from polly.events.agents import HookFired
from polly.events.catalog import RunInterrupted
from polly.events.envelope import wrap
from polly.events.event import TOPICS
from polly.events.transfer import Batch, Record
from polly.sink.drain import drain
from polly.sink.spool import SpoolWriter
from polly.store.opening import open_store
from polly.store.ports import Store
from polly.store.schema import dead_letters, events, pruned_events


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "home" / "spool"


@pytest.fixture
def audit(in_process: Polly, url: str, store: Store) -> Callable[..., tuple[int, dict[str, Any]]]:
    """`audit(kafka)` is the exit code and what `polly events audit` says as JSON."""

    def run(kafka: Kafka | None = None, *args: str) -> tuple[int, dict[str, Any]]:
        done = in_process("events", "audit", "--format", "json", *args, env=environment(url, kafka))
        assert done.returncode in (0, 1), done.stderr
        return done.returncode, json.loads(done.stdout)

    return run


def environment(url: str, kafka: Kafka | None) -> dict[str, str]:
    if kafka is None:
        return {"POLLY_STORE__URL": url}
    return {
        "POLLY_STORE__URL": url,
        "POLLY_KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap,
        "POLLY_KAFKA__TOPIC_PREFIX": kafka.topic_prefix,
    }


def write(spool: Path, count: int) -> str:
    """Spools so many events of one producer, which has ended; its source."""
    with SpoolWriter(spool) as writer:
        for number in range(count):
            fired = HookFired(hook_source="Stop", action="stop", resource="session", agent_name=f"a{number}")
            writer.append(wrap(fired, source="", correlation_id="c", session="s1"))
        return writer.source


def lose(store: Store, *numbers: int) -> None:
    """Removes events as nothing of ours ever does."""
    sequences = [f"{number:012d}" for number in numbers]
    store.change(
        lambda connection: connection.execute(sa.delete(events).where(events.c.sequence.in_(sequences)))
    )


def test_what_is_stored_is_complete_and_what_waits_is_on_its_way(
    audit: Callable[..., Any], store: Store, spool: Path
) -> None:
    write(spool, 3)
    drain(spool, store)
    assert audit()[0] == 0
    source = write(spool, 4)
    code, found = audit()
    assert (code, found["totals"]["stored"], found["totals"]["spooled"], found["totals"]["missing"]) == (
        0,
        3,
        4,
        0,
    )
    (only,) = found["sources"]
    assert (only["source"], only["state"], only["expected"], only["spooled"]) == (source, "on its way", 4, 4)
    drain(spool, store)
    code, found = audit()
    assert (code, found["sources"], found["totals"]["stored"]) == (0, [], 7)


def test_what_was_lost_is_named_with_its_numbers(
    audit: Callable[..., Any], in_process: Polly, url: str, store: Store, spool: Path
) -> None:
    source = write(spool, 9)
    drain(spool, store)
    lose(store, 3, 4, 7)
    code, found = audit()
    (only,) = found["sources"]
    assert (code, only["source"], only["state"], found["totals"]["missing"]) == (1, source, "missing", 3)
    gaps = [(each["first"], each["last"], each["could_be"]) for each in only["missing"]]
    assert gaps == [(3, 4, ["nowhere"]), (7, 7, ["nowhere"])]
    table = in_process("events", "audit", env=environment(url, None))
    assert table.returncode == 1
    assert "3-4, 7" in table.stdout


def test_dead_letters_and_pruned_events_are_not_missing(
    audit: Callable[..., Any], store: Store, spool: Path
) -> None:
    source = write(spool, 5)
    line = next(iter(spool.glob("*.jsonl"))).read_bytes().splitlines()[3]
    drain(spool, store)
    lose(store, 1, 2, 4)
    assert audit()[1]["totals"]["missing"] == 3
    bad = msgspec.json.encode(msgspec.json.decode(line) | {"specversion": "9"})
    store.ingest([Batch("spool:x", 0, 1, (Record(0, bad),))])
    pruned = {
        "source": source,
        "events": 2,
        "first_sequence": "000000000001",
        "last_sequence": "000000000002",
    }

    def remember(connection: sa.Connection) -> None:
        at = connection.execute(sa.select(dead_letters.c.created_at)).scalar()
        connection.execute(sa.insert(pruned_events), pruned | {"pruned_at": at})

    store.change(remember)
    code, found = audit()
    assert (code, found["sources"], found["totals"]["removed"], found["totals"]["dead_lettered"]) == (
        0,
        [],
        2,
        1,
    )


def test_journals_of_runs_are_followed_by_their_own_numbers(audit: Callable[..., Any], store: Store) -> None:
    lines = [
        msgspec.json.encode(
            wrap(
                RunInterrupted(run="r1", reason="x"),
                source="urn:polly:run:r1",
                correlation_id="r1",
                session="s",
                sequence=f"{number:012d}",
            )
        )
        for number in (1, 2, 4)
    ]
    store.ingest([Batch("test", 0, 3, tuple(Record(place, line) for place, line in enumerate(lines)))])
    code, found = audit()
    assert (code, found["sources"][0]["source"]) == (1, "urn:polly:run:r1")


def _create_topics(kafka: Kafka) -> None:
    for topic in TOPICS:
        for name in (topic, f"{topic}.dlq"):
            kafka.create_topic(name)


def _records(kafka: Kafka, topic: str, count: int) -> list[Record]:
    consumer = Consumer(
        {"bootstrap.servers": kafka.bootstrap, "group.id": "test", "enable.auto.commit": False}
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    found: list[Record] = []
    for _ in range(200):
        came = [each for each in consumer.consume(count - len(found), 0.3) if each.error() is None]
        found += [Record(message.offset() or 0, message.value() or b"") for message in came]
        if len(found) >= count:
            break
    consumer.close()
    return found


def test_events_are_followed_from_the_spool_through_topics_into_the_store(
    audit: Callable[..., Any], in_process: Polly, url: str, store: Store, spool: Path, kafka: Kafka
) -> None:
    _create_topics(kafka)
    source = write(spool, 6)
    code, found = audit(kafka)
    assert (code, found["totals"]["spooled"], found["totals"]["in_topics"]) == (0, 6, 0)

    relayed = in_process("relay", "--once", env=environment(url, kafka))
    assert relayed.returncode == 0, relayed.stderr
    code, found = audit(kafka)
    totals = found["totals"]
    assert (code, totals["spooled"], totals["published"], totals["in_topics"]) == (0, 0, 6, 6)
    (only,) = found["sources"]
    assert (only["source"], only["state"], only["on_its_way"][0]["could_be"]) == (
        source,
        "on its way",
        ["topic"],
    )

    topic = f"{kafka.topic_prefix}hook-events"
    records = _records(kafka, topic, 6)
    stream = f"kafka:polly-sink:{topic}:0"
    store.ingest([Batch(stream, 0, 5, tuple(records[:5]))])
    lose(store, 2)
    assert audit(kafka, "--grace", "3600")[0] == 0  # one more record waits, and the gap is young
    assert audit(kafka, "--grace", "0")[0] == 1

    store.ingest([Batch(stream, 5, 6, (records[5],))])
    code, found = audit(kafka, "--grace", "3600")
    gaps = [(each["first"], each["last"], each["could_be"]) for each in found["sources"][0]["missing"]]
    assert (code, found["totals"]["in_topics"], gaps) == (1, 0, [(2, 2, ["nowhere"])])


def test_a_place_that_cannot_be_looked_at_is_a_third_answer(in_process: Polly, tmp_path: Path) -> None:
    url = str(tmp_path / "polly.db")
    missing = in_process("events", "audit", env={"POLLY_STORE__URL": url})
    assert (missing.returncode, "there is no database" in missing.stderr) == (2, True)
    open_store(url).close()
    away = {"POLLY_STORE__URL": url, "POLLY_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    unreachable = in_process("events", "audit", env=away)
    assert (unreachable.returncode, "cannot be reached" in unreachable.stderr) == (2, True)


def _listed(in_process: Polly, url: str, *args: str) -> tuple[Done, dict[str, Any]]:
    done = in_process("events", "list", "--format", "json", *args, env={"POLLY_STORE__URL": url})
    return done, json.loads(done.stdout) if done.stdout else {}


def test_stored_events_are_listed_page_by_page(
    in_process: Polly, url: str, store: Store, spool: Path
) -> None:
    source = write(spool, 7)
    write(spool, 1)
    drain(spool, store)
    seen: list[str] = []
    after: list[str] = []
    for _ in range(4):
        _, page = _listed(in_process, url, "--source", source, "--limit", "3", *after)
        seen += [each["event"]["sequence"].lstrip("0") for each in page["events"]]
        if page["after"] is None:
            break
        after = ["--after", page["after"]]
    assert seen == ["7", "6", "5", "4", "3", "2", "1"]
    assert len(_listed(in_process, url, "--session", "s1")[1]["events"]) == 8
    assert (
        len(_listed(in_process, url, "--type", "dev.polly.hook.fired.v1", "--since", "1h")[1]["events"]) == 8
    )
    assert len(_listed(in_process, url, "--run", "a3")[1]["events"]) == 1  # the subject of these events
    assert _listed(in_process, url, "--session", "none")[0].returncode == 4
    assert _listed(in_process, url, "--after", "no-such-id")[0].returncode == 2
