"""What stored events say comes back into the tables, whatever became of those."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.store.conftest import KeptStores, Put, Rows, as_bytes, emptied
from tests.contract.store.stories import AGENT_STORY, STORY, action
from tests.contract.store.test_batches import (
    NOON,
    RAWS,
    REFUSES_ALL,
    in_batches,
    records,
    refuse_poison,
    tables,
)

from polly.errors import StoreMisconfigured
from polly.events.agents import ExecutionCompleted, ExecutionProgressed, ExecutionStarted
from polly.events.event import EventData
from polly.events.transfer import Batch, Record
from polly.store import schema
from polly.store.ingest.form import postgres_form, sqlite_form
from polly.store.ingest.judge import Event, judge
from polly.store.opening import open_store
from polly.store.ports import Store
from polly.store.rebuild import BATCH, DERIVED, Rebuilt, rebuild
from polly.store.retention import Horizon, prune
from polly.store.upgrade import downgrade, upgrade
from polly.store.visiting import writing

Tables = dict[str, list[dict[str, Any]]]


def derived(store: Store) -> Tables:
    """The rows that come from events, every column of them."""
    found = tables(store)
    return {table.name: found[table.name] for table in DERIVED}


def forget(store: Store, *chosen: sa.Table) -> None:
    with writing(store).begin() as connection:
        for table in chosen or DERIVED:
            connection.execute(sa.delete(table))


def written(found: Rebuilt) -> dict[str, int]:
    return {each.table: each.written for each in found.tables if each.written}


def told(*data: EventData, prefix: str = "id") -> list[bytes]:
    """Events a second apart; their ids have the order of their times."""
    return [
        as_bytes(each, event_id=f"{prefix}-{number:05}", at=NOON + timedelta(seconds=number))
        for number, each in enumerate(data)
    ]


def ingest(store: Store, raws: Sequence[bytes], stream: str = "s", size: int = 1000) -> None:
    for start in range(0, len(raws), size):
        part = tuple(Record(start + place, raw) for place, raw in enumerate(raws[start : start + size]))
        store.ingest([Batch(stream, start, start + len(part), part)])


@pytest.mark.parametrize("revision", ["0001", "0002"])
def test_what_a_downgrade_dropped_comes_back_row_for_row(store_url: str, revision: str) -> None:
    with closing(open_store(store_url)) as store:
        in_batches(store, records(range(len(RAWS))), [13])
        before = derived(store)
        assert all(before.values())
        with writing(store).begin() as connection:
            downgrade(connection, revision)
        with writing(store).begin() as connection:
            upgrade(connection, store.place)
        poorer = derived(store)
        assert poorer != before
        dry = rebuild(store, keep=False, batch=7)
        assert derived(store) == poorer
        done = rebuild(store, batch=7)
        assert derived(store) == before
        assert (done.refused, done.events) == (0, len(tables(store)["events"]))
        assert written(dry).keys() == written(done).keys() >= {"agent_actions", "agent_execution_logs"}
        assert written(rebuild(store)) == {}


ORDERS = st.permutations(range(len(STORY) + len(AGENT_STORY)))


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(order=ORDERS, lost=st.sets(st.sampled_from(DERIVED), min_size=1), size=st.integers(1, 60))
def test_whatever_the_order_of_the_ids_the_tables_are_what_they_were(
    backend: str,
    kept_stores: KeptStores,
    request: pytest.FixtureRequest,
    order: list[int],
    lost: set[sa.Table],
    size: int,
) -> None:
    store = emptied(kept_stores(backend, lambda: request.getfixturevalue("postgres_server")))
    raws = [
        as_bytes(data, event_id=f"id-{order[number]:03}", at=NOON + timedelta(seconds=number - number % 3))
        for number, data in enumerate([*STORY, *AGENT_STORY])
    ]
    review, failure = b'"failure":"id-038"', f'"failure":"id-{order[38]:03}"'.encode()
    ingest(store, [raw.replace(review, failure) for raw in raws])
    before = derived(store)
    forget(store, *lost)
    done = rebuild(store, batch=size)
    assert derived(store) == before
    assert {each.table: each.after for each in done.tables} == {
        name: len(has) for name, has in before.items()
    }
    assert written(rebuild(store, batch=size)) == {}


def test_rows_are_counted_before_and_after(store: Store, put: Put) -> None:
    put(*told(*(action(number) for number in range(5))))
    with writing(store).begin() as connection:
        connection.execute(
            sa.delete(schema.agent_actions).where(schema.agent_actions.c.event_id > "id-00001")
        )
    dry = rebuild(store, keep=False, batch=2)
    done = rebuild(store, batch=2)
    counts = [
        (each.before, each.after, each.written)
        for found in (dry, done)
        for each in found.tables
        if each.table == "agent_actions"
    ]
    assert counts == [(2, 2, 3), (2, 5, 3)]


def test_a_row_says_what_its_event_says_again(store: Store, put: Put, rows: Rows) -> None:
    put(*told(*STORY))
    before = derived(store)
    with writing(store).begin() as connection:
        connection.execute(sa.update(schema.issues).values(title="painted over", tool="x"))
        connection.execute(sa.update(schema.runs).values(project_name=None))
    assert written(rebuild(store)) == {"issues": 2, "runs": 1}
    assert derived(store) == before
    assert [row["tool"] for row in rows(schema.issues)] == [None, None]


def an_execution(number: int) -> list[EventData]:
    whose: dict[str, Any] = {"execution": f"E{number}", "agent_name": "patch", "run": "R"}
    return [
        ExecutionStarted(**whose, user_prompt="do"),
        ExecutionProgressed(**whose, stage="half", percent=50.0),
        ExecutionCompleted(**whose, status="success", duration_ms=2.5, quality_score=0.5),
    ]


def test_another_one_may_store_between_two_batches(store_url: str) -> None:
    """Also the rest of executions of which a part is being read."""
    raws = told(*(each for number in range(20) for each in an_execution(number)))
    first, second = raws[::2], raws[1::2]
    with closing(open_store(store_url)) as store, closing(open_store(store_url)) as other:
        ingest(store, raws)
        before = derived(store)
        emptied(store)
        ingest(store, first)
        forget(store)
        steps: list[tuple[int, int]] = []

        def meanwhile(done: int, total: int) -> None:
            start = len(steps) * 5
            part = tuple(Record(start + place, raw) for place, raw in enumerate(second[start : start + 5]))
            if part:
                other.ingest([Batch("other", start, start + len(part), part)])
            steps.append((done, total))

        rebuild(store, batch=3, watch=meanwhile)
        assert len(steps) > 6
        assert steps[-1][0] == steps[-1][1]
        assert derived(store) == before
        assert written(rebuild(store)) == {}


def test_another_one_may_store_all_the_time(store_url: str) -> None:
    raws = told(*(each for number in range(200) for each in an_execution(number)))
    with closing(open_store(store_url)) as store:
        ingest(store, raws)
        before = derived(store)
        emptied(store)
        ingest(store, raws[::2])
        forget(store)

        def store_the_others() -> None:
            with closing(open_store(store_url)) as other:
                ingest(other, raws[1::2], "other", size=20)

        thread = threading.Thread(target=store_the_others)
        thread.start()
        rebuild(store, batch=20)
        thread.join()
        assert derived(store) == before


def test_an_event_that_is_gone_by_now_gets_no_rows(store: Store, backend: str) -> None:
    form = sqlite_form() if backend == "sqlite" else postgres_form()
    raws = told(action(1), action(2), *an_execution(1))
    judged = [judge("s", Record(place, raw), form) for place, raw in enumerate(raws)]
    events = [each for each in judged if isinstance(each, Event)]
    ingest(store, raws[:1])
    forget(store)
    with store.refilling(keep=True) as writer:
        assert writer.refill(events) == {"agent_actions": 1}
    assert [row["event_id"] for row in derived(store)["agent_actions"]] == ["id-00000"]


def test_what_is_pruned_meanwhile_does_not_come_back(store_url: str) -> None:
    raws = told(*(action(number) for number in range(2000)))
    with closing(open_store(store_url)) as store, closing(open_store(store_url)) as other:
        ingest(store, raws)
        forget(store)
        half = Horizon(NOON + timedelta(seconds=1000), NOON + timedelta(days=36500))
        pruning = threading.Thread(target=prune, args=(other.engine, half), kwargs={"batch": 50})
        pruning.start()
        rebuild(store, batch=50)
        pruning.join()
        kept = [f"id-{number:05}" for number in range(1000, 2000)]
        assert [row["event_id"] for row in derived(store)["agent_actions"]] == kept
        assert [row["id"] for row in tables(store)["events"]] == kept


def rewrite(store: Store, event_id: str, envelope: bytes) -> None:
    table = schema.events
    with writing(store).begin() as connection:
        connection.execute(sa.update(table).where(table.c.id == event_id).values(envelope=envelope.decode()))


def test_events_of_which_no_rows_can_be_made_are_named_and_the_others_done(store_url: str) -> None:
    data = [action(number, "poison" if number in {3, 8} else "good") for number in range(10)]
    raws = told(*data)
    with closing(open_store(store_url)) as store:
        ingest(store, raws)
        forget(store)
        rewrite(store, "id-00005", raws[5].replace(b"tool_call", b"tool_ball"))
        rewrite(store, "id-00006", raws[7])
        rewrite(store, "id-00009", b"no JSON")
        refuse_poison(store)
        for keep in (False, True):
            done = rebuild(store, keep=keep, batch=4)
            reasons = {each.id: each.reason for each in done.unusable}
            assert sorted(reasons) == ["id-00003", "id-00005", "id-00006", "id-00008", "id-00009"]
            assert done.refused == 5
            assert "poison" in reasons["id-00003"]
            assert "tool_ball" in reasons["id-00005"]
            assert "another event" in reasons["id-00006"]
            assert all(each.type == data[0].type for each in done.unusable)
        kept = [row["event_id"] for row in derived(store)["agent_actions"]]
        assert kept == ["id-00000", "id-00001", "id-00002", "id-00004", "id-00007"]
        assert len(tables(store)["events"]) == 10


def test_a_table_that_takes_nothing_is_not_the_events_fault(store_url: str, backend: str) -> None:
    with closing(open_store(store_url)) as store:
        ingest(store, told(action(1), action(2), *an_execution(1)))
        forget(store)
        with writing(store).begin() as connection:
            connection.exec_driver_sql(REFUSES_ALL[backend].format(table="agent_actions"))
        with pytest.raises(StoreMisconfigured, match="harmless ones in their place"):
            rebuild(store)
        assert not any(derived(store).values())


def test_large_events_are_not_read_all_at_once(store: Store, put: Put) -> None:
    note = "x" * (5 << 20)
    put(
        *told(
            *(msgspec.structs.replace(action(number), action_details={"note": note}) for number in range(3))
        )
    )
    steps: list[int] = []
    rebuild(store, watch=lambda done, _total: steps.append(done))
    assert steps == [2, 3]


def _rows_of(store: Store, table: sa.Table) -> int:
    query = sa.select(sa.func.count()).select_from(table)
    count: int = store.ask(lambda connection: connection.execute(query).scalar_one())
    return count


def test_a_rebuild_that_is_killed_leaves_a_database_that_the_next_one_completes(
    store_url: str, tmp_path: Path
) -> None:
    actions, others = 7_400, [each for one in range(200) for each in an_execution(one)]
    url = store_url.replace("+psycopg", "")
    with closing(open_store(store_url)) as store:
        ingest(store, told(*(action(number) for number in range(actions)), *others))
        before = derived(store)
        assert any(_is_killed_halfway(store, url, tmp_path, actions) for _ in range(10))
        whole = {row["event_id"]: row for row in before["agent_actions"]}
        left = derived(store)["agent_actions"]
        assert len(left) % BATCH == 0
        assert all(row == whole[row["event_id"]] for row in left)
        assert _rebuilding(url, tmp_path).wait(120) == 0
        assert derived(store) == before


def _rebuilding(url: str, folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "polly", "db", "rebuild"],
        cwd=folder,
        env={**os.environ, "POLLY_STORE__URL": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _is_killed_halfway(store: Store, url: str, folder: Path, rows: int) -> bool:
    """Whether it was killed after its first batch and before its last: on a busy machine it may be done."""
    count = sa.select(sa.func.count()).select_from(schema.agent_actions)

    def there() -> int:
        return store.ask(lambda connection: connection.execute(count).scalar_one())

    forget(store)
    process = _rebuilding(url, folder)
    while process.poll() is None and not there():
        time.sleep(0.001)
    process.kill()
    process.wait()
    return 0 < there() < rows
