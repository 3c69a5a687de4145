"""`polly dlq` over real databases and a real topic."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from confluent_kafka import Consumer, Message, TopicPartition
from tests.integration.kafka.commands import Done, Polly
from tests.services.kafka import Kafka

from polly.events.agents import HookFired
from polly.events.envelope import wrap
from polly.events.transfer import Batch, Record
from polly.store.opening import open_store
from polly.store.ports import Store
from polly.store.schema import dead_letters, events

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)


def event(event_id: str = "e1") -> bytes:
    """A good event."""
    fired = HookFired(hook_source="PreToolUse", action="tool_call", resource="tool")
    source = "urn:polly:test:1"
    return msgspec.json.encode(
        wrap(fired, source=source, correlation_id="c", session="s", event_id=event_id, at=AT, sequence="1")
    )


@pytest.fixture
def dlq(in_process: Polly, url: str, store: Store) -> Polly:
    """`dlq(*args, kafka=…)` on this store, which is there."""

    def run(*args: str, kafka: str = "") -> Done:
        servers = {"POLLY_KAFKA__BOOTSTRAP_SERVERS": kafka} if kafka else {}
        return in_process("dlq", *args, env={"POLLY_STORE__URL": url} | servers)

    return run


def bury(store: Store, stream: str, position: int, raw: bytes, **values: Any) -> None:
    """A letter that some earlier version of us, or of the database, could not store."""
    row = {"stage": "store", "error_class": "DataError", "reason": "it was refused"} | values
    times = {"first_failed_at": AT, "failed_at": AT, "created_at": AT}
    place = {"stream": stream, "position": position, "raw": raw, "headers": []}
    store.change(lambda connection: connection.execute(sa.insert(dead_letters), place | times | row))


def letters(store: Store) -> list[dict[str, Any]]:
    query = sa.select(dead_letters).order_by(dead_letters.c.stream, dead_letters.c.position)
    return store.ask(lambda connection: [dict(row) for row in connection.execute(query).mappings()])


def stored_ids(store: Store) -> list[str]:
    return store.ask(lambda connection: list(connection.execute(sa.select(events.c.id)).scalars()))


def test_a_letter_of_the_spool_is_replayed_into_the_store_once(dlq: Polly, store: Store) -> None:
    bury(store, "spool:p", 7, event())
    plan = dlq("replay", "--all", "--dry-run")
    assert (plan.returncode, "would be replayed" in plan.stdout) == (0, True)
    assert (stored_ids(store), letters(store)[0]["status"]) == ([], "open")

    done = dlq("replay", "spool:p@7", "--by", "ann", "--format", "json")
    assert (done.returncode, json.loads(done.stdout)["counts"]) == (0, {"replayed": 1}), done.stderr
    (letter,) = letters(store)
    assert (letter["status"], letter["resolved_by"], letter["replays"]) == ("replayed", "ann", 0)
    assert "replayed by ann: into the store" in letter["resolution_note"]
    assert stored_ids(store) == ["e1"]

    again = dlq("replay", "spool:p@7")
    assert (again.returncode, "replayed already" in again.stdout) == (0, True)
    assert (letters(store), stored_ids(store)) == ([letter], ["e1"])
    assert dlq("replay", "--all").returncode == 1  # nothing is open any more


def test_an_event_that_is_stored_already_is_not_stored_twice(dlq: Polly, store: Store) -> None:
    store.ingest([Batch("test", 0, 1, (Record(0, event()),))])
    bury(store, "spool:p", 7, event())
    done = dlq("replay", "--stream", "spool:p")
    assert (done.returncode, "it was stored already" in done.stdout) == (0, True), done.stderr
    assert (stored_ids(store), letters(store)[0]["status"]) == (["e1"], "replayed")


def test_a_letter_that_fails_again_stays_one_row_and_is_given_up_in_the_end(dlq: Polly, store: Store) -> None:
    bury(store, "spool:p", 7, b"no event", reason="an old reason")
    for replays in (1, 2):
        done = dlq("replay", "--all", "--max-replays", "2")
        assert (done.returncode, "failed again" in done.stdout) == (1, True), done.stderr
        (letter,) = letters(store)
        assert (letter["status"], letter["replays"], letter["raw"]) == ("open", replays, b"no event")
        assert letter["reason"] != "an old reason"
        assert letter["first_failed_at"] == AT
        assert len(letter["resolution_note"].splitlines()) == replays
    given_up = dlq("replay", "--all", "--max-replays", "2")
    assert (given_up.returncode, "given up" in given_up.stdout) == (1, True)
    assert letters(store) == [letter]


def test_what_is_shown_cannot_steer_the_terminal_and_json_has_the_bytes(dlq: Polly, store: Store) -> None:
    raw = b"\x1b[2J\xff\x9b31m"
    bury(
        store,
        "spool:p",
        7,
        raw,
        reason="\x1b]0;title\x07\nsecond line",
        key=b"\x1b",
        headers=[["h\x1b", "Gw=="]],
    )
    shown = dlq("show", "spool:p@7")
    assert (shown.returncode, "\x1b" in shown.stdout, "\x9b" in shown.stdout) == (0, False, False)
    assert "\\x1b[2J" in shown.stdout
    listed = dlq("list")
    assert (listed.returncode, "\x1b" in listed.stdout) == (0, False)
    value = json.loads(dlq("show", "spool:p@7", "--format", "json").stdout)
    assert value["payload"] == {"base64": "G1sySv+bMzFt"}
    assert value["headers"] == [["h\x1b", "\x1b"]]


def test_discarding_needs_a_reason_and_keeps_the_letter(dlq: Polly, store: Store) -> None:
    bury(store, "spool:p", 7, b"x")
    assert dlq("discard", "spool:p@7").returncode == 2
    assert dlq("discard", "spool:p@7", "--reason", " ").returncode == 2
    assert dlq("discard", "--all", "--reason", "test data", "--dry-run").returncode == 0
    assert letters(store)[0]["status"] == "open"
    assert dlq("discard", "spool:p@7", "--reason", "test data", "--by", "ann").returncode == 0
    (letter,) = letters(store)
    assert (letter["status"], letter["raw"]) == ("discarded", b"x")
    assert letter["resolution_note"].endswith("discarded by ann: test data")
    left = dlq("replay", "spool:p@7")
    assert (left.returncode, "discarded already" in left.stdout) == (0, True)
    assert (dlq("list").returncode, dlq("list", "--status", "discarded").returncode) == (1, 0)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("replay",), "no dead letters are chosen"),
        (("discard", "--reason", "x"), "no dead letters are chosen"),
        (("show", "spool:p"), "is no name of a dead letter"),
        (("replay", "spool:p@x"), "is no name of a dead letter"),
        (("list", "--position", "9-3"), "is no position and no range"),
        (("list", "--since", "soon"), "--since 'soon' is no age and no date"),
        (("list", "--until", "soon"), "--until 'soon' is no age and no date"),
    ],
)
def test_wrong_use_is_told(in_process: Polly, tmp_path: Path, args: tuple[str, ...], says: str) -> None:
    open_store(tmp_path / "polly.db").close()
    done = in_process("dlq", *args, env={"POLLY_STORE__URL": str(tmp_path / "polly.db")})
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr


def test_a_letter_that_is_not_there_and_a_database_that_is_not_there_are_two_answers(
    in_process: Polly, tmp_path: Path
) -> None:
    home = {"POLLY_STORE__URL": str(tmp_path / "polly.db")}
    assert in_process("dlq", "show", "spool:p@7", env=home).returncode == 2
    assert not (tmp_path / "polly.db").exists()
    open_store(tmp_path / "polly.db").close()
    assert in_process("dlq", "show", "spool:p@7", env=home).returncode == 1


def read(kafka: Kafka, topic: str, count: int) -> list[Message]:
    consumer = Consumer(
        {"bootstrap.servers": kafka.bootstrap, "group.id": "test", "enable.auto.commit": False}
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    found: list[Message] = []
    for _ in range(200):
        found += [each for each in consumer.consume(count - len(found), 0.3) if each.error() is None]
        if len(found) >= count:
            break
    consumer.close()
    return found


def as_record(message: Message) -> Record:
    headers: Any = tuple(message.headers() or ())
    at = message.timestamp()[1]
    return Record(message.offset() or 0, message.value() or b"", message.key(), headers, at)


def test_a_letter_of_a_topic_goes_round_and_stays_one_row_until_it_is_stored(
    dlq: Polly, store: Store, kafka: Kafka
) -> None:
    topic = kafka.create_topic("hook-events")
    stream = f"kafka:my:group:{topic}:0"
    poison = b'{"specversion":"0.3"}'
    store.ingest(
        [
            Batch(
                stream,
                40,
                43,
                (Record(40, poison, b"k", (("trace", b"1"), ("none", None)), 1_777_777_777_000),),
            )
        ]
    )
    bury(store, stream, 41, event(), key=b"k2")

    done = dlq("replay", "--topic", topic, "--by", "ann", kafka=kafka.bootstrap)
    assert done.returncode == 0, done.stderr
    assert [(row["position"], row["status"]) for row in letters(store)] == [
        (40, "replayed"),
        (41, "replayed"),
    ]

    first, second = map(as_record, read(kafka, topic, 2))
    assert (first.raw, first.key, first.timestamp_ms) == (poison, b"k", 1_777_777_777_000)
    headers = dict(first.headers)
    assert (headers["trace"], headers["none"]) == (b"1", None)
    assert headers["dlq.original.topic"] == topic.encode()
    assert (headers["dlq.original.offset"], headers["dlq.original.partition"]) == (b"40", b"0")
    assert headers["dlq.replay.count"] == b"1"

    arrived = Batch(stream, 43, 45, (first._replace(position=43), second._replace(position=44)))
    result = store.ingest([arrived])
    assert (result.stored, result.dead) == (1, 1)
    rows = letters(store)
    assert [(row["position"], row["status"], row["replays"]) for row in rows] == [
        (40, "open", 1),
        (41, "replayed", 0),
    ]

    again = dlq("replay", "--topic", topic, kafka=kafka.bootstrap)
    assert again.returncode == 0, again.stderr
    third = as_record(read(kafka, topic, 3)[2])
    assert dict(third.headers) == headers | {"dlq.replay.count": b"2"}
    assert len(third.headers) == len(first.headers)


def test_a_letter_of_a_topic_can_be_stored_without_kafka(dlq: Polly, store: Store) -> None:
    bury(store, "kafka:g:hook-events:0", 5, event())
    refused = dlq("replay", "--all")
    assert (refused.returncode, "no Kafka cluster is set up" in refused.stderr) == (2, True)
    assert dlq("replay", "--all", "--direct").returncode == 0
    assert (stored_ids(store), letters(store)[0]["status"]) == (["e1"], "replayed")


def test_letters_stay_open_when_no_cluster_answers(dlq: Polly, store: Store) -> None:
    bury(store, "kafka:g:hook-events:0", 5, event())
    done = dlq("replay", "--all", kafka="127.0.0.1:1")
    assert (done.returncode, "cannot be reached" in done.stderr) == (2, True), done.stderr
    assert letters(store)[0]["status"] == "open"
