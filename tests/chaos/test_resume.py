"""kill -9 and Ctrl-C at any moment: finished work is never redone, nothing runs twice, nothing is lost."""

import os
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.chaos.conftest import Project

from polly.events.catalog import AttemptEnded
from polly.process.identity import start_identity

Make = Callable[..., Project]

#: Kills per run in the short form; `make chaos` asks for more.
KILLS = int(os.environ.get("POLLY_CHAOS_KILLS", "5"))
SEED = int(os.environ.get("POLLY_CHAOS_SEED", "1"))


def events(project: Project) -> list[tuple[str, str | None, int | None]]:
    found = sorted((project.root / ".polly" / "runs").glob("*/journal.db"))
    if not found:
        return []
    connection = sqlite3.connect(found[-1], timeout=10)
    try:
        return connection.execute("SELECT type, package, attempt FROM events ORDER BY seq").fetchall()
    except sqlite3.OperationalError:  # killed before the tables were made
        return []
    finally:
        connection.close()


def ends(project: Project) -> int:
    """How many attempts have ended, as the journal knows."""
    return [event_type for event_type, _package, _attempt in events(project)].count(AttemptEnded.type)


def wait_for_events(project: Project, process: subprocess.Popen[bytes], number: int) -> bool:
    """True once the journal has so many events; False when the process ended before."""
    while process.poll() is None:
        if len(events(project)) >= number:
            return True
        time.sleep(0.005)  # a poll of another process, which has no other way to say how far it is
    return False


def check_outcome(project: Project) -> None:
    """All packages ended well, from the agent's one whole execution each."""
    report = project.report()
    changed = {package["id"]: package["owned_changed"] for package in report["packages"]}
    assert len(changed) == project.packages
    assert all(len(paths) == 1 for paths in changed.values()), changed
    assert project.witnessed("overlap") == []
    whole = project.witnessed("end")
    assert sorted(whole) == sorted(changed), "an agent that had ended was started again"
    for package in report["packages"]:
        patch = (
            next((project.root / ".polly" / "runs").iterdir()) / "packages" / package["id"] / "changes.patch"
        ).read_text()
        assert patch.count(f"+fixed_by = '{package['id']}'") == 1


@pytest.mark.skipif(os.name == "nt", reason="the agents are taken over on POSIX only so far")
def test_kill_9_at_any_moment_redoes_nothing_that_was_finished(project: Make) -> None:
    chaos = random.Random(SEED)
    made = project(packages=6, steps=6)
    process = made.fix()
    reached = 0
    for _ in range(KILLS):
        reached += chaos.randint(1, 12)
        if not wait_for_events(made, process, reached):
            break
        process.kill()
        process.communicate()
        reached = len(events(made))
        process = made.start("resume")
    _out, err = process.communicate(timeout=300)
    assert process.returncode == 1, err.decode()  # nothing proves these issues, so they stay unverified
    check_outcome(made)


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_running_agent_is_taken_over_and_not_started_again(project: Make) -> None:
    made = project(packages=2, steps=0)
    made.hold()
    process = made.fix()
    made.wait_until_agents_work(process)
    process.kill()
    process.communicate()
    made.let_go()
    code, err = made.finish()
    assert code == 1, err
    assert sorted(made.witnessed("start")) == ["WP1", "WP2"]
    check_outcome(made)


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_polite_stop_ends_every_agent_and_can_be_resumed(project: Make, number: int) -> None:
    made = project(packages=3, steps=0)
    made.hold()
    process = made.fix()
    made.wait_until_agents_work(process)
    process.send_signal(number)
    _out, err = process.communicate(timeout=300)
    assert process.returncode == 130, err.decode()
    assert "polly resume" in err.decode()
    assert living_agents(made) == []
    for folder in made.witness.glob("running-*"):
        folder.rmdir()  # what the stopped agents could not take away themselves
    made.let_go()
    code, text = made.finish()
    assert code == 1, text
    check_outcome(made)


GATE = """
import pathlib, sys, time
witness = pathlib.Path(sys.argv[1])
(witness / "gate").touch()
while (witness / "hold").exists():
    time.sleep(0.05)
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("phase", ["pre", "package", "post"])
def test_a_stop_while_gates_run_can_be_resumed_too(project: Make, phase: str) -> None:
    made = project(packages=2, steps=0)
    made.add_gate(phase, GATE)
    made.hold_gates_only()
    process = made.fix()
    # An agent that is stopped in its very last instant is rightly started again: let them all have ended.
    ended = 0 if phase == "pre" else made.packages
    while not (made.witness / "gate").exists() or ends(made) < ended:
        assert process.poll() is None
        time.sleep(0.005)  # a look at another process, which has no other way to say how far it is
    process.send_signal(signal.SIGINT)
    _out, err = process.communicate(timeout=300)
    assert process.returncode == 130, err.decode()
    made.let_go()
    code, text = made.finish()
    assert code == 1, text
    check_outcome(made)


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_two_processes_do_not_work_on_one_run(project: Make) -> None:
    made = project(packages=2, steps=0)
    made.hold()
    first = made.fix()
    made.wait_until_agents_work(first)
    second = made.start("resume")
    _out, err = second.communicate(timeout=300)
    assert second.returncode == 2
    assert "Another Polly process is at work" in err.decode()
    made.let_go()
    first.communicate(timeout=300)
    assert first.returncode == 1
    check_outcome(made)


def test_every_event_of_a_killed_run_reaches_the_store_once(project: Make, tmp_path: Path) -> None:
    made = project(packages=3, steps=4)
    made.hold()  # it does not end before it is killed
    process = made.fix()
    assert wait_for_events(made, process, 14)
    process.kill()
    process.communicate()
    made.let_go()
    made.finish()
    journal = max((made.root / ".polly" / "runs").glob("*/journal.db"))
    recorded = sqlite3.connect(journal).execute("SELECT id FROM events ORDER BY id").fetchall()
    stored = (
        sqlite3.connect(tmp_path / "home" / "polly.db")
        .execute("SELECT id FROM events ORDER BY id")
        .fetchall()
    )
    assert stored == recorded


def living_agents(project: Project) -> list[int]:
    log = (project.witness / "log").read_text().splitlines()
    pids = [int(line.split()[3]) for line in log if line.startswith("start ")]
    return [pid for pid in pids if start_identity(pid) is not None]
