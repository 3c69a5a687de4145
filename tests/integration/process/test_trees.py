"""No process of a tree survives the report, however it tries to hide."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polly.process import Job, process_table, run
from polly.process.identity import start_identity
from polly.work.run import AttemptOutcome

MakeJob = Callable[..., Job]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its programs are those of POSIX")

DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.environ.clear()
        os.execv(sys.executable, [sys.executable, '-I', '-S', '-c', {program!r}])
    os._exit(0)
os.wait()
while not os.path.exists('ready'):
    time.sleep(0.01)
"""
STUBBORN = (
    "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "open('ready.new', 'w').write(str(os.getpid())); os.rename('ready.new', 'ready'); time.sleep(60)"
)


def _is_alive(pid: int) -> bool:
    return start_identity(pid) is not None


def test_a_daemon_with_its_own_session_and_a_clean_environment_is_found_and_stopped(
    job: MakeJob, tmp_path: Path
) -> None:
    report = asyncio.run(run(job(python=DAEMON.format(program=STUBBORN))))
    assert (report.outcome, report.exit_code, report.leftovers) == (AttemptOutcome.FINISHED, 0, 1)
    assert report.detail == "it left 1 process behind; stopped"
    assert not _is_alive(int((tmp_path / "work" / "ready").read_text()))


def test_the_time_limit_stops_the_whole_tree(job: MakeJob, tmp_path: Path) -> None:
    program = DAEMON.format(program=STUBBORN) + "time.sleep(60)"
    ready = tmp_path / "work" / "ready"
    for seconds in (2.0, 8.0, 32.0):  # long enough for the whole tree to have come up
        report = asyncio.run(run(job(python=program, timeout_seconds=seconds)))
        assert report.outcome is AttemptOutcome.TIMED_OUT
        if ready.exists():
            break
    assert not _is_alive(int(ready.read_text()))


def test_a_child_that_keeps_the_log_open_does_not_hold_up_the_report(job: MakeJob, tmp_path: Path) -> None:
    report = asyncio.run(run(job("setsid sleep 60 & setsid sleep 60 & echo started")))
    assert (report.outcome, report.leftovers) == (AttemptOutcome.FINISHED, 2)
    assert report.detail == "it left 2 processes behind; stopped"
    assert (tmp_path / "job" / "log.txt").read_text() == "started\n"


def test_children_that_end_by_themselves_at_once_are_not_called_leftovers(tmp_path: Path) -> None:
    child = "import os, time\nif os.fork() == 0:\n    time.sleep(0.05)\n"
    report = _supervised(SUPERVISED, child, tmp_path)
    assert (report["outcome"], report["leftovers"], report["detail"]) == ("finished", 0, "")


def test_a_stopped_child_is_ended_too(job: MakeJob) -> None:
    report = asyncio.run(run(job("sleep 60 & kill -STOP $!; exit 0")))
    assert (report.outcome, report.leftovers) == (AttemptOutcome.FINISHED, 1)


@pytest.mark.parametrize("own_session", [False, True])
def test_processes_that_start_others_faster_than_they_are_listed_are_stopped(
    job: MakeJob, own_session: bool
) -> None:
    # Each process lives only until it has started its successor.
    relay = (
        "import os, signal\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "for _ in range(100_000):\n"
        "    if os.fork():\n"
        "        os._exit(0)\n" + ("    os.setsid()\n" if own_session else "")
    )
    report = asyncio.run(run(job(python=relay)))
    assert report.outcome is AttemptOutcome.FINISHED
    assert "could not be stopped" not in report.detail


#: Runs a job as the shim does; what is at once does not depend on how busy the machine is.
SUPERVISED = """
import json, os, sys
from polly.process import process_table, program_posix, supervision
supervision.SETTLE_SECONDS = 60.0
mark = 'f' * 32
job = dict(command=[sys.executable, '-I', '-S', '-c', sys.argv[1]], cwd=os.getcwd(), log='log.txt',
    mark=mark, env=dict(PATH=os.defpath, POLLY_JOB=mark), parent_pid=os.getppid(), timeout_seconds=120.0,
    grace_seconds=0.2, output_bytes=1000, disk_bytes=None, disk_reserve_bytes=0, watch_parent=False,
    redaction=None)
print(json.dumps(supervision.supervise(job, os.getcwd(), os.getppid())))
"""
#: The same as on systems that neither adopt orphans nor have /proc.
WITHOUT_LINUX = SUPERVISED.replace(
    "supervision.SETTLE_SECONDS = 60.0",
    """
program_posix._become_subreaper = lambda: False
program_posix.process_table = process_table._ps_table
program_posix.marked = lambda mark: process_table._ps_marked(f'POLLY_JOB={mark}')
""",
)


def _supervised(program: str, code: str, folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", program, code], cwd=folder, stdout=subprocess.PIPE, text=True, check=True
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_where_orphans_are_not_adopted_they_are_found_by_their_mark(tmp_path: Path) -> None:
    daemon = DAEMON.format(program=STUBBORN).replace("os.environ.clear()\n", "pass\n")
    report = _supervised(WITHOUT_LINUX, daemon, tmp_path)
    assert (report["outcome"], report["leftovers"]) == ("finished", 1)
    assert not _is_alive(int((tmp_path / "ready").read_text()))


def test_both_tables_of_processes_agree_about_this_one() -> None:
    table = process_table._ps_table()
    assert table[os.getpid()] == (os.getppid(), os.getpgrp())
    assert process_table.process_table()[os.getpid()] == table[os.getpid()]


def test_descendants_are_children_and_their_children() -> None:
    table = {1: (0, 1), 2: (1, 1), 3: (2, 3), 4: (3, 3), 5: (1, 5), 6: (6, 6)}
    assert process_table.descendants(table, {2}) == {3, 4}
    assert process_table.descendants(table, {2, 3}) == {4}
    assert process_table.descendants(table, {6}) == set()
