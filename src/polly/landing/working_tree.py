"""Moving files of the user's working tree from one commit's version to another's, all or none.

Each touched file must be at one of the two versions already; anything else is somebody's work and blocks
the move. git itself writes the files, so line ends, filters and modes are the repository's. What it must
not lose is kept in memory until it has succeeded.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from polly.errors import RepositoryError
from polly.git import Change, Entry, Git, GitError, Repository
from polly.landing.listing import listed
from polly.landing.placement import after, before
from polly.landing.safekeeping import UntouchedError, kept

#: What git says when it finds, before it writes anything, that a file was edited a moment ago.
_REFUSALS = ("not uptodate", "would be overwritten", "would lose untracked", ".lock': File exists")


@dataclass(frozen=True, kw_only=True)
class Move:
    """From the version of commit `old` to that of commit `new` at the paths of `changes`.

    `git` sees the objects of both. What is staged at other paths stays staged.
    """

    repository: Repository
    git: Git
    old: str
    new: str
    changes: tuple[Change, ...]

    @property
    def reverse(self) -> "Move":
        """The way back."""
        back = tuple(
            replace(
                change,
                old_mode=change.new_mode,
                old_id=change.new_id,
                new_mode=change.old_mode,
                new_id=change.old_id,
            )
            for change in self.changes
        )
        return replace(self, old=self.new, new=self.old, changes=back)


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where one path stands: what the index has, and which version the file is (None when blocked)."""

    change: Change
    staged: Entry | None
    file_is_new: bool
    blocked: str | None = None

    @property
    def file(self) -> Entry | None:
        """The version that the file has."""
        return after(self.change) if self.file_is_new else before(self.change)


def survey(move: Move) -> tuple[Position, ...]:
    """Where each touched path stands. Raises RepositoryError when the index has unresolved conflicts."""
    staged = _staged(move.repository)
    at_old = _files_at(move, [(change.path, before(change)) for change in move.changes])
    at_new = _files_at(move, [(change.path, after(change)) for change in move.changes])
    return tuple(
        Position(
            change=change,
            staged=staged.entries.get(change.path),
            file_is_new=change.path in at_new,
            blocked=_obstacle(move, change, staged, change.path in at_old | at_new),
        )
        for change in move.changes
    )


def refuse_blocked(move: Move, doing: str) -> tuple[Position, ...]:
    """The positions, when nothing stands in the way. Raises RepositoryError that names each obstacle."""
    positions = survey(move)
    blocked: dict[str, list[str]] = {}
    for position in positions:
        if position.blocked:
            blocked.setdefault(position.blocked, []).append(position.change.path)
    if blocked:
        reasons = "; ".join(f"{listed(paths)} {reason}" for reason, paths in blocked.items())
        raise RepositoryError(
            f"{doing} would overwrite work of yours: {reasons}",
            next_step="Commit, stash or move what stands there, then try again.",
        )
    return positions


def move_files(move: Move, positions: Sequence[Position]) -> None:
    """Change the files only; the index stays as it is, byte for byte."""
    with _index_copy(move.repository) as env:
        _rehearse(move, positions, env)
        with kept(move.repository.root, [change.path for change in move.changes]):
            _read_tree(move, env)
            _refuse_unwritten(move)


def move_files_and_index(move: Move, positions: Sequence[Position]) -> None:
    """Change the files and their entries in the index."""
    with _index_copy(move.repository) as env:
        _rehearse(move, positions, env)
    aligned = [(position.change.path, position.file) for position in _unaligned(positions)]
    restored = [(position.change.path, position.staged) for position in _unaligned(positions)]
    try:
        with kept(move.repository.root, [change.path for change in move.changes]):
            set_entries(move, aligned, {})
            _refresh(move.git, {})
            _read_tree(move, {})
    except BaseException:
        set_entries(move, restored, {})
        raise


def set_entries(move: Move, entries: Iterable[tuple[str, Entry | None]], env: Mapping[str, str]) -> None:
    """Write these entries into the index; None takes a path out."""
    nothing = "0" * len(move.old)
    lines = b"".join(
        (f"{entry.mode} {entry.id}\t" if entry else f"0 {nothing}\t").encode("ascii")
        + path.encode("utf-8", "surrogateescape")
        + b"\0"
        for path, entry in entries
    )
    if lines:
        move.git.run("update-index", "-z", "--index-info", stdin=lines, env=env)


@dataclass(frozen=True, kw_only=True)
class _Staged:
    entries: Mapping[str, Entry]
    hidden: frozenset[str]


def _staged(repository: Repository) -> _Staged:
    entries: dict[str, Entry] = {}
    hidden, unresolved = set(), []
    for line in repository.git.run("ls-files", "-z", "-t", "--stage").split(b"\0"):
        if not line:
            continue
        meta, name = line.split(b"\t", 1)
        tag, mode, object_id, stage = meta.decode("ascii").split(" ")
        path = name.decode("utf-8", "surrogateescape")
        entries[path] = Entry(mode=mode, id=object_id)
        if stage != "0":
            unresolved.append(path)
        if tag == "S":
            hidden.add(path)
    if unresolved:
        raise RepositoryError(
            f"The index has unresolved conflicts: {listed(unresolved)}",
            next_step="Resolve them (git add) or take them back (git checkout HEAD -- PATH), then try again.",
        )
    return _Staged(entries=entries, hidden=frozenset(hidden))


def _obstacle(move: Move, change: Change, staged: _Staged, file_is_known: bool) -> str | None:
    root, path = move.repository.root, change.path
    for parent in reversed(PurePosixPath(path).parents[:-1]):
        if (root / parent).is_symlink():
            return "lies below a symbolic link"
        if os.path.lexists(root / parent) and not (root / parent).is_dir():
            return "lies below what is a file in the working tree"
    if path in staged.hidden:
        return "is outside the sparse checkout"
    entry = staged.entries.get(path)
    if entry not in (before(change), after(change)):
        return "has other changes staged"
    if not file_is_known:
        return "is in the way and untracked" if entry is None else "has changes that are not committed"
    return None


def _files_at(move: Move, versions: Sequence[tuple[str, Entry | None]]) -> frozenset[str]:
    """The paths whose file is, as git would store it, this version (or absent, where that is None)."""
    root = move.repository.root
    absent = {path for path, entry in versions if entry is None and not os.path.lexists(root / path)}
    present = [(path, entry) for path, entry in versions if entry is not None]
    with tempfile.TemporaryDirectory(prefix="polly-index-") as folder:
        env = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        set_entries(move, present, env)
        _refresh(move.git, env)
        differing = move.git.run("diff-files", "--name-only", "-z", "--ignore-submodules", env=env)
    changed = {name.decode("utf-8", "surrogateescape") for name in differing.split(b"\0")}
    return frozenset(absent | {path for path, _ in present if path not in changed})


@contextmanager
def _index_copy(repository: Repository) -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="polly-index-") as folder:
        index = Path(folder) / "index"
        # copy2 keeps the time stamp, by which git notices files changed in the same instant.
        if (repository.git_dir / "index").exists():
            shutil.copy2(repository.git_dir / "index", index)
        # A split index would leave its shared half in the user's git folder.
        yield {
            "GIT_INDEX_FILE": str(index),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "core.splitIndex",
            "GIT_CONFIG_VALUE_0": "false",
        }


def _unaligned(positions: Iterable[Position]) -> list[Position]:
    return [position for position in positions if position.staged != position.file]


def _rehearse(move: Move, positions: Sequence[Position], env: Mapping[str, str]) -> None:
    set_entries(move, [(each.change.path, each.file) for each in _unaligned(positions)], env)
    _refresh(move.git, env)
    _read_tree(move, env, "--dry-run")


def _refresh(git: Git, env: Mapping[str, str]) -> None:
    # Exit status 1 says that some file differs from the index; those are judged by the caller.
    git.run("update-index", "-q", "--ignore-submodules", "--refresh", env=env, accept=(0, 1))


def _read_tree(move: Move, env: Mapping[str, str], *options: str) -> None:
    try:
        move.git.run("read-tree", "-m", "-u", *options, move.old, move.new, env=env)
    except GitError as error:
        refused = any(words in error.stderr for words in _REFUSALS)
        raise (UntouchedError if refused else RepositoryError)(
            f"git could not change the files, and nothing was changed: {error.stderr.strip()}",
            next_step="See what git says, put it right, and try again.",
        ) from error


def _refuse_unwritten(move: Move) -> None:
    wanted = [(change.path, after(change)) for change in move.changes]
    missing = {path for path, _ in wanted} - _files_at(move, wanted)
    if missing:
        raise RepositoryError(
            f"git did not write {listed(missing)}, so nothing was changed",
            next_step="If they lie outside a sparse checkout, add them: git sparse-checkout add FOLDER",
        )
