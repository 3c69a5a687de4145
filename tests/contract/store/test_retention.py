"""What goes when it is old, what stays, and that the disk gets it back."""

import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from polly.events.agents import (
    ActionRecorded,
    DetectionFailed,
    DetectionReviewed,
    ExecutionCompleted,
    ExecutionStarted,
    HookFired,
)
from polly.events.catalog import RunEnded, RunResumed, RunStarted
from polly.events.event import EventData
from polly.events.transfer import Batch, Record
from polly.store import retention, schema
from polly.store.opening import open_store
from polly.store.ports import Store
from polly.store.retention import Horizon, Pruned
from polly.store.retention_disk import reclaim, used_bytes

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
LATER = datetime.now(UTC) + DAY
#: Older than 90 days, whenever it was stored.
BEFORE = Horizon(NOW - 90 * DAY, LATER)
Line = Callable[..., bytes]
Put = Callable[..., Any]
Rows = Callable[[sa.Table], list[dict[str, Any]]]


def action(number: int = 0, **options: Any) -> ActionRecorded:
    return ActionRecorded(agent_name="a", action_type="decision", action_name=f"n{number}", **options)


def hook() -> HookFired:
    return HookFired(hook_source="Stop", action="end", resource="session")


def run(name: str) -> RunStarted:
    return RunStarted(
        run=name, project_path="/p", base_commit="c", branch=None, agent="a", agents=1, attempts=1,
        packages=1, issues=1,
    )  # fmt: skip


def at(line: Line, days_ago: float, data: EventData, **options: Any) -> bytes:
    return line(data, at=NOW - days_ago * DAY, **options)


def prune(store: Store, before: Horizon = BEFORE, batch: int = 7) -> Pruned:
    return retention.prune(store.engine, before, batch=batch, pause=lambda seconds: None)


def ids(rows: Rows, table: sa.Table, column: str = "event_id") -> set[Any]:
    return {row[column] for row in rows(table)}


def test_old_events_go_with_their_rows_and_recent_ones_stay(
    put: Put, rows: Rows, line: Line, store: Store
) -> None:
    old = [at(line, 91 + number, action(number), event_id=f"old{number}") for number in range(20)]
    new = [at(line, 89, action(), event_id="new1"), at(line, 0, hook(), event_id="new2")]
    put(*old, at(line, 400, hook(), event_id="old-hook"), *new)
    gone = prune(store)
    assert gone == Pruned(runs=0, rows={"agent_actions": 20, "events": 21, "hook_events": 1})
    assert ids(rows, schema.events, "id") == {"new1", "new2"}
    assert ids(rows, schema.agent_actions) == {"new1"}
    assert ids(rows, schema.hook_events) == {"new2"}
    assert prune(store) == Pruned(runs=0, rows={})


def test_a_dry_run_counts_what_goes(put: Put, line: Line, store: Store) -> None:
    put(
        *(at(line, 50 + number, action(number)) for number in range(80)),
        at(line, 200, run("old")),
        at(line, 200, run("kept")),
        at(line, 1, RunResumed(run="kept")),
        at(line, 200, ExecutionStarted(execution="E", agent_name="a")),
        b"poison",
    )
    with store.engine.connect() as connection:
        told = retention.prunable(connection, BEFORE)
    assert told.runs == 1
    assert told.rows["events"] == 41
    assert prune(store) == told


def test_an_event_that_may_be_delivered_again_stays_known(
    put: Put, rows: Rows, line: Line, store: Store
) -> None:
    raw = at(line, 400, action(), event_id="e")
    put(raw)
    assert prune(store, Horizon(BEFORE.cutoff, datetime.now(UTC) - 7 * DAY)).rows == {}
    assert put(raw).duplicates == 1
    assert len(rows(schema.agent_actions)) == 1


def test_runs_go_whole_once_nothing_of_them_is_recent(put: Put, rows: Rows, line: Line, store: Store) -> None:
    for name, days in (("old", 100), ("kept", 1)):
        put(
            at(line, 200, run(name), event_id=f"{name}1"),
            at(line, 199, action(run=name), event_id=f"{name}2"),
            at(line, 199, ExecutionStarted(execution=name, agent_name="a", run=name), event_id=f"{name}3"),
            at(line, days, RunEnded(run=name, verified=1, unverified=0, red=False), event_id=f"{name}4"),
        )
    assert prune(store).runs == 1
    assert ids(rows, schema.runs, "run") == {"kept"}
    assert ids(rows, schema.events, "id") == {"kept1", "kept2", "kept3", "kept4"}
    assert ids(rows, schema.agent_actions) == {"kept2"}
    assert ids(rows, schema.agent_execution_logs, "execution_id") == {"kept"}


def test_an_execution_and_a_review_are_as_old_as_their_last_word(
    put: Put, rows: Rows, line: Line, store: Store
) -> None:
    ended: dict[str, Any] = {"agent_name": "a", "status": "success", "duration_ms": 1}
    put(
        at(line, 100, ExecutionStarted(execution="old", agent_name="a")),
        at(line, 100, ExecutionStarted(execution="long", agent_name="a")),
        at(line, 95, ExecutionCompleted(execution="old", **ended)),
        at(line, 80, ExecutionCompleted(execution="long", **ended)),
        at(line, 100, DetectionReviewed(failure="never came", reviewed_by="ann")),
        at(line, 80, DetectionReviewed(failure="may come", reviewed_by="ann")),
        at(line, 100, DetectionFailed(user_prompt="x", detection_status="error"), event_id="old"),
    )
    prune(store)
    assert ids(rows, schema.agent_execution_logs, "execution_id") == {"long"}
    assert ids(rows, schema.agent_detection_failures) == {"may come"}


def test_open_dead_letters_stay_however_old(put: Put, rows: Rows, store: Store) -> None:
    put(b"open", b"closed", b"closed lately", stream="spool:p")
    put(b"not in its topic yet", stream="kafka:g:t:0")
    letter = schema.dead_letters
    with store.engine.begin() as connection:
        connection.execute(sa.update(letter).values(created_at=NOW - 400 * DAY, failed_at=NOW - 400 * DAY))
        for raw, days in ((b"closed", 100), (b"closed lately", 1), (b"not in its topic yet", 100)):
            closed = {"status": "discarded", "resolved_at": NOW - days * DAY}
            connection.execute(sa.update(letter).where(letter.c.raw == raw).values(closed))
    assert prune(store).rows == {"dead_letters": 1}
    assert ids(rows, letter, "raw") == {b"open", b"closed lately", b"not in its topic yet"}


def test_numbers_of_what_went_are_kept_so_that_nobody_misses_them(
    put: Put, rows: Rows, line: Line, store: Store
) -> None:
    def numbered(number: int, source: str) -> bytes:
        return at(line, 100 if number <= 12 else 1, action(), source=source, sequence=f"{number:012}")

    put(*(numbered(number, "urn:a") for number in range(1, 16)), numbered(9, "urn:b"))
    prune(store)
    assert [
        (row["source"], row["events"], row["first_sequence"], row["last_sequence"])
        for row in rows(schema.pruned_events)
    ] == [
        ("urn:a", 12, f"{1:012}", f"{12:012}"),
        ("urn:b", 1, f"{9:012}", f"{9:012}"),
    ]
    put(at(line, 300, action(), source="urn:a", sequence=f"{16:012}"))
    prune(store)
    assert rows(schema.pruned_events)[0]["events"] == 13
    assert rows(schema.pruned_events)[0]["last_sequence"] == f"{16:012}"


class PruneEndedError(Exception):
    pass


def test_an_interrupted_prune_is_finished_by_the_next_one(
    put: Put, rows: Rows, line: Line, store: Store
) -> None:
    put(*(at(line, 100 + number / 10, action(number)) for number in range(60)), at(line, 1, hook()))
    for allowed in (1, 3):
        left = iter(range(allowed))

        def pause(seconds: float, left: Any = left) -> None:
            if next(left, None) is None:
                raise PruneEndedError

        with pytest.raises(PruneEndedError):
            retention.prune(store.engine, BEFORE, batch=7, pause=pause)
        assert ids(rows, schema.agent_actions) <= ids(rows, schema.events, "id")
    prune(store)
    assert len(rows(schema.events)) == 1
    assert rows(schema.agent_actions) == []


def records(line: Line, first: int, number: int, days_ago: float) -> tuple[Record, ...]:
    filler = {"text": "x" * 800}
    return tuple(
        Record(
            first + each,
            at(
                line,
                days_ago + each / number,
                action(each, action_details=filler),
                event_id=f"{days_ago}-{first + each}",
            ),
        )
        for each in range(number)
    )


def test_a_writer_at_work_is_not_disturbed(store_url: str, line: Line) -> None:
    with closing(open_store(store_url)) as store, closing(open_store(store_url)) as other:
        store.ingest([Batch("old", 0, 2000, records(line, 0, 2000, 100))])
        batches = [Batch("new", n * 50, n * 50 + 50, records(line, n * 50, 50, 1)) for n in range(40)]
        begun, failures = threading.Event(), []

        def write() -> None:
            try:
                for batch in batches:
                    assert other.ingest([batch]).stored == 50
                    begun.set()
            except BaseException as error:  # noqa: BLE001 - told below
                failures.append(error)
                begun.set()

        writer = threading.Thread(target=write)
        writer.start()
        begun.wait()
        gone = retention.prune(store.engine.execution_options(polly_writes=True), BEFORE, batch=100)
        reclaim(store.engine)
        writer.join()
        assert failures == []
        assert gone.rows == {"agent_actions": 2000, "events": 2000}
        with store.engine.connect() as connection:
            count = sa.select(sa.func.count()).select_from(schema.events)
            assert connection.execute(count).scalar() == 2000
        assert other.position("new") == 2000


def test_the_disk_gets_back_what_went(store_url: str, line: Line) -> None:
    with closing(open_store(store_url)) as store:
        store.ingest([Batch("old", 0, 3000, records(line, 0, 3000, 100))])
        store.ingest([Batch("new", 0, 100, records(line, 0, 100, 1))])
        before = used_bytes(store.engine)
        retention.prune(store.engine.execution_options(polly_writes=True), BEFORE, pause=lambda seconds: None)
        kept = reclaim(store.engine, rewrite=False)
        if store.engine.dialect.name == "postgresql":
            assert set(kept.left) == {"events", "agent_actions"}
            assert used_bytes(store.engine) > before / 3
            assert set(reclaim(store.engine).rewritten) == {"events", "agent_actions"}
        else:
            reclaim(store.engine)
        assert used_bytes(store.engine) < before / 3
        assert reclaim(store.engine).rewritten == ()
        assert store.ingest([Batch("new", 100, 101, records(line, 100, 1, 1))]).stored == 1


def test_postgresql_leaves_a_table_that_somebody_holds(postgres_url: str, line: Line) -> None:
    with closing(open_store(postgres_url)) as store:
        store.ingest([Batch("old", 0, 1000, records(line, 0, 1000, 100))])
        store.ingest([Batch("new", 0, 10, records(line, 0, 10, 1))])
        prune(store, batch=1000)
        holder = sa.create_engine(postgres_url)
        with holder.connect() as connection:
            connection.execute(sa.select(schema.events).limit(1)).all()
            found = reclaim(store.engine)
        holder.dispose()
        assert found.rewritten == ("agent_actions",)
        assert "lock timeout" in found.left["events"]


def test_debug_logs_are_cleaned_up_alike(put: Put, rows: Rows, line: Line, store: Store) -> None:
    now = datetime.now(UTC)
    put(
        line(action(), at=now - 31 * DAY),
        line(action(debug_mode=False), at=now - 31 * DAY, event_id="no debug"),
        line(action(), at=now - 29 * DAY, event_id="recent"),
    )
    with store.engine.begin() as connection:
        if store.engine.dialect.name == "postgresql":
            cleanup = sa.func.cleanup_old_debug_logs
            assert connection.execute(sa.select(cleanup(-1))).scalar() == 0
            assert connection.execute(sa.select(cleanup())).scalar() == 1
        else:
            assert retention.cleanup_old_debug_logs(connection, -1) == 0
            assert retention.cleanup_old_debug_logs(connection) == 1
    assert ids(rows, schema.agent_actions) == {"no debug", "recent"}
    assert len(rows(schema.events)) == 3
