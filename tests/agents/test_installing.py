"""A pinned program is installed once for everybody, and its absence is told by name."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.agents import installing
from tests.agents.installing import CannotInstallError, installed, place_of, run_installer

_RUN_NAME = "PYTEST_XDIST_TESTRUNUID"
_TEST = "def test_it(claude_program): pass\n"
_CONFTEST = """
import pathlib
from tests.agents import installing
installing.CACHE = pathlib.Path(__file__).parent / "cache"
pytest_plugins = ["tests.agents.plugin"]
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "program-1"


def _fail(_: Path) -> None:
    raise CannotInstallError("no network")


def test_of_many_who_need_it_at_once_one_installs_it(place: Path) -> None:
    begun: list[Path] = []

    def install(folder: Path) -> None:
        begun.append(folder)
        (folder / "program").write_text("x", encoding="utf-8")

    with ThreadPoolExecutor(8) as pool:
        places = list(pool.map(lambda _: installed(place, install), range(8)))
    assert places == [place] * 8
    assert begun == [place]
    assert (place / "program").exists()


def test_what_was_left_half_done_is_done_anew(place: Path) -> None:
    place.mkdir(parents=True)
    (place / "rest").touch()
    installed(place, lambda folder: (folder / "program").touch())
    assert sorted(file.name for file in place.iterdir()) == ["program", "ready"]


def test_a_run_that_could_not_install_it_does_not_try_again_and_the_next_run_does(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(_RUN_NAME, "run 1")
    with pytest.raises(CannotInstallError, match="no network"):
        installed(place, _fail)
    with pytest.raises(CannotInstallError, match="no network"):
        installed(place, lambda folder: (folder / "program").touch())
    monkeypatch.setenv(_RUN_NAME, "run 2")
    assert (installed(place, lambda folder: (folder / "program").touch()) / "program").exists()


def test_other_pins_are_another_place() -> None:
    assert place_of("npm", b"1") == place_of("npm", b"1")
    assert len({place_of("npm", b"1"), place_of("npm", b"2"), place_of("mini", b"1")}) == 3
    assert place_of("npm", b"1").parent == installing.CACHE


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ((sys.executable, "-c", "print('no such version'); raise SystemExit(1)"), "no such version"),
        (("/nowhere/npm",), "npm: "),
    ],
)
def test_an_installer_that_fails_says_why(tmp_path: Path, command: tuple[str, ...], reason: str) -> None:
    with pytest.raises(CannotInstallError, match=reason):
        run_installer(list(command), tmp_path, {})


@pytest.fixture
def run_without_npm(tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Runs one test that needs Claude Code on a machine that has nothing."""
    (tmp_path / "conftest.py").write_text(_CONFTEST, encoding="utf-8")
    (tmp_path / "test_it.py").write_text(_TEST, encoding="utf-8")

    def run(**variables: str) -> "subprocess.CompletedProcess[str]":
        inherited = {name: value for name, value in os.environ.items() if name not in {"CI", "PATH"}}
        root = str(Path(__file__).parents[2])
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", "-p", "no:xdist"],
            cwd=tmp_path,
            env={**inherited, "PATH": str(tmp_path), "PYTHONPATH": root, "COLUMNS": "200", **variables},
            capture_output=True,
            check=False,
            encoding="utf-8",
        )

    return run


def test_a_program_that_cannot_be_had_is_a_skip_that_says_what_to_do(
    run_without_npm: Callable[..., "subprocess.CompletedProcess[str]"],
) -> None:
    done = run_without_npm()
    assert done.returncode == 0, done.stdout
    assert "1 skipped" in done.stdout
    assert "Claude Code cannot be installed: npm is not installed (Debian and Ubuntu: apt" in done.stdout


def test_in_ci_it_is_a_failure(
    run_without_npm: Callable[..., "subprocess.CompletedProcess[str]"],
) -> None:
    done = run_without_npm(CI="true")
    assert done.returncode == 1
    assert "Claude Code cannot be installed: npm is not installed" in done.stdout
