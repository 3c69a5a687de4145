"""How a program ended is told as it was: by itself, by a signal, by a limit, or not started at all."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from polly.process import Job, Report, run
from polly.work.run import AttemptOutcome

MakeJob = Callable[..., Job]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its programs are those of POSIX")

NOT_EXECUTABLE = "must not be executed: it is a folder, or its executable bit is not set"


def test_exit_status_zero_means_finished(job: MakeJob) -> None:
    report = asyncio.run(run(job(("true",))))
    assert (report.outcome, report.exit_code, report.detail) == (AttemptOutcome.FINISHED, 0, "")


def test_another_exit_status_means_crashed(job: MakeJob) -> None:
    report = asyncio.run(run(job("exit 3")))
    assert (report.outcome, report.exit_code, report.detail) == (AttemptOutcome.CRASHED, 3, "exit status 3")


def test_death_by_a_signal_names_the_signal(job: MakeJob) -> None:
    report = asyncio.run(run(job("kill -SEGV $$")))
    assert (report.outcome, report.exit_code, report.detail) == (
        AttemptOutcome.CRASHED,
        None,
        "killed by SIGSEGV",
    )


def timed_out(job: MakeJob, program: str, **given: float) -> tuple[Report, float]:
    """How it ended at its time limit, and that limit: long enough for the program to say that it is up."""
    for seconds in (1.5, 6.0, 24.0):
        ending = job(python=program, timeout_seconds=seconds, **given)
        report = asyncio.run(run(ending))
        if ending.log.read_bytes():
            return report, seconds
    pytest.fail("the program never came up")


def test_a_program_that_ignores_the_request_to_end_is_killed_at_its_time_limit(job: MakeJob) -> None:
    ignore = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print('up', flush=True); time.sleep(60)"
    )
    report, seconds = timed_out(job, ignore)
    assert (report.outcome, report.exit_code) == (AttemptOutcome.TIMED_OUT, None)
    assert report.detail == f"did not end within {seconds:g} seconds"
    assert report.output_bytes == len("up\n")


def test_a_program_may_end_in_order_when_it_is_asked_to(job: MakeJob, tmp_path: Path) -> None:
    orderly = (
        "import signal, sys, time\n"
        "def end(*_):\n    print('saved', flush=True)\n    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\nprint('up', flush=True)\ntime.sleep(60)"
    )
    report, _ = timed_out(job, orderly, grace_seconds=60)
    assert (report.outcome, report.exit_code) == (AttemptOutcome.TIMED_OUT, 0)
    assert (tmp_path / "job" / "log.txt").read_text() == "up\nsaved\n"


@pytest.mark.parametrize(
    ("command", "detail"),
    [
        (("no-such-program",), "no-such-program was not found on PATH"),
        (("./no-such-program",), "./no-such-program does not exist"),
        (
            ("./plain.txt",),
            "./plain.txt must not be executed: it is a folder, or its executable bit is not set",
        ),
        (("./folder",), "./folder must not be executed: it is a folder, or its executable bit is not set"),
        (("./odd",), "./odd names an interpreter in its first line that does not exist"),
        (("./text",), "./text is not a program: its first line does not name an interpreter"),
        (("echo", "a\0b"), "'echo' cannot be started: embedded null byte"),
    ],
)
def test_what_cannot_be_started_says_why(
    job: MakeJob, tmp_path: Path, command: tuple[str, ...], detail: str
) -> None:
    work = tmp_path / "work"
    (work / "plain.txt").write_text("no program")
    (work / "folder").mkdir()
    (work / "odd").write_text("#!/no/such/interpreter\n")
    (work / "text").write_text("just text\n")
    for name in ("odd", "text"):
        (work / name).chmod(0o755)
    report = asyncio.run(run(job(command)))
    assert (report.outcome, report.exit_code, report.detail) == (AttemptOutcome.NOT_STARTED, None, detail)


def test_a_missing_working_folder_is_named(job: MakeJob, tmp_path: Path) -> None:
    report = asyncio.run(run(job(("true",), cwd=tmp_path / "nowhere")))
    assert report.outcome is AttemptOutcome.NOT_STARTED
    assert report.detail == f"its working folder {tmp_path / 'nowhere'} does not exist"


def test_a_shell_line_with_a_missing_program_is_hinted_at(job: MakeJob) -> None:
    report = asyncio.run(run(job("no-such-program")))
    assert (report.outcome, report.exit_code) == (AttemptOutcome.CRASHED, 127)
    assert report.detail == "exit status 127 (the shell did not find the program)"


def test_a_program_that_grows_its_folder_beyond_the_limit_is_stopped(job: MakeJob, tmp_path: Path) -> None:
    (tmp_path / "work" / "before").write_bytes(b"x" * 3_000_000)
    grow = (
        "import os, time\n"
        "for number in range(100):\n"
        "    with open(f'file{number}', 'wb') as file:\n"
        "        file.write(os.urandom(1_000_000))\n"
        "        os.fsync(file)\n"
        "time.sleep(60)"
    )
    report = asyncio.run(run(job(python=grow, disk_bytes=2_000_000)))
    assert report.outcome is AttemptOutcome.DISK_LIMIT
    assert report.detail.startswith("the working folder grew by ")
    assert report.detail.endswith(", 2.0 MB are allowed")


def test_what_was_in_the_folder_before_does_not_count(job: MakeJob, tmp_path: Path) -> None:
    (tmp_path / "work" / "before").write_bytes(b"x" * 3_000_000)
    report = asyncio.run(run(job("sleep 0.6", disk_bytes=100_000)))
    assert report.outcome is AttemptOutcome.FINISHED


def test_a_program_is_stopped_before_the_disk_is_full(job: MakeJob) -> None:
    report = asyncio.run(run(job("sleep 60", disk_bytes=1_000_000, disk_reserve_bytes=10**18)))
    assert report.outcome is AttemptOutcome.DISK_LIMIT
    assert report.detail.startswith("only ")


def test_a_program_that_deletes_its_working_folder_ends_as_any_other(job: MakeJob, tmp_path: Path) -> None:
    report = asyncio.run(run(job('rm -rf "$PWD"; exit 4', disk_bytes=1_000_000)))
    assert (report.outcome, report.exit_code) == (AttemptOutcome.CRASHED, 4)
    assert not (tmp_path / "work").exists()


def test_the_environment_is_what_was_given_and_the_mark(job: MakeJob, tmp_path: Path) -> None:
    given = {"PATH": "/usr/bin:/bin", "ODD": "ä\n=", "EMPTY": ""}
    report = asyncio.run(run(job(("env", "-0"), env=given)))
    assert report.outcome is AttemptOutcome.FINISHED
    lines = (tmp_path / "job" / "log.txt").read_bytes().split(b"\0")
    seen = dict(line.decode().split("=", 1) for line in lines if line)
    assert len(seen.pop("POLLY_JOB")) == 32
    assert seen == given


def test_nothing_can_be_read_from_standard_input(job: MakeJob, tmp_path: Path) -> None:
    asyncio.run(run(job((sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))"))))
    assert (tmp_path / "job" / "log.txt").read_text() == "''\n"
