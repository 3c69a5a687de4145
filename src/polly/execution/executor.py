"""What runs one attempt somewhere. Here: on this machine, under the process supervisor."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from polly import process


class Executor(Protocol):
    """Runs attempts; the folder of a job is its key."""

    def standing_by(
        self, job: process.Job
    ) -> AbstractAsyncContextManager[Callable[[], Awaitable[process.Report]]]:
        """What starts the agent and waits for its end, with all made ready that can be before its turn.

        When the waiting is cancelled, the agent's whole process tree is stopped first.
        """
        ...

    async def adopt(self, folder: Path) -> process.Report | None:
        """The report of an attempt that an earlier Polly started: waited for while it runs, None if lost."""
        ...

    def stop(self, folder: Path) -> None:
        """Ask the agent of this folder to end, with its whole process tree; its report comes as usual."""
        ...


class LocalExecutor:
    """Agents as processes of this machine. They outlive a killed Polly and are taken over by the next."""

    def standing_by(
        self, job: process.Job
    ) -> AbstractAsyncContextManager[Callable[[], Awaitable[process.Report]]]:
        """What starts the agent and waits for its end, with its supervisor already there."""
        return process.standing_by(job)

    async def adopt(self, folder: Path) -> process.Report | None:
        """The report of an attempt that an earlier Polly started: waited for while it runs, None if lost."""
        report = await process.attach(folder)
        if report is None:
            await asyncio.to_thread(process.sweep, folder)
        return report

    def stop(self, folder: Path) -> None:
        """Ask the agent of this folder to end, with its whole process tree; its report comes as usual."""
        process.ask_to_stop(folder)
