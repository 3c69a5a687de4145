"""What the server was asked and what it answered: one line of JSON each, written at once."""

import threading
from pathlib import Path

import msgspec
from tests.model.answer import Call
from tests.model.conversation import ToolResult
from tests.model.script import Usage


class Request(msgspec.Struct, frozen=True, kw_only=True, tag="request"):
    """A request of an agent. side: it has no tools, as for a title; the script is not touched.

    results: what became of the tool calls of the answer before.
    """

    number: int
    method: str
    path: str
    session: str = ""
    thread: str = ""
    script: str | None = None
    step: int | None = None
    model: str = ""
    stream: bool = False
    side: bool = False
    tools: tuple[str, ...] = ()
    results: tuple[ToolResult, ...] = ()
    folder: str = ""


class Answered(msgspec.Struct, frozen=True, kw_only=True, tag="answer"):
    """An answer that was sent whole."""

    request: int
    id: str
    calls: tuple[Call, ...]
    usage: Usage


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag="failure"):
    """A request that got no whole answer: an HTTP error, or `cut`, `hung`, `gone` (the agent hung up)."""

    request: int
    why: str
    status: int | None = None


Entry = Request | Answered | Failed


class Log:
    """The file to which the server writes."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()

    def append(self, entry: Entry) -> None:
        line = msgspec.json.encode(entry) + b"\n"
        with self._lock, self._file.open("ab") as opened:
            opened.write(line)


def read(file: Path) -> list[Entry]:
    """All entries so far, oldest first; a line that is being written is left for the next time."""
    lines = file.read_bytes().split(b"\n")[:-1] if file.exists() else []
    return [msgspec.json.decode(line, type=Entry) for line in lines]
