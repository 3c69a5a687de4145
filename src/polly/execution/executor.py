"""What runs one attempt somewhere. Here: on this machine, under the process supervisor."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from polly import process


@dataclass(frozen=True, kw_only=True)
class AttemptJob:
    """One agent process: (run, package, attempt) is its key, `folder` its place on disk."""

    command: tuple[str, ...]
    workspace: Path
    folder: Path
    env: Mapping[str, str]
    timeout_seconds: float
    output_bytes: int
    disk_bytes: int


class Executor(Protocol):
    """Runs attempts. A second call for the same folder takes over the first one's process or result."""

    async def run(self, job: AttemptJob) -> process.Report:
        """Start the agent and wait for its end. When cancelled, its whole process tree is stopped first."""
        ...

    async def adopt(self, folder: Path) -> process.Report | None:
        """The report of an attempt that an earlier Polly started: waited for while it runs, None if lost."""
        ...


class LocalExecutor:
    """Agents as processes of this machine. They outlive a killed Polly and are taken over by the next."""

    async def run(self, job: AttemptJob) -> process.Report:
        """Start the agent and wait for its end. When cancelled, its whole process tree is stopped first."""
        return await process.run(
            process.Job(
                command=job.command,
                cwd=job.workspace,
                env=job.env,
                folder=job.folder,
                log=job.folder / "log.txt",
                timeout_seconds=job.timeout_seconds,
                output_bytes=job.output_bytes,
                disk_bytes=job.disk_bytes,
                watch_parent=False,
            )
        )

    async def adopt(self, folder: Path) -> process.Report | None:
        """The report of an attempt that an earlier Polly started: waited for while it runs, None if lost."""
        report = await process.attach(folder)
        if report is None:
            process.sweep(folder)
        return report
