"""mini-swe-agent with what its deterministic model needs: a tenth of all that it depends on."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.agents.installing import installed, place_of, run_installer, uv

_PINS = Path(__file__).with_name("mini.txt")


def mini(environment: Mapping[str, str]) -> Path:
    """The program `mini`. Only its deterministic model works: litellm is not there."""
    place = place_of(f"mini-{sys.implementation.cache_tag}", _PINS.read_bytes())
    return script(installed(place, lambda folder: _install(folder, environment)), "mini")


def script(place: Path, name: str) -> Path:
    """A program of a virtual environment."""
    return place / "Scripts" / f"{name}.exe" if os.name == "nt" else place / "bin" / name


def _install(place: Path, environment: Mapping[str, str]) -> None:
    run_installer([uv(), "venv", "--quiet", "--python", sys.executable, str(place)], place, environment)
    command = [uv(), "pip", "install", "--quiet", "--python", str(place), "--no-deps", "--require-hashes"]
    run_installer([*command, "--requirement", str(_PINS)], place, environment)
