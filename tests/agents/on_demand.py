"""opencode and aider: slow to start and large, so they are installed only by `make more-agents`."""

import sys
from collections.abc import Mapping
from pathlib import Path

from tests.agents.installing import CannotInstallError, installed, place_of, run_installer, run_npm, uv
from tests.agents.mini import script
from tests.agents.npm import program


class NotAskedForError(Exception):
    """Nobody asked for this program in this run."""


#: The variable that asks for them.
ASKED_FOR = "POLLY_TEST_MORE_AGENTS"
# Both name all that they need with exact versions themselves.
_OPENCODE = "opencode-ai@1.18.33"
_AIDER = "aider-chat==0.86.2"


def opencode(environment: Mapping[str, str]) -> Path:
    """The program `opencode`, in the build that any processor of the last ten years can run."""
    _refuse_unless_asked_for(environment)
    place = place_of("opencode", _OPENCODE.encode())
    command = ["install", "--no-package-lock", _OPENCODE]
    installed(place, lambda folder: run_npm([*command, f"--prefix={folder}"], folder, environment))
    try:
        return program(place, "opencode-*-baseline/bin/opencode")
    except CannotInstallError:  # processors other than Intel's have one build
        return program(place, "opencode-*/bin/opencode")


def aider(environment: Mapping[str, str]) -> Path:
    """The program `aider`."""
    _refuse_unless_asked_for(environment)
    place = place_of(f"aider-{sys.implementation.cache_tag}", _AIDER.encode())
    return script(installed(place, lambda folder: _install_aider(folder, environment)), "aider")


def _install_aider(place: Path, environment: Mapping[str, str]) -> None:
    run_installer([uv(), "venv", "--quiet", "--python", sys.executable, str(place)], place, environment)
    run_installer([uv(), "pip", "install", "--quiet", "--python", str(place), _AIDER], place, environment)


def _refuse_unless_asked_for(environment: Mapping[str, str]) -> None:
    if ASKED_FOR not in environment:
        raise NotAskedForError("opencode and aider are tried by `make more-agents`")
