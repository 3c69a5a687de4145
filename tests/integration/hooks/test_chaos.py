"""Hooks of many sessions at once, killed at any moment, with a drain that closes and deletes their files."""

import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from polly.sink import session_file
from polly.sink.drain import drain
from polly.sink.spool import spool_files
from polly.store import schema
from polly.store.sqlite import SqliteStore

pytestmark = pytest.mark.skipif(os.name == "nt", reason="SIGKILL and fork are what is tested")

SESSIONS = 8

#: One session: each call of a hook is a process of its own, up to three at once, as parallel subagents do.
#: Prints what each of those did that ended by itself. Some are killed.
SESSION = """
import os, random, signal, sys, time
from polly.hooks.facts import Circumstances, tell
from polly.hooks.recording import record
home, session, calls, killed = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
chooser = random.Random(session)
where = Circumstances(program="claude", project="/project")
living = {}

def start(event, number):
    call = f"{session}-{number}"
    payload = {"hook_event_name": event, "tool_name": "Bash", "tool_use_id": call}
    payload["tool_input"] = {"command": "x" * (number * 7 % 900)}
    child = os.fork()
    if not child:
        done = record(lambda marks: tell(payload, where, marks), session, {"POLLY_HOME": home}, home)
        os._exit(0 if done else 1)
    living[child] = f"{event} {call}"
    if chooser.random() < killed:
        time.sleep(chooser.random() * 0.002)
        os.kill(child, signal.SIGKILL)

def wait():
    child, status = os.wait()
    told = living.pop(child)
    if status == 0:
        print(told, flush=True)
    elif status != signal.SIGKILL:
        print("FAILED", told, status, flush=True)

for number in range(calls):
    for event in ("PreToolUse", "PostToolUse"):
        start(event, number)
        while len(living) > 2:
            wait()
while living:
    wait()
"""


def _run(home: Path, store: SqliteStore, calls: int, killed: float) -> list[str]:
    """Runs all sessions and drains until they have ended; what the hooks said that they had recorded."""
    told: list[str] = []
    sessions = [
        subprocess.Popen(
            [sys.executable, "-c", SESSION, str(home), f"session-{number}", str(calls), str(killed)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(SESSIONS)
    ]

    def read(process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        with process.stdout as printed:
            told.extend(line.strip() for line in printed)

    readers = [threading.Thread(target=read, args=(process,)) for process in sessions]
    for reader in readers:
        reader.start()
    while any(reader.is_alive() for reader in readers):
        drain(home / "spool", store)
    for reader, process in zip(readers, sessions, strict=True):
        reader.join()
        assert process.wait() == 0
    drain(home / "spool", store)
    return told


def _stored(store: SqliteStore) -> list[dict[str, str]]:
    table = schema.events
    with store.engine.connect() as connection:
        rows = connection.execute(sa.select(table.c.source, table.c.sequence, table.c.envelope))
        return [
            {"source": row.source, "sequence": row.sequence, **msgspec.json.decode(row.envelope)["data"]}
            for row in rows
        ]


@pytest.mark.parametrize(
    ("calls", "killed"), [(125, 0.0), (40, 0.2)], ids=["all end by themselves", "some are killed"]
)
def test_no_tool_call_is_lost_or_doubled_while_a_drain_takes_the_files_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: int, killed: float
) -> None:
    monkeypatch.setattr(session_file, "QUIET_SECONDS", 0.0)  # every drain closes and deletes what it finds
    with SqliteStore.open(tmp_path / "polly.db") as store:
        told = _run(tmp_path, store, calls, killed)
        stored = _stored(store)
        with store.engine.connect() as connection:
            dead = connection.scalar(sa.select(sa.func.count()).select_from(schema.dead_letters))
    assert not [line for line in told if line.startswith("FAILED")]
    if not killed:
        assert len(told) == 2 * SESSIONS * calls
    kinds = {"tool_call": "PreToolUse", "success": "PostToolUse"}
    counted = Counter(f"{kinds[row['action_type']]} {row['action']}" for row in stored)
    assert set(counted.values()) == {1}
    assert set(told) <= set(counted)
    assert dead == 0
    assert spool_files(tmp_path / "spool") == []
    sources = {row["source"] for row in stored}
    assert len(sources) > SESSIONS  # files were taken away while their sessions went on
    for source in sources:
        numbers = sorted(int(row["sequence"]) for row in stored if row["source"] == source)
        assert numbers == list(range(1, len(numbers) + 1))


def test_a_hook_that_cannot_get_the_file_of_its_session_writes_one_of_its_own(tmp_path: Path) -> None:
    payload = {"session_id": "s", "hook_event_name": "Stop", "cwd": str(tmp_path)}
    program = Path(session_file.__file__).parents[1] / "hooks" / "record.py"
    command = [sys.executable, "-I", "-S", str(program)]
    with session_file.SessionFile(str(tmp_path / "spool"), "s"):
        done = subprocess.run(
            command,
            input=msgspec.json.encode(payload),
            env={**os.environ, "POLLY_HOME": str(tmp_path)},
            check=False,
        )
    assert done.returncode == 0
    with SqliteStore.open(tmp_path / "polly.db") as store:
        assert drain(tmp_path / "spool", store).stored == 1
