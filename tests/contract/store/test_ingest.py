"""What every store does with what it is given."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polly.events.agents import ExecutionCompleted, ExecutionStarted
from polly.events.catalog import (
    ApprovalGiven,
    AttemptEnded,
    AttemptStarted,
    ChangesCaptured,
    GateEnded,
    IssuePlanned,
    LandingUndone,
    PackageApplied,
    PackageCommitted,
    PackageEnded,
    PackagePlanned,
    PackageRejected,
    RunEnded,
    RunInterrupted,
    RunResumed,
    RunStarted,
    StageEnded,
    VerdictReached,
)
from polly.events.event import EventData
from polly.events.transfer import Batch, IngestResult, OffsetMoved, Record
from polly.store import schema
from polly.store.ports import Store
from polly.store.sqlite import SqliteStore
from polly.work.issues import Location, Severity
from polly.work.run import (
    AttemptOutcome,
    Claim,
    Evidence,
    EvidenceKind,
    EvidenceStatus,
    GateResult,
    GateScope,
    GateStatus,
    IssueOutcome,
    PackageState,
    Verdict,
)

Put = Callable[..., IngestResult]
Rows = Callable[[sa.Table], list[dict[str, Any]]]
Line = Callable[..., bytes]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DERIVED = [
    table
    for name, table in schema.metadata.tables.items()
    if name not in {"events", "dead_letters", "sink_offsets"}
]


def verdict(issue: str, reached: Verdict, attempt: int = 1) -> VerdictReached:
    evidence = Evidence(kind=EvidenceKind.CHECK, status=EvidenceStatus.FIXED, command="check", tree="t1")
    outcome = IssueOutcome(issue=issue, verdict=reached, evidence=(evidence,))
    return VerdictReached(run="R", package="WP1", attempt=attempt, outcome=outcome)


def gate(package: str | None = "WP1") -> GateEnded:
    result = GateResult(
        name="tests", scope=GateScope.PACKAGE, tree="t1", status=GateStatus.PASSED, seconds=1.5, output="ok"
    )
    return GateEnded(run="R", package=package, attempt=1 if package else None, gate=result)


def started(path: str = "/home/me/project/") -> RunStarted:
    return RunStarted(
        run="R",
        project_path=path,
        base_commit="abc",
        branch="main",
        agent="patch",
        agents=4,
        attempts=2,
        packages=1,
        issues=2,
    )


def execution(status: str = "success") -> ExecutionCompleted:
    return ExecutionCompleted(
        run="R", execution="E1", agent_name="patch", status=status, duration_ms=2500, error_message=None
    )


#: One whole run with an interruption, a second attempt, a commit and its undoing; in order, a second apart.
STORY: list[EventData] = [
    started(),
    PackagePlanned(
        run="R",
        package="WP1",
        title="Fix it",
        role="general",
        priority=Severity.MAJOR,
        wave=1,
        issues=("C1", "C2"),
        modify=("a.py",),
        create=(),
        estimated_minutes=3,
    ),
    IssuePlanned(
        run="R",
        issue="C1",
        package="WP1",
        severity=Severity.MAJOR,
        title="Bad",
        fingerprint="f1",
        locations=(Location(path="a.py", start_line=3),),
    ),
    IssuePlanned(
        run="R",
        issue="C2",
        package=None,
        severity=Severity.MINOR,
        title="Odd",
        fingerprint="f2",
        locations=(),
    ),
    AttemptStarted(
        run="R", package="WP1", attempt=1, agent="patch", role="general", base_commit="abc", workspace="/w/1"
    ),
    ExecutionStarted(
        run="R",
        execution="E1",
        agent_name="patch",
        package="WP1",
        attempt=1,
        project_path="/home/me/project/",
    ),
    RunInterrupted(run="R", reason="Ctrl-C"),
    RunResumed(run="R"),
    AttemptEnded(
        run="R",
        package="WP1",
        attempt=1,
        outcome=AttemptOutcome.FINISHED,
        exit_code=0,
        seconds=2.5,
        output_bytes=10,
        claims={"C1": Claim(status="fixed")},
    ),
    AttemptEnded(run="R", package="WP1", attempt=1, outcome=AttemptOutcome.LOST),
    execution(),
    ChangesCaptured(
        run="R", package="WP1", attempt=1, tree="t1", commit="c1", owned_changed=("a.py",), strays=("b.py",)
    ),
    gate(),
    gate(None),
    verdict("C1", Verdict.NOT_FIXED),
    verdict("C1", Verdict.FIXED, attempt=2),
    verdict("C2", Verdict.UNVERIFIABLE),
    AttemptEnded(run="R", package="WP1", attempt=2, outcome=AttemptOutcome.FINISHED, seconds=1.0),
    PackageEnded(run="R", package="WP1", attempt=1, state=PackageState.READY),
    PackageEnded(run="R", package="WP1", attempt=1, state=PackageState.DROPPED, detail="to blame"),
    StageEnded(run="R", stage="plan", seconds=0.1),
    RunEnded(run="R", verified=1, unverified=1, red=False),
    ApprovalGiven(run="R", package="WP1", tree="t1", by="ann"),
    PackageApplied(run="R", package="WP1", tree="t1", by="ann", paths=("a.py",)),
    PackageCommitted(run="R", package="WP1", tree="t1", by="ann", commit="d1", branch="main"),
    LandingUndone(run="R", package="WP1", by="ann", how="revert", commit="d2"),
    PackageRejected(run="R", package="WP2", by="ann", note="no"),
]


def told(line: Line, story: list[EventData] = STORY) -> list[bytes]:
    return [
        line(data, event_id=f"id-{number:03}", at=NOON + timedelta(seconds=number))
        for number, data in enumerate(story)
    ]


def derived(rows: Rows) -> dict[str, list[dict[str, Any]]]:
    return {table.name: rows(table) for table in DERIVED}


def test_a_sqlite_store_is_a_store(store: SqliteStore) -> None:
    port: Store = store
    assert port.list_runs() == ()


def test_every_row_keeps_the_id_of_its_event(put: Put, rows: Rows, line: Line) -> None:
    assert put(*told(line)) == IngestResult(stored=len(STORY), duplicates=0, dead=0)
    for name, found in derived(rows).items():
        assert found, name
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


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(len(STORY))), st.integers(1, len(STORY)))
def test_the_order_of_arrival_and_the_cut_into_batches_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, line: Line, order: list[int], size: int
) -> None:
    raws = told(line)
    results = []
    for sequence in (list(range(len(raws))), order):
        with SqliteStore.open(tmp_path_factory.mktemp("store") / "polly.db") as store:
            for start in range(0, len(sequence), size):
                chosen = sequence[start : start + size]
                records = tuple(Record(number, raws[place]) for number, place in enumerate(chosen, start))
                store.ingest(Batch("s", start, start + len(chosen), records))
            with store.engine.connect() as connection:
                results.append(
                    {
                        table.name: connection.execute(
                            sa.select(table).order_by(*table.primary_key.columns)
                        ).all()
                        for table in DERIVED
                    }
                )
    assert results[0] == results[1]


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
        ("store", ("agents", 2**80), "too large"),
    ],
)
def test_a_bad_record_is_kept_apart_and_never_costs_its_neighbours(
    put: Put, rows: Rows, line: Line, place: int, stage: str, poison: bytes | tuple[str, Any], reason: str
) -> None:
    if not isinstance(poison, bytes):
        whole = msgspec.json.decode(line(started(), event_id="bad"))
        (whole["data"] if poison[0] == "agents" else whole)[poison[0]] = poison[1]
        poison = msgspec.json.encode(whole)
    good = told(line)[:2]
    assert put(*good[:place], poison, *good[place:]) == IngestResult(stored=2, duplicates=0, dead=1)
    (letter,) = rows(schema.dead_letters)
    assert (letter["stream"], letter["position"], letter["stage"]) == ("test", place, stage)
    assert letter["raw"] == poison
    assert reason in letter["reason"]
    assert len(rows(schema.events)) == 2


def test_an_unknown_status_is_a_dead_letter_that_says_so(put: Put, rows: Rows) -> None:
    assert put(execution("sort of")).dead == 1
    (letter,) = rows(schema.dead_letters)
    assert "'sort of' is not a valid OperationStatus" in letter["reason"]


def test_the_position_moves_with_the_rows(store: SqliteStore, put: Put) -> None:
    assert store.position("test") == 0
    put(started(), b"poison")
    assert store.position("test") == 2
    put(b"")
    assert store.position("test") == 3
    store.forget("test")
    assert store.position("test") == 0


@pytest.mark.parametrize("start", [0, 1, 3])
def test_a_batch_that_does_not_start_where_the_stream_stands_changes_nothing(
    store: SqliteStore, put: Put, rows: Rows, line: Line, start: int
) -> None:
    put(started(), gate())
    late = Batch("test", start, start + 1, (Record(start, line(verdict("C1", Verdict.FIXED))),))
    with pytest.raises(OffsetMoved):
        store.ingest(late)
    assert store.position("test") == 2
    assert rows(schema.verdicts) == []


def test_an_empty_batch_is_stored(store: SqliteStore) -> None:
    assert store.ingest(Batch("test", 0, 5, ())) == IngestResult(stored=0, duplicates=0, dead=0)
    assert store.position("test") == 5


def test_what_is_stored_is_there_for_the_next_process(tmp_path: Path, line: Line) -> None:
    with SqliteStore.open(tmp_path / "polly.db") as store:
        store.ingest(Batch("s", 0, 1, (Record(0, line(started())),)))
    with SqliteStore.open(tmp_path / "polly.db") as store:
        assert [run.run for run in store.list_runs()] == ["R"]
        assert store.position("s") == 1
