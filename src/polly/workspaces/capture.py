"""What an agent changed, read from the tree it left; its own git state is never trusted.

The run's git dir and an index made before the agent started look at the agent's working tree. So commits,
stashes, configuration, hooks or a deleted .git inside the workspace change nothing of what is read.
"""

import os
import shutil
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from polly.errors import PollyError
from polly.git import GITLINK, SYMLINK, Change, Entry, Git, GitError, parse_raw_diff
from polly.work.plan import Files
from polly.workspaces.store import TreeStore

#: A stray file above this is kept as a file in the quarantine folder, not as a hunk of a patch.
LARGE_STRAY_BYTES = 20_000_000

#: These decide what git sees; an agent that changes them without owning them must not hide strays.
_RULES = (".gitignore", ".gitattributes")


class CaptureError(PollyError):
    """The workspace cannot be read any more."""


@dataclass(frozen=True, kw_only=True)
class Capture:
    """The result of one attempt: a frozen tree with only owned changes, and everything else as strays."""

    tree: str
    commit: str
    owned_changed: tuple[str, ...]
    strays: tuple[str, ...]
    changes_patch: bytes
    quarantine_patch: bytes


@dataclass(frozen=True, kw_only=True)
class CaptureRequest:
    """Where to look, what it was made from, and what the package owns.

    `index` was copied right after the checkout. `provided` are paths that Polly itself put there (copies
    and links of the settings). `quarantine` takes large strays.
    """

    workspace: Path
    base: str
    index: Path
    files: Files
    provided: tuple[str, ...] = ()
    quarantine: Path
    message: str
    ref: str


def capture(store: TreeStore, request: CaptureRequest) -> Capture:
    """Freeze what the agent left. Raises CaptureError when the workspace is gone or emptied."""
    existing = store.entries(request.base)
    _refuse_ruins(request, existing)
    _disarm_nested_repositories(request.workspace)
    large = _set_large_strays_aside(request, existing)
    rules = _take_back_rules(store, request, existing)
    seen = {change.path: change for change in (*_changed_paths(store, request), *rules)}
    owned, strays = _partition(request, existing, seen.values())
    if strays:
        tree = store.overlay(request.base, owned)
    else:
        # The index has all that the agent left, and all of it is owned.
        tree = store.tree_of_index({"GIT_INDEX_FILE": str(request.index)}, request.base, owned)
    commit = store.commit(tree, request.base, request.message, request.ref)
    return Capture(
        tree=tree,
        commit=commit,
        owned_changed=tuple(sorted(change.path for change in owned)),
        strays=tuple(sorted({*(displayable(change.path) for change in strays), *large})),
        changes_patch=store.patch(request.base, tree) if owned else b"",
        quarantine_patch=store.patch(tree, store.overlay(tree, strays)) if strays else b"",
    )


def displayable(path: str) -> str:
    """A path that can be printed and stored as UTF-8, whatever bytes its name has."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _refuse_ruins(request: CaptureRequest, existing: Collection[str]) -> None:
    if not request.workspace.is_dir():
        raise CaptureError("The agent deleted its workspace, so nothing of this attempt can be kept")
    left = {entry.name for entry in os.scandir(request.workspace)} - {".git"}
    if not left and existing:
        raise CaptureError("The agent emptied its workspace, so nothing of this attempt can be kept")


def _git(store: TreeStore, request: CaptureRequest) -> Git:
    return Git(
        cwd=request.workspace,
        variables={
            "GIT_DIR": str(store.folder),
            "GIT_WORK_TREE": str(request.workspace),
            "GIT_INDEX_FILE": str(request.index),
        },
    )


def _changed_paths(store: TreeStore, request: CaptureRequest) -> tuple[Change, ...]:
    git = _git(store, request)
    everything = (".", *(f":(exclude,literal,top){path}" for path in request.provided))
    try:
        git.run("add", "--all", "--", *everything)
    except GitError:
        # A file that cannot be read must not hide the others; what git could not add stays as it was.
        git.run("add", "--all", "--ignore-errors", "--", *everything, accept=(0, 1, 128))
    _add_ignored_but_owned(git, request)
    output = git.run("diff-index", "--cached", "--raw", "-z", "--no-renames", "--full-index", request.base)
    return parse_raw_diff(output)


def _add_ignored_but_owned(git: Git, request: CaptureRequest) -> None:
    # An ignore rule of the repository must not swallow a file that the plan says will be created.
    literal = [path for path in request.files.create if "*" not in path]
    present = [path for path in literal if (request.workspace / path).is_file()]
    if present:
        git.run("add", "--force", "--", *(f":(literal,top){path}" for path in present))


def _partition(
    request: CaptureRequest, existing: Mapping[str, Entry], changes: Iterable[Change]
) -> tuple[list[Change], list[Change]]:
    modify = frozenset(request.files.modify)
    folded = {path.casefold() for path in existing}
    owned: list[Change] = []
    strays: list[Change] = []
    for change in changes:
        # A glob of files to create must not open files that are there already.
        is_owned = change.path in modify if change.path in existing else request.files.owns(change.path)
        lands = (
            is_owned
            and change.new_mode not in (SYMLINK, GITLINK)
            and not (change.old_id is None and change.path.casefold() in folded)
            and not (change.new_id and _replaces_a_file(change.path, existing))
        )
        (owned if lands else strays).append(change)
    return owned, strays


def _replaces_a_file(path: str, existing: Collection[str]) -> bool:
    parents = [parent.as_posix() for parent in PurePosixPath(path).parents][:-1]
    return any(parent in existing for parent in parents)


def _take_back_rules(
    store: TreeStore, request: CaptureRequest, existing: Mapping[str, Entry]
) -> list[Change]:
    """Put changed rule files that are not owned back as they were; what the agent made of them, as changes.

    The folder is walked, since a rule can hide the very file that it stands in. Rules in a folder that
    the agent made reach nothing else: caches of tools ignore themselves in this way, and are no strays.
    """
    present = {
        (folder / name).relative_to(request.workspace).as_posix()
        for folder, _folders, files in _walk(request.workspace)
        for name in files
        if name in _RULES
    }
    known = {path for path in existing if PurePosixPath(path).name in _RULES}
    changes = []
    folders = {parent for path in existing for parent in PurePosixPath(path).parents} if present else set()
    for path in sorted(known | {path for path in present if PurePosixPath(path).parent in folders}):
        change = _change_of_rule(store, request.workspace / path, path, existing.get(path))
        if change is not None and not request.files.owns(path):
            changes.append(change)
            _restore(store, request.workspace / path, change)
    return changes


def _change_of_rule(store: TreeStore, file: Path, path: str, before: Entry | None) -> Change | None:
    after = None
    if file.is_symlink():
        target = os.fsencode(file.readlink())
        after = Entry(mode=SYMLINK, id=store.write_object(target))
    elif file.is_file():
        # A checkout may have other line ends than the repository; that is no change.
        content = file.read_bytes().replace(b"\r\n", b"\n")
        after = Entry(mode=before.mode if before else "100644", id=store.write_object(content))
    if after == before:
        return None
    return Change(
        path=path,
        status="A" if before is None else "D" if after is None else "M",
        old_mode=before.mode if before else "000000",
        new_mode=after.mode if after else "000000",
        old_id=before.id if before else None,
        new_id=after.id if after else None,
    )


def _restore(store: TreeStore, file: Path, change: Change) -> None:
    if file.is_symlink() or file.is_file():
        file.unlink()
    if change.old_id is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(store.read_object(change.old_id))


def _walk(workspace: Path) -> Iterable[tuple[Path, list[str], list[str]]]:
    for folder, folders, files in os.walk(workspace):
        if Path(folder) == workspace and ".git" in folders:
            folders.remove(".git")
        yield Path(folder), folders, files


def _disarm_nested_repositories(workspace: Path) -> None:
    # git records a repository inside a repository as a link and keeps none of its files.
    for folder, folders, files in _walk(workspace):
        if folder != workspace and ".git" in (*folders, *files):
            (folder / ".git").replace(folder / "git-of-agent")
            if ".git" in folders:
                folders.remove(".git")


def _set_large_strays_aside(request: CaptureRequest, existing: Collection[str]) -> list[str]:
    moved = []
    for folder, _folders, files in _walk(request.workspace):
        for name in files:
            file = folder / name
            path = file.relative_to(request.workspace).as_posix()
            if path in existing or path in request.provided or request.files.owns(path) or file.is_symlink():
                continue
            if file.stat().st_size > LARGE_STRAY_BYTES:
                target = request.quarantine / path
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(file, target)
                moved.append(displayable(path))
    return moved
