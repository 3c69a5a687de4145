"""No process of a tree survives the report, however it tries to hide."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from polly.process import Job, run
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
    report = asyncio.run(run(job(python=program, timeout_seconds=1.0)))
    assert report.outcome is AttemptOutcome.TIMED_OUT
    assert not _is_alive(int((tmp_path / "work" / "ready").read_text()))


def test_a_child_that_keeps_the_log_open_does_not_hold_up_the_report(job: MakeJob, tmp_path: Path) -> None:
    report = asyncio.run(run(job("setsid sleep 60 & setsid sleep 60 & echo started")))
    assert (report.outcome, report.leftovers) == (AttemptOutcome.FINISHED, 2)
    assert report.detail == "it left 2 processes behind; stopped"
    assert (tmp_path / "job" / "log.txt").read_text() == "started\n"


def test_children_that_end_by_themselves_at_once_are_not_called_leftovers(job: MakeJob) -> None:
    report = asyncio.run(run(job("sleep 0.05 & exit 0")))
    assert (report.outcome, report.leftovers, report.detail) == (AttemptOutcome.FINISHED, 0, "")


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
