"""Plays the steps of a JSON file in the current folder: `python -I -S player.py steps.json`.

Standard library only. A step that cannot be done ends the play with exit status 1 and a message.
"""

# ruff: noqa: PTH118, PTH120, PTH123, PTH103, PTH107, PTH110
# Every package of a demonstration starts a player; pathlib and typing would double what it imports.

from __future__ import annotations

import json
import os
import sys
import time

TYPE_CHECKING = False  # as typing has it, without the time that importing typing takes
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class StepFailed(Exception):  # noqa: N818 - says what happened
    """A step cannot be done; the text says why."""


def main() -> int:
    """The exit status of the play."""
    # Whoever reads the log sees each step when it happens.
    sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    with open(sys.argv[1], encoding="utf-8") as file:
        steps = json.load(file)
    for step in steps:
        given = {name: value for name, value in step.items() if name != "do"}
        try:
            status = STEPS[step["do"]](**given)
        except (StepFailed, OSError, UnicodeError) as error:
            _say(f"{step['do']}: {error}")
            return 1
        if status is not None:
            return int(status)
    return 0


def _write(path: str, text: str) -> None:
    file = _inside(path)
    os.makedirs(os.path.dirname(file), exist_ok=True)
    _put(file, text)
    _say(f"wrote {path}")


def _replace(path: str, old: str, new: str, all: bool = False) -> None:  # noqa: A002 - the word of the script
    file = _inside(path)
    with open(file, encoding="utf-8", errors="surrogateescape", newline="") as opened:
        text = opened.read()
    count = text.count(old)
    if count == 0:
        raise StepFailed(f"{path} does not hold {old!r}")
    if count > 1 and not all:
        raise StepFailed(f"{path} holds {old!r} {count} times; say `all: true`, or take more of the text")
    _put(file, text.replace(old, new))
    _say(f"replaced {count} in {path}")


def _delete(path: str) -> None:
    os.remove(_inside(path))
    _say(f"deleted {path}")


def _patch(file: str) -> None:
    name = os.path.basename(file)  # noqa: PTH119
    with open(file, "rb") as opened:
        if not opened.read().strip():
            _say(f"{name} is empty")
            return
    apply = ("apply", "--whitespace=nowarn")
    refused = _git(*apply, file)  # all of it or nothing
    if not refused:
        _say(f"applied {name}")
    elif not _git(*apply, "--check", "--reverse", file):
        _say(f"{name} is applied already")
    else:
        raise StepFailed(f"{name} does not apply:\n{refused}")


def _git(*arguments: str) -> str:
    """What git has against it; "" when it did it."""
    import subprocess  # noqa: PLC0415 - slow to import, and not every play has a patch

    done = subprocess.run(("git", *arguments), capture_output=True, check=False)
    if done.returncode == 0:
        return ""
    return done.stderr.decode("utf-8", errors="replace").strip() or f"git ended with {done.returncode}"


def _sleep(seconds: float) -> None:
    time.sleep(seconds)


def _print(text: str, times: int = 1) -> None:
    for _ in range(times):
        _say(text)


def _exit(code: int) -> int:
    return code


def _claim(issue: str, status: str, note: str = "") -> None:
    result = os.environ["POLLY_RESULT_FILE"]
    said: dict[str, Any] = {"issues": {}}
    if os.path.exists(result):
        with open(result, encoding="utf-8") as file:
            said = json.load(file)
    said["issues"][issue] = {"status": status, "note": note}
    _put(result, json.dumps(said))


def _hang() -> None:
    while True:
        time.sleep(3600)


def _inside(path: str) -> str:
    """Also a link must not lead out of the current folder."""
    root = os.path.realpath(".")
    file = os.path.realpath(os.path.join(root, path))
    if not file.startswith(os.path.join(root, "")):
        raise StepFailed(f"{path} is outside the workspace")
    return file


def _put(file: str, text: str) -> None:
    with open(file, "w", encoding="utf-8", errors="surrogateescape", newline="") as opened:
        opened.write(text)


def _say(text: str) -> None:
    print(text)  # noqa: T201 - the log of the attempt


STEPS: dict[str, Callable[..., Any]] = {
    "write": _write,
    "replace": _replace,
    "delete": _delete,
    "patch": _patch,
    "sleep": _sleep,
    "print": _print,
    "exit": _exit,
    "claim": _claim,
    "hang": _hang,
}

if __name__ == "__main__":
    sys.exit(main())
