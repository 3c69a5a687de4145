"""A program and all its descendants on Windows: they are in one job object, which ends them together."""
# ruff: noqa: PTH110, PTH112, E402
# pathlib would add more to the start of every program than all else here together

from __future__ import annotations

import sys

assert sys.platform == "win32"  # noqa: S101 # nosec B101 - for the type checker

import contextlib
import ctypes
import os
import queue
import signal
import subprocess
import threading
import time
from ctypes import wintypes

from polly.process.not_started import NotStarted

READ_BYTES = 262_144
LOOK_SECONDS = 0.05
KILL_ON_JOB_CLOSE = 0x2000
EXTENDED_LIMITS = 9
ACCOUNTING = 1
ENDED_BY_POLLY = 1


class _BasicLimits(ctypes.Structure):
    _fields_ = (
        ("PerProcessUserTimeLimit", wintypes.LARGE_INTEGER),
        ("PerJobUserTimeLimit", wintypes.LARGE_INTEGER),
        ("LimitFlags", wintypes.DWORD),
        ("MinimumWorkingSetSize", ctypes.c_size_t),
        ("MaximumWorkingSetSize", ctypes.c_size_t),
        ("ActiveProcessLimit", wintypes.DWORD),
        ("Affinity", ctypes.c_size_t),
        ("PriorityClass", wintypes.DWORD),
        ("SchedulingClass", wintypes.DWORD),
    )


class _ExtendedLimits(ctypes.Structure):
    _fields_ = (
        ("BasicLimitInformation", _BasicLimits),
        ("IoInfo", ctypes.c_ulonglong * 6),
        ("ProcessMemoryLimit", ctypes.c_size_t),
        ("JobMemoryLimit", ctypes.c_size_t),
        ("PeakProcessMemoryUsed", ctypes.c_size_t),
        ("PeakJobMemoryUsed", ctypes.c_size_t),
    )


class _Accounting(ctypes.Structure):
    _fields_ = (
        ("TotalUserTime", wintypes.LARGE_INTEGER),
        ("TotalKernelTime", wintypes.LARGE_INTEGER),
        ("ThisPeriodTotalUserTime", wintypes.LARGE_INTEGER),
        ("ThisPeriodTotalKernelTime", wintypes.LARGE_INTEGER),
        ("TotalPageFaultCount", wintypes.DWORD),
        ("TotalProcesses", wintypes.DWORD),
        ("ActiveProcesses", wintypes.DWORD),
        ("TotalTerminatedProcesses", wintypes.DWORD),
    )


class WindowsProgram:
    """As PosixProgram; a request to stop comes as a file, for there is no signal to send."""

    def __init__(self, command: list[str] | str, cwd: str, env: dict[str, str], cancel_file: str) -> None:
        self._cancel_file = cancel_file
        self._kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        self._kernel.CreateJobObjectW.restype = wintypes.HANDLE
        self._job = wintypes.HANDLE(self._kernel.CreateJobObjectW(None, None))
        limits = _ExtendedLimits()
        limits.BasicLimitInformation.LimitFlags = KILL_ON_JOB_CLOSE  # even when the shim is killed
        self._kernel.SetInformationJobObject(
            self._job, EXTENDED_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits)
        )
        self._process = _start(command, cwd, env)
        self._kernel.AssignProcessToJobObject(self._job, wintypes.HANDLE(int(self._process._handle)))  # noqa: SLF001 - there is no public name for it
        self._chunks: queue.Queue[bytes] = queue.Queue(maxsize=16)
        threading.Thread(target=self._pump, daemon=True).start()

    @property
    def exit_status(self) -> int | None:
        """None while the program itself runs."""
        return self._process.poll()

    @property
    def cancel_requested(self) -> bool:
        """Somebody made the file."""
        return os.path.exists(self._cancel_file)

    def read(self, seconds: float) -> bytes:
        """What it printed, waiting a moment for it."""
        try:
            return (
                self._chunks.get(timeout=min(seconds, LOOK_SECONDS))
                if seconds > 0
                else self._chunks.get_nowait()
            )
        except queue.Empty:
            return b""

    def others(self) -> int:
        """How many processes of the tree run besides the program itself."""
        return max(0, self._active() - (self.exit_status is None))

    def is_gone(self) -> bool:
        """No process of the tree is left."""
        return self.exit_status is not None and self._active() == 0

    def terminate(self) -> None:
        """Ask the program to end, which one with its own handler for Ctrl-Break can do in order."""
        if self.exit_status is None:
            with contextlib.suppress(OSError):
                self._process.send_signal(signal.CTRL_BREAK_EVENT)

    def kill(self) -> None:
        """End every process of the tree."""
        self._kernel.TerminateJobObject(self._job, ENDED_BY_POLLY)
        if self.exit_status is None:  # it could not be put into the job
            subprocess.run(
                ("taskkill", "/F", "/T", "/PID", str(self._process.pid)), capture_output=True, check=False
            )
        time.sleep(LOOK_SECONDS)

    def _active(self) -> int:
        counts = _Accounting()
        self._kernel.QueryInformationJobObject(
            self._job, ACCOUNTING, ctypes.byref(counts), ctypes.sizeof(counts), None
        )
        return int(counts.ActiveProcesses)

    def _pump(self) -> None:
        output = self._process.stdout
        while output is not None and (data := os.read(output.fileno(), READ_BYTES)):
            self._chunks.put(data)


def _start(command: list[str] | str, cwd: str, env: dict[str, str]) -> subprocess.Popen[bytes]:
    if not os.path.isdir(cwd):
        raise NotStarted(f"its working folder {cwd} does not exist")
    try:
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            shell=isinstance(command, str),  # nosec B602 - a string is the user's own configuration
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            creationflags=subprocess.CREATE_NEW_PROCESS_GROUP,
        )
    except (OSError, ValueError) as error:
        program = command if isinstance(command, str) else command[0]
        raise NotStarted(f"{program} cannot be started: {error}") from error
