"""Polly may be interrupted or die at any moment: programs end with it, or are adopted by the next one."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from polly.errors import RunError
from polly.process import Job, JobState, attach, run, state, sweep
from polly.process.folder import give_up
from polly.process.process_table import marked
from polly.work.run import AttemptOutcome

MakeJob = Callable[..., Job]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its programs are those of POSIX")

ANOTHER_POLLY = """
import asyncio, sys
from pathlib import Path
from polly.process import Job, run, small_environment
folder = Path(sys.argv[1])
asyncio.run(run(Job(command=sys.argv[2], cwd=folder / 'work', env=small_environment(), folder=folder / 'job',
    log=folder / 'job' / 'log.txt', timeout_seconds=120, watch_parent=sys.argv[3] == 'watch')))
"""


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def _started(job: Job) -> bool:
    return job.log.exists() and job.log.read_text().startswith("up")


def _shim(job: Job) -> int:
    pid: int = json.loads((job.folder / "started.json").read_text())["pid"]
    return pid


def _mark(job: Job) -> str:
    mark: str = json.loads((job.folder / "spec.json").read_text())["job"]
    return mark


def _start_in_another_polly(tmp_path: Path, line: str, *, watch: bool) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", ANOTHER_POLLY, str(tmp_path), line, "watch" if watch else "let-go"]
    )


def _kill(polly: "subprocess.Popen[bytes]") -> None:
    polly.kill()
    polly.wait()


async def _run_until_up(job: Job) -> "asyncio.Task[object]":
    task: asyncio.Task[object] = asyncio.create_task(run(job))
    while not _started(job):  # noqa: ASYNC110 - a file of another process says it
        await asyncio.sleep(0.01)
    return task


def test_cancelling_stops_the_tree_before_it_goes_on(job: MakeJob) -> None:
    # A signal may take longer to be obeyed than the usual grace of these tests.
    running = job("echo up; setsid sleep 60 & sleep 60", grace_seconds=60.0)

    async def scenario() -> None:
        task = await _run_until_up(running)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert marked(_mark(running)) == set()

    asyncio.run(scenario())
    assert state(running.folder) is JobState.ENDED
    report = json.loads((running.folder / "report.json").read_text())
    assert (report["outcome"], report["signal"]) == ("cancelled", "SIGTERM")


def test_cancelling_twice_still_leaves_nothing_behind(job: MakeJob) -> None:
    running = job("trap '' TERM; echo up; sleep 60; sleep 60")

    async def scenario() -> None:
        task = await _run_until_up(running)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert marked(_mark(running)) == set()

    asyncio.run(scenario())


@pytest.mark.parametrize("turns", range(6))
def test_cancelling_while_it_starts_leaves_nothing_behind(job: MakeJob, turns: int) -> None:
    running = job("sleep 60")

    async def scenario() -> None:
        task = asyncio.create_task(run(running))
        for _ in range(turns):
            await asyncio.sleep(0.004)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not (running.folder / "spec.json").exists() or marked(_mark(running)) == set()

    asyncio.run(scenario())
    assert state(running.folder) in (JobState.ABSENT, JobState.ENDED)


def test_a_shim_that_is_killed_is_told_as_lost_and_its_program_ended(job: MakeJob) -> None:
    running = job("sleep 60 & setsid sleep 60 & echo up; wait")

    async def scenario() -> None:
        task = await _run_until_up(running)
        os.kill(_shim(running), signal.SIGKILL)
        report = await task
        assert getattr(report, "outcome", None) is AttemptOutcome.LOST
        assert getattr(report, "leftovers", 0) >= 2

    asyncio.run(scenario())
    assert marked(_mark(running)) == set()


def test_a_lost_job_is_seen_as_lost_and_swept_by_the_next_polly(job: MakeJob, tmp_path: Path) -> None:
    running = job()
    polly = _start_in_another_polly(tmp_path, "sleep 60 & setsid sleep 60 & echo up; wait", watch=False)
    _until(lambda: _started(running))
    _kill(polly)
    assert state(running.folder) is JobState.RUNNING
    with pytest.raises(RunError, match="still supervised"):
        sweep(running.folder)
    os.kill(_shim(running), signal.SIGKILL)
    _until(lambda: state(running.folder) is JobState.LOST)
    assert asyncio.run(attach(running.folder)) is None
    assert sweep(running.folder) >= 2
    assert sweep(running.folder) == 0


def test_a_watching_shim_ends_its_tree_when_polly_is_killed(job: MakeJob, tmp_path: Path) -> None:
    running = job()
    polly = _start_in_another_polly(tmp_path, "echo up; setsid sleep 60 & sleep 60", watch=True)
    _until(lambda: _started(running))
    _kill(polly)
    _until(lambda: state(running.folder) is JobState.ENDED)
    report = asyncio.run(attach(running.folder))
    assert report is not None
    assert (report.outcome, report.detail) == (
        AttemptOutcome.CANCELLED,
        "stopped because Polly ended before it",
    )


def test_a_program_that_is_let_go_outlives_polly_and_is_adopted(job: MakeJob, tmp_path: Path) -> None:
    running = job()
    line = "echo up; while [ ! -e go ]; do sleep 0.02; done; echo done; exit 7"
    polly = _start_in_another_polly(tmp_path, line, watch=False)
    _until(lambda: _started(running))
    _kill(polly)

    async def scenario() -> None:
        waiting = asyncio.create_task(attach(running.folder))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        (tmp_path / "work" / "go").touch()
        report = await waiting
        assert report is not None
        assert (report.outcome, report.exit_code) == (AttemptOutcome.CRASHED, 7)

    asyncio.run(scenario())
    assert running.log.read_text() == "up\ndone\n"


def test_a_job_that_ended_while_no_polly_looked_still_has_its_report(job: MakeJob, tmp_path: Path) -> None:
    running = job()
    polly = _start_in_another_polly(tmp_path, "echo up; sleep 0.1; exit 5", watch=False)
    _until(lambda: _started(running))
    _kill(polly)
    _until(lambda: state(running.folder) is JobState.ENDED)
    report = asyncio.run(attach(running.folder))
    assert report is not None
    assert report.exit_code == 5


def test_cancelling_an_adopted_job_stops_its_tree(job: MakeJob, tmp_path: Path) -> None:
    running = job()
    polly = _start_in_another_polly(tmp_path, "echo up; setsid sleep 60 & sleep 60", watch=False)
    _until(lambda: _started(running))
    _kill(polly)

    async def scenario() -> None:
        waiting = asyncio.create_task(attach(running.folder))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(scenario())
    assert marked(_mark(running)) == set()
    assert state(running.folder) is JobState.ENDED


def test_ctrl_c_of_the_terminal_does_not_reach_the_program(job: MakeJob) -> None:
    running = job("ps -o pgid= -p $$; ps -o sid= -p $$")
    asyncio.run(run(running))
    group, session = (int(line) for line in running.log.read_text().split())
    assert group != os.getpgrp()
    assert session != os.getsid(0)


def test_a_job_that_was_given_up_is_not_started_by_a_late_shim(job: MakeJob, tmp_path: Path) -> None:
    given_up = job("touch started")

    async def scenario() -> None:
        task = asyncio.create_task(run(given_up))
        while not (given_up.folder / "spec.json").exists():  # noqa: ASYNC110
            await asyncio.sleep(0)
        give_up(given_up.folder)
        report = await task
        assert report.outcome is AttemptOutcome.LOST

    asyncio.run(scenario())
    assert not (tmp_path / "work" / "started").exists()


def test_a_polly_that_died_between_its_note_and_the_shim_leaves_a_lost_job(tmp_path: Path) -> None:
    folder = tmp_path / "job"
    folder.mkdir()
    spec = {"job": "0" * 32, "parent_pid": os.getpid(), "parent_identity": "of another boot"}
    (folder / "spec.json").write_text(json.dumps(spec))
    assert state(folder) is JobState.LOST
    assert asyncio.run(attach(folder)) is None
    assert sweep(folder) == 0


def test_a_process_id_that_was_used_again_is_not_taken_for_the_shim(job: MakeJob) -> None:
    ended = job(("true",))
    asyncio.run(run(ended))
    (ended.folder / "report.json").unlink()
    (ended.folder / "started.json").write_text(json.dumps({"pid": os.getpid(), "identity": "another start"}))
    assert state(ended.folder) is JobState.LOST


def test_a_folder_without_a_job_is_absent(tmp_path: Path) -> None:
    assert state(tmp_path) is JobState.ABSENT
    assert asyncio.run(attach(tmp_path)) is None


def test_two_programs_never_run_in_one_folder(job: MakeJob) -> None:
    running = job("echo up; sleep 60")

    async def scenario() -> None:
        task = await _run_until_up(running)
        with pytest.raises(RunError, match="already running"):
            await run(running)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())


def test_a_folder_can_be_used_again_after_its_job_has_ended(job: MakeJob) -> None:
    first = asyncio.run(run(job("exit 1")))
    second = asyncio.run(run(job("exit 2")))
    assert (first.exit_code, second.exit_code) == (1, 2)


def test_fifty_programs_run_side_by_side(job: MakeJob, tmp_path: Path) -> None:
    async def scenario() -> None:
        reports = await asyncio.gather(
            *(
                run(job(f"exit {n}", folder=tmp_path / f"job{n}", log=tmp_path / f"job{n}" / "log.txt"))
                for n in range(50)
            )
        )
        assert [report.exit_code for report in reports] == list(range(50))

    asyncio.run(scenario())
