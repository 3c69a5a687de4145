"""Runs one server as its child and ends it when the test run is gone, however that ended.

A program of its own: `python guard.py ORDERS`, ORDERS being JSON of `Orders`. It prints the process id of the
server on one line, or why it could not be started. When the server ends by itself, so does the guard.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, TypedDict

import psutil

#: How long a server may take to obey a signal; with busy cores it is many times the usual second.
_GRACE_SECONDS = 60.0
#: How often the guard looks whether the test run is still there.
_LOOK_SECONDS = 0.5


#: User and group id that a server runs as.
Account = tuple[int, int]


class Orders(TypedDict):
    """What to run for whom."""

    command: list[str]
    folder: str  # where the server starts; its output goes to server.log there
    account: Account | None
    stop_signal: str  # its name on POSIX
    pid_file: str | None  # where the command only starts the server: the first line of this file is its id
    owner: int  # the process of the test run
    belongings: str  # the folder to remove when the test run is gone


def main(orders: Orders) -> None:
    """Run the server until it ends or the owner is gone."""
    try:
        server = _start(orders)
    except (OSError, ValueError, psutil.Error, subprocess.SubprocessError) as error:
        _tell(str(error))
        return
    _tell(str(server.pid))
    owner = _process(orders["owner"])
    while owner is not None and is_there(owner):
        with contextlib.suppress(psutil.TimeoutExpired):
            server.wait(timeout=_LOOK_SECONDS)
            return
    end(server, orders["stop_signal"])
    shutil.rmtree(orders["belongings"], ignore_errors=True)


def end(server: psutil.Process, stop_signal: str) -> None:
    """Stop the server, frozen or not: by its signal first, as a whole tree when it does not obey."""
    with contextlib.suppress(psutil.Error):
        family = [server, *server.children(recursive=True)]
        thaw(server)
        if os.name == "posix":
            server.send_signal(getattr(signal, stop_signal))
            with contextlib.suppress(psutil.TimeoutExpired):
                wait_until_gone(server)
                return
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        wait_until_gone(server)


def freeze(server: psutil.Process) -> None:
    """Nobody in the server's tree runs any more; its port stays open and silent."""
    _suspend(server)
    _each_child(server, _suspend)


def thaw(server: psutil.Process) -> None:
    """Take `freeze` back."""
    _each_child(server, psutil.Process.resume)
    server.resume()


def is_there(process: psutil.Process) -> bool:
    """Is this still the process that it was, and more than a name that nobody has asked about?"""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until_gone(process: psutil.Process) -> None:
    """Wait for a process that may be anybody's child; psutil.TimeoutExpired when it stays."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.wait(timeout=_GRACE_SECONDS)


def as_account(account: Account | None) -> dict[str, Any]:
    """What `subprocess` must be told to run a program under this user and group id."""
    return {} if account is None else {"user": account[0], "group": account[1], "extra_groups": []}


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _start(orders: Orders) -> psutil.Process:
    folder = Path(orders["folder"])
    with (folder / "server.log").open("ab") as log:
        started: psutil.Process = psutil.Popen(
            orders["command"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            **as_account(orders["account"]),
        )
    if orders["pid_file"] is None:
        return started
    started.wait()
    return psutil.Process(int(Path(orders["pid_file"]).read_text(encoding="utf-8").split()[0]))


def _suspend(process: psutil.Process) -> None:
    """Return when it stands still: a signal is heard a moment after it was sent."""
    process.suspend()
    until = time.monotonic() + _GRACE_SECONDS
    while process.status() not in {psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE}:
        if time.monotonic() > until:
            raise psutil.TimeoutExpired(_GRACE_SECONDS, process.pid)
        time.sleep(0.005)  # a look at another process, which has no other way to say how far it is


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None


def _each_child(server: psutil.Process, act: Any) -> None:
    for child in server.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            act(child)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
