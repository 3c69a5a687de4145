"""What all processes of one test run share: a folder, an owner, and servers started by the first who asks."""

import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

import filelock
import msgspec
import psutil
from tests.services import guard


class ServiceError(Exception):
    """A server that a test needs cannot be had; the message says why and what to install."""


class TestRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of pytest, in however many processes.

    place: its folder, made by the first server, so that a run without servers leaves nothing behind.
    owner: process id of the controller; servers end when it does.
    """

    __test__ = False

    place: str
    owner: int
    given_postgres: str | None
    given_kafka: str | None

    @property
    def folder(self) -> Path:
        return Path(self.place)

    def room(self, name: str) -> Path:
        """A new folder for a server."""
        self.open()
        room = self.folder / f"{name}-{uuid.uuid4().hex[:8]}"
        _make_passable(room)
        return room

    def open(self) -> None:
        """Make the folder."""
        _make_passable(self.folder)


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """A server that all tests of the run use: how to reach it, and how to end it.

    started_at: of its process, seconds since the epoch, so that no other process is ever taken for it.
    """

    address: str
    pid: int
    started_at: float
    stop_signal: str


def begin() -> TestRun:
    """The run of this controller. Says only where its folder will be."""
    return TestRun(
        place=str(Path(tempfile.gettempdir()) / f"polly-tests-{uuid.uuid4().hex[:12]}"),
        owner=os.getpid(),
        given_postgres=os.environ.get("POLLY_TEST_POSTGRES_URL"),
        given_kafka=os.environ.get("POLLY_TEST_KAFKA"),
    )


def share(run: TestRun, name: str, start: Callable[[], Shared]) -> str:
    """The address of the run's one server of this name; `start` is called by whoever asks first.

    A server that could not be started is not tried again: everybody gets the reason at once.
    """
    run.open()
    told, failed = run.folder / f"{name}.json", run.folder / f"{name}.failed"
    with filelock.FileLock(run.folder / f"{name}.lock"):
        if failed.exists():
            raise ServiceError(failed.read_text(encoding="utf-8"))
        if not told.exists():
            try:
                shared = start()
            except ServiceError as error:
                failed.write_text(str(error), encoding="utf-8")
                raise
            told.touch(mode=0o600)  # it may hold a password
            told.write_bytes(msgspec.json.encode(shared))
        return msgspec.json.decode(told.read_bytes(), type=Shared).address


def finish(run: TestRun) -> None:
    """End every server of the run and remove its folder. What is missed here, the guards end."""
    for told in sorted(run.folder.glob("*.json")):
        with contextlib.suppress(msgspec.DecodeError, psutil.NoSuchProcess):
            shared = msgspec.json.decode(told.read_bytes(), type=Shared)
            server = psutil.Process(shared.pid)
            # The clock of a machine may be put right while tests run, by less than any number is used again.
            if abs(server.create_time() - shared.started_at) < 5:
                guard.end(server, shared.stop_signal)
    shutil.rmtree(run.folder, ignore_errors=True)


def to_worker(run: TestRun) -> str:
    """The run as text for another process of it."""
    return msgspec.json.encode(run).decode()


def in_worker(text: str) -> TestRun:
    """The run that `to_worker` told of."""
    return msgspec.json.decode(text, type=TestRun)


def _make_passable(folder: Path) -> None:
    """Servers of another user live below, so it must be possible to pass through, whatever the umask is."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)
