"""Answers what the agent of one attempt asks for: each decision is an event before the agent hears of it."""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from polly.events.catalog import FileRequested
from polly.events.event import EventData
from polly.execution.requests.letterbox import Asked, Told, answer, waiting
from polly.execution.requests.rules import Ground, Tree, decide, owns
from polly.work.plan import Files
from polly.work.requests import Answer, FileRequest

#: seconds between two looks at what an agent asks for
LOOK_SECONDS = 0.1
#: of one package; an agent that asks for more is running in circles
MAX_REQUESTS = 100


@dataclass(kw_only=True)
class Desk:
    """The requests of one attempt.

    wave: the files of each package of the wave as they are now. asked: what the package has asked for before.
    own: called with the package's files whenever a file was granted, before the agent is told.
    append: records an event; what it says shows in `wave` and `asked` at once. left_out: not recorded, since
    there were too many.
    """

    run: str
    package: str
    attempt: int
    folder: Path
    workspace: Path
    entries: Callable[[], Tree]
    wave: Callable[[], Mapping[str, Files]]
    asked: Callable[[], tuple[FileRequest, ...]]
    protected: Callable[[str], str | None]
    append: Callable[[EventData], object]
    own: Callable[[Files], object]
    left_out: int = 0
    _tree: Tree | None = field(default=None, init=False)

    async def follow(self) -> None:
        """Answer until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Answer what waits. Between reading the state of the wave and recording the answer nobody else runs,
        so that of two packages that ask for one file only one gets it.
        """
        for asked in waiting(self.folder):
            if self._tree is None:
                self._tree = await asyncio.to_thread(self.entries)
            answer(self.folder, asked.name, self._told(asked, self._tree))

    def _told(self, asked: Asked, tree: Tree) -> Told:
        if asked.fault:
            return Told(answer=Answer.REFUSED, told=asked.fault)
        if owns(self.wave()[self.package], asked.path, tree):
            self.own(self.wave()[self.package])
            return Told(answer=Answer.GRANTED, told=f"{asked.path} is one of this agent's files.")
        request = decide(asked.path, asked.reason, self._ground(tree))
        known = self.asked()
        if not any(_are_alike(request, each) for each in known):
            if len(known) >= MAX_REQUESTS:
                self.left_out += 1
                return Told(
                    answer=Answer.REFUSED,
                    told=f"{self.package} has asked {MAX_REQUESTS} times. Name other files in the notes.",
                )
            self.append(
                FileRequested(run=self.run, package=self.package, attempt=self.attempt, request=request)
            )
        if request.answer is Answer.GRANTED:
            self.own(self.wave()[self.package])
        return Told(answer=request.answer.value, told=request.told)

    def _ground(self, tree: Tree) -> Ground:
        return Ground(
            package=self.package,
            attempt=self.attempt,
            wave=self.wave(),
            tree=tree,
            protected=self.protected,
            leads_elsewhere=self._leads_elsewhere,
        )

    def _leads_elsewhere(self, path: str) -> bool:
        root = Path(os.path.realpath(self.workspace))
        return os.path.realpath(self.workspace / path) != str(root / path)


def _are_alike(one: FileRequest, other: FileRequest) -> bool:
    return (one.path, one.answer, one.owner) == (other.path, other.answer, other.owner)
