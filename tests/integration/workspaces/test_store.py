"""The run's own repository: shared objects, exact trees, and nothing of the user's touched."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from polly.errors import RepositoryError, SettingsError, ToolError
from polly.git import Repository
from polly.settings import WorkspaceSettings
from polly.workspaces.checkout import Workspaces
from polly.workspaces.store import TreeStore

GitRunner = Callable[..., str]


def fingerprint(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def edited(store: TreeStore, base: str, workspaces: Workspaces, label: str, path: str, text: str) -> str:
    """A commit of the run in which one file has another text."""
    workspace = asyncio.run(workspaces.prepare(base, label))
    (workspace.path / path).write_text(text)
    env = {
        "GIT_DIR": str(store.folder),
        "GIT_WORK_TREE": str(workspace.path),
        "GIT_INDEX_FILE": str(workspace.index),
    }
    store.git.run("--literal-pathspecs", "add", "-A", str(workspace.path), env=env)
    tree = store.git.run("write-tree", env=env).decode().strip()
    return store.commit(tree, base, label, f"refs/polly/{label}/1")


def test_checkouts_and_commits_leave_the_users_repository_byte_for_byte(
    project: Path, store: TreeStore, base: str, workspaces: Workspaces
) -> None:
    before = fingerprint(project)
    commits = {
        "WP1": edited(store, base, workspaces, "WP1", "src/a.py", "a = 2\n"),
        "WP2": edited(store, base, workspaces, "WP2", "src/b.py", "b = 2\n"),
    }
    combined = store.combine(base, commits, "refs/polly/wave-1")
    assert {change.path for change in store.changes(base, combined)} == {"src/a.py", "src/b.py"}
    assert fingerprint(project) == before


def test_two_packages_with_one_path_cannot_be_combined(
    store: TreeStore, base: str, workspaces: Workspaces
) -> None:
    commits = {
        name: edited(store, base, workspaces, name, "src/a.py", f"a = '{name}'\n") for name in ("WP1", "WP2")
    }
    with pytest.raises(ValueError, match="changed by two packages"):
        store.combine(base, commits, "refs/polly/wave-1")


def test_a_workspace_is_a_repository_of_its_own(base: str, workspaces: Workspaces, git: GitRunner) -> None:
    workspace = asyncio.run(workspaces.prepare(base, "WP1-1")).path
    assert git(workspace, "rev-parse", "HEAD") == base
    assert git(workspace, "remote") == ""
    assert git(workspace, "status", "--porcelain") == ""
    assert git(workspace, "log", "--oneline").count("\n") == 1
    assert (workspace / "run.sh").stat().st_mode & 0o111


def test_what_an_earlier_attempt_changed_lies_there_uncommitted(
    store: TreeStore, base: str, workspaces: Workspaces, git: GitRunner
) -> None:
    before = edited(store, base, workspaces, "WP1", "src/a.py", "a = 2\n")
    workspace = asyncio.run(workspaces.prepare(before, "WP1-2", head=base)).path
    assert git(workspace, "rev-parse", "HEAD") == base
    assert (workspace / "src/a.py").read_text() == "a = 2\n"
    assert git(workspace, "status", "--porcelain") == " M src/a.py"


def test_workspaces_have_stashes_of_their_own(base: str, workspaces: Workspaces, git: GitRunner) -> None:
    first = asyncio.run(workspaces.prepare(base, "WP1-1")).path
    second = asyncio.run(workspaces.prepare(base, "WP2-1")).path
    (first / "src/a.py").write_text("a = 2\n")
    git(first, "stash")
    assert git(second, "stash", "list") == ""


def test_a_shallow_clone_can_be_worked_on(project: Path, tmp_path: Path, git: GitRunner) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", project.as_uri(), "shallow")
    repository = Repository.find(tmp_path / "shallow")
    assert repository.is_shallow
    store = TreeStore.create(repository, tmp_path / "shallow.git")
    store.checkout(repository.base_commit(), tmp_path / "checkout")
    assert git(tmp_path / "checkout", "log", "--oneline").count("\n") == 0


def test_a_linked_worktree_can_be_worked_on(project: Path, tmp_path: Path, git: GitRunner) -> None:
    git(project, "worktree", "add", "--quiet", str(tmp_path / "linked"), "-b", "side")
    repository = Repository.find(tmp_path / "linked")
    store = TreeStore.create(repository, tmp_path / "linked.git")
    store.checkout(repository.base_commit(), tmp_path / "checkout")
    assert (tmp_path / "checkout/src/a.py").read_text() == "a = 1\n"


def test_line_ends_are_written_as_the_user_has_them(project: Path, tmp_path: Path, git: GitRunner) -> None:
    git(project, "config", "core.autocrlf", "true")
    repository = Repository.find(project)
    store = TreeStore.create(repository, tmp_path / "crlf.git")
    store.checkout(repository.base_commit(), tmp_path / "checkout")
    assert (tmp_path / "checkout/src/a.py").read_bytes() == b"a = 1\r\n"


def test_a_commit_that_is_not_there_is_said_so(store: TreeStore, tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="could not be checked out"):
        store.checkout("0" * 40, tmp_path / "checkout")


def with_settings(workspaces: Workspaces, **settings: object) -> Workspaces:
    return Workspaces(
        store=workspaces.store,
        root=workspaces.root,
        project_root=workspaces.project_root,
        settings=WorkspaceSettings.model_validate(settings),
    )


def test_setup_copies_links_and_runs_commands(project: Path, base: str, workspaces: Workspaces) -> None:
    (project / ".env").write_text("A=1\n")
    (project / "node_modules").mkdir()
    (project / "node_modules/x.js").write_text("x\n")
    ready = with_settings(
        workspaces, copy=[".env"], link=["node_modules"], setup=["cat .env node_modules/x.js > made.log"]
    )
    workspace = asyncio.run(ready.prepare(base, "WP1-1"))
    assert (workspace.path / "made.log").read_text() == "A=1\nx\n"
    assert workspace.provided == (".env", "node_modules")


def test_removing_a_workspace_leaves_what_was_linked(
    project: Path, base: str, workspaces: Workspaces
) -> None:
    (project / "node_modules").mkdir()
    (project / "node_modules/x.js").write_text("x\n")
    ready = with_settings(workspaces, link=["node_modules"])
    asyncio.run(ready.prepare(base, "WP1-1"))
    ready.remove("WP1-1")
    assert not (workspaces.root / "WP1-1").exists()
    assert (project / "node_modules/x.js").exists()


def test_a_failed_setup_says_what_the_command_said(base: str, workspaces: Workspaces) -> None:
    ready = with_settings(workspaces, setup=["echo no such package; exit 3"])
    with pytest.raises(ToolError, match=r"(?s)setup command `echo no such.*exit status 3.*no such package"):
        asyncio.run(ready.prepare(base, "WP1-1"))


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "C:\\secret", "missing"])
def test_only_paths_of_the_repository_are_provided(base: str, workspaces: Workspaces, path: str) -> None:
    settings = WorkspaceSettings.model_construct(copy_=(path,))  # not by way of polly.toml, which refuses it
    with pytest.raises(SettingsError, match="workspace"):
        asyncio.run(replace(workspaces, settings=settings).prepare(base, "WP1-1"))


def test_what_polly_provided_is_nobodys_change(
    project: Path, base: str, workspaces: Workspaces, git: GitRunner
) -> None:
    (project / "node_modules").mkdir()
    workspace = asyncio.run(with_settings(workspaces, link=["node_modules"]).prepare(base, "WP1-1"))
    assert "node_modules" in git(workspace.path, "status", "--porcelain")


def test_frozen_checkouts_are_removed_even_with_read_only_files(base: str, workspaces: Workspaces) -> None:
    async def use() -> Path:
        async with workspaces.frozen(base, "gate") as path:
            (path / "src").chmod(0o500)
            return path

    assert not asyncio.run(use()).exists()
