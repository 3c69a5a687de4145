"""A running scripted model, as tests use it."""

import contextlib
import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import msgspec
from tests.model import log
from tests.model.answer import Call
from tests.model.log import Answered, Entry, Failed, Request
from tests.model.script import Action, Script, Step, Usage, save

_ROOT = Path(__file__).parents[2]
_OWN_SCRIPTS = Path(__file__).with_name("scripts")
#: The longest life of a server, whoever forgot it.
_LIFE_SECONDS = 900.0
#: How long a test waits for something that must happen; never a figure that is asserted.
_PATIENCE_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True)
class ScriptedModel:
    """A model server on 127.0.0.1. Scripts may be added while it runs; its log can be read at any time."""

    port: int
    pid: int
    scripts: Path
    log_file: Path

    @property
    def url(self) -> str:
        """What Claude Code takes as ANTHROPIC_BASE_URL; other programs want `/v1` behind it."""
        return f"http://127.0.0.1:{self.port}"

    def add(self, name: str, *steps: Step, when: str | None = None, without_tools: bool = False) -> str:
        """Add a script; returns the marker that a prompt needs."""
        save(self.scripts, name, Script(steps=steps, when=when, without_tools=without_tools))
        return f"[[script:{name}]]"

    def entries(self) -> list[Entry]:
        """Everything so far, oldest first."""
        return log.read(self.log_file)

    def requests(self) -> list[Request]:
        """The requests that were answered by a script."""
        return [
            entry
            for entry in self.entries()
            if isinstance(entry, Request) and entry.script and not entry.side
        ]

    def answers(self, session: str | None = None) -> list[Answered]:
        """The whole answers; of one session of the agent's program when it is named."""
        numbers = {
            entry.number
            for entry in self.entries()
            if isinstance(entry, Request) and session in {None, entry.session}
        }
        return [entry for entry in self.entries() if isinstance(entry, Answered) and entry.request in numbers]

    def failures(self) -> list[Failed]:
        """The requests that got no whole answer."""
        return [entry for entry in self.entries() if isinstance(entry, Failed)]

    def calls(self, session: str | None = None) -> list[Call]:
        """Every tool call that was asked for."""
        return [call for answer in self.answers(session) for call in answer.calls]

    def usage(self, session: str | None = None) -> Usage:
        """The tokens of all whole answers."""
        used = [answer.usage for answer in self.answers(session)]
        names = Usage.__struct_fields__
        return Usage(**{name: sum(getattr(usage, name) for usage in used) for name in names})

    def let_meet(self, parties: int) -> None:
        """Come to the meeting of so many as one of them, so that the others go on."""
        marker = self.add("meeting", Step(text="Here I am.", meet=parties))
        body = {"model": "m", "tools": [{"name": "Bash"}], "messages": [{"role": "user", "content": marker}]}
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port)) as connection:
            connection.request("POST", "/v1/messages", json.dumps(body))
            with connection.getresponse() as response:
                assert response.status == 200

    def wait_for(self, happened: Callable[[list[Entry]], bool]) -> None:
        """Return when the log shows it; AssertionError when it never does."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not happened(self.entries()):
            assert time.monotonic() < deadline, f"it did not happen: {self.entries()}"
            time.sleep(0.02)  # another process writes the log


@contextlib.contextmanager
def running(folder: Path, scripts: Sequence[Path] = ()) -> Iterator[ScriptedModel]:
    """A scripted model with its files in `folder`; scripts of the test come before those of the suite."""
    own = folder / "scripts"
    own.mkdir(parents=True)
    log_file = folder / "model.jsonl"
    places = [str(place) for place in (own, *scripts, _OWN_SCRIPTS)]
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.model.server", str(log_file), str(_LIFE_SECONDS), *places],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with server:  # leaving closes its standard input, which is its sign to end
        port = int(cast("IO[bytes]", server.stdout).readline())
        yield ScriptedModel(port=port, pid=server.pid, scripts=own, log_file=log_file)


def edit(path: str, old: str, new: str) -> Action:
    """Replace these lines."""
    return msgspec.convert({"edit": {"path": path, "old": old, "new": new}}, Action)


def write(path: str, text: str) -> Action:
    """Write the whole file."""
    return msgspec.convert({"write": {"path": path, "text": text}}, Action)


def call(name: str, **given: object) -> Action:
    """Call a tool by its own name."""
    return msgspec.convert({"tool": {"name": name, "input": given}}, Action)
