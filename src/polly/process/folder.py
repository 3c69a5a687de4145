"""The folder of one job: spec.json (Polly), started.json and report.json (the shim).

Whoever writes started.json first decides whether the job runs: the shim, or a later Polly that found
no shim and gives the job up.
"""

import enum
import json
import os
from pathlib import Path
from typing import Any

from polly.process.files import write_first, write_whole
from polly.process.identity import start_identity


class JobState(enum.StrEnum):
    """Where a job stands."""

    ABSENT = "absent"  # nothing was ever started in this folder
    RUNNING = "running"
    ENDED = "ended"  # there is a report
    LOST = "lost"  # its shim died without a report; what it left can be swept


def state(folder: Path) -> JobState:
    """Where the job of this folder stands. A process id that was used again does not deceive."""
    if (folder / "report.json").exists():
        return JobState.ENDED
    started = read_json(folder / "started.json")
    if started is not None:
        runs = shim_pid(folder) is not None
    else:
        spec = read_json(folder / "spec.json")
        if spec is None:
            return JobState.ABSENT
        # Its shim is about to start, unless the Polly that starts it has died.
        runs = start_identity(spec.get("parent_pid", 0)) == spec.get("parent_identity")
    if runs:
        return JobState.RUNNING
    # Look again: between the two looks it may have ended well.
    return JobState.ENDED if (folder / "report.json").exists() else JobState.LOST


def shim_pid(folder: Path) -> int | None:
    """The process id of the shim while it runs."""
    started = read_json(folder / "started.json") or {}
    pid = started.get("pid", 0)
    return pid if pid and start_identity(pid) == started.get("identity") else None


def mark_of(folder: Path) -> str | None:
    """The mark that every process of this job carries in its environment."""
    spec = read_json(folder / "spec.json") or {}
    mark = spec.get("job")
    return mark if isinstance(mark, str) and mark else None


def give_up(folder: Path) -> None:
    """Make sure that no shim starts the job any more. One that already has is not touched."""
    write_first(os.fspath(folder / "started.json"), json.dumps({"pid": 0, "identity": None}) + "\n")


def write_json(file: Path, value: dict[str, Any]) -> None:
    """Write it whole; readable for this user alone."""
    write_whole(os.fspath(file), json.dumps(value, indent=1) + "\n")


def read_json(file: Path) -> dict[str, Any] | None:
    """The object in the file; None when there is none."""
    try:
        value = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
