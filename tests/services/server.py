"""A server program on a port of 127.0.0.1, watched over by a guard."""

import contextlib
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TypeVar, cast

import psutil
from tests.services import guard
from tests.services.run import ServiceError, Shared, TestRun

#: How long a server may take until it answers; with busy cores it is many times the usual second.
_START_SECONDS = 120.0
#: How long a tool may take: Maven fetches 65 MB the first time.
_TOOL_SECONDS = 900.0
_PORT_TAKEN = re.compile(r"address already in use|could not bind|failed to bind", re.IGNORECASE)


class PortTaken(ServiceError):  # noqa: N818 - reads as what is the matter
    """Somebody else took the port between looking and starting."""


@dataclass(kw_only=True)
class Server:
    """Start and stop it as often as a test needs: it keeps its port and its folder.

    answers: does the server do what it is for yet?
    """

    name: str
    run: TestRun = field(repr=False)
    folder: Path
    command: Sequence[str] = field(repr=False)
    answers: Callable[[], bool]
    stop_signal: str = "SIGTERM"
    crash_signal: str = "SIGKILL"
    account: guard.Account | None = None
    pid_file: Path | None = None
    _process: psutil.Process | None = field(default=None, init=False)
    _guard: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    def start(self) -> None:
        """Start it and wait until it answers. ServiceError, with the end of its log, when it does not."""
        if self._process is not None:
            raise AssertionError(f"{self.name} runs already")
        self._start_guard()
        deadline = time.monotonic() + _START_SECONDS
        while not self.answers():
            if not self.is_running:
                self._end(self.crash_signal)
                raise self._failure("ended while starting")
            if time.monotonic() > deadline:
                self._end(self.crash_signal)
                raise self._failure(f"did not answer in {_START_SECONDS:.0f} seconds")
            time.sleep(0.02)  # a look at another process, which has no other way to say how far it is

    def stop(self) -> None:
        """End it as an administrator would; returns when it is gone and its port is closed."""
        self._end(self.stop_signal)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(self.crash_signal)

    def restart(self) -> None:
        """`stop`, then `start`."""
        self.stop()
        self.start()

    def remove(self) -> None:
        """`kill`, and no data is left."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def freeze(self) -> None:
        """It keeps its port and its connections and says nothing any more, until `thaw`."""
        guard.freeze(self.process)

    def thaw(self) -> None:
        """Go on after `freeze`."""
        guard.thaw(self.process)

    @property
    def is_running(self) -> bool:
        return self._process is not None and guard.is_there(self._process)

    @property
    def process(self) -> psutil.Process:
        """The process of the running server."""
        if self._process is None:
            raise AssertionError(f"{self.name} does not run")
        return self._process

    def shared(self, address: str) -> Shared:
        """The running server for everybody in the test run, who ends it with `finish`."""
        if self._guard is not None:
            self._guard.returncode = 0  # it outlives this object, which Python would warn about
        return Shared(
            address=address,
            pid=self.process.pid,
            started_at=self.process.create_time(),
            stop_signal=self.crash_signal,
        )

    def _end(self, signal_name: str) -> None:
        if self._process is not None:
            guard.end(self._process, signal_name)
        if self._guard is not None:
            self._guard.wait(timeout=_START_SECONDS)
        self._process = self._guard = None

    def _start_guard(self) -> None:
        # A session of its own: Ctrl-C is for the test run, which ends its servers in order.
        self._guard = subprocess.Popen(
            [sys.executable, guard.__file__, json.dumps(self._orders())],
            env=environment(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        with cast("IO[bytes]", self._guard.stdout) as output:
            told = output.readline().decode().strip()
        if not told.isdigit():
            self._end(self.crash_signal)
            raise self._failure(f"cannot be started: {told}")
        try:
            self._process = psutil.Process(int(told))
        except psutil.NoSuchProcess:  # it ended between the guard's word and this look
            self._end(self.crash_signal)
            raise self._failure("ended while starting") from None

    def _orders(self) -> guard.Orders:
        return {
            "command": list(self.command),
            "folder": str(self.folder),
            "account": self.account,
            "stop_signal": self.crash_signal,
            "pid_file": None if self.pid_file is None else str(self.pid_file),
            "owner": self.run.owner,
            "belongings": str(self.run.folder),
        }

    def _failure(self, what: str) -> ServiceError:
        log = self.folder / "server.log"
        text = log.read_text(encoding="utf-8", errors="replace")[-3000:] if log.exists() else ""
        kind = PortTaken if _PORT_TAKEN.search(text) else ServiceError
        return kind(f"{self.name} {what}.\n{text}")


_Server = TypeVar("_Server", bound=Server)


def environment() -> dict[str, str]:
    """The variables of the tests without those that would change how a server or its tools behave."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "KAFKA_", "LC_"))}
    return ours | {"LC_ALL": "C"}


def run_to_end(
    command: list[str], account: guard.Account | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a tool of a server; its output and its complaints are both in `stdout`."""
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command,
        cwd=tempfile.gettempdir(),
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
        timeout=_TOOL_SECONDS,
        **guard.as_account(account),
    )
    return done


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens.

    From below the range that systems give to outgoing connections: otherwise a client that keeps trying to
    reach a stopped server could be given that very port, and would talk to itself. Each worker has ports of
    its own: a server that is stopped for a moment finds its port free when it starts again.
    """
    first = 15_000 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 15 * 1000
    while True:
        port = random.randrange(first, first + 1000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def started(make: Callable[[], _Server]) -> _Server:
    """The server that `make` made, running; another one is made when somebody took its port meanwhile."""
    for _ in range(4):
        server = make()
        with contextlib.suppress(PortTaken):
            server.start()
            return server
    server = make()
    server.start()
    return server
