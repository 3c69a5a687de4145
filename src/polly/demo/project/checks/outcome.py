"""What checks have in common: how they say no, and how they start a part of the service."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


class NotFixed(Exception):
    """The finding still stands; the text says what was seen."""


def expect(condition: bool, seen: str) -> None:
    """Raises NotFixed unless the condition holds."""
    if not condition:
        raise NotFixed(seen)


def python(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs Python in the project's folder with these variables on top of the environment."""
    return subprocess.run(
        [sys.executable, "-B", *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
