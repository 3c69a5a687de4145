"""The folder through which an agent at work asks for a file: it drops a request, the run drops the answer.

A request is `<32 hex digits>.request`, JSON `{"path", "reason"}`; its answer `<the same>.answer`, JSON
`{"answer", "told"}`. No server and no port: a request waits when Polly was killed, and the Polly that takes
the agent over answers it. What lies here was made by an agent and is read with care.
"""

import contextlib
import itertools
import json
import os
import re
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polly.execution.plain_file import read_plain

#: of one request; more is refused unread
MAX_REQUEST_BYTES = 16_384
#: requests that one look takes, and names in the folder that it looks at
_AT_ONCE = 20
_NAMES_READ = 2_000
#: seconds between two looks for an answer
_LOOK_SECONDS = 0.05

_NAME = re.compile(r"[0-9a-f]{32}")
_REQUEST, _ANSWER = ".request", ".answer"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request that waits. fault: why it cannot be read, or ""."""

    name: str
    path: str = ""
    reason: str = ""
    fault: str = ""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the run answered: a word of `polly.work.requests.Answer`, and a sentence."""

    answer: str
    told: str


def ask(folder: Path, path: str, reason: str, *, patience_seconds: float) -> Told | None:
    """Drop a request and wait; None when no answer came. Raises OSError when the folder is gone."""
    name = uuid.uuid4().hex
    _write(folder, f"{name}{_REQUEST}", {"path": path, "reason": reason})
    deadline = time.monotonic() + patience_seconds
    answer = folder / f"{name}{_ANSWER}"
    while time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError, ValueError):
            value = json.loads(read_plain(answer, MAX_REQUEST_BYTES))
            answer.unlink(missing_ok=True)
            return Told(answer=str(value["answer"]), told=str(value["told"]))
        time.sleep(_LOOK_SECONDS)
    return None


def waiting(folder: Path) -> list[Asked]:
    """Some of the requests without an answer, the oldest names of the folder first. Never raises for them."""
    if folder.is_symlink():
        return []
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in itertools.islice(entries, _NAMES_READ)]
    except OSError:  # not made yet, or taken away with the attempt
        return []
    stems = [name.removesuffix(_REQUEST) for name in names if name.endswith(_REQUEST)]
    return [_read(folder, stem) for stem in sorted(filter(_NAME.fullmatch, stems))[:_AT_ONCE]]


def answer(folder: Path, name: str, told: Told) -> None:
    """Answer a request and take it away. What the agent made of the folder meanwhile costs only itself."""
    with contextlib.suppress(OSError):
        _write(folder, f"{name}{_ANSWER}", {"answer": told.answer, "told": told.told})
    with contextlib.suppress(OSError):
        (folder / f"{name}{_REQUEST}").unlink()


def _read(folder: Path, name: str) -> Asked:
    try:
        value = json.loads(read_plain(folder / f"{name}{_REQUEST}", MAX_REQUEST_BYTES))
        path, reason = (value["path"], value["reason"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        return Asked(name=name, fault=f"the request cannot be read: {error}")
    if not isinstance(path, str) or not isinstance(reason, str):
        return Asked(name=name, fault="the request cannot be read: path and reason are texts")
    return Asked(name=name, path=path, reason=reason)


def _write(folder: Path, name: str, value: dict[str, Any]) -> None:
    """Aside first, so that nobody reads half of it; a file that is there already is never written into."""
    aside = folder / f".{name}.{uuid.uuid4().hex}"
    with aside.open("xb") as file:
        file.write(json.dumps(value).encode("utf-8", "replace"))
    aside.replace(folder / name)
