"""End what a lost job left running."""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from polly.errors import RunError
from polly.process.folder import JobState, mark_of, state
from polly.process.process_table import MARK, descendants, marked, process_table

GRACE_SECONDS = 2.0
KILL_SECONDS = 10.0
LOOK_SECONDS = 0.02


def sweep(folder: Path) -> int:
    """Stop every process of a lost job; returns how many there were. Takes up to some seconds.

    They are known by the mark in their environment, and by their parents and groups.
    Raises RunError when the job is not lost but running.
    """
    if state(folder) is JobState.RUNNING:
        raise RunError(
            f"the program of {folder} is still supervised", next_step="Interrupt its run; that stops it."
        )
    mark = mark_of(folder)
    if mark is None:
        return 0
    if sys.platform == "win32":
        return _sweep_with_psutil(mark)
    found = _members(mark)
    all_found = set(found)
    started = time.monotonic()
    _send(found, signal.SIGTERM)
    _send(found, signal.SIGCONT)
    while found and time.monotonic() < started + GRACE_SECONDS + KILL_SECONDS:
        if time.monotonic() > started + GRACE_SECONDS:
            _send(found, signal.SIGKILL)
        time.sleep(LOOK_SECONDS)
        found = _members(mark)
        all_found |= found
    return len(all_found)


def _members(mark: str) -> set[int]:
    """The marked ones, their descendants and their process groups: a program may clean its environment."""
    table = process_table()
    own = os.getpgrp()
    found = {pid for pid in marked(mark) if pid in table}
    groups = {table[pid][1] for pid in found} - {own}
    found |= {pid for pid, (_, group) in table.items() if group in groups}
    return (found | descendants(table, found)) - {os.getpid()}


def _send(pids: set[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _sweep_with_psutil(mark: str) -> int:
    import psutil  # noqa: PLC0415 - only Windows needs it

    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == mark:
                found.append(process)
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(found, timeout=KILL_SECONDS)
    return len(found)
