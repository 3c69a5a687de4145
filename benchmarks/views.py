"""How fast the views and the questions of `polly observe` answer over a day, in a store that holds a month.

The store is filled by SQL with a realistic mix (85 % actions, 5 % hooks, 5 % executions, the rest routing,
transformations, metrics and detection failures). All but its last hundredth is tidied (VACUUM, ANALYZE): what
PostgreSQL leaves for later by the settings of the tables. Then every view and question runs 50 times.
Run: make bench, or python benchmarks/views.py --events 10000000 [--database sqlite|postgresql]

Filling takes far longer than measuring. With --keep, a folder (SQLite) or the URL of a PostgreSQL server,
the store stays; --measure asks it again, at any time: what would have come since then is added first.
"""

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psutil
import sqlalchemy as sa

from polly.store import schema
from polly.store.observations import questions
from polly.store.schema.columns import BUSY
from polly.store.upgrade import upgrade
from polly.work.observed import Window

sys.path.insert(0, str(Path(__file__).parents[1]))  # the servers of the tests

LIMIT_MS = 200.0
RUNS = 50
DAYS = 30
#: How much PostgreSQL leaves for later, as the settings of the tables say.
UNTIDIED = BUSY["autovacuum_vacuum_insert_scale_factor"]

#: Of the numbers 0 to 99, those of the events that fill a table.
_ACTIONS, _HOOKS, _EXECUTIONS, _ROUTING, _ROLES, _METRICS = 85, 90, 95, 97, 98, 99

Ask = Callable[[sa.Connection], object]


class Dialect:
    """The words in which the two databases differ."""

    def __init__(self, name: str) -> None:
        self.is_postgresql = name == "postgresql"

    def numbers(self, first: int, last: int) -> str:
        """The numbers `i` from first to last - 1, as a table `n`."""
        if self.is_postgresql:
            return f"generate_series({first}::bigint, {last - 1}::bigint) AS n(i)"
        return (
            f"(WITH RECURSIVE c(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM c WHERE i < {last - 1}) "
            "SELECT i FROM c) AS n"
        )

    def uuid(self, kind: str, number: str) -> str:
        """A UUID that grows with the number."""
        if self.is_postgresql:
            return f"'0199{kind}-0000-7000-8000-' || lpad(to_hex({number}), 12, '0')"
        return f"printf('0199{kind}-0000-7000-8000-%012x', {number})"

    def at(self, seconds: str) -> str:
        """The time that is so many seconds after 1970."""
        if self.is_postgresql:
            return f"to_timestamp({seconds})"
        return f"strftime('%Y-%m-%d %H:%M:%f', {seconds}, 'unixepoch') || '000'"


class Month:
    """The rows of a month with so many events, up to now."""

    def __init__(self, dialect: Dialect, events: int, now: datetime) -> None:
        self._sql = dialect
        self._step = DAYS * 86_400 / events
        self._begin = now.timestamp() - DAYS * 86_400

    def inserts(self, first: int, last: int) -> Iterator[str]:
        """Statements for the events from number `first` to `last` - 1."""
        numbers = self._sql.numbers(first, last)
        for table, (kept, columns) in self._tables().items():
            names, values = ", ".join(columns), ", ".join(columns.values())
            yield f"INSERT INTO {table} ({names}) SELECT {values} FROM {numbers} WHERE {kept}"

    def _tables(self) -> dict[str, tuple[str, dict[str, str]]]:
        share, agent = "i % 100", "'agent-' || (i * 7919 % 997 % 50)"
        # Ten sessions side by side, each of a thousand events, each with five tasks, one after the other.
        correlation = self._sql.uuid("c0de", "(i / 2 / 1000) * 10 + i / 2 % 10")
        session = self._sql.uuid("5e55", "(i / 2 / 5000) * 10 + i / 2 % 10")
        at = self._sql.at(f"{self._begin!r} + i * {self._step!r}")
        row = {
            "event_id": self._sql.uuid("0001", "i"),
            "correlation_id": correlation,
            "session_id": session,
            "project_path": "'/srv/projects/shop'",
            "project_name": "'shop'",
            "created_at": at,
        }
        return {
            "events": ("i >= 0", self._event(correlation, session, at)),
            "agent_actions": (f"{share} < {_ACTIONS}", row | self._action(agent)),
            "hook_events": (f"{share} >= {_ACTIONS} AND {share} < {_HOOKS}", row | self._hook(agent)),
            # Two events, its start and its end, make one execution.
            "agent_execution_logs": (
                f"{share} >= {_HOOKS} AND {share} < {_EXECUTIONS} AND i % 2 = 0",
                self._execution(row, agent),
            ),
            "agent_routing_decisions": (
                f"{share} >= {_EXECUTIONS} AND {share} < {_ROUTING}",
                row | self._routing(agent),
            ),
            "agent_transformation_events": (f"{share} = {_ROUTING}", row | self._role(agent)),
            "router_performance_metrics": (f"{share} = {_ROLES}", row | self._metric()),
            "agent_detection_failures": (f"{share} = {_METRICS} AND i % 1000 = 999", row | self._failure()),
        }

    def _event(self, correlation: str, session: str, at: str) -> dict[str, str]:
        body = '{"specversion":"1.0","type":"dev.polly.action.recorded.v1","data":{"agent_name":"agent-1"}}'
        return {
            "id": self._sql.uuid("0001", "i"),
            "source": "'urn:polly:host:' || (i / 2 / 5000 * 10 + i / 2 % 10)",
            "type": "'dev.polly.action.recorded.v1'",
            "time": at,
            "stored_at": at,
            "subject": "'agent-' || (i * 7919 % 997 % 50)",
            "correlation_id": correlation,
            "session_id": session,
            "sequence": "substr('000000000000' || (i % 10000), -12)"
            if not self._sql.is_postgresql
            else "lpad((i % 10000)::text, 12, '0')",
            # As long as an event is: half a kilobyte.
            "envelope": f"'{body.ljust(500)}'",
        }

    def _action(self, agent: str) -> dict[str, str]:
        ended = "CASE i / 2 % 10 WHEN 0 THEN 'error' ELSE 'success' END"
        return {
            "agent_name": agent.replace("i *", "(i / 2) *"),
            "action_type": "CASE WHEN i % 20 = 18 THEN 'decision' WHEN i % 2 = 0 THEN 'tool_call' "
            f"ELSE {ended} END",
            "action_name": "'Tool' || (i / 2 % 12)",
            "action_details": """'{"file": "src/shop/cart.py", "lines": 120}'""",
            "debug_mode": "TRUE",
            "duration_ms": "CASE WHEN i % 2 = 1 THEN (i * 31 % 4000) / 1.0 END",
            "action": self._sql.uuid("ac70", "i / 2"),
            "working_directory": "'/srv/projects/shop'",
        }

    def _hook(self, agent: str) -> dict[str, str]:
        return {
            "source": "CASE i % 5 WHEN 0 THEN 'Stop' WHEN 1 THEN 'PreToolUse' ELSE 'PostToolUse' END",
            "action": "'tool_call'",
            "resource": "'tool'",
            "resource_id": "'Tool' || (i % 12)",
            "agent_name": agent,
            "outcome": "CASE WHEN i * 13 % 101 < 4 THEN 'error' ELSE 'success' END",
            "payload": """'{"tool": "Write"}'""",
            "metadata": "'{}'",
        }

    def _execution(self, row: dict[str, str], agent: str) -> dict[str, str]:
        number = "i * 37 % 1009"
        shared = {name: value for name, value in row.items() if name != "event_id"}
        running = f"{number} < 20"
        return shared | {
            "execution_id": row["event_id"],
            "created_event_id": row["event_id"],
            "agent_name": agent,
            "status": f"CASE WHEN {running} THEN 'in_progress' WHEN {number} < 60 THEN 'failed' "
            f"WHEN {number} < 70 THEN 'cancelled' ELSE 'success' END",
            "started_at": row["created_at"],
            "started_event_id": row["event_id"],
            "user_prompt": "'Take the lock only once in ' || i",
            "metadata": "'{}'",
            "completed_at": f"CASE WHEN {running} THEN NULL ELSE {row['created_at']} END",
            "duration_ms": f"CASE WHEN {running} THEN NULL ELSE 500.0 + i * 7919 % 60013 END",
            "error_type": f"CASE WHEN {number} < 60 AND {number} >= 20 THEN 'Error' || (i % 7) END",
            "error_message": f"CASE WHEN {number} < 60 AND {number} >= 20 THEN 'it did not work: ' || i END",
        }

    def _routing(self, agent: str) -> dict[str, str]:
        return {
            "user_request": "'Take the lock only once'",
            "selected_agent": agent,
            "confidence_score": "(i * 17 % 1000) / 1000.0",
            "routing_strategy": "CASE i % 3 WHEN 0 THEN 'trigger' WHEN 1 THEN 'explicit' ELSE 'fuzzy' END",
            "routing_time_ms": "(i * 13 % 300) / 10.0",
            "alternatives": "'[]'",
            "context": "'{}'",
            "confidence_components": "'{}'",
        }

    def _role(self, agent: str) -> dict[str, str]:
        return {
            "event_type": "'transformation_complete'",
            "source_agent": "'polly'",
            "target_agent": agent,
            "success": "TRUE",
            "context_snapshot": "'{}'",
        }

    def _metric(self) -> dict[str, str]:
        return {
            "query_text": "'Take the lock only once'",
            "routing_duration_ms": "(i * 13 % 300) / 10.0",
            "cache_hit": "i * 7 % 10 < 4",
            "candidates_evaluated": "i % 50",
            "confidence_components": "'{}'",
            "stage_microseconds": "'{}'",
        }

    def _failure(self) -> dict[str, str]:
        return {
            "created_event_id": self._sql.uuid("0001", "i"),
            "user_prompt": "'do something about ' || i",
            "prompt_length": "25",
            "prompt_hash": "'0'",
            "detection_status": "'no_detection'",
            "failure_category": "'cat' || (i % 4)",
            "reviewed": "i % 2000 = 999",
        }


def main() -> None:
    chosen = options()
    print(
        f"views and questions, p50/p95/max of {RUNS} runs, and CPU of one, in ms; limit: p95 {LIMIT_MS:.0f}"
    )
    slow = []
    for name in chosen.database or ("sqlite", "postgresql"):
        small = None if chosen.no_growth else one_size(name, chosen.events // 10, None, measure=False)
        large = one_size(name, chosen.events, chosen.keep, measure=chosen.measure)
        slow += [f"{name}: {what}" for what, p95 in large.items() if p95 > LIMIT_MS]
        if small is not None:
            print(f"{name}: growth of the p95 for 10 times the events")
            for what, p95 in large.items():
                print(f"  {what:60} {p95 / max(small[what], 0.1):6.1f} times")
    print(f"over the limit: {'; '.join(slow) or 'nothing'}")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    parser.add_argument("--no-growth", action="store_true", help="leave out the store of a tenth of the size")
    parser.add_argument("--keep", metavar="PLACE", help="a folder, or postgresql://… of a server")
    parser.add_argument("--measure", action="store_true", help="the store that --keep left there")
    chosen = parser.parse_args()
    if chosen.keep is not None:
        # The place says which database.
        chosen.database = ["postgresql" if chosen.keep.startswith("postgresql") else "sqlite"]
    elif chosen.measure:
        parser.error("--measure needs --keep PLACE")
    if chosen.measure:
        chosen.no_growth = True
    return chosen


def one_size(name: str, events: int, place: str | None, *, measure: bool) -> dict[str, float]:
    """Prints what everything takes in a store of that size; the p95 of each."""
    with contextlib.ExitStack() as stack:
        engine = stack.enter_context(
            database(name) if place is None else kept_database(place, events, is_there=measure)
        )
        now = datetime.now(UTC)
        begun = time.perf_counter()
        if measure:
            what = f"{go_on(engine, events, now):,} events since then added"
        else:
            fill(engine, events, now)
            what = "filled"
        seconds = time.perf_counter() - begun
        size = size_bytes(engine)
        print(
            f"{name}, {events:,} events: {size / 1e9:.2f} GB, {size / events:.0f} bytes each, "
            f"{what} in {seconds:.0f} s",
            flush=True,
        )
        with engine.connect() as connection:
            asked = {**view_questions(connection), **observe_questions(now)}
        return {what: measured(engine, what, ask) for what, ask in asked.items()}


@contextmanager
def database(name: str) -> Iterator[sa.Engine]:
    """An empty store: a file, or a database of a server that is given or started for this."""
    if name == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            engine = sa.create_engine(f"sqlite:///{folder}/polly.db")
            yield engine
            engine.dispose()
        return
    from tests.services import postgres, run  # noqa: PLC0415 - asked for on the path only by this script

    services = run.begin()
    try:
        with postgres.shared_server(services).database() as url:
            engine = sa.create_engine(url)
            yield engine
            engine.dispose()
    finally:
        run.finish(services)


@contextmanager
def kept_database(place: str, events: int, *, is_there: bool) -> Iterator[sa.Engine]:
    """The store of that size at a place that stays; a new one takes the place of the one before."""
    name = f"polly_bench_{events}"
    if place.startswith("postgresql"):
        url = sa.make_url(place).set(drivername="postgresql+psycopg")
        if not is_there:
            server = sa.create_engine(url, isolation_level="AUTOCOMMIT")
            with server.connect() as connection:
                connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
                connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE template0")
            server.dispose()
        engine = sa.create_engine(url.set(database=name))
    else:
        path = Path(place) / f"{name}.db"
        if is_there and not path.exists():
            sys.exit(f"{path} is not there; fill it first, without --measure")
        path.parent.mkdir(parents=True, exist_ok=True)
        for each in () if is_there else (path, *path.parent.glob(f"{path.name}-*")):
            each.unlink(missing_ok=True)
        engine = sa.create_engine(f"sqlite:///{path}")
    yield engine
    engine.dispose()


def go_on(engine: sa.Engine, events: int, now: datetime) -> int:
    """What would have come since the store was filled; how many events that is."""
    newest = sa.select(schema.events.c.id, schema.events.c.time).order_by(schema.events.c.time.desc())
    with engine.begin() as connection:
        last_id, last_at = connection.execute(newest.limit(1)).one()
        last, step = int(last_id[-12:], 16), DAYS * 86_400 / events
        begin = last_at - timedelta(seconds=last * step)
        end = int((now - begin).total_seconds() / step)
        month = Month(Dialect(engine.dialect.name), events, begin + timedelta(days=DAYS))
        for statement in month.inserts(last + 1, end) if end > last + 1 else ():
            run_sql(connection, statement)
    return max(0, end - last - 1)


def fill(engine: sa.Engine, events: int, now: datetime) -> None:
    """A month of events. Indexes are made once all but the last day is there, which is far quicker."""
    month = Month(Dialect(engine.dialect.name), events, now)
    yesterday, tidied = events - events // DAYS, events - int(events * UNTIDIED)
    indexes = [index for table in schema.metadata.sorted_tables for index in table.indexes]
    with engine.begin() as connection:
        upgrade(connection, "the benchmark's database")
        for index in indexes:
            index.drop(connection)
        for statement in month.inserts(0, yesterday):
            run_sql(connection, statement)
    with engine.begin() as connection:
        for index in indexes:
            index.create(connection)
    for first, last in ((yesterday, tidied), (tidied, events)):
        tidy(engine)
        with engine.begin() as connection:
            for statement in month.inserts(first, last):
                run_sql(connection, statement)


def run_sql(connection: sa.Connection, statement: str) -> None:
    # As it is: a per cent sign in it is no parameter.
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def tidy(engine: sa.Engine) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE" if engine.dialect.name == "postgresql" else "ANALYZE")


def size_bytes(engine: sa.Engine) -> int:
    asked = (
        "SELECT pg_database_size(current_database())"
        if engine.dialect.name == "postgresql"
        else "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    )
    with engine.connect() as connection:
        return int(connection.exec_driver_sql(asked).scalar_one())


def observe_questions(now: datetime) -> dict[str, Ask]:
    """What `polly observe` asks, over the last day."""
    day = Window(since=now - timedelta(days=1), until=now)
    return {
        "polly observe health": partial(questions.health, window=day),
        "polly observe errors": partial(questions.errors, window=day),
        "polly observe errors --agent": partial(questions.errors, window=day, agent="agent-7"),
        "polly observe report": partial(questions.report, window=day),
        "polly observe agent": partial(questions.agent, window=day, name="agent-7"),
    }


def view_questions(connection: sa.Connection) -> dict[str, Ask]:
    """Every view; those that go through the whole record are asked about one session or task."""
    newest = schema.agent_execution_logs
    query = sa.select(newest.c.session_id, newest.c.correlation_id).order_by(newest.c.created_at.desc())
    session, correlation = connection.execute(query.limit(1)).one()
    asked: dict[str, Ask] = {}
    for name in sorted(sa.inspect(connection).get_view_names()):
        columns = {column["name"] for column in sa.inspect(connection).get_columns(name)}
        view = sa.table(name, *map(sa.column, columns))
        everything = sa.select(view)
        if name in _OF_ONE_SESSION:
            asked[f"{name}, one session"] = _all(everything.where(view.c.session_id == session))
            continue
        asked[f"{name}, all"] = _all(everything)
        if "correlation_id" in columns:
            asked[f"{name}, one correlation"] = _all(everything.where(view.c.correlation_id == correlation))
    return asked


#: A row per event or per session of all time.
_OF_ONE_SESSION = ("session_timelines", "session_summaries")


def _all(query: sa.Select[tuple[object, ...]]) -> Ask:
    return lambda connection: connection.execute(query).all()


def measured(engine: sa.Engine, what: str, ask: Ask) -> float:
    """Prints p50, p95 and the longest of the runs, and the mean CPU time of one; the p95."""
    took = []
    runs = int(os.environ.get("POLLY_BENCH_RUNS", str(RUNS)))
    with engine.connect() as connection:
        ready_to_ask(connection)
        cpu_before = cpu_seconds(connection)
        for _ in range(runs):
            begun = time.perf_counter()
            ask(connection)
            took.append((time.perf_counter() - begun) * 1000)
        cpu = (cpu_seconds(connection) - cpu_before) * 1000 / runs
    p95 = statistics.quantiles(took, n=20, method="inclusive")[18]
    note = "  over the limit" if p95 > LIMIT_MS else ""
    print(
        f"  {what:60} {statistics.median(took):8.1f} {p95:8.1f} {max(took):8.1f} {cpu:8.1f}{note}", flush=True
    )
    return p95


def ready_to_ask(connection: sa.Connection) -> None:
    """As a store asks."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_custom_plan")


def cpu_seconds(connection: sa.Connection) -> float:
    """What this process and, on the same machine, the server's process for it have used."""
    server = 0.0
    if connection.dialect.name == "postgresql" and connection.engine.url.host in ("127.0.0.1", "localhost"):
        process = psutil.Process(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
        server = process.cpu_times().user + process.cpu_times().system
    return time.process_time() + server


if __name__ == "__main__":
    main()
