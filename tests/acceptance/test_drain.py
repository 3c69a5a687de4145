"""`polly drain` as a process: what it did, in words and in JSON, with SQLite and with PostgreSQL."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from filelock import FileLock

from polly.events.agents import ActionRecorded
from polly.events.envelope import wrap
from polly.sink.spool import SpoolWriter

Drain = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def drain(tmp_path: Path, home: Path) -> Drain:
    """Runs `polly drain` in an empty folder; named arguments become variables of its environment."""
    folder = tmp_path / "empty"
    folder.mkdir()

    def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "POLLY_HOME": str(home), **variables}
        command = [sys.executable, "-m", "polly", "drain", *arguments]
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )

    return run


def spooled(home: Path, count: int = 3) -> Path:
    with SpoolWriter(home / "spool") as writer:
        for number in range(count):
            data = ActionRecorded(agent_name="a", action_type="decision", action_name=f"n{number}")
            writer.append(wrap(data, source="", correlation_id="c", session="s"))
    return writer.path


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_what_waits_is_stored_and_told(
    drain: Drain, home: Path, tmp_path: Path, backend: str, request: pytest.FixtureRequest
) -> None:
    variables: dict[str, str] = {}
    if backend == "postgresql":
        url = sa.make_url(request.getfixturevalue("postgres_url")).set(drivername="postgresql")
        (tmp_path / "word").write_text(str(url.password), encoding="utf-8")
        settings = tmp_path / "other.toml"
        bare = f"postgresql://{url.username}@{url.host}:{url.port}/{url.database}"
        settings.write_text(
            f'[store]\nurl = "{bare}"\npassword = {{ file = "{(tmp_path / "word").as_posix()}" }}\n'
        )
        arguments = ["--config", str(settings)]
    else:
        arguments = []
    path = spooled(home)
    path.write_bytes(path.read_bytes() + b"torn")
    done = drain(*arguments, **variables)
    assert done.returncode == 0, done.stderr
    assert "3 events stored in" in done.stderr
    assert "1 dead letter, 1 file of the spool done with" in done.stderr
    again = drain(*arguments, "--format", "json")
    told = json.loads(again.stdout)
    assert (told["state"], told["stored"], told["dead"]) == ("empty", 0, 0)
    assert told["spool"] == (home / "spool").as_posix()
    assert ("postgresql://" in told["store"]) is (backend == "postgresql")


def test_nothing_to_do_busy_and_no_store_are_three_answers(drain: Drain, home: Path) -> None:
    empty = drain()
    assert (empty.returncode, "Nothing waits in" in empty.stderr) == (0, True)
    path = spooled(home)
    away = drain(POLLY_STORE__URL="postgresql://me@127.0.0.1:1/x")
    assert away.returncode == 2
    assert "postgresql://me@127.0.0.1:1/x cannot be opened" in away.stderr
    with FileLock(home / "spool" / "drain.lock"):
        busy = drain("--format", "json")
    assert (busy.returncode, json.loads(busy.stdout)["state"]) == (1, "busy")
    assert path.exists()
    assert drain().returncode == 0
    assert not path.exists()
