"""`polly db` as a person types it, on both databases."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from polly.events.agents import ActionRecorded
from polly.events.envelope import wrap
from polly.events.transfer import Batch, Record
from polly.store import schema
from polly.store.opening import open_store

Polly = Callable[..., Any]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "polly.db")
    return str(request.getfixturevalue("postgres_url")).replace("+psycopg", "")


@pytest.fixture
def db(polly: Polly, url: str) -> Polly:
    """`db("status")` is `polly db status` for the database at `url`."""

    def run(*args: str, **env: str) -> Any:
        return polly("db", *args, env={"POLLY_STORE__URL": url, **env})

    return run


def answer(done: Any) -> Any:
    """What a command printed as JSON."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def fill(url: str, days_ago: float, number: int) -> None:
    at = datetime.now(UTC) - timedelta(days=days_ago)
    data = ActionRecorded(agent_name="a", action_type="decision", action_name="n")
    options: dict[str, Any] = {"source": "urn:a", "correlation_id": "c", "session": "s", "at": at}
    raws = [msgspec.json.encode(wrap(data, **options)) for _ in range(number)]
    records = tuple(Record(place, raw) for place, raw in enumerate(raws))
    with closing(open_store(url)) as store:
        store.ingest([Batch(f"spool:{days_ago}", 0, number, records)])


def test_a_database_goes_up_and_down_and_says_where_it_is(db: Polly) -> None:
    assert db("upgrade").returncode == 0
    assert db("upgrade").returncode == 0
    status = answer(db("status", "--format", "json"))
    assert (status["state"], status["revision"], status["newest"]) == ("current", "0003", "0003")
    assert {each["table"] for each in status["tables"]} == set(schema.metadata.tables)
    assert db("check").returncode == 0
    assert "has schema 0002, before 0003" in db("downgrade", "0002").stderr
    older = db("check", "--format", "json")
    assert older.returncode == 1
    assert "run `polly db upgrade`" in json.loads(older.stdout)["problems"][0]["what"]
    assert db("downgrade", "base").returncode == 0
    status = answer(db("status", "--format", "json"))
    assert (status["state"], status["revision"], status["tables"]) == ("empty", None, [])
    for command, words in (("prune", "cannot be pruned"), ("rebuild", "cannot be rebuilt")):
        refused = db(command)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert f"{words}: it is empty" in refused.stderr


def test_damage_is_named_and_a_mistyped_revision_too(db: Polly, url: str) -> None:
    db("upgrade")
    unknown = db("downgrade", "7")
    assert unknown.returncode == 2
    assert "Known are base, 0001, 0002, 0003" in unknown.stderr
    with closing(open_store(url)) as store, store.engine.begin() as connection:
        connection.exec_driver_sql("DROP VIEW session_timelines")
    found = db("check")
    assert found.returncode == 1
    assert "session_timelines  the view is missing" in found.stdout


def test_prune_says_what_goes_and_what_it_gave_back(db: Polly, url: str) -> None:
    fill(url, 100, 1500)
    fill(url, 1, 3)
    dry = answer(db("prune", "--dry-run", "--format", "json"))
    done = answer(db("prune", "--format", "json"))
    assert dry["rows"] == done["rows"] == {"agent_actions": 1500, "events": 1500}
    assert dry["bytes_before"] == dry["bytes_after"] == done["bytes_before"]
    assert done["bytes_after"] < done["bytes_before"] / 2
    with closing(open_store(url)) as store, store.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(schema.events)).scalar() == 3
    again = db("prune", "--older-than", "12h")
    assert "Bytes before" in again.stderr
    assert db("check").returncode == 0


def test_prune_does_not_go_below_what_topics_deliver_again(db: Polly, url: str) -> None:
    fill(url, 100, 2)
    kafka = {"POLLY_KAFKA__BOOTSTRAP_SERVERS": "nowhere.invalid:9092"}
    refused = db("prune", "--older-than", "6d", **kafka)
    assert refused.returncode == 2
    assert "topics keep records for 7 days" in refused.stderr
    # Stored a moment ago: its record is still in the topic, however old the event is.
    kept = answer(db("prune", "--format", "json", **kafka))
    assert kept["rows"] == {}
    forced = answer(db("prune", "--older-than", "6d", "--force", "--format", "json", **kafka))
    assert forced["rows"]["events"] == 2


def test_what_a_downgrade_dropped_is_rebuilt_from_the_events(db: Polly, url: str) -> None:
    fill(url, 1, 1200)
    assert db("downgrade", "0002").returncode == 0
    refused = db("rebuild")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "cannot be rebuilt: its schema is 0002" in refused.stderr
    upgraded = db("upgrade")
    assert "Its schema was 0002" in upgraded.stderr
    assert "polly db rebuild" in upgraded.stderr
    assert "polly db rebuild" not in db("upgrade").stderr
    dry = answer(db("rebuild", "--dry-run", "--format", "json"))
    done = answer(db("rebuild", "--format", "json"))
    (dry_rows,), (rows,) = ([each for each in found["tables"] if each["written"]] for found in (dry, done))
    assert dry_rows == {"table": "agent_actions", "before": 0, "after": 0, "written": 1200}
    assert rows == {"table": "agent_actions", "before": 0, "after": 1200, "written": 1200}
    assert (done["events"], done["refused"], done["unusable"], done["dry_run"]) == (1200, 0, [], False)
    again = db("rebuild")
    assert (again.returncode, again.stdout) == (0, "")
    assert "Nothing is missing" in again.stderr
    assert "1200 events read" in again.stderr


def test_events_that_make_no_rows_any_more_are_named(db: Polly, url: str) -> None:
    fill(url, 1, 14)
    table = schema.events
    with closing(open_store(url)) as store, store.engine.begin() as connection:
        connection.execute(sa.delete(schema.agent_actions))
        chosen = sa.select(sa.func.min(table.c.id)).scalar_subquery()
        connection.execute(sa.update(table).where(table.c.id != chosen).values(envelope="{}"))
    done = db("rebuild")
    assert done.returncode == 1
    assert "agent_actions" in done.stdout
    assert done.stdout.count("missing required field") == 10
    assert "Warning: 13 events cannot be made into rows" in done.stderr
    found = db("rebuild", "--format", "json")
    assert found.returncode == 1
    named = json.loads(found.stdout)["unusable"]
    assert len({each["id"] for each in named}) == 13
    assert {each["source"] for each in named} == {"urn:a"}


@pytest.mark.parametrize("age", ["", "90", "0d", "-1d", "d", "1y", "1e3d"])
def test_what_is_no_age_is_refused(polly: Polly, age: str) -> None:
    done = polly("db", "prune", f"--older-than={age or ' '}")
    assert done.returncode == 2
    assert "is no age" in done.stderr


def test_no_database_is_another_answer_than_an_empty_one(polly: Polly, tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    for command in ("status", "check", "prune", "rebuild"):
        done = polly("db", command, env={"POLLY_STORE__URL": str(path)})
        assert (done.returncode, done.stdout) == (2, "")
        assert f"there is no database at {path}" in done.stderr
        assert not path.exists()
    path.touch()
    done = polly("db", "status", env={"POLLY_STORE__URL": str(path)})
    assert done.returncode == 0
    assert "The database is empty" in done.stderr
    assert path.stat().st_size == 0


def test_a_postgresql_database_that_is_not_there_is_said(polly: Polly, postgres_url: str) -> None:
    for changed in (sa.make_url(postgres_url).set(database="nowhere"), sa.make_url(postgres_url).set(port=1)):
        url = changed.set(drivername="postgresql").render_as_string(hide_password=False)
        done = polly("db", "status", env={"POLLY_STORE__URL": url})
        assert (done.returncode, done.stdout) == (2, "")
        assert str(changed.password) not in done.stderr
        assert "cannot be examined" in done.stderr


def test_the_password_of_the_url_is_never_shown(polly: Polly, postgres_url: str) -> None:
    url = postgres_url.replace("+psycopg", "")
    for command in ("upgrade", "status", "check", "prune", "rebuild"):
        done = polly("db", command, env={"POLLY_STORE__URL": url})
        assert done.returncode == 0, done.stderr
        assert str(sa.make_url(url).password) not in done.stdout + done.stderr


def test_a_database_of_another_program_is_left_alone(polly: Polly, tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE photos (id)")
    before = path.read_bytes()
    for command in (["upgrade"], ["status"], ["check"], ["rebuild"], ["downgrade", "base"]):
        done = polly("db", *command, env={"POLLY_STORE__URL": str(path)})
        assert done.returncode == 2
        assert "a database of another program" in done.stderr
    assert path.read_bytes() == before


def test_settings_are_read_from_the_file_that_is_named(polly: Polly, tmp_path: Path) -> None:
    file = tmp_path / "other.toml"
    file.write_text(f"[store]\nurl = {json.dumps(str(tmp_path / 'named.db'))}\n", encoding="utf-8")
    assert polly("db", "upgrade", "--config", str(file)).returncode == 0
    assert (tmp_path / "named.db").exists()
