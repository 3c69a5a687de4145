"""A state folder of each test, and what was recorded in it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from polly.events.envelope import Envelope, unwrap
from polly.events.event import EventData


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder; the temporary folder and the current one are the test's own as well."""
    monkeypatch.setenv("POLLY_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir(mode=0o700)
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "state"


def read(spool: Path) -> list[Envelope]:
    """All events of a spool, in the order of their source's numbers."""
    lines = [line for file in sorted(spool.glob("*.jsonl")) for line in file.read_bytes().splitlines()]
    return sorted(
        (msgspec.json.decode(line, type=Envelope) for line in lines),
        key=lambda each: (each.source, each.sequence),
    )


@pytest.fixture
def recorded(home: Path) -> Callable[[], list[EventData]]:
    """What was recorded in the spool of the user, typed."""
    return lambda: [unwrap(each) for each in read(home / "spool")]


@pytest.fixture
def envelopes(home: Path) -> Callable[[], list[Any]]:
    """The same with their envelopes."""
    return lambda: read(home / "spool")
