"""Puts a pinned program below .cache/agents, once for all processes of all test runs."""

import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import filelock

CACHE = Path(__file__).parents[2] / ".cache" / "agents"
#: Half a gigabyte comes over the network the first time.
_INSTALL_SECONDS = 600.0
#: What pytest-xdist calls a run; the same in all of its processes.
_RUN_NAME = "PYTEST_XDIST_TESTRUNUID"


class CannotInstallError(Exception):
    """The program cannot be had on this machine; the message says why, and what to do."""


def place_of(name: str, *pins: bytes) -> Path:
    """Where a program belongs: other pins or another kind of machine never find this one."""
    text = f"{platform.system()}/{platform.machine()}".encode()
    pinned = hashlib.sha256(b"\0".join([text, *pins]))
    return CACHE / f"{name}-{pinned.hexdigest()[:12]}"


def installed(place: Path, install: Callable[[Path], None]) -> Path:
    """The folder with everything in it; `install` fills it when nobody has before.

    CannotInstallError at once when the same test run has failed with it already.
    """
    if (place / "ready").exists():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(place.with_suffix(".lock")):
        if not (place / "ready").exists():  # nobody else has installed it while we waited
            _refuse_again(place)
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            try:
                install(place)
            except CannotInstallError as error:
                _failed(place).write_text(f"{_run()}\n{error}", encoding="utf-8")
                raise
            (place / "ready").touch()
    return place


def uv() -> str:
    """The uv of the machine, or the one that `make` has brought."""
    folder = "Scripts" if os.name == "nt" else "bin"
    found = shutil.which("uv") or shutil.which("uv", path=CACHE.parent / "uv" / folder)
    if found is None:
        raise CannotInstallError("uv is not installed: run `make setup`, which brings it")
    return found


def npm() -> str:
    """The npm of the machine."""
    found = shutil.which("npm")
    if found is None:
        raise CannotInstallError(
            "npm is not installed (Debian and Ubuntu: apt install npm; macOS: brew install node)"
        )
    return found


def run_npm(command: list[str], place: Path, environment: Mapping[str, str]) -> None:
    """Run npm in a place, without the scripts of packages: they only copy programs that are there already."""
    downloads = place / "downloads"
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    options += ["--fetch-retries=1", f"--cache={downloads}"]
    run_installer([npm(), *command, *options], place, environment)
    shutil.rmtree(downloads, ignore_errors=True)


def run_installer(command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    """Run npm or uv to its end. CannotInstallError with the end of what it said."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=_INSTALL_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotInstallError(f"{Path(command[0]).name}: {error}") from error
    if done.returncode != 0:
        raise CannotInstallError(f"{Path(command[0]).name} failed:\n{done.stdout[-2000:]}")


def _refuse_again(place: Path) -> None:
    if _failed(place).exists():
        run, _, reason = _failed(place).read_text(encoding="utf-8").partition("\n")
        if run and run == _run():
            raise CannotInstallError(reason)


def _failed(place: Path) -> Path:
    return place.with_suffix(".failed")


def _run() -> str:
    return os.environ.get(_RUN_NAME, "")
