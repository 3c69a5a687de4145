import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.events.agents import ActionRecorded
from polly.events.catalog import CATALOG
from polly.events.envelope import Envelope, wrap
from polly.events.numbering import Numbers
from polly.events.transfer import Record
from polly.kafka.producer import Message
from polly.sink.relay.outgoing import Addressing, Outgoing, letter, without_payload
from polly.sink.relay.snapshot import Bookkeeping, read_snapshot
from polly.sink.relay.spool_file import Chunk, SpoolFile, relayed_bytes, remove_orphans

DAY = timedelta(days=1)


def line(**changes: object) -> bytes:
    data = ActionRecorded(agent_name="a", action_type="decision", action_name="b")
    made = wrap(data, source="urn:polly:h:1", correlation_id="c1", session="s1", sequence="000000000007")
    return msgspec.json.encode(msgspec.structs.replace(made, **changes))


def outgoing(raw: bytes, *, retention_days: float = 7.0, prefix: str = "") -> Outgoing:
    addressing = Addressing(prefix=prefix, retention_days=retention_days)
    addressing.look_at_clock()
    return addressing.outgoing("spool:p", Record(40, raw))


def test_an_event_travels_unchanged_by_its_correlation_at_its_own_time() -> None:
    at = datetime.now(UTC) - timedelta(hours=1)
    raw = line(time=at)
    sent = outgoing(raw, prefix="team-")
    assert sent.message.topic == "team-agent-actions"
    assert sent.message.value == raw
    assert sent.message.key == b"c1"
    assert sent.message.headers == (("content-type", b"application/cloudevents+json"),)
    assert sent.message.timestamp_ms == int(at.timestamp() * 1000)
    assert (sent.source, sent.number, sent.reason) == ("urn:polly:h:1", 7, None)


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_every_type_has_its_topic(name: str) -> None:
    assert outgoing(line(type=name)).message.topic == CATALOG[name].topic


def test_an_unknown_type_goes_where_the_sink_will_judge_it() -> None:
    sent = outgoing(line(type="dev.polly.future.thing.v9"), prefix="x.")
    assert sent.message.topic == "x.polly-runs"
    assert sent.reason is None


def test_without_a_correlation_the_source_keeps_the_order() -> None:
    assert outgoing(line(correlationid="")).message.key == b"urn:polly:h:1"


@pytest.mark.parametrize(
    ("age", "retention_days", "expected"),
    [(-DAY, 7.0, 0 * DAY), (3 * DAY, 7.0, DAY), (DAY, 0.5, DAY / 4), (DAY / 2, 7.0, DAY / 2)],
)
def test_a_time_that_a_broker_would_refuse_or_delete_at_once_is_moved(
    age: timedelta, retention_days: float, expected: timedelta
) -> None:
    now = time.time()
    sent = outgoing(line(time=datetime.fromtimestamp(now, UTC) - age), retention_days=retention_days)
    assert sent.message.timestamp_ms is not None
    assert abs(now - expected.total_seconds() - sent.message.timestamp_ms / 1000) < 60


def test_a_time_without_a_zone_is_utc() -> None:
    at = datetime.now(UTC) - timedelta(hours=2)
    raw = line(time=at.replace(tzinfo=None))
    assert outgoing(raw).message.timestamp_ms == int(at.timestamp() * 1000)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_event_become_a_dead_letter_that_tells_where_they_stood(raw: bytes) -> None:
    sent = outgoing(raw, prefix="team-")
    headers = dict(sent.message.headers)
    assert sent.message.topic == "team-polly-runs.dlq"
    assert sent.message.value == raw
    assert sent.reason
    assert headers["dlq.original.stream"] == b"spool:p"
    assert headers["dlq.original.offset"] == b"40"
    assert headers["dlq.stage"] == b"decode"
    assert headers["dlq.error.message"]


@pytest.mark.parametrize(
    "raw",
    [
        b'{"id":"1"}',
        line().replace(b'"c1"', b'"\\ud800"'),
        line().replace(b'"c1"', b"null"),
        b"[" * 100_000,
        line()[:-5],
    ],
)
def test_what_lacks_a_part_of_its_address_is_a_dead_letter(raw: bytes) -> None:
    assert outgoing(raw).reason


def test_a_refused_event_goes_to_the_dead_letters_of_its_own_topic_and_then_without_its_payload() -> None:
    sent = outgoing(line()).message
    refused = letter(sent, "spool:p", 40, "too large")
    assert refused.topic == "agent-actions.dlq"
    assert (refused.key, refused.value, refused.timestamp_ms) == (sent.key, sent.value, sent.timestamp_ms)
    assert refused.headers[:1] == sent.headers
    assert letter(refused, "spool:p", 40, "too large") == refused
    empty = without_payload(refused, "kept/p-40.json")
    told = msgspec.json.decode(empty.value or b"")["omitted"]
    assert told["kept_in"] == "kept/p-40.json"
    assert told["bytes"] == len(sent.value or b"")
    assert len(told["sha256"]) == 64


def sent_chunk(end: int, *numbers: int) -> Chunk:
    chunk = Chunk(end)
    for number in numbers:
        chunk.note(Outgoing(Message("t", b""), "source", number), is_letter=False)
    chunk.is_whole = True
    return chunk


@pytest.fixture
def file(tmp_path: Path) -> SpoolFile:
    path = tmp_path / "p.jsonl"
    path.write_bytes(b"x" * 100)
    return SpoolFile(path)


def test_a_file_moves_on_only_over_what_is_acknowledged_from_its_beginning(file: SpoolFile) -> None:
    first, second, third = (sent_chunk(end) for end in (10, 20, 30))
    file.chunks += [first, second, third]
    file.sent = 30
    first.group.unsettled, third.group.unsettled = 1, 0
    assert list(file.settle()) == []
    first.group.settle(None)
    second.is_whole = False
    assert list(file.settle()) == [first]
    assert file.acknowledged == 10
    second.is_whole = True
    assert list(file.settle()) == [second, third]
    assert file.acknowledged == 30


def test_the_next_relay_starts_where_this_one_wrote_that_it_was(file: SpoolFile) -> None:
    file.chunks.append(sent_chunk(60))
    file.sent = 90
    list(file.settle())
    assert relayed_bytes(file.path) == 0
    file.save()
    assert relayed_bytes(file.path) == 60
    again = SpoolFile(file.path)
    assert (again.acknowledged, again.sent) == (60, 60)


@pytest.mark.parametrize("spoilt", [b"", b"{", b'{"position":"x"}', b'{"position":1000}', b'{"position":-4}'])
def test_a_spoilt_position_never_skips_anything(file: SpoolFile, spoilt: bytes) -> None:
    file.position_file.write_bytes(spoilt)
    assert SpoolFile(file.path).acknowledged == 0


def test_what_a_power_cut_left_beside_a_deleted_file_is_taken_away(file: SpoolFile) -> None:
    file.chunks.append(sent_chunk(60))
    list(file.settle())
    file.save()
    remove_orphans(file.path.parent)
    assert file.position_file.exists()
    file.path.unlink()
    remove_orphans(file.path.parent)
    assert not file.position_file.exists()


def test_the_numbers_that_were_published_are_remembered_over_relays(tmp_path: Path) -> None:
    for numbers in ((1, 2, 3), (3, 4, 7)):
        books = Bookkeeping(tmp_path)
        books.begin()
        books.take(sent_chunk(1, *numbers))
        books.save()
    snapshot = read_snapshot(tmp_path)
    assert snapshot
    assert snapshot.sources == {"source": Numbers(((1, 4), (7, 7)))}
    assert snapshot.published == 3


def test_a_snapshot_that_is_missing_or_spoilt_is_none(tmp_path: Path) -> None:
    assert read_snapshot(tmp_path) is None
    (tmp_path / "relay.json").write_bytes(b"{")
    assert read_snapshot(tmp_path) is None


def test_the_spool_line_is_what_the_spool_writes() -> None:
    assert msgspec.json.decode(line(), type=Envelope).correlationid == "c1"
