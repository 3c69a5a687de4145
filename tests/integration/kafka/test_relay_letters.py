"""What the relay cannot bring into Kafka is found where people look for dead letters."""

import json
import random
import string
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from tests.integration.kafka.commands import Polly
from tests.integration.kafka.relays import RelayBench, write_events
from tests.services.kafka import Kafka

from polly.errors import StoreUnavailable
from polly.events.event import TOPICS
from polly.events.transfer import DeadLetter, Record
from polly.settings import KafkaSettings
from polly.sink.relay.letters import WAITING, LetterBox
from polly.sink.spool import SpoolWriter
from polly.store.letters import LetterFilter, StoredLetter, keep_letters, list_letters
from polly.store.ports import Store

#: What can be compressed would fit.
LARGE = "".join(random.Random(1).choices(string.ascii_letters, k=9000))


def _narrow_topics(kafka: Kafka) -> None:
    for name in TOPICS:
        kafka.create_topic(name, partitions=1, config={"max.message.bytes": "3000"})
        kafka.create_topic(f"{name}.dlq", partitions=1)


def _write(spool: Path) -> list[str]:
    """Four good events, one that is too large for its topic, and a line that is no event."""
    with SpoolWriter(spool) as writer:
        ids = write_events(writer, 4)
        ids += write_events(writer, 1, text=LARGE)
    with next(spool.glob("*.jsonl")).open("ab") as file:
        file.write(b"no event\n")
    return ids


def _kept(store: Store) -> tuple[StoredLetter, ...]:
    return store.ask(partial(list_letters, wanted=LetterFilter(), limit=None))


def test_letters_wait_for_the_table_while_events_go_on_and_come_home_once(
    tmp_path: Path, kafka: Kafka, store: Store
) -> None:
    _narrow_topics(kafka)
    bench = RelayBench(
        tmp_path / "spool", KafkaSettings(bootstrap_servers=kafka.bootstrap, topic_prefix=kafka.topic_prefix)
    )

    def away(letters: Sequence[DeadLetter]) -> None:
        raise StoreUnavailable("the database is away")

    bench.keep = away
    ids = _write(bench.folder)
    result = bench.run()
    assert (result.published, result.dead_letters, result.waiting) == (4, 2, 0)
    assert sum("wait in" in said and "the database is away" in said for said in bench.said) == 1
    assert len(list((bench.folder / WAITING).iterdir())) == 2

    def keep(letters: Sequence[DeadLetter]) -> None:
        store.change(partial(keep_letters, letters=letters, now=datetime.now(UTC)))

    bench.keep = keep
    for _ in range(2):
        bench.run()
    found = {each.letter.error_class: each for each in _kept(store)}
    assert found.keys() == {"RecordTooLarge", "DecodeError"}
    large = found["RecordTooLarge"].letter
    assert (large.event_id, large.disposition, large.stage) == (ids[-1], "oversize", "validate")
    assert LARGE.encode() in large.record.raw
    assert found["DecodeError"].letter.record.raw == b"no event"
    assert list((bench.folder / WAITING).iterdir()) == []


def test_a_letter_that_a_person_has_put_away_stays_so(tmp_path: Path, store: Store) -> None:
    letter = DeadLetter("spool:p", _record(), "decode", "DecodeError", "no JSON")

    def keep(letters: Sequence[DeadLetter]) -> None:
        store.change(partial(keep_letters, letters=letters, now=datetime.now(UTC)))

    box = LetterBox(tmp_path, keep, print)
    for reason in ("no JSON", "another reason"):
        box.put(letter._replace(reason=reason))
        box.bring_home()
    assert [each.letter.reason for each in _kept(store)] == ["no JSON"]


def _record() -> Record:
    return Record(7, b"\xff\x00 raw")


def test_people_find_show_and_replay_them_by_command(
    tmp_path: Path, kafka: Kafka, in_process: Polly, postgres_url: str
) -> None:
    _narrow_topics(kafka)
    environment = {
        "POLLY_KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap,
        "POLLY_KAFKA__TOPIC_PREFIX": kafka.topic_prefix,
        "POLLY_STORE__URL": postgres_url.replace("postgresql+psycopg", "postgresql"),
    }
    ids = _write(tmp_path / "home" / "spool")
    assert in_process("relay", "--once", env=environment).returncode == 1
    listed = json.loads(in_process("dlq", "list", "--format", "json", env=environment).stdout)
    assert {each["error_class"] for each in listed["letters"]} == {"RecordTooLarge", "DecodeError"}
    large = next(each for each in listed["letters"] if each["event_id"] == ids[-1])
    shown = in_process("dlq", "show", large["letter"], env=environment)
    assert "Kafka does not take it: the record is larger than the topic" in shown.stdout
    replayed = in_process("dlq", "replay", large["letter"], "--by", "ann", env=environment)
    assert replayed.returncode == 0, replayed
    told = in_process("dlq", "show", large["letter"], env=environment).stdout
    assert "replayed by ann: into the store" in told
