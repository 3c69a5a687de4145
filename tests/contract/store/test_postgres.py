"""The database behind PostgresStore: how it is reached, what its troubles are, and that it heals."""

import random
import string
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from tests.contract.store.conftest import all_rows, as_bytes
from tests.contract.store.stories import action, gate, started
from tests.services.postgres import PostgresCluster, plain

from polly.errors import StoreError, StoreMisconfigured, StoreUnavailable
from polly.events.agents import ExecutionStarted
from polly.events.transfer import Batch, IngestResult, OffsetMoved, Record
from polly.store import schema
from polly.store.ingest import ahead
from polly.store.ingest.form import Form
from polly.store.ingest.judge import Event, Refused, judge
from polly.store.postgres import MOST_UNKNOWN, PostgresStore


@pytest.fixture
def own(postgres_url: str) -> Iterator[PostgresStore]:
    """A store whose tables the test may change."""
    with PostgresStore.open(postgres_url) as store:
        yield store


def admin(url: str, *statements: str) -> None:
    with psycopg.connect(plain(url), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def batch(start: int, *raws: bytes, stream: str = "s") -> list[Batch]:
    records = tuple(Record(start + number, raw) for number, raw in enumerate(raws))
    return [Batch(stream, start, start + len(raws), records)]


def actions(*names: str) -> list[bytes]:
    return [as_bytes(action(number, name), event_id=f"id-{name}") for number, name in enumerate(names)]


def ids(store: PostgresStore) -> list[str]:
    return [row["id"] for row in all_rows(store, schema.events)]


def nothing_was_written(store: PostgresStore, but: int = 0) -> None:
    assert len(ids(store)) == len(all_rows(store, schema.agent_actions)) == but
    assert all_rows(store, schema.dead_letters) == []


RAISING = """
CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF new.action_name LIKE 'bad%%' THEN RAISE EXCEPTION 'no more' USING ERRCODE = '{code}'; END IF;
  RETURN new;
END $$
"""


def raise_for_bad(url: str, code: str) -> None:
    """Actions whose name begins with `bad` meet an error of the server."""
    admin(
        url,
        RAISING.format(code=code).replace("%%", "%"),
        "CREATE TRIGGER trouble BEFORE INSERT ON agent_actions FOR EACH ROW EXECUTE FUNCTION trouble()",
    )


@pytest.mark.parametrize("code", ["22001", "23505", "23514", "54000"])
@pytest.mark.parametrize("count", [1, 5])
def test_what_refuses_everything_with_the_code_of_bad_data_is_no_bad_data(
    postgres_url: str, code: str, count: int
) -> None:
    with PostgresStore.open(postgres_url) as store:
        admin(
            postgres_url,
            RAISING.format(code=code).replace("bad%%", "%%").replace("%%", "%"),
            "CREATE TRIGGER trouble BEFORE INSERT ON agent_actions FOR EACH ROW EXECUTE FUNCTION trouble()",
        )
        with pytest.raises(StoreError):
            store.ingest(batch(0, *actions(*(f"n{number}" for number in range(count)))))
        nothing_was_written(store)
        admin(postgres_url, "DROP TRIGGER trouble ON agent_actions")
        done = store.ingest(batch(0, *actions(*(f"n{number}" for number in range(count)))))
        assert done[:3] == (count, 0, 0)


def test_a_partition_that_somebody_forgot_is_waited_for(postgres_url: str) -> None:
    with PostgresStore.open(postgres_url) as store:
        admin(
            postgres_url,
            "ALTER TABLE agent_actions RENAME TO before",
            "CREATE TABLE agent_actions (LIKE before INCLUDING DEFAULTS) PARTITION BY RANGE (created_at)",
        )
        with pytest.raises(StoreUnavailable, match="no partition"):
            store.ingest(batch(0, *actions("one", "two")))
        assert all_rows(store, schema.dead_letters) == []
        admin(postgres_url, "CREATE TABLE rest PARTITION OF agent_actions DEFAULT")
        assert store.ingest(batch(0, *actions("one", "two")))[:3] == (2, 0, 0)


def test_a_server_that_was_away_is_used_again(postgres_of_its_own: PostgresCluster) -> None:
    with PostgresStore.open(postgres_of_its_own.url) as store:
        store.ingest(batch(0, *actions("one")))
        postgres_of_its_own.stop()
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="cannot be written"):
                store.ingest(batch(1, *actions("two")))
            with pytest.raises(StoreUnavailable, match="cannot be read"):
                store.position("s")
        with pytest.raises(StoreUnavailable):
            store.check_writable()
        postgres_of_its_own.start()
        store.check_writable()
        assert store.ingest(batch(1, *actions("two", "three")))[:3] == (2, 0, 0)
        postgres_of_its_own.kill()
        postgres_of_its_own.start()
        with pytest.raises(StoreUnavailable):
            store.ingest(batch(3, *actions("four")))
        assert store.ingest(batch(3, *actions("four")))[:3] == (1, 0, 0)
        assert store.position("s") == 4
        nothing_was_written(store, but=4)


def test_a_server_that_says_nothing_is_not_waited_for_for_ever(postgres_of_its_own: PostgresCluster) -> None:
    with PostgresStore.open(postgres_of_its_own.url, timeout_seconds=2) as store:
        store.ingest(batch(0, *actions("one")))
        postgres_of_its_own.freeze()
        try:
            with pytest.raises(StoreUnavailable, match="does not answer"):
                store.ingest(batch(1, *actions("two")))
        finally:
            postgres_of_its_own.thaw()
        done = when_it_has_thawed(lambda: store.ingest(batch(1, *actions("two"))))
        assert done[:3] == (1, 0, 0)
        nothing_was_written(store, but=2)


def when_it_has_thawed(act: Callable[[], IngestResult]) -> IngestResult:
    """A server that goes on has to clear up first; until then it may still take too long."""
    until = time.monotonic() + 60
    while True:
        try:
            return act()
        except StoreUnavailable:
            if time.monotonic() > until:
                raise


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("53100", StoreUnavailable),
        ("40P01", StoreUnavailable),
        ("40001", StoreUnavailable),
        ("57014", StoreUnavailable),
        ("42501", StoreMisconfigured),
        ("42P01", StoreMisconfigured),
    ],
)
def test_trouble_of_the_server_is_nobody_s_dead_letter(
    own: PostgresStore, postgres_url: str, code: str, error: type[StoreError]
) -> None:
    raise_for_bad(postgres_url, code)
    with pytest.raises(error, match="no more"):
        own.ingest(batch(0, *actions("good", "bad", "fine")))
    nothing_was_written(own)
    assert own.position("s") == 0
    admin(postgres_url, "DROP TRIGGER trouble ON agent_actions")
    assert own.ingest(batch(0, *actions("good", "bad", "fine")))[:3] == (3, 0, 0)


def test_an_error_that_nobody_knows_is_looked_into_only_after_three_retries(
    own: PostgresStore, postgres_url: str
) -> None:
    raise_for_bad(postgres_url, "P0001")
    for _ in range(MOST_UNKNOWN):
        with pytest.raises(StoreUnavailable):
            own.ingest(batch(0, *actions("good", "bad", "fine")))
    done = own.ingest(batch(0, *actions("good", "bad", "fine")))
    assert done[:3] == (2, 0, 1)
    assert [(letter.sqlstate, letter.event_id) for letter in done.letters] == [("P0001", "id-bad")]
    with pytest.raises(StoreUnavailable):  # another batch, another chance to heal
        own.ingest(batch(3, *actions("bad2", "well")))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("ALTER TABLE agent_actions ALTER action_name TYPE varchar(5)", "22001"),
        ("ALTER TABLE agent_actions ADD CHECK (length(action_name) < 6)", "23514"),
        ("ALTER TABLE events ADD CHECK (id <> 'id-too long')", "23514"),
        ("ALTER TABLE events ALTER id TYPE varchar(8)", "22001"),
    ],
)
@pytest.mark.parametrize("place", [0, 3, 6])
@pytest.mark.parametrize("again", [False, True])
def test_a_record_that_the_tables_refuse_is_found(
    own: PostgresStore, postgres_url: str, change: str, code: str, place: int, *, again: bool
) -> None:
    if "TYPE" in change:
        admin(postgres_url, *(f"DROP VIEW {name} CASCADE" for name in views(own)))
    admin(postgres_url, change)
    names = [f"a{number}" for number in range(6)]
    names.insert(place, "too long")
    start = 0
    if again:  # then the batch goes by way of the temporary tables
        own.ingest(batch(0, *actions("a2")))
        start = 1
    done = own.ingest(batch(start, *actions(*names)))
    assert done[:3] == (6 - again, int(again), 1)
    assert [(letter.record.position, letter.sqlstate) for letter in done.letters] == [(start + place, code)]
    assert sorted(row["action_name"] for row in all_rows(own, schema.agent_actions)) == sorted(
        name for name in names if name != "too long"
    )


@pytest.mark.parametrize("bad", [{0}, {4}, {6}, {4, 5, 6}, set(range(7))])
def test_a_row_of_several_events_that_is_refused_is_found(
    own: PostgresStore, postgres_url: str, bad: set[int]
) -> None:
    admin(postgres_url, "ALTER TABLE agent_execution_logs ADD CHECK (agent_name <> 'bad')")
    raws = [
        as_bytes(
            ExecutionStarted(execution=f"E{number % 7}", agent_name="bad" if number in bad else "good"),
            event_id=f"id-{number}",
        )
        for number in range(9)
    ]
    done = own.ingest(batch(0, *raws, *actions("one")))
    assert (done.stored, done.dead) == (10 - len(bad), len(bad))
    assert {letter.record.position for letter in done.letters} == bad


def views(store: PostgresStore) -> list[str]:
    return sa.inspect(store.engine).get_view_names()


def test_a_constraint_that_waits_for_the_end_is_not_waited_for(own: PostgresStore, postgres_url: str) -> None:
    admin(
        postgres_url,
        "ALTER TABLE agent_actions ADD CONSTRAINT once UNIQUE (action_name) DEFERRABLE INITIALLY DEFERRED",
    )
    raws = [as_bytes(action(1, name), event_id=f"{n}") for n, name in enumerate(("a", "b", "a", "c"))]
    done = own.ingest(batch(0, *raws))
    assert done[:3] == (3, 0, 1)
    assert [(letter.event_id, letter.sqlstate) for letter in done.letters] == [("2", "23505")]


def test_a_text_that_no_index_takes_is_a_dead_letter(own: PostgresStore) -> None:
    chooser = random.Random(1)
    long = "".join(chooser.choices(string.ascii_letters, k=20_000))
    raws = [as_bytes(gate(), event_id=name, correlation_id="c", session=name) for name in ("a", long, "b")]
    done = own.ingest(batch(0, *raws))
    assert done[:3] == (2, 0, 1)
    assert [letter.sqlstate for letter in done.letters] == ["54000"]


def test_a_right_that_was_taken_is_missed_and_given_back_is_used(
    own: PostgresStore, postgres_url: str
) -> None:
    own.ingest(batch(0, *actions("one")))
    tables = ", ".join(schema.metadata.tables) + ", alembic_version"
    user = f"guest_{random.SystemRandom().randrange(10**9)}"
    admin(
        postgres_url,
        f"CREATE ROLE {user} LOGIN PASSWORD 'guest word'",
        f"GRANT ALL ON {tables} TO {user}",
    )
    try:
        url = sa.make_url(postgres_url).set(username=user, password=None).render_as_string()
        with closing(PostgresStore.open(url, "guest word")) as store:
            store.ingest(batch(1, *actions("two")))
            admin(postgres_url, f"REVOKE INSERT ON agent_actions FROM {user}")
            with pytest.raises(
                StoreMisconfigured, match="permission denied for table agent_actions"
            ) as caught:
                store.ingest(batch(2, *actions("three")))
            assert "right" in str(caught.value.next_step)
            admin(postgres_url, f"GRANT INSERT ON agent_actions TO {user}")
            assert store.ingest(batch(2, *actions("three")))[:3] == (1, 0, 0)
            admin(postgres_url, f"REVOKE ALL ON sink_offsets FROM {user}")
            with pytest.raises(StoreMisconfigured, match="permission denied"):
                store.check_writable()
    finally:
        admin(postgres_url, f"DROP OWNED BY {user}", f"DROP ROLE {user}")


def test_a_lost_table_is_trouble_of_the_store(own: PostgresStore, postgres_url: str) -> None:
    admin(postgres_url, "ALTER TABLE agent_actions RENAME TO put_away")
    with pytest.raises(StoreMisconfigured, match="agent_actions") as caught:
        own.ingest(batch(0, *actions("one")))
    assert "polly db check" in str(caught.value.next_step)
    admin(postgres_url, "ALTER TABLE put_away RENAME TO agent_actions")
    nothing_was_written(own)
    assert own.ingest(batch(0, *actions("one")))[:3] == (1, 0, 0)


def test_a_lock_that_another_holds_is_waited_for_only_so_long(own: PostgresStore, postgres_url: str) -> None:
    with (
        PostgresStore.open(postgres_url, timeout_seconds=2) as hasty,
        psycopg.connect(plain(postgres_url)) as other,
    ):
        other.execute("LOCK TABLE agent_actions IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StoreUnavailable, match="lock timeout"):
            hasty.ingest(batch(0, *actions("one")))
    assert own.ingest(batch(0, *actions("one")))[:3] == (1, 0, 0)


def test_whoever_comes_late_is_fenced(own: PostgresStore, postgres_url: str) -> None:
    with PostgresStore.open(postgres_url) as other:
        own.ingest(batch(0, *actions("one")))
        other.ingest(batch(1, *actions("two")))
        with pytest.raises(OffsetMoved) as moved:
            own.ingest(batch(1, *actions("three")))
        assert moved.value.stream == "s"
        assert own.ingest(batch(2, *actions("three")))[:3] == (1, 0, 0)


def test_two_that_store_the_same_events_at_once_store_each_once(
    own: PostgresStore, postgres_url: str
) -> None:
    raws = [as_bytes(action(number), event_id=f"id-{number:04}") for number in range(600)]
    raws += [as_bytes(started(), event_id="r1"), as_bytes(gate(), event_id="g1")]
    totals: list[IngestResult] = []
    troubles: list[str] = []

    def store_all(stream: str, chosen: list[bytes]) -> None:
        with PostgresStore.open(postgres_url) as store:
            for start in range(0, len(chosen), 50):
                part = chosen[start : start + 50]
                while True:
                    try:
                        totals.append(store.ingest(batch(start, *part, stream=stream)))
                        break
                    except StoreUnavailable as error:  # they may stop each other, and say so
                        troubles.append(str(error))

    orders = raws, raws, raws[::-1]
    threads = [threading.Thread(target=store_all, args=(f"s{n}", each)) for n, each in enumerate(orders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all("deadlock" in trouble for trouble in troubles)
    assert len(ids(own)) == 602
    assert sum(done.stored for done in totals) == 602
    assert sum(done.duplicates for done in totals) == 2 * 602
    assert sum(done.dead for done in totals) == 0


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"password": "wrong-word"}, StoreMisconfigured),
        ({"database": "no_such_database"}, StoreMisconfigured),
        ({"username": "nobody_we_know"}, StoreMisconfigured),
        ({"port": 1}, StoreUnavailable),
        ({"query": {"port": "http"}}, StoreMisconfigured),
    ],
)
def test_why_there_is_no_connection_is_told_without_the_password(
    postgres_url: str, changes: dict[str, Any], error: type[StoreError]
) -> None:
    url = sa.make_url(postgres_url).set(**changes)
    with pytest.raises(error, match="cannot be opened") as caught:
        PostgresStore.open(url.render_as_string(hide_password=False))
    assert str(url.password) not in str(caught.value) + str(caught.value.next_step)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["postgresql://[h/d", "postgresql://h/d?no_such_option=1", "postgresql://me:my word@h/d"]
)
def test_a_url_that_cannot_be_read_is_refused(url: str) -> None:
    with pytest.raises(StoreMisconfigured, match="URL of the store") as caught:
        PostgresStore.open(url)
    assert "my word" not in str(caught.value)


def test_the_place_is_told_without_password_and_options() -> None:
    def place(url: str) -> str:
        from polly.store.postgres import _connection_info

        return _connection_info(url, "secret")[1]

    assert (
        place("postgresql+psycopg://me:word@db:5433/events?sslmode=require")
        == "postgresql://me@db:5433/events"
    )
    assert place("postgres://db/events") == "postgresql://db/events"


@contextmanager
def connection_of(store: PostgresStore) -> Iterator[Callable[[str], Any]]:
    with store._ingesting() as connection:
        yield lambda name: connection.execute(f"SHOW {name}".encode()).fetchone()


def test_a_connection_has_limits_and_a_name(postgres_url: str) -> None:
    with PostgresStore.open(postgres_url) as store, connection_of(store) as shown:
        assert shown("application_name") == ("polly",)
        assert shown("statement_timeout") == ("30s",)
        assert shown("lock_timeout") == ("15s",)
        assert shown("idle_in_transaction_session_timeout") == ("30s",)
        assert shown("client_encoding") == ("UTF8",)


def test_what_the_url_says_wins(postgres_url: str) -> None:
    admin(postgres_url, "CREATE SCHEMA here")
    options = "?options=-csearch_path%3Dhere%20-cstatement_timeout%3D77s%20-cTimeZone%3DAsia/Tokyo"
    url = f"{postgres_url}{options}&application_name=mine"
    with PostgresStore.open(url) as store:
        with connection_of(store) as shown:
            assert shown("statement_timeout") == ("77s",)
            assert shown("TimeZone") == ("Asia/Tokyo",)
            assert shown("application_name") == ("mine",)
        store.ingest(batch(0, *actions("one")))
        store.ingest(batch(1, *actions("one", "two")))
        assert ids(store) == ["id-one", "id-two"]
    with psycopg.connect(plain(postgres_url)) as connection:
        assert connection.execute("SELECT count(*) FROM here.events").fetchone() == (2,)
        assert connection.execute("SELECT to_regclass('public.events')").fetchone() == (None,)


def work_slowly(url: str) -> None:
    """The server is at work for a while after it has got the events of a batch."""
    sleep = "BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END"
    admin(
        url,
        f"CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$ {sleep} $$",
        "CREATE TRIGGER slowly AFTER INSERT ON events EXECUTE FUNCTION slowly()",
    )


def test_what_comes_next_is_judged_while_the_server_is_at_work(
    own: PostgresStore, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("it has been judged already")

    work_slowly(postgres_url)
    following = batch(2, *actions("three", "four"), b"no json")
    own.expect({"s": following[0].records})
    own.ingest(batch(0, *actions("one", "two")))
    monkeypatch.setattr(ahead, "judge", never)
    assert own.ingest(following)[:3] == (2, 0, 1)


def test_a_fault_in_judging_ahead_is_told_and_nothing_was_written(
    own: PostgresStore, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(stream: str, record: Record, form: Form) -> Event | Refused:
        if record.position >= 2:
            raise RuntimeError("a fault of ours")
        return judge(stream, record, form)

    work_slowly(postgres_url)
    first, following = batch(0, *actions("one", "two")), batch(2, *actions("three"))
    own.expect({"s": following[0].records})
    monkeypatch.setattr(ahead, "judge", faulty)
    with pytest.raises(RuntimeError, match="a fault of ours"):
        own.ingest(first)
    assert own.position("s") == 0
    monkeypatch.undo()
    assert own.ingest(first)[:3] == (2, 0, 0)
    assert own.ingest(following)[:3] == (1, 0, 0)
