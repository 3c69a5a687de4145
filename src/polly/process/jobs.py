"""Run a program under its shim, or wait for one that an earlier Polly started."""

import asyncio
import contextlib
import marshal
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polly.errors import RunError
from polly.events import redaction
from polly.process.folder import JobState, give_up, mark_of, read_json, shim_pid, state, write_json
from polly.process.identity import start_identity
from polly.process.log_tail import tail
from polly.process.process_table import MARK
from polly.process.sweeping import sweep
from polly.work.run import AttemptOutcome

if TYPE_CHECKING:
    from polly.process.supervision import JobText

#: seconds between two looks at a job that another process started
LOOK_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Job:
    """A program to run once, with its limits.

    command: a string runs through the shell of the machine, so only ever the user's own configuration.
    env: the whole environment of the program; POLLY_JOB is added to it.
    folder: where spec.json, started.json and report.json are kept, outside `cwd`.
    disk_bytes: how much `cwd` may grow. With a limit, the program is also stopped when the disk
    itself has less than disk_reserve_bytes left.
    watch_parent: stop the program when this process dies; otherwise it goes on and can be attached to.
    """

    command: str | tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    folder: Path
    log: Path
    timeout_seconds: float
    output_bytes: int = 20_000_000
    disk_bytes: int | None = None
    disk_reserve_bytes: int = 256_000_000
    grace_seconds: float = 2.0
    watch_parent: bool = True


@dataclass(frozen=True, kw_only=True)
class Report:
    """How a program ended; nothing of its tree runs any more.

    exit_code: None when it was not started or a signal ended it. output_bytes: all that it printed,
    kept or not. leftovers: processes that it left behind, which were stopped. redactions: how many secrets of
    each kind were left out of its log.
    """

    outcome: AttemptOutcome
    exit_code: int | None
    seconds: float
    output_bytes: int
    detail: str
    leftovers: int
    redactions: Mapping[str, int] = field(default_factory=dict)


async def run(job: Job) -> Report:
    """Start the program and wait for its end.

    When the task is cancelled, the tree is stopped and gone before CancelledError goes on.
    Raises RunError when a job is running in the folder already.
    """
    try:
        async with standing_by(job) as start:
            return await start()
    except asyncio.CancelledError:
        if read_report(job.folder) is None:
            _keep(job.folder, _without_shim(AttemptOutcome.CANCELLED, "stopped before it started"))
        raise


@contextlib.asynccontextmanager
async def standing_by(job: Job) -> AsyncIterator[Callable[[], Awaitable[Report]]]:
    """What starts the job and waits for its end, as `run` does, with the shim already there and waiting.

    Whoever has to wait for a turn saves the time that the shim needs. A block that is left without a
    start leaves nothing behind. Raises RunError when a job is running in the folder already.
    """
    mark = uuid.uuid4().hex
    _prepare(job, mark)
    try:
        shim = await _start_shim(job)
    except OSError as error:
        report = _without_shim(AttemptOutcome.NOT_STARTED, f"no process could be started: {error.strerror}")

        async def fail() -> Report:
            _keep(job.folder, report)
            return report

        yield fail
        return

    async def start() -> Report:
        _hand_over(shim, job, mark)
        try:
            await shim.wait()
        except asyncio.CancelledError:
            await _cancel(shim, job.folder)
            raise
        return read_report(job.folder) or await _lost(job.folder)

    try:
        yield start
    finally:
        if shim.stdin is not None:
            shim.stdin.close()  # a shim that was told nothing ends by itself
        if shim.returncode is None:
            await shim.wait()


async def attach(folder: Path) -> Report | None:
    """The report of a job that an earlier Polly started; waits for it while it runs.

    None when there is no such job, or when its shim died without a report: `sweep` what it left.
    Cancelling stops the program as in `run`.
    """
    try:
        while state(folder) is JobState.RUNNING:  # noqa: ASYNC110 - another process sets it
            await asyncio.sleep(LOOK_SECONDS)
    except asyncio.CancelledError:
        ask_to_stop(folder)
        while state(folder) is JobState.RUNNING:
            with contextlib.suppress(asyncio.CancelledError):  # asked twice: still nothing may be left behind
                await asyncio.sleep(LOOK_SECONDS)
        raise
    if state(folder) is JobState.LOST:
        give_up(folder)
    return read_report(folder)


def read_report(folder: Path) -> Report | None:
    """The report in the folder; None when there is none."""
    value = read_json(folder / "report.json")
    if value is None:
        return None
    return Report(
        outcome=AttemptOutcome(value["outcome"]),
        exit_code=value["exit_code"],
        seconds=value["seconds"],
        output_bytes=value["output_bytes"],
        detail=value["detail"],
        leftovers=value["leftovers"],
        redactions=value.get("redactions", {}),
    )


def _prepare(job: Job, mark: str) -> None:
    """The folder, with the record of what is run: without secrets, so without the values of `env`."""
    if state(job.folder) is JobState.RUNNING:
        raise RunError(
            f"a program is already running for {job.folder}",
            next_step="Wait until it has ended, or interrupt the run that started it.",
        )
    for folder in (job.folder, job.log.parent):
        folder.mkdir(parents=True, exist_ok=True)
    for name in ("started.json", "report.json", "cancel"):
        (job.folder / name).unlink(missing_ok=True)
    spec: dict[str, Any] = {
        "job": mark,
        "command": redaction.redact_json(job.command).value,
        "cwd": str(job.cwd),
        "env_names": sorted(job.env),
        "log": str(job.log),
        "timeout_seconds": job.timeout_seconds,
        "watch_parent": job.watch_parent,
        "parent_pid": os.getpid(),
        "parent_identity": start_identity(os.getpid()),
    }
    write_json(job.folder / "spec.json", spec)


async def _start_shim(job: Job) -> asyncio.subprocess.Process:
    with (job.folder / "shim.err").open("wb") as errors:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(Path(__file__).with_name("shim.py")),
            str(job.folder.absolute()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=errors,
            **_away_from_the_terminal(),
        )


def _hand_over(shim: asyncio.subprocess.Process, job: Job, mark: str) -> None:
    # Without an await in between: the shim is told everything, or its pipe closes and it starts nothing.
    if shim.stdin is not None:
        shim.stdin.write(marshal.dumps(dict(_job_text(job, mark))))
        shim.stdin.close()


def _away_from_the_terminal() -> dict[str, Any]:
    """Ctrl-C reaches Polly alone, which then ends its programs in order."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def _job_text(job: Job, mark: str) -> "JobText":
    return {
        "command": job.command if isinstance(job.command, str) else list(job.command),
        "cwd": str(job.cwd.absolute()),
        "env": {**job.env, MARK: mark},
        "log": str(job.log.absolute()),
        "mark": mark,
        "parent_pid": os.getpid(),
        "timeout_seconds": job.timeout_seconds,
        "grace_seconds": job.grace_seconds,
        "output_bytes": job.output_bytes,
        "disk_bytes": job.disk_bytes,
        "disk_reserve_bytes": job.disk_reserve_bytes,
        "watch_parent": job.watch_parent,
        "redaction": redaction.__file__,
    }


async def _cancel(process: asyncio.subprocess.Process, folder: Path) -> None:
    if sys.platform == "win32":
        (folder / "cancel").touch()
    else:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
    end = asyncio.ensure_future(process.wait())
    while not end.done():
        with contextlib.suppress(asyncio.CancelledError):  # asked twice: still nothing may be left behind
            await asyncio.shield(end)
    if state(folder) is not JobState.ENDED:  # the shim was asked before it could listen, and started nothing
        _keep(folder, _without_shim(AttemptOutcome.CANCELLED, "stopped before it started"))


def ask_to_stop(folder: Path) -> None:
    if sys.platform == "win32":
        (folder / "cancel").touch()
        return
    pid = shim_pid(folder)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


async def _lost(folder: Path) -> Report:
    """The shim is gone without a word; what it supervised must go too."""
    left = await asyncio.to_thread(sweep, folder) if mark_of(folder) else 0
    said = tail(folder / "shim.err", 500).strip().rpartition("\n")[2]
    detail = "its supervisor died" + (f": {said}" if said else "")
    return _without_shim(AttemptOutcome.LOST, detail, leftovers=left)


def _without_shim(outcome: AttemptOutcome, detail: str, *, leftovers: int = 0) -> Report:
    return Report(
        outcome=outcome, exit_code=None, seconds=0.0, output_bytes=0, detail=detail, leftovers=leftovers
    )


def _keep(folder: Path, report: Report) -> None:
    write_json(
        folder / "report.json",
        {
            "outcome": report.outcome.value,
            "exit_code": report.exit_code,
            "signal": None,
            "seconds": report.seconds,
            "output_bytes": report.output_bytes,
            "detail": report.detail,
            "leftovers": report.leftovers,
        },
    )
