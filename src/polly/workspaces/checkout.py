"""Workspaces of one run: made, set up as polly.toml says, and removed again."""

import asyncio
import contextlib
import shutil
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from polly import process
from polly.errors import SettingsError, ToolError
from polly.settings import Command, WorkspaceSettings
from polly.work.run import AttemptOutcome
from polly.workspaces.store import TreeStore


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """A private checkout. `index` is git's index as it was before anybody worked in it; `provided` are
    paths that Polly put there and that are nobody's change.
    """

    path: Path
    index: Path
    provided: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Workspaces:
    """Makes the private checkouts of one run below `root`, from the trees of `store`."""

    store: TreeStore
    root: Path
    project_root: Path
    settings: WorkspaceSettings

    def environment(self, **variables: str) -> dict[str, str]:
        """The environment of setup, gates and checks: small, plus what the settings hand over."""
        return process.small_environment(self.settings.env, **variables)

    def location(self, label: str) -> Workspace:
        """Where the workspace with this label is, whether it exists or not."""
        return Workspace(
            path=self.root / label / "tree",
            index=self.root / label / "index",
            provided=(*self.settings.copy_, *self.settings.link),
        )

    async def prepare(self, commit: str, label: str, *, head: str | None = None) -> Workspace:
        """A fresh workspace at `commit`; what an earlier process left under this label is removed.

        With another `head`, what `commit` changed since then is uncommitted work in it.

        Raises ToolError when a setup command fails, SettingsError when a path to copy or link is not there.
        """
        workspace = self.location(label)
        await asyncio.to_thread(self._make, commit, workspace, head)
        for number, command in enumerate(self.settings.setup, start=1):
            await self._set_up(workspace, number, command)
        return workspace

    @asynccontextmanager
    async def frozen(self, commit: str, label: str) -> AsyncIterator[Path]:
        """A set-up checkout of `commit` that nobody else writes to; removed when the block ends."""
        try:
            yield (await self.prepare(commit, label)).path
        finally:
            await asyncio.shield(asyncio.to_thread(self.remove, label))

    def remove(self, label: str) -> None:
        """Delete a workspace, whatever rights its files have."""
        _remove_tree(self.root / label)

    def folder(self, label: str, name: str) -> Path:
        """A folder beside the workspace for the records of one program started in it."""
        folder = self.root / label / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _make(self, commit: str, workspace: Workspace, head: str | None) -> None:
        _remove_tree(workspace.path.parent)
        workspace.path.parent.mkdir(parents=True)
        self.store.checkout(commit, workspace.path, head=head)
        # copy2 keeps the time stamp, by which git notices files changed in the same instant.
        shutil.copy2(workspace.path / ".git" / "index", workspace.index)
        for path in self.settings.copy_:
            self._provide(path, workspace.path, _copy)
        for path in self.settings.link:
            self._provide(path, workspace.path, _link)

    def _provide(self, path: str, workspace: Path, put: Callable[[Path, Path], None]) -> None:
        parts = PurePosixPath(path).parts
        if not parts or PurePosixPath(path).is_absolute() or ".." in parts or ":" in parts[0]:
            raise SettingsError(
                f"polly.toml: workspace: {path!r} is not a path inside the repository",
                next_step='Name it relative to the repository, for instance "node_modules".',
            )
        source = self.project_root / path
        if not source.exists():
            raise SettingsError(
                f"polly.toml: workspace: {path!r} does not exist in {self.project_root}",
                next_step="Create it, or take it out of [workspace] copy/link.",
            )
        target = workspace / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink() or target.is_file():
            target.unlink()
        elif target.is_dir():
            _remove_tree(target)
        put(source, target)

    async def _set_up(self, workspace: Workspace, number: int, command: Command) -> None:
        folder = workspace.path.parent / f"setup-{number}"
        folder.mkdir()
        job = process.Job(
            command=command,
            cwd=workspace.path,
            env=self.environment(),
            folder=folder,
            log=folder / "log.txt",
            timeout_seconds=self.settings.setup_timeout,
        )
        report = await process.run(job)
        if report.outcome is not AttemptOutcome.FINISHED:
            shown = command if isinstance(command, str) else " ".join(command)
            said = process.tail(job.log).strip()
            raise ToolError(
                f"The setup command `{shown}` {report.outcome.value.replace('_', ' ')}"
                f" ({report.detail or f'exit status {report.exit_code}'})" + (f":\n{said}" if said else ""),
                next_step="Try the command by hand in a fresh clone, and correct [workspace] setup.",
            )


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copy2(source, target)


def _link(source: Path, target: Path) -> None:
    try:
        target.symlink_to(source, target_is_directory=source.is_dir())
    except OSError:
        # Windows allows links only to some users; a copy gives the same content.
        _copy(source, target)


def _remove_tree(path: Path) -> None:
    def make_writable(function: Callable[..., Any], name: str, _error: object) -> None:
        with contextlib.suppress(OSError):
            Path(name).parent.chmod(stat.S_IRWXU)
            Path(name).chmod(stat.S_IRWXU)
            function(name)

    if path.is_symlink():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path, onerror=make_writable)
        if path.exists():
            shutil.rmtree(path, ignore_errors=True)
