"""What every store does with what it is given."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from tests.contract.store.stories import STORY, execution, gate, started, verdict

from polly.events.agents import ExecutionStarted
from polly.events.event import EventData
from polly.events.transfer import Batch, IngestResult, OffsetMoved, Record
from polly.store import schema
from polly.store.opening import open_store
from polly.store.ports import Store
from polly.work.run import Verdict

Put = Callable[..., IngestResult]
Rows = Callable[[sa.Table], list[dict[str, Any]]]
Line = Callable[..., bytes]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOT_DERIVED = {"events", "dead_letters", "sink_offsets", "pruned_events"}
DERIVED = [table for name, table in schema.metadata.tables.items() if name not in NOT_DERIVED]
#: Tables that no event of a run alone fills.
OF_AGENTS = {
    "agent_actions",
    "agent_detection_failures",
    "agent_routing_decisions",
    "agent_transformation_events",
    "hook_events",
    "router_performance_metrics",
}


def told(line: Line, story: list[EventData] = STORY) -> list[bytes]:
    return [
        line(data, event_id=f"id-{number:03}", at=NOON + timedelta(seconds=number))
        for number, data in enumerate(story)
    ]


def derived(rows: Rows) -> dict[str, list[dict[str, Any]]]:
    return {table.name: rows(table) for table in DERIVED}


def test_every_row_keeps_the_id_of_its_event(put: Put, rows: Rows, line: Line) -> None:
    assert put(*told(line)) == IngestResult(stored=len(STORY), duplicates=0, dead=0)
    for name, found in derived(rows).items():
        assert found or name in OF_AGENTS, name
        for row in found:
            used = [value for column, value in row.items() if column.endswith("event_id") and value]
            assert used, name
            assert all(value.startswith("id-") for value in used)


def test_the_whole_envelope_is_kept_as_it_came(put: Put, rows: Rows, line: Line) -> None:
    raw = line(started(), event_id="id-1", at=NOON).replace(b'"data":{', b'"later":"x","data":{"more":[1],')
    put(raw)
    (row,) = rows(schema.events)
    assert row["envelope"].encode() == raw
    assert (row["id"], row["time"], row["subject"], row["session_id"]) == ("id-1", NOON, "R", "session-1")


def test_the_same_event_twice_is_once(put: Put, rows: Rows, line: Line) -> None:
    raws = told(line)
    put(*raws)
    before = derived(rows)
    assert put(*raws, *raws) == IngestResult(stored=0, duplicates=2 * len(raws), dead=0)
    assert derived(rows) == before
    assert len(rows(schema.events)) == len(raws)


def test_a_fact_sent_again_by_another_process_fills_no_second_row(put: Put, rows: Rows, line: Line) -> None:
    put(*told(line))
    before = derived(rows)
    put(*(raw.replace(b"urn:polly:test:1", b"urn:polly:test:2") for raw in told(line)))
    assert derived(rows) == before


def test_the_first_end_of_an_attempt_counts_and_the_last_state_of_a_package(
    put: Put, rows: Rows, line: Line
) -> None:
    put(*told(line))
    first, second = rows(schema.attempts)
    assert (first["outcome"], first["seconds"], first["agent"], first["tree"]) == (
        "finished",
        2.5,
        "patch",
        "t1",
    )
    assert (second["outcome"], second["agent"]) == ("finished", None)
    (package,) = rows(schema.work_packages)
    assert (package["state"], package["state_detail"], package["title"]) == ("dropped", "to blame", "Fix it")


@pytest.mark.parametrize(
    ("said", "stored"),
    [("success", "success"), ("failed", "failed"), ("error", "failed"), ("cancelled", "cancelled")],
)
def test_an_execution_ends_in_one_vocabulary(put: Put, rows: Rows, said: str, stored: str) -> None:
    put(execution(said))
    (row,) = rows(schema.agent_execution_logs)
    assert (row["status"], row["duration_ms"], row["agent_name"]) == (stored, 2500, "patch")


def test_an_execution_is_in_progress_until_it_is_completed(put: Put, rows: Rows) -> None:
    put(
        ExecutionStarted(
            run="R", execution="E1", agent_name="a", package="WP1", attempt=1, project_path="C:\\work\\app\\"
        )
    )
    (row,) = rows(schema.agent_execution_logs)
    assert (row["status"], row["project_name"], row["completed_at"]) == ("in_progress", "app", None)


def test_an_event_of_a_newer_version_is_kept(put: Put, rows: Rows, line: Line) -> None:
    raw = line(started(), event_id="id-1").replace(b"dev.polly.run.started.v1", b"dev.polly.moon.landed.v1")
    assert put(raw) == IngestResult(stored=1, duplicates=0, dead=0)
    assert rows(schema.runs) == []
    assert [row["type"] for row in rows(schema.events)] == ["dev.polly.moon.landed.v1"]


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize(
    ("stage", "poison", "reason"),
    [
        ("decode", b"not json", "malformed"),
        ("decode", b"\xff\xfe{}", "codec can't decode"),
        ("decode", b"{}", "missing required field"),
        ("decode", b"[1,2]", "array"),
        ("decode", b'{"specversion":"1.0","id":', "truncated"),
        ("validate", ("specversion", "2.0"), "specversion is '2.0'"),
        ("validate", ("id", ""), "id is empty"),
        ("validate", ("time", "2026-03-01T12:00:00"), "time zone"),
        ("validate", ("time", "9999-12-31T23:59:59-10:00"), "out of range"),
        ("decode", b'{"unknown":' + b"[" * 20_000, "recursion"),
        ("validate", ("data", {"run": "R"}), "dev.polly.run.started.v1: Object missing"),
        ("validate", ("data", []), "dev.polly.run.started.v1: Expected"),
        ("validate", ("agents", 2**80), "agents is too large"),
        ("validate", ("agents", 2**31), "agents is too large"),
        ("validate", ("branch", "ma\0in"), "NUL"),
        ("validate", ("subject", "\0"), "NUL"),
        ("decode", b'{"id":NaN}', "malformed"),
        ("decode", b'{"id":"\\ud800"}', "truncated"),
        ("decode", b"", "truncated"),
    ],
)
def test_a_bad_record_is_kept_apart_and_never_costs_its_neighbours(
    put: Put, rows: Rows, line: Line, place: int, stage: str, poison: bytes | tuple[str, Any], reason: str
) -> None:
    if not isinstance(poison, bytes):
        whole = msgspec.json.decode(line(started(), event_id="bad"))
        (whole["data"] if poison[0] in {"agents", "branch"} else whole)[poison[0]] = poison[1]
        poison = msgspec.json.encode(whole)
    good = told(line)[:2]
    assert put(*good[:place], poison, *good[place:])[:3] == (2, 0, 1)
    (letter,) = rows(schema.dead_letters)
    assert (letter["stream"], letter["position"], letter["stage"]) == ("test", place, stage)
    assert letter["raw"] == poison
    assert reason in letter["reason"]
    assert len(rows(schema.events)) == 2


def test_an_unknown_status_is_a_dead_letter_that_says_so(put: Put, rows: Rows) -> None:
    assert put(execution("sort of")).dead == 1
    (letter,) = rows(schema.dead_letters)
    assert "'sort of' is not a valid OperationStatus" in letter["reason"]


def test_the_position_moves_with_the_rows(store: Store, put: Put) -> None:
    assert store.position("test") == 0
    put(started(), b"poison")
    assert store.position("test") == 2
    put(b"")
    assert store.position("test") == 3
    store.forget("test")
    assert store.position("test") == 0


@pytest.mark.parametrize("start", [0, 1, 3])
def test_a_batch_that_does_not_start_where_the_stream_stands_changes_nothing(
    store: Store, put: Put, rows: Rows, line: Line, start: int
) -> None:
    put(started(), gate())
    late = Batch("test", start, start + 1, (Record(start, line(verdict("C1", Verdict.FIXED))),))
    other = Batch("other", 0, 1, (Record(0, line(verdict("C1", Verdict.FIXED))),))
    with pytest.raises(OffsetMoved) as moved:
        store.ingest([other, late])
    assert moved.value.stream == "test"
    assert store.position("other") == 0
    assert store.position("test") == 2
    assert rows(schema.verdicts) == []


def test_an_empty_batch_is_stored(store: Store) -> None:
    assert store.ingest([Batch("test", 0, 5, ())]) == IngestResult(stored=0, duplicates=0, dead=0)
    assert store.position("test") == 5


def test_a_stream_that_was_never_seen_begins_where_its_first_batch_does(store: Store) -> None:
    store.ingest([Batch("test", 40, 45, ())])
    assert store.position("test") == 45
    store.ingest([Batch("test", 45, 47, ()), Batch("another", 3, 4, ())])
    assert (store.position("test"), store.position("another")) == (47, 4)


def test_what_is_stored_is_there_for_the_next_process(store_url: str, line: Line) -> None:
    store = open_store(store_url)
    store.ingest([Batch("s", 0, 1, (Record(0, line(started())),))])
    store.close()
    store = open_store(store_url)
    assert [run.run for run in store.list_runs()] == ["R"]
    assert store.position("s") == 1
    store.close()
