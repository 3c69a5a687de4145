"""Claude Code and Codex as the npm registry has them, by the lock in npm/."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.agents.installing import CannotInstallError, installed, place_of, run_npm

_PINS = tuple(Path(__file__).with_name("npm") / name for name in ("package.json", "package-lock.json"))


def claude(environment: Mapping[str, str]) -> Path:
    """The program of Claude Code itself, which needs no Node."""
    return program(_installed(environment), "@anthropic-ai/claude-code-*/claude")


def codex(environment: Mapping[str, str]) -> Path:
    """The program of Codex itself: killing its wrapper in Node would leave this one at work."""
    return program(_installed(environment), "@openai/codex-*/vendor/*/bin/codex")


def program(place: Path, pattern: str) -> Path:
    """The program among the packages of a place."""
    suffix = ".exe" if os.name == "nt" else ""
    found = sorted((place / "node_modules").glob(f"{pattern}{suffix}"))
    if not found:
        raise CannotInstallError(f"npm has installed nothing that is called {pattern} for this machine")
    return found[0]


def _installed(environment: Mapping[str, str]) -> Path:
    place = place_of("npm", *(file.read_bytes() for file in _PINS))
    return installed(place, lambda folder: _install(folder, environment))


def _install(place: Path, environment: Mapping[str, str]) -> None:
    for file in _PINS:
        shutil.copyfile(file, place / file.name)
    run_npm(["ci"], place, environment)
