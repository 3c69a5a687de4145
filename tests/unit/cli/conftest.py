"""Commands called in this process: a hundred starts of Python would take a minute."""

import subprocess
from pathlib import Path

import pytest
from tests.acceptance.conftest import Done, Polly

from polly.cli.main import run


@pytest.fixture
def polly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Polly:
    """`polly(*args)` runs the command in tmp_path and returns how it ended."""
    monkeypatch.chdir(tmp_path)

    def call(*args: str) -> Done:
        monkeypatch.setattr("sys.argv", ["polly", *args])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            run()
        said = capsys.readouterr()
        return subprocess.CompletedProcess(args, int(stopped.value.code or 0), said.out, said.err)

    return call
