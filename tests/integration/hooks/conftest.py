import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from polly.events.envelope import Envelope
from polly.hooks.programs import guard_argv, record_argv
from polly.sink.spool import spool_files

Program = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """POLLY_HOME of the programs."""
    return tmp_path / "home"


@pytest.fixture
def record(home: Path, tmp_path: Path) -> Program:
    """`record(payload, env=…)` runs the recorder as an agent program does. A payload is a value or bytes."""
    return _program(record_argv(), home, tmp_path)


@pytest.fixture
def guard(home: Path, tmp_path: Path) -> Program:
    """`guard(payload, env=…)` asks the guard."""
    return _program(guard_argv(), home, tmp_path)


@pytest.fixture
def spooled(home: Path) -> Callable[[], list[tuple[Envelope, dict[str, Any]]]]:
    """`spooled()` is what waits in the spool: envelopes and their data, in order."""

    def read() -> list[tuple[Envelope, dict[str, Any]]]:
        lines = [line for path in spool_files(home / "spool") for line in path.read_bytes().splitlines()]
        envelopes = [msgspec.json.decode(line, type=Envelope) for line in lines]
        return [(each, msgspec.json.decode(each.data)) for each in envelopes]

    return read


def _program(argv: tuple[str, ...], home: Path, folder: Path) -> Program:
    def run(
        payload: object = None, env: Mapping[str, str] | None = None, cwd: Path = folder, **more: Any
    ) -> "subprocess.CompletedProcess[bytes]":
        raw = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
        given = more if "stdin" in more else {**more, "input": raw}
        return subprocess.run(
            more.pop("argv", argv),
            env={"PATH": os.environ["PATH"], "POLLY_HOME": str(home), "TMPDIR": str(folder), **(env or {})},
            cwd=cwd,
            capture_output=True,
            check=False,
            **{name: value for name, value in given.items() if name != "argv"},
        )

    return run
