"""However records are cut into batches: the tables hold what storing them one by one would leave there."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.store.conftest import KeptStores, all_rows, as_bytes, emptied
from tests.contract.store.stories import AGENT_STORY, STORY, action

from polly.errors import StoreMisconfigured
from polly.events.transfer import Batch, Record
from polly.store import schema
from polly.store.ingest.canary import canary, tables_of
from polly.store.ingest.form import postgres_form, sqlite_form
from polly.store.ingest.judge import Event, judge
from polly.store.ingest.postgres_writer import PostgresWriter
from polly.store.ingest.sqlite_writer import SqliteWriter
from polly.store.ingest.transaction import Writer
from polly.store.opening import open_store
from polly.store.ports import Store
from polly.store.postgres import PostgresStore
from polly.store.sqlite import SqliteStore

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
#: What depends on when something was stored, or on the words of the database.
PASSING = {
    "events": {"stored_at"},
    "sink_offsets": {"updated_at"},
    "dead_letters": {"created_at", "failed_at", "first_failed_at", "error_class", "sqlstate", "reason"},
}


def told() -> list[bytes]:
    """Events that know each other, some at the same time, and records that are none."""
    whole = [*STORY, *AGENT_STORY]
    raws = [
        as_bytes(data, event_id=f"id-{number:03}", at=NOON + timedelta(seconds=number - number % 3))
        for number, data in enumerate(whole)
    ]
    assert b'"failure":"id-038"' in raws[37]
    # The same id from another source, with another time; ids that only code points order.
    raws += [raw.replace(b"urn:polly:test:1", b"urn:polly:test:2") for raw in raws[::5]]
    raws += [as_bytes(data, event_id=f"Ü-{data.type}", at=NOON) for data in whole[:4]]
    raws += [as_bytes(data, event_id=f"a-{data.type}", at=NOON) for data in whole[:4]]
    # What the tables refuse: the database finds it, in the middle of its neighbours.
    raws += [as_bytes(action(number, "poison"), event_id=f"bad-{number}", at=NOON) for number in range(3)]
    raws.append(as_bytes(action(9, "good"), event_id="bad-0", at=NOON))
    return [*raws, b"no json", raws[0].replace(b'"agents":4', b'"agents":"four"'), raws[1][:-9]]


RAWS = told()


def refuse_poison(store: Store) -> None:
    """A rule of the database that nothing but the database knows."""
    with store.engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            rule = (
                "CREATE TRIGGER no_poison BEFORE INSERT ON agent_actions WHEN new.action_name = 'poison' "
                "BEGIN SELECT RAISE(ABORT, 'poison'); END"
            )
        else:
            rule = "ALTER TABLE agent_actions ADD CONSTRAINT no_poison CHECK (action_name <> 'poison')"
        connection.execute(sa.text(rule))


@pytest.fixture(scope="session")
def strict_stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeptStores]:
    """One store of each backend that refuses actions of the name `poison`."""
    opened: dict[str, Store] = {}
    exits: list[Callable[[], Any]] = []

    def strict(backend: str, server: Callable[[], Any]) -> Store:
        if backend not in opened:
            url: str | Path = tmp_path_factory.mktemp("strict") / "polly.db"
            if backend == "postgresql":
                database = server().database()
                url = database.__enter__()
                exits.append(lambda: database.__exit__(None, None, None))
            opened[backend] = open_store(url)
            exits.insert(0, opened[backend].close)
            refuse_poison(opened[backend])
        return opened[backend]

    yield strict
    for leave in exits:
        leave()


def tables(store: Store) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for name, table in schema.metadata.tables.items():
        hidden = PASSING.get(name, set())
        found[name] = [
            {column: value for column, value in row.items() if column not in hidden}
            for row in all_rows(store, table)
        ]
    return found


def records(order: Sequence[int]) -> list[Record]:
    return [Record(position, RAWS[place]) for position, place in enumerate(order)]


def one_by_one(store: Store, chosen: Sequence[Record]) -> None:
    for record in chosen:
        store.ingest([Batch("s", record.position, record.position + 1, (record,))])


def in_batches(
    store: Store, chosen: Sequence[Record], sizes: Sequence[int], hints: Sequence[tuple[int, int]] = ()
) -> None:
    """hints: from where (after the start of a batch) to how many are said to come next, right or wrong."""
    start, turn = 0, 0
    while start < len(chosen):
        part = tuple(chosen[start : start + sizes[turn % len(sizes)]])
        if hints:
            after, count = hints[turn % len(hints)]
            store.expect({"s": chosen[start + after :][:count]})
        store.ingest([Batch("s", start, start + len(part), part)])
        start, turn = start + len(part), turn + 1


#: With repetitions, and often enough all of them in some order.
ORDERS = st.permutations(range(len(RAWS))) | st.lists(st.integers(0, len(RAWS) - 1), max_size=60)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    order=ORDERS,
    sizes=st.lists(st.integers(1, 80), min_size=1, max_size=4),
    hints=st.lists(st.tuples(st.integers(0, 90), st.integers(0, 90)), max_size=4),
)
def test_a_batch_leaves_what_its_records_one_by_one_would(
    backend: str,
    strict_stores: KeptStores,
    request: pytest.FixtureRequest,
    order: list[int],
    sizes: list[int],
    hints: list[tuple[int, int]],
) -> None:
    def server() -> Any:
        return request.getfixturevalue("postgres_server")

    expected = emptied(strict_stores("sqlite", server))
    one_by_one(expected, records(order))
    before = tables(expected)
    store = emptied(strict_stores(backend, server))
    in_batches(store, records(order), sizes, hints)
    assert tables(store) == before


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(order=st.permutations(range(len(STORY) + len(AGENT_STORY))), size=st.integers(1, 60))
def test_the_order_of_arrival_and_the_cut_into_batches_change_nothing(
    backend: str, kept_stores: KeptStores, request: pytest.FixtureRequest, order: list[int], size: int
) -> None:
    results = []
    for sequence in (sorted(order), order):
        store = emptied(kept_stores(backend, lambda: request.getfixturevalue("postgres_server")))
        in_batches(store, records(sequence), [size])
        found = tables(store)
        results.append({name: rows for name, rows in found.items() if name not in {"events", "sink_offsets"}})
    assert results[0] == results[1]
    assert results[0]["dead_letters"] == []


def test_batches_of_several_streams_are_stored_together(store: Store) -> None:
    halves = records(range(40))[:20], records(range(40))[20:]
    done = store.ingest(
        [
            Batch("one", 0, 20, tuple(halves[0])),
            Batch("two", 20, 45, tuple(halves[1])),
            Batch("none", 7, 9, ()),
        ]
    )
    assert done[:3] == (40, 0, 0)
    assert [store.position(name) for name in ("one", "two", "none")] == [20, 45, 9]


def test_a_large_batch_is_stored_whole(store: Store) -> None:
    raws = [as_bytes(action(number), event_id=f"id-{number}") for number in range(3000)]
    batch = tuple(Record(number, raw) for number, raw in enumerate(raws))
    assert store.ingest([Batch("s", 0, 3000, batch)])[:3] == (3000, 0, 0)
    assert store.ingest([Batch("s", 3000, 6000, batch)])[:3] == (0, 3000, 0)
    assert len(all_rows(store, schema.agent_actions)) == 3000


@pytest.fixture
def strict(backend: str, strict_stores: KeptStores, request: pytest.FixtureRequest) -> Store:
    """An empty store that refuses actions of the name `poison`."""
    return emptied(strict_stores(backend, lambda: request.getfixturevalue("postgres_server")))


@pytest.mark.parametrize("bad", [{0}, {5}, {9}, {0, 9}, {1, 2, 3}, set(range(1, 10, 2)), set(range(9))])
def test_what_the_tables_refuse_is_found_among_its_neighbours(strict: Store, bad: set[int]) -> None:
    raws = [
        as_bytes(action(number, "poison" if number in bad else "good"), event_id=f"id-{number}")
        for number in range(10)
    ]
    done = strict.ingest([Batch("s", 0, 10, tuple(Record(n, raw) for n, raw in enumerate(raws)))])
    assert done[:3] == (10 - len(bad), 0, len(bad))
    assert {letter.record.position for letter in done.letters} == bad
    assert all(letter.stage == "store" and letter.event_id for letter in done.letters)
    kept = {row["event_id"] for row in all_rows(strict, schema.agent_actions)}
    assert kept == {f"id-{number}" for number in range(10)} - {f"id-{number}" for number in bad}
    assert {row["id"] for row in all_rows(strict, schema.events)} == kept


@pytest.mark.parametrize("count", [1, 2, 30])
def test_a_batch_of_nothing_but_bad_records_blocks_nobody(strict: Store, count: int) -> None:
    raws = [as_bytes(action(number, "poison"), event_id=f"id-{number}") for number in range(count)]
    done = strict.ingest([Batch("s", 0, count, tuple(Record(n, raw) for n, raw in enumerate(raws)))])
    assert done[:3] == (0, 0, count)
    assert strict.position("s") == count
    assert all_rows(strict, schema.agent_actions) == all_rows(strict, schema.events) == []


#: What refuses everything that a table is given, with the words of a constraint.
REFUSES_ALL = {
    "postgresql": "ALTER TABLE {table} ADD CONSTRAINT nothing CHECK (false) NOT VALID",
    "sqlite": "CREATE TRIGGER refusal BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'none'); END",
}
TAKES_AGAIN = {"postgresql": "ALTER TABLE {table} DROP CONSTRAINT nothing", "sqlite": "DROP TRIGGER refusal"}


@pytest.mark.parametrize("count", [1, 2, 30])
@pytest.mark.parametrize("table", ["events", "agent_actions"])
def test_a_table_that_takes_nothing_is_not_the_records_fault(
    store: Store, backend: str, table: str, count: int
) -> None:
    batch = Batch("s", 0, count, tuple(Record(n, as_bytes(action(n, "good"))) for n in range(count)))
    _execute(store, REFUSES_ALL[backend].format(table=table))
    for _ in range(2):
        with pytest.raises(StoreMisconfigured, match="harmless ones in their place"):
            store.ingest([batch])
    assert store.position("s") == 0
    assert all_rows(store, schema.dead_letters) == []
    _execute(store, TAKES_AGAIN[backend].format(table=table))
    assert store.ingest([batch])[:3] == (count, 0, 0)


def test_records_of_a_table_that_takes_nothing_are_not_dead_beside_good_ones(
    store: Store, backend: str
) -> None:
    raws = [as_bytes(action(1, "good")), *(RAWS[number] for number in range(20))]
    _execute(store, REFUSES_ALL[backend].format(table="agent_actions"))
    batch = Batch("s", 0, len(raws), tuple(Record(n, raw) for n, raw in enumerate(raws)))
    with pytest.raises(StoreMisconfigured, match="harmless ones in their place"):
        store.ingest([batch])
    assert all_rows(store, schema.dead_letters) == all_rows(store, schema.events) == []
    _execute(store, TAKES_AGAIN[backend].format(table="agent_actions"))
    assert store.ingest([batch])[:3] == (len(raws), 0, 0)


def test_every_kind_of_event_has_a_harmless_one_that_its_tables_take(store: Store, backend: str) -> None:
    form = sqlite_form() if backend == "sqlite" else postgres_form()
    events = [
        judge("s", Record(n, as_bytes(data, event_id=f"id-{n}")), form)
        for n, data in enumerate([*STORY, *AGENT_STORY])
    ]
    assert all(isinstance(event, Event) for event in events)
    harmless = [canary(event, f"~{n}", form) for n, event in enumerate(events) if isinstance(event, Event)]
    for before, after in zip(events, harmless, strict=True):
        assert isinstance(before, Event)
        assert tables_of(before) == tables_of(after)
        assert before.identity != after.identity

    def stored(writer: Writer) -> bool:
        return writer.would_store(harmless)

    assert _with_writer(store, stored)
    assert all_rows(store, schema.events) == []


def _with_writer(store: Store, what: Callable[[Writer], bool]) -> bool:
    if isinstance(store, SqliteStore):
        with store._writing() as writing:
            return what(SqliteWriter(writing.connection.cursor()))  # type: ignore[arg-type]
    assert isinstance(store, PostgresStore)
    with store._ingesting() as connection, connection.transaction():
        return what(PostgresWriter(connection, store._memory))


def _execute(store: Store, statement: str) -> None:
    with store.engine.begin() as connection:
        connection.execute(sa.text(statement))


def test_a_record_that_the_tables_refuse_takes_nobody_s_id(strict: Store) -> None:
    raws = [as_bytes(action(1, name), event_id="same") for name in ("poison", "good", "again")]
    done = strict.ingest([Batch("s", 0, 3, tuple(Record(n, raw) for n, raw in enumerate(raws)))])
    assert done[:3] == (1, 1, 1)
    assert [row["action_name"] for row in all_rows(strict, schema.agent_actions)] == ["good"]


def test_closing_is_allowed_twice(store_url: str) -> None:
    with closing(open_store(store_url)) as store:
        store.close()
