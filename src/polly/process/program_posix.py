"""A program and all its descendants on Linux, macOS and other POSIX systems."""
# ruff: noqa: PTH110, PTH112
# pathlib would add more to the start of every program than all else here together

from __future__ import annotations

import errno
import os
import select
import signal
import sys

from polly.process.not_started import NotStarted
from polly.process.process_table import descendants, marked, process_table

TYPE_CHECKING = False  # as typing has it, without the time that importing typing takes
if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn

READ_BYTES = 262_144
PR_SET_CHILD_SUBREAPER = 36
F_SETPIPE_SZ = 1031
#: a program that starts others faster than they are found is stopped in at most this many rounds
FREEZE_ROUNDS = 50


class PosixProgram:
    """Runs the program in its own session. Raises NotStarted when it cannot be started.

    exit_status: None while the program itself runs, then its status, or the negative signal number.
    cancel_requested: somebody sent SIGTERM to the shim.
    """

    def __init__(self, command: list[str], cwd: str, env: dict[str, str], mark: str) -> None:
        self.exit_status: int | None = None
        self.cancel_requested = False
        self._mark = mark
        self._childless = False
        self._adopts_orphans = _become_subreaper()
        self._wake = self._handle_signals()
        self._output: int | None
        self._output, output = os.pipe()
        self._widen_pipe(output)
        try:
            self._pid = _start(command, cwd, env, output)
        finally:
            os.close(output)

    def read(self, seconds: float) -> bytes:
        """What it printed; b"" when there is nothing in time, or a process ended, or a signal came."""
        waiting = [self._wake] if self._output is None else [self._wake, self._output]
        ready, _, _ = select.select(waiting, [], [], seconds)
        if self._wake in ready:
            os.read(self._wake, 4096)
            self._reap()
        if self._output is None or self._output not in ready:
            return b""
        data = os.read(self._output, READ_BYTES)
        if not data:
            os.close(self._output)
            self._output = None
        return data

    def others(self) -> int:
        """How many processes of the tree run besides the program itself."""
        return len(self._members().keys() - {self._pid})

    def is_gone(self) -> bool:
        """No process of the tree is left."""
        self._reap()
        if self._adopts_orphans:
            return self._childless
        return self.exit_status is not None and not self._members()

    def terminate(self) -> None:
        """Ask every process of the tree to end."""
        # Once to each: a second request would end a program that is about to end in order.
        told = self._send_to_own_group(signal.SIGTERM)
        groups = set(self._members().values())
        _send(groups - told, signal.SIGTERM)
        _send(groups, signal.SIGCONT)  # one that was stopped could not hear it

    def kill(self) -> None:
        """End every process of the tree. All are frozen first, so that none starts another meanwhile."""
        frozen = self._send_to_own_group(signal.SIGSTOP)
        for _ in range(FREEZE_ROUNDS):
            new = set(self._members().values()) - frozen
            if not new:
                break
            _send(new, signal.SIGSTOP)
            frozen |= new
        _send(frozen, signal.SIGKILL)

    def _send_to_own_group(self, number: int) -> set[int]:
        """Without a look at the table, which takes long while thousands of processes want to run."""
        if self.exit_status is not None:  # once it is reaped, its number may be somebody else's
            return set()
        _send({self._pid}, number)
        return {self._pid}

    def _members(self) -> dict[int, int]:
        """Process group by pid. The program began a session, so no group of it holds a stranger."""
        table = process_table()
        found = descendants(table, {os.getpid()})
        if not self._adopts_orphans:
            roots = {pid for pid, (_, group) in table.items() if group == self._pid}
            roots |= {pid for pid in marked(self._mark) if pid in table}
            found |= roots | descendants(table, roots)
        return {pid: table[pid][1] for pid in found - {os.getpid()}}

    def _reap(self) -> None:
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid == self._pid:
                    self.exit_status = os.waitstatus_to_exitcode(status)
        except ChildProcessError:
            self._childless = True

    def _handle_signals(self) -> int:
        """A descriptor that can be read after a signal: one wait sees output, ends and requests."""
        wake, ring = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(ring, False)

        def on_terminate(_number: int, _frame: FrameType | None) -> None:
            self.cancel_requested = True

        signal.signal(signal.SIGTERM, on_terminate)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        signal.set_wakeup_fd(ring, warn_on_full_buffer=False)
        return wake

    @staticmethod
    def _widen_pipe(output: int) -> None:
        """Fewer turns for a program that prints much, where the system can."""
        if sys.platform == "linux":
            import fcntl  # noqa: PLC0415 - only where it helps

            try:
                fcntl.fcntl(output, F_SETPIPE_SZ, READ_BYTES)
            except OSError:  # the user has too many wide pipes already
                return


def _become_subreaper() -> bool:
    """Daemons among the descendants become children of this process, and so are found."""
    if sys.platform != "linux":
        return False
    import ctypes  # noqa: PLC0415 - only where it helps

    status: int = ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    return status == 0


def _send(groups: set[int], number: int) -> None:
    """To whole groups: a process that is being started gets it too, and thousands get it at once."""
    for group in groups:
        try:
            os.killpg(group, number)
        except (ProcessLookupError, PermissionError):  # it has ended, or runs as somebody else
            continue


def _start(command: list[str], cwd: str, env: dict[str, str], output: int) -> int:
    if not os.path.isdir(cwd):
        raise NotStarted(f"its working folder {cwd} does not exist")
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become(command, cwd, env, output, tell)
    os.close(tell)
    problem = os.read(told, 4096).decode(errors="replace")  # empty as soon as the program has taken over
    os.close(told)
    if problem:
        os.waitpid(pid, 0)
        raise NotStarted(problem)
    return pid


def _become(command: list[str], cwd: str, env: dict[str, str], output: int, tell: int) -> NoReturn:
    try:
        os.setsid()
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)  # an ignored signal stays ignored in the program
        os.chdir(cwd)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.execvpe(command[0], command, env)  # noqa: S606 # nosec B606 - no shell is what is wanted
    except BaseException as error:  # noqa: BLE001 - this half of the fork must never go on as a second shim
        os.write(tell, _why(error, command[0]).encode(errors="replace")[:4096])
    os._exit(127)


def _why(error: BaseException, program: str) -> str:
    if not isinstance(error, OSError):
        return f"{program!r} cannot be started: {error}"
    number = error.errno
    if number == errno.ENOENT and os.path.exists(program) and os.sep in program:
        return f"{program} names an interpreter in its first line that does not exist"
    if number == errno.ENOENT:
        return f"{program} does not exist" if os.sep in program else f"{program} was not found on PATH"
    if number == errno.EACCES:
        return f"{program} must not be executed: it is a folder, or its executable bit is not set"
    if number == errno.ENOEXEC:
        return f"{program} is not a program: its first line does not name an interpreter"
    return f"{program} cannot be started: {error.strerror}"
