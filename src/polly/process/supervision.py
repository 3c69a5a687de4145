"""What the shim does: start the program, keep it within its limits, end its tree, say how it went."""
# ruff: noqa: PTH118
# pathlib would add more to the start of every program than all else here together

from __future__ import annotations

import marshal
import os
import sys
import time

from polly.process.disk import DiskWatch
from polly.process.files import write_first, write_whole
from polly.process.identity import start_identity
from polly.process.not_started import NotStarted
from polly.process.output import BoundedLog, PlainStream

TYPE_CHECKING = False  # as typing has it, without the time that importing typing takes
if TYPE_CHECKING:
    from typing import Protocol, TypedDict

    from polly.process.output import Redactor

    class JobText(TypedDict):
        """A job as Polly hands it to the shim. It comes through a pipe: `env` may hold an agent's key."""

        command: list[str] | str
        cwd: str
        env: dict[str, str]
        log: str
        mark: str
        parent_pid: int
        timeout_seconds: float
        grace_seconds: float
        output_bytes: int
        disk_bytes: int | None
        disk_reserve_bytes: int
        watch_parent: bool
        redaction: str | None

    class ReportText(TypedDict):
        """report.json. The outcomes are those of polly.work.run.AttemptOutcome."""

        outcome: str
        exit_code: int | None
        signal: str | None
        seconds: float
        output_bytes: int
        detail: str
        leftovers: int
        redactions: dict[str, int]

    class Program(Protocol):
        """A started program with its descendants; program_posix says what each member means."""

        exit_status: int | None
        cancel_requested: bool

        def read(self, seconds: float) -> bytes: ...
        def others(self) -> int: ...
        def is_gone(self) -> bool: ...
        def terminate(self) -> None: ...
        def kill(self) -> None: ...

    Ending = tuple[str, str]  # outcome, detail


#: seconds between two looks whether Polly still lives
PARENT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 3600.0
#: seconds that children may outlive the program before they count as left behind
SETTLE_SECONDS = 0.2
#: seconds until it is given up to kill what does not die (it runs as another user, or hangs in the kernel)
KILL_SECONDS = 10.0
#: reads of what is still in the pipe when the tree is gone; more than any pipe holds
LAST_READS = 64


def main(folder: str) -> int:
    """Do the job that comes on standard input; 0 when report.json was written."""
    launcher = os.getppid()  # asked before the next question, so that no death in between is missed
    told = sys.stdin.buffer.read()
    if not told:
        return 0  # it stood by, and is not needed
    job: JobText = marshal.loads(told)  # noqa: S302 # nosec B302 - from our own parent's pipe
    if start_identity(job["parent_pid"]) is None:
        return 1  # nobody waits any more, and nobody knows of this process yet
    started = (
        f'{{"pid": {os.getpid()}, "identity": "{start_identity(os.getpid())}", "job": "{job["mark"]}"}}\n'
    )
    if not write_first(os.path.join(folder, "started.json"), started):
        return 1  # a later Polly has declared this job lost, and may have started another in its place
    report = supervise(job, folder, launcher)
    import json  # noqa: PLC0415 - slow to import, and the program has run

    write_whole(os.path.join(folder, "report.json"), json.dumps(report, indent=1) + "\n")
    return 0


def supervise(job: JobText, folder: str, launcher: int) -> ReportText:
    """Run the program to its end, whatever ends it; no process of its tree is left after that."""
    log = BoundedLog(job["log"], job["output_bytes"], lambda: _new_redactor(job["redaction"]))
    disk = DiskWatch(job["cwd"], job["disk_bytes"], job["disk_reserve_bytes"])
    started = time.monotonic()
    try:
        program = _start(job, folder)
    except NotStarted as problem:
        log.close()
        return _report("not_started", str(problem))
    try:
        ending = _watch(program, log, _Limits(job, launcher, program, disk, started))
        seconds = time.monotonic() - started
        leftovers = _settle(program, log) if ending is None else 0
    except BaseException:
        program.kill()  # a fault of the shim must not leave a program without a supervisor
        raise
    survivors = _end(program, log, job["grace_seconds"])
    log.close()
    outcome, detail = ending or _own_ending(
        program.exit_status, is_shell_line=isinstance(job["command"], str)
    )
    return _report(
        outcome,
        "; ".join(filter(None, (detail, _left_behind(leftovers), _immortal(survivors), log.problem))),
        status=program.exit_status,
        seconds=seconds,
        output_bytes=log.total_bytes,
        leftovers=leftovers,
        redactions=log.redactions,
    )


class _Limits:
    """What ends a program from outside."""

    def __init__(
        self, job: JobText, launcher: int, program: Program, disk: DiskWatch, started: float
    ) -> None:
        self._job = job
        self._launcher = launcher
        self._program = program
        self._disk = disk
        self._deadline = started + job["timeout_seconds"]
        self._next_parent_look = started

    def wait_seconds(self) -> float:
        """How long nothing needs to be asked, unless a signal comes."""
        now = time.monotonic()
        parent = PARENT_SECONDS if self._job["watch_parent"] else LONGEST_WAIT_SECONDS
        return max(0.0, min(self._deadline - now, self._disk.wait_seconds(now), parent))

    def broken(self) -> Ending | None:
        now = time.monotonic()
        if self._program.cancel_requested:
            return "cancelled", "stopped because the run was interrupted"
        if now >= self._deadline:
            return "timed_out", f"did not end within {self._job['timeout_seconds']:g} seconds"
        if self._job["watch_parent"] and now >= self._next_parent_look:
            self._next_parent_look = now + PARENT_SECONDS
            if self._parent_is_gone():
                return "cancelled", "stopped because Polly ended before it"
        problem = self._disk.problem(now)
        return ("disk_limit", problem) if problem else None

    def _parent_is_gone(self) -> bool:
        if sys.platform == "win32":  # an orphan keeps its parent's id there
            return start_identity(self._job["parent_pid"]) is None
        return os.getppid() != self._launcher


def _start(job: JobText, folder: str) -> Program:
    if sys.platform == "win32":
        from polly.process.program_windows import WindowsProgram  # noqa: PLC0415

        return WindowsProgram(job["command"], job["cwd"], job["env"], os.path.join(folder, "cancel"))
    from polly.process.program_posix import PosixProgram  # noqa: PLC0415 - the other one cannot be imported here

    command = job["command"]
    arguments = ["/bin/sh", "-c", command] if isinstance(command, str) else command
    return PosixProgram(arguments, job["cwd"], job["env"], job["mark"])


def _new_redactor(path: str | None) -> Redactor:
    """From the file by itself, for its package is not there; asked for when the program prints."""
    if path is None:
        return PlainStream()
    module = sys.modules.get("polly_redaction")
    if module is None:
        from importlib.machinery import SourceFileLoader  # noqa: PLC0415 - after the program has started

        module = sys.modules["polly_redaction"] = type(sys)("polly_redaction")
        SourceFileLoader(module.__name__, path).exec_module(module)
    redactor: Redactor = module.StreamRedactor()
    return redactor


def _watch(program: Program, log: BoundedLog, limits: _Limits) -> Ending | None:
    """Returns when the program has ended by itself (None), or must end."""
    import json  # noqa: F401, PLC0415 - the report needs it; loading it costs nothing while the program runs

    while program.exit_status is None:
        broken = limits.broken()
        if broken:
            return broken
        log.write(program.read(limits.wait_seconds()))
    return None


def _settle(program: Program, log: BoundedLog) -> int:
    """How many processes the program left behind; those that end by themselves at once do not count."""
    return 0 if _gone_within(SETTLE_SECONDS, program, log) else program.others()


def _end(program: Program, log: BoundedLog, grace_seconds: float) -> int:
    """End the tree, first politely. Returns how many processes could not be ended."""
    if not program.is_gone():
        program.terminate()
    until = time.monotonic() + KILL_SECONDS
    gone = _gone_within(grace_seconds, program, log)
    while not gone and time.monotonic() < until:
        program.kill()
        gone = _gone_within(SETTLE_SECONDS, program, log)
    for _ in range(LAST_READS):
        data = program.read(0)
        if not data:
            break
        log.write(data)
    return 0 if gone else program.others() + (program.exit_status is None)


def _gone_within(seconds: float, program: Program, log: BoundedLog) -> bool:
    """Goes on draining meanwhile: a program that cannot print cannot end."""
    until = time.monotonic() + seconds
    while not program.is_gone():
        now = time.monotonic()
        if now >= until:
            return False
        log.write(program.read(min(0.05, until - now)))
    return True


def _own_ending(status: int | None, *, is_shell_line: bool) -> Ending:
    if status == 0:
        return "finished", ""
    if status is not None and status < 0:
        return "crashed", f"killed by {_signal_name(-status)}"
    hint = " (the shell did not find the program)" if is_shell_line and status == 127 else ""
    return "crashed", f"exit status {status}{hint}"


def _left_behind(count: int) -> str:
    if count == 0:
        return ""
    return f"it left {count} process{'es' if count > 1 else ''} behind; stopped"


def _immortal(count: int) -> str:
    return f"{count} of its processes could not be stopped" if count else ""


def _signal_name(number: int) -> str:
    import signal  # noqa: PLC0415 - only for a message

    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"


def _report(
    outcome: str,
    detail: str,
    *,
    status: int | None = None,
    seconds: float = 0.0,
    output_bytes: int = 0,
    leftovers: int = 0,
    redactions: dict[str, int] | None = None,
) -> ReportText:
    killed = status is not None and status < 0
    return {
        "outcome": outcome,
        "exit_code": None if killed else status,
        "signal": _signal_name(-status) if status is not None and killed else None,
        "seconds": round(seconds, 3),
        "output_bytes": output_bytes,
        "detail": detail,
        "leftovers": leftovers,
        "redactions": redactions or {},
    }
