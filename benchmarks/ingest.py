"""How fast events become rows, against the least that the same rows cost, and against the usual way.

PostgreSQL runs here with fsync on, in a folder that is removed afterwards. All contenders fill the same
tables with the same indexes, in transactions of as many events, in turn. Medians of the rounds; ratios are
taken within a round, so that a busy machine weighs on both sides of each.
Run: make bench, or python benchmarks/ingest.py [sqlite] [postgresql]
"""

# ruff: noqa: E402, SLF001 - the services of the tests are found once the path is set; parts are measured alone

import gc
import os
import random
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import msgspec
import psycopg
import sqlalchemy as sa
from psycopg import sql
from psycopg.types.json import Jsonb
from tests.services import postgres as service
from tests.services import run as service_run

from polly.events.agents import (
    ActionRecorded,
    ActionType,
    ExecutionCompleted,
    ExecutionStarted,
    HookFired,
    RouterMeasured,
    RoutingDecided,
    TransformationRecorded,
)
from polly.events.envelope import wrap
from polly.events.event import EventData
from polly.events.transfer import Batch, Record
from polly.store import schema
from polly.store.ingest.form import postgres_form, sqlite_form
from polly.store.ingest.judge import STORED_COLUMNS, Event, judge
from polly.store.ingest.merge import own_rows, part_rows
from polly.store.ingest.postgres_writer import PostgresWriter, _copying, _types, with_adapters
from polly.store.postgres import PostgresStore
from polly.store.sqlite import SqliteStore

EVENTS = int(os.environ.get("POLLY_BENCH_EVENTS", "20000"))
ROUNDS = int(os.environ.get("POLLY_BENCH_ROUNDS", "5"))
BATCH = 1000
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

Rows = list[tuple[str, tuple[str, ...], list[tuple[Any, ...]]]]


def data_of(number: int, chooser: random.Random) -> EventData:  # noqa: PLR0911 - one per kind of event
    """One event of a day of agents: mostly actions, some executions, decisions, hooks."""
    project: dict[str, Any] = {"project_path": f"/srv/project-{number % 7}"}
    agent = f"agent-{number % 11}"
    details = {"file": f"src/module_{number % 300}/part.py", "lines": [number, number + 7], "ok": True,
               "note": "the quick brown fox jumps over the lazy dog " * chooser.randint(1, 6)}  # fmt: skip
    share = chooser.random()
    if share < 0.60:
        kind: ActionType = chooser.choice(("tool_call", "decision", "success", "error"))
        return ActionRecorded(agent_name=agent, action_type=kind, action_name="Edit", action=f"t{number}",
                              action_details=details, duration_ms=12.5, **project)  # fmt: skip
    if share < 0.70:
        return ExecutionStarted(
            execution=f"e{number}", agent_name=agent, user_prompt="fix it " * 20, **project
        )
    if share < 0.80:
        return ExecutionCompleted(execution=f"e{max(0, number - chooser.randint(1, 400))}", agent_name=agent,
                                  status="success", duration_ms=1234.5,
                                  quality_score=0.9, **project)  # fmt: skip
    if share < 0.88:
        return HookFired(hook_source="PreToolUse", action="tool_call", resource="tool",
                         resource_id="Write", payload=details, **project)  # fmt: skip
    if share < 0.94:
        return RoutingDecided(user_request="please fix the tests", selected_agent=agent, confidence_score=0.8,
                              routing_strategy="triggers", routing_time_ms=3.2, alternatives=[details],
                              confidence_components={"trigger": 0.9}, **project)  # fmt: skip
    if share < 0.97:
        return TransformationRecorded(
            source_agent="polly", target_agent=agent, context_snapshot=details, **project
        )
    return RouterMeasured(query_text="please fix", routing_duration_ms=2.0, candidates_evaluated=5, **project)


def records(count: int, first: int = 0) -> list[Record]:
    """So many events as they stand in a topic, the first of them at this place."""
    chooser = random.Random(first)
    found = []
    for number in range(first, first + count):
        envelope = wrap(
            data_of(number, chooser),
            source=f"urn:polly:bench:{number % 5}",
            correlation_id=f"correlation-{number // 50}",
            session=f"session-{number // 500}",
            at=NOON + timedelta(milliseconds=number),
            sequence=str(number // 5 + 1).zfill(12),
        )
        found.append(Record(number, msgspec.json.encode(envelope)))
    return found


def batches(found: Sequence[Record], size: int = BATCH) -> Iterator[Batch]:
    for start in range(0, len(found), size):
        chosen = tuple(found[start : start + size])
        yield Batch("bench", start, start + len(chosen), chosen)


def judged(found: Sequence[Record], form: Any) -> list[Event]:
    return [event for each in found if isinstance(event := judge("bench", each, form), Event)]


def plain_rows(events: Sequence[Event]) -> list[Rows]:
    """Batch by batch, the rows that ingesting all of it leaves behind."""
    made: list[Rows] = []
    seen: set[Any] = set()
    last = {
        (parts.table, row[: len(parts.key)]): (parts.columns, row)
        for parts in part_rows(list(enumerate(events)))
        for row in parts.rows
    }
    for start in range(0, len(events), BATCH):
        chosen = list(enumerate(events[start : start + BATCH]))
        rows: Rows = [("events", STORED_COLUMNS, [(*event.row, NOON) for _, event in chosen])]
        rows += [(own.table, own.columns, own.rows) for own in own_rows(chosen)]
        for parts in part_rows(chosen):
            keys = [(parts.table, row[: len(parts.key)]) for row in parts.rows]
            new = [key for key in keys if key not in seen]
            seen.update(new)
            columns = last[keys[0]][0]
            rows.append((parts.table, columns, [last[key][1] for key in new]))
        made.append(rows)
    return made


def seconds_of(action: Callable[[], object]) -> float:
    gc.collect()
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def tell(taken: dict[str, list[float]]) -> None:
    for name, seconds in taken.items():
        rate = EVENTS / statistics.median(seconds)
        print(f"  {name:18}{spread(seconds):>24} s {rate:10,.0f} events/s")


# ---------------------------------------------------------------------------------------------- PostgreSQL


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL that keeps what it says it keeps."""
    service._SETTINGS.update(fsync="on", full_page_writes="on", autovacuum="off")
    run = service_run.begin()
    cluster = service.own_cluster(run)
    try:
        yield service.plain(cluster.url)
    finally:
        cluster.remove()
        service_run.finish(run)


def emptied(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        names = [sql.Identifier(name) for name in schema.metadata.tables]
        connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(names)))
        connection.execute("CHECKPOINT")


def ingest_all(store: Any, found: Sequence[Record], size: int = BATCH) -> None:
    """As the sink does it, which has the next batch in hand while it stores one."""
    for batch in batches(found, size):
        store.expect({batch.stream: found[batch.end : batch.end + size]})
        store.ingest([batch])


def write_all(store: PostgresStore, events: Sequence[Event]) -> None:
    """What `ingest` does, from records that are judged already."""
    for start in range(0, len(events), BATCH):
        chosen = events[start : start + BATCH]
        with store._ingesting() as connection, connection.transaction():
            writer = PostgresWriter(connection, store._memory)
            writer.advance([Batch("bench", start, start + len(chosen), ())])
            writer.store(iter(chosen))


def copy_all(url: str, made: Sequence[Rows]) -> None:
    with psycopg.connect(url) as connection:
        with_adapters(connection)
        cursor = connection.cursor()
        for rows in made:
            with connection.transaction():
                for table, columns, each in rows:
                    with cursor.copy(_copying(table, columns)) as copy:
                        copy.set_types(_types(table, columns))
                        for row in each:
                            copy.write_row(row)


def insert_all(url: str, made: Sequence[Rows]) -> None:
    """One INSERT of many rows per table, with its values written into the statement by the client."""
    with psycopg.connect(url, cursor_factory=psycopg.ClientCursor) as connection:
        cursor = connection.cursor()
        for rows in made:
            with connection.transaction():
                for table, columns, each in rows:
                    if not each:
                        continue
                    names = sql.SQL(", ").join(map(sql.Identifier, columns))
                    places = sql.SQL("({})").format(sql.SQL(", ").join([sql.Placeholder()] * len(columns)))
                    statement = sql.SQL("INSERT INTO {} ({}) VALUES {} ON CONFLICT DO NOTHING").format(
                        sql.Identifier(table), names, sql.SQL(", ").join([places] * len(each))
                    )
                    cursor.execute(statement, [value for row in each for value in row])


def as_objects(made: Sequence[Rows]) -> list[Rows]:
    """The rows as a program without a form of its own would hand them over: JSON as objects."""

    def value(kind: str, each: Any) -> Any:
        return Jsonb(msgspec.json.decode(each)) if kind == "jsonb" and each is not None else each

    return [
        [
            (table, columns, [tuple(map(value, _types(table, columns), row)) for row in each])
            for table, columns, each in rows
        ]
        for rows in made
    ]


def compare_postgresql(url: str) -> None:
    found = records(EVENTS)
    events = judged(found, postgres_form())
    made = plain_rows(events)
    objects = as_objects(made)
    rows = sum(len(each) for batch in made for _, _, each in batch)
    contenders: dict[str, Callable[[], object]] = {
        "binary COPY": lambda: copy_all(url, made),
        "polly, decoded": lambda: write_all(store, events),
        "polly": lambda: ingest_all(store, found),
        "multi-row INSERT": lambda: insert_all(url, objects),
    }
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    with closing(PostgresStore.open(url)) as store:
        for number in range(ROUNDS + 1):
            for name, action in contenders.items():
                emptied(url)
                seconds = seconds_of(action)
                if number:  # the first round warms everything up
                    taken[name].append(seconds)
    print(f"PostgreSQL, {EVENTS} events in batches of {BATCH} ({rows} rows), {ROUNDS} rounds, fsync on")
    tell(taken)
    for one, other, aim in (
        ("binary COPY", "polly, decoded", "aim: 0.6 at least"),
        ("binary COPY", "polly", "aim: 0.6 at least"),
        ("multi-row INSERT", "polly", "aim: 5 at least"),
    ):
        ratios = [a / b for a, b in zip(taken[one], taken[other], strict=True)]
        print(f"  {one} / {other}: {spread(ratios)}  ({aim})")


# -------------------------------------------------------------------------------------------------- SQLite


def executemany_all(path: Path, made: Sequence[Rows]) -> None:
    """The same rows into the same tables, one statement per table and batch."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    for rows in made:
        connection.execute("BEGIN IMMEDIATE")
        for table, columns, each in rows:
            names, places = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
            connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", each)
        connection.execute("COMMIT")
    connection.close()


def compare_sqlite(folder: Path) -> None:
    found = records(EVENTS)
    made = plain_rows(judged(found, sqlite_form()))
    taken: dict[str, list[float]] = {"executemany": [], "polly": []}
    for number in range(ROUNDS):
        path = folder / f"plain-{number}.db"
        SqliteStore.open(path).close()
        taken["executemany"].append(seconds_of(partial(executemany_all, path, made)))
        with SqliteStore.open(folder / f"polly-{number}.db") as store:
            taken["polly"].append(seconds_of(partial(ingest_all, store, found)))
    print(f"\nSQLite, {EVENTS} events in batches of {BATCH}, {ROUNDS} rounds, synchronous = FULL")
    tell(taken)
    ratios = [a / b for a, b in zip(taken["executemany"], taken["polly"], strict=True)]
    print(f"  executemany / polly: {spread(ratios)}")


# ------------------------------------------------------------------------------- growth, memory, poison


def opened(url: str) -> Any:
    return PostgresStore.open(url) if url.startswith("postgresql") else SqliteStore.open(url)


def fill(url: str, count: int) -> None:
    """Stores so many events, made batch by batch; prints the seconds of storing and the peak of memory."""
    seconds = 0.0
    with opened(url) as store:
        for start in range(0, count, BATCH):
            chosen = tuple(records(BATCH, start))
            begun = time.perf_counter()
            store.ingest([Batch("bench", start, start + BATCH, chosen)])
            seconds += time.perf_counter() - begun
    print(seconds, peak_bytes())


def peak_bytes() -> int:
    """The most memory that this process had. What getrusage says begins with what its parent had."""
    status = Path("/proc/self/status")
    if status.exists():
        found = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(found.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def grow(name: str, url_of: Callable[[int], str]) -> None:
    """Ten times the events, in processes of their own."""
    ratios, peaks = [], []
    few = max(BATCH, EVENTS)
    for number in range(max(1, ROUNDS // 2)):
        figures = []
        for count in (few, 10 * few):
            command = [sys.executable, __file__, "--fill", url_of(number), str(count)]
            seconds, peak = map(float, subprocess.check_output(command, text=True).split())
            figures.append(seconds)
            peaks.append(peak / 1024**2)
        ratios.append(figures[1] / figures[0])
    print(
        f"\n{name}: 10 times the events ({few}, {10 * few}) take {spread(ratios)} times as long (aim: 10.5)"
    )
    print(f"  peak memory: {peaks[0]:.0f} MiB, and with 10 times the events {peaks[1]:.0f} MiB (aim: 120)")


def poisoned(name: str, store: Any, poison: EventData | None) -> Callable[[int], float]:
    """Seconds of one batch of 500, with a poisonous event in it or without."""
    chooser = random.Random(name)

    def one(turn: int) -> float:
        data = [data_of(10_000 * turn + number, chooser) for number in range(500)]
        if poison is not None:
            data[chooser.randrange(500)] = poison
        raws = [
            msgspec.json.encode(
                wrap(each, source=f"urn:polly:{name}", correlation_id=f"c{number}", session="s")
            )
            for number, each in enumerate(data)
        ]
        records = tuple(Record(number, raw) for number, raw in enumerate(raws))
        batch = Batch(f"{name}-{turn}", 0, 500, records)
        done: list[Any] = []
        seconds = seconds_of(lambda: done.append(store.ingest([batch])))
        assert done[0].dead == (poison is not None), done[0]
        return seconds

    return one


POISONS: dict[str, tuple[str, str, EventData]] = {
    "a value that its column has no room for": (
        "ALTER TABLE router_performance_metrics ALTER trigger_match_strategy TYPE varchar(9)",
        "",
        RouterMeasured(
            query_text="q", routing_duration_ms=1.0, candidates_evaluated=1, trigger_match_strategy="x" * 10
        ),
    ),
    "a constraint of a table of events": (
        "ALTER TABLE agent_actions ADD CHECK (action_name <> 'poison')",
        (
            "CREATE TRIGGER a BEFORE INSERT ON agent_actions WHEN new.action_name = 'poison' "
            "BEGIN SELECT RAISE(ABORT, 'poison'); END"
        ),
        ActionRecorded(agent_name="a", action_type="error", action_name="poison"),
    ),
    "a constraint of a table of parts": (
        "ALTER TABLE agent_execution_logs ADD CHECK (agent_name <> 'poison')",
        (
            "CREATE TRIGGER b BEFORE INSERT ON agent_execution_logs WHEN new.agent_name = 'poison' "
            "BEGIN SELECT RAISE(ABORT, 'poison'); END"
        ),
        ExecutionStarted(execution="poison", agent_name="poison"),
    ),
}


def poison(name: str, store: Any) -> None:
    """What one record that the database refuses costs the batch that it is in."""
    print(f"\n{name}: one poisonous record in a batch of 500 (aim: it costs 1.5 batches at most)")
    clean = poisoned("clean", store, None)
    clean(0)
    for number, (what, (for_postgresql, for_sqlite, data)) in enumerate(POISONS.items()):
        statement = for_sqlite if isinstance(store, SqliteStore) else for_postgresql
        if not statement:
            continue
        with store.engine.begin() as connection:
            connection.execute(sa.text(statement))
        bad = poisoned(f"bad{number}", store, data)
        bad(0)
        ratios = []
        for turn in range(1, 3 * ROUNDS + 1):
            without = clean(100 * number + turn)
            ratios.append(bad(turn) / without - 1)
        print(f"  {what}: {spread(ratios)} batches more")


def main() -> None:
    if sys.argv[1:2] == ["--fill"]:
        fill(sys.argv[2], int(sys.argv[3]))
        return
    chosen = sys.argv[1:] or ["postgresql", "sqlite"]
    if "postgresql" in chosen:
        with postgresql() as url:
            compare_postgresql(url)

            def empty(_: int) -> str:
                emptied(url)
                return url

            grow("PostgreSQL", empty)
            emptied(url)
            with opened(url) as store:
                poison("PostgreSQL", store)
    if "sqlite" in chosen:
        with tempfile.TemporaryDirectory(prefix="polly-bench-") as name:
            folder = Path(name)
            compare_sqlite(folder)
            grow("SQLite", lambda number: str(folder / f"grow-{number}-{random.random()}.db"))
            with opened(str(folder / "poison.db")) as store:
                poison("SQLite", store)


if __name__ == "__main__":
    main()
