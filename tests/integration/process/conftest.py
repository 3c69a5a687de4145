import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from polly.process import Job, small_environment
from polly.process.identity import start_identity
from polly.process.process_table import marked

MakeJob = Callable[..., Job]

#: How long anything may take; nothing is measured by it.
PATIENCE = 120.0


@pytest.fixture
def job(tmp_path: Path) -> MakeJob:
    """Makes jobs in this test's folder: a shell line, a list, or the text of a Python program."""
    work = tmp_path / "work"
    work.mkdir()

    def make(command: str | tuple[str, ...] | None = None, *, python: str = "", **given: Any) -> Job:
        fields: dict[str, Any] = {
            "command": (sys.executable, "-I", "-S", "-c", python) if command is None else command,
            "cwd": work,
            "env": small_environment(),
            "folder": tmp_path / "job",
            "log": tmp_path / "job" / "log.txt",
            "timeout_seconds": PATIENCE,
            "grace_seconds": 0.3,
        }
        return Job(**{**fields, **given})

    return make


@pytest.fixture(autouse=True)
def no_process_survives(tmp_path: Path) -> Iterator[None]:
    """Every process of every job that a test started here is gone when the test is over."""
    yield
    specs = [json.loads(file.read_text()) for file in tmp_path.rglob("spec.json")]
    shims = [json.loads(file.read_text()) for file in tmp_path.rglob("started.json")]
    assert not {pid for spec in specs for pid in marked(spec["job"])}
    deadline = time.monotonic() + PATIENCE  # a shim ends right after its report
    while any(_is_shim(shim["pid"], shim["identity"]) for shim in shims):
        assert time.monotonic() < deadline, "a shim did not end"
        time.sleep(0.01)


def _is_shim(pid: int, identity: str | None) -> bool:
    return pid > 0 and start_identity(pid) == identity
