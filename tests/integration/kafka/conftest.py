import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.kafka.commands import Done, Polly
from typer.main import get_command

from polly.cli import main
from polly.store.opening import open_store
from polly.store.ports import Store


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind, as the settings name it."""
    if request.param == "sqlite":
        return str(tmp_path / "polly.db")
    found: str = request.getfixturevalue("postgres_url")
    return found.replace("postgresql+psycopg", "postgresql")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """The store in that database."""
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Polly:
    """`in_process(*args, env=…)` is `polly` without the second that a new process takes."""

    def run(*args: str, env: dict[str, str]) -> Done:
        with monkeypatch.context() as patch:
            patch.chdir(tmp_path)
            patch.setattr(sys, "argv", ["polly", *args])
            for name, value in ({"POLLY_HOME": str(tmp_path / "home")} | env).items():
                patch.setenv(name, value)
            code = main.exit_code_of(
                lambda: get_command(main.build_app(args[:1])).main(standalone_mode=False)
            )
        return Done(code, *capsys.readouterr())

    return run
