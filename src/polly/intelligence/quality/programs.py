"""Starts a measuring program on prepared files, never on the repository: its configuration is not ours."""

import functools
import importlib.metadata
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from polly.process import small_environment


class ProgramFailed(Exception):  # noqa: N818 - reads as what is the matter
    """A program is missing, did not end in time, or said what nobody understands; the text says which."""


@functools.cache
def program_path(name: str) -> str | None:
    """Where the program is: beside this Python, where its package puts it, else on PATH."""
    beside = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(
        name, path=str(Path(sys.executable).parent)
    )
    return beside or shutil.which(name)


def version_of(distribution: str) -> str | None:
    """The version of an installed package, None when it is not there."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def output_of(
    name: str, arguments: Sequence[str], folder: Path, *, timeout_seconds: float, accept: Sequence[int]
) -> bytes:
    """What the program printed. Raises ProgramFailed."""
    path = program_path(name)
    if path is None:
        raise ProgramFailed(f"{name} is not installed; the extra `intelligence` brings it")
    try:
        done = subprocess.run(
            (path, *arguments),
            cwd=folder,
            env=small_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ProgramFailed(f"{name} did not end within {timeout_seconds:g} seconds") from error
    except OSError as error:
        raise ProgramFailed(f"{name} could not be started: {error.strerror}") from error
    if done.returncode not in accept:
        said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2][:300]
        raise ProgramFailed(f"{name} failed with exit status {done.returncode}: {said}")
    return done.stdout
