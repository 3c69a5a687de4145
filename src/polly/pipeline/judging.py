"""Verification as a run uses it: one judge, one limit on commands, scanners read through intake."""

import asyncio
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from polly.intake.read import read_findings
from polly.pipeline.project import Project
from polly.pipeline.runs import OpenRun
from polly.routing.library import Roles
from polly.verification.gates import run_gates
from polly.verification.judge import PackageJudge
from polly.work.issues import Issue
from polly.work.plan import GateCommand
from polly.work.run import GateResult, GateScope
from polly.workspaces.checkout import Workspaces


class FolderSnapshot:
    """The plain files of a checkout as they lie on the disk; a link may lead out of it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.paths = frozenset(
            (Path(folder) / name).relative_to(root).as_posix()
            for folder, folders, names in os.walk(root)
            if not _leave_out_git(folders)
            for name in names
            if stat.S_ISREG((Path(folder) / name).lstat().st_mode)
        )

    def read(self, path: str) -> bytes | None:
        """The bytes of a file, or None when there is none."""
        return (self._root / path).read_bytes() if path in self.paths else None


@dataclass(frozen=True, kw_only=True)
class Judging:
    """The judge of one run, and the gates that come before it."""

    judge: PackageJudge
    workspaces: Workspaces
    limit: asyncio.Semaphore
    serial: asyncio.Lock

    @classmethod
    def of(cls, project: Project, run: OpenRun, roles: Roles) -> "Judging":
        """Made once per process and run."""
        workspaces = run.workspaces(project)
        # Gates, checks and scanners compute; more of them than cores would only slow each other down.
        limit = asyncio.Semaphore(max(2, os.cpu_count() or 2))
        serial = asyncio.Lock()
        judge = PackageJudge(
            workspaces=workspaces,
            plan=run.plan,
            settings=project.settings,
            inventory=run.inventory,
            read_findings=reader_of_findings(project, run.inventory.included),
            limit=limit,
            serial=serial,
            role_gates={role.name: role.gates for role in roles},
        )
        return cls(judge=judge, workspaces=workspaces, limit=limit, serial=serial)

    async def pre_gates(self, gates: tuple[GateCommand, ...], base: str) -> tuple[GateResult, ...]:
        """What the pre gates say about the base commit."""
        return await run_gates(
            gates,
            scope=GateScope.PRE,
            commit=base,
            label="pre-gates",
            workspaces=self.workspaces,
            limit=self.limit,
            serial=self.serial,
        )


def reader_of_findings(
    project: Project, included: tuple[str, ...]
) -> Callable[[bytes, str, Path], tuple[Issue, ...]]:
    """Reads a scanner's output about a checkout as intake did: the same severities, the same rules off."""
    table = project.settings.severity_table
    linters = project.linters()

    def read(text: bytes, source_format: str, checkout: Path) -> tuple[Issue, ...]:
        return read_findings(
            text,
            format=source_format,
            name="the scanner",
            snapshot=FolderSnapshot(checkout),
            root=checkout,
            severity_table=table,
            linters=linters,
            include=included,
        )

    return read


def _leave_out_git(folders: list[str]) -> bool:
    # Changing the list in place keeps os.walk out; the answer is always "go on".
    if ".git" in folders:
        folders.remove(".git")
    return False
