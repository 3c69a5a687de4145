"""The run's own repository: it borrows the objects of the user's and keeps every tree of the run.

Agents get checkouts of it, their changes come back into it, and the user's repository is not written to.
"""

import os
import shutil
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from polly.errors import RepositoryError
from polly.git import (
    Change,
    Entry,
    Git,
    GitError,
    ObjectReader,
    Repository,
    Snapshot,
    entries_of,
    parse_raw_diff,
)

#: How the user's git turns files into objects must hold in checkouts too, or every line would differ.
_INHERITED = (
    "core.autocrlf",
    "core.eol",
    "core.filemode",
    "core.symlinks",
    "core.ignorecase",
    "core.precomposeunicode",
    "core.longpaths",
    "core.protectntfs",
)

_IDENTITY = {
    "GIT_AUTHOR_NAME": "Polly",
    "GIT_AUTHOR_EMAIL": "polly@localhost",
    "GIT_COMMITTER_NAME": "Polly",
    "GIT_COMMITTER_EMAIL": "polly@localhost",
}


#: So many whole trees are kept in mind; a wave asks for its base and one tree per package at work.
_TREES_KEPT = 16


class _Memory:
    """What was learned about objects, which never change, so that git is not asked again."""

    def __init__(self, git: Git) -> None:
        self.reader = ObjectReader(git)
        self.trees: dict[str, str] = {}
        self._entries: OrderedDict[str, Mapping[str, Entry]] = OrderedDict()
        self._lock = threading.Lock()

    def entries(self, revision: str) -> Mapping[str, Entry] | None:
        with self._lock:
            name = self.trees.get(revision, revision)
            if name in self._entries:
                self._entries.move_to_end(name)
            return self._entries.get(name)

    def keep_entries(self, tree: str, entries: Mapping[str, Entry]) -> None:
        with self._lock:
            self._entries[tree] = entries
            while len(self._entries) > _TREES_KEPT:
                self._entries.popitem(last=False)


@dataclass(frozen=True, kw_only=True)
class TreeStore:
    """The run's repository at `folder`. Commits and trees of the user's repository can be named too."""

    folder: Path
    _memory: _Memory = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_memory", _Memory(self.git))  # the one way into a frozen record

    def __reduce__(self) -> tuple[Callable[[Path], "TreeStore"], tuple[Path]]:
        """Another process needs the folder only, and asks git for itself."""
        return _opened, (self.folder,)

    @classmethod
    def create(cls, user: Repository, folder: Path) -> Self:
        """A new repository that shares the user's objects. Nothing of the user's is changed."""
        object_format = user.git.text("rev-parse", "--show-object-format")
        lines = [f"[gc]\n\tauto = 0\n{_format_section(object_format)}"]
        for line in user.git.run("config", "--list", "-z").decode("utf-8", "replace").split("\0"):
            key, _, value = line.partition("\n")
            if key in _INHERITED:
                lines.append(f"\t{key.split('.')[1]} = {value}\n")
        _make_repository(folder, "".join(lines), [user.common_dir / "objects"], "ref: refs/heads/none")
        _copy_shallow(user.common_dir, folder)
        return cls(folder=folder)

    @property
    def git(self) -> Git:
        """Git in the run's repository, without a work tree."""
        return Git(cwd=self.folder, variables={"GIT_DIR": str(self.folder)})

    def checkout(self, commit: str, at: Path, *, head: str | None = None) -> None:
        """A private repository at `at` with the files of `commit`: detached, no remote, own index and stash.

        With another `head`, what `commit` changed since then lies there uncommitted, as git status shows.
        Raises RepositoryError when files cannot be written, for instance because the disk is full.
        """
        git_dir = at / ".git"
        config = (self.folder / "config").read_text(encoding="utf-8")
        _make_repository(
            git_dir, f"{config}[core]\n\tbare = false\n", [self.folder / "objects"], head or commit
        )
        _copy_shallow(self.folder, git_dir)
        git = Git(cwd=at)
        try:
            git.run("read-tree", "--reset", "-u", commit)
            if head not in (None, commit):
                git.run("read-tree", "--reset", head or commit)
        except GitError as error:
            raise RepositoryError(
                f"The files of {commit[:12]} could not be checked out: {error.stderr.strip()}",
                next_step="A partial clone lacks file contents and a full disk cannot take them; "
                "see which it is, then try again.",
            ) from error

    def commit(self, tree: str, parent: str, message: str, ref: str) -> str:
        """The id of a new commit of the run, kept under `ref` so that nothing collects it."""
        made = self.git.run("commit-tree", tree, "-p", parent, "-m", message, env=_IDENTITY)
        commit = made.decode("ascii").strip()
        # This repository keeps its refs as files and nobody else writes them.
        file = self.folder / ref
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{commit}\n", encoding="ascii")
        self._memory.trees[commit] = tree
        return commit

    def changes(self, base: str, other: str) -> tuple[Change, ...]:
        """The paths that differ between two commits or trees; a rename is a deletion and an addition."""
        return parse_raw_diff(
            self.git.run("diff-tree", "-r", "-z", "--raw", "--no-renames", "--full-index", base, other)
        )

    def patch(self, base: str, other: str, paths: Sequence[str] = ()) -> bytes:
        """The difference of two commits or trees as a binary-safe patch for `git apply`."""
        return self.git.run(
            "diff-tree", "-p", "--binary", "--full-index", "--no-color", "--no-ext-diff", "--no-textconv",
            "--no-renames", "--src-prefix=a/", "--dst-prefix=b/", base, other, "--", *_literal(paths),
        )  # fmt: skip

    def entries(self, commit: str) -> Mapping[str, Entry]:
        """Mode and id of every path of a commit or tree."""
        known = self._memory.entries(commit)
        if known is None:
            known = entries_of(self.git, commit)
            self._memory.keep_entries(self.tree_of(commit), known)
        return known

    def tree_of(self, commit: str) -> str:
        """The tree hash of a commit."""
        if commit not in self._memory.trees:
            self._memory.trees[commit] = self.git.tree_of(commit)
        return self._memory.trees[commit]

    @contextmanager
    def snapshot(self, commit: str) -> Iterator[Snapshot]:
        """The files of a commit."""
        yield Snapshot(self.entries(commit), self._memory.reader)

    def close(self) -> None:
        """Let go of the program that reads objects."""
        self._memory.reader.close()

    def write_object(self, content: bytes) -> str:
        """The id of a new blob."""
        return self.git.run("hash-object", "-w", "--stdin", stdin=content).decode("ascii").strip()

    def read_object(self, object_id: str) -> bytes:
        """The bytes of a blob."""
        return self._memory.reader.read(object_id)

    def overlay(self, base: str, changes: Iterable[Change]) -> str:
        """The tree of `base` with these changes put over it; paths that are not named stay."""
        listed = tuple(changes)
        with self.scratch_index() as env:
            self.git.run("read-tree", base, env=env)
            lines = b"".join(_index_line(change) for change in listed)
            self.git.run("update-index", "-z", "--index-info", stdin=lines, env=env)
            return self.tree_of_index(env, base, listed)

    def tree_of_index(self, env: Mapping[str, str], base: str, changes: Iterable[Change]) -> str:
        """The tree that an index holds, which is `base` with these changes."""
        tree = self.git.run("write-tree", env=env).decode("ascii").strip()
        entries = dict(self.entries(base))
        for change in changes:
            if change.new_id is None:
                entries.pop(change.path, None)
            else:
                entries[change.path] = Entry(mode=change.new_mode, id=change.new_id)
        self._memory.keep_entries(tree, entries)
        return tree

    def combine(self, base: str, commits: Mapping[str, str], ref: str) -> str:
        """A commit on `base` with the changes of every package commit (id → commit, all made from `base`).

        Ownership is exclusive, so no path comes twice; if one does, that is our bug and raises ValueError.
        """
        changes: dict[str, Change] = {}
        for package, commit in commits.items():
            for change in self.changes(base, commit):
                if change.path in changes:
                    raise ValueError(f"{change.path} was changed by two packages, {package} is the second")
                changes[change.path] = change
        tree = self.overlay(base, changes.values())
        return self.commit(tree, base, "Combined: " + ", ".join(commits), ref)

    @contextmanager
    def scratch_index(self) -> Iterator[dict[str, str]]:
        """The environment for an index of our own, deleted afterwards."""
        with tempfile.TemporaryDirectory(prefix="polly-index-") as folder:
            yield {"GIT_INDEX_FILE": str(Path(folder) / "index")}


def _opened(folder: Path) -> TreeStore:
    return TreeStore(folder=folder)


def _literal(paths: Sequence[str]) -> tuple[str, ...]:
    return tuple(f":(literal,top){path}" for path in paths)


def _index_line(change: Change) -> bytes:
    path = change.path.encode("utf-8", "surrogateescape")
    if change.new_id is None:
        return b"0 " + b"0" * len(change.old_id or "") + b"\t" + path + b"\0"
    return f"{change.new_mode} {change.new_id}\t".encode("ascii") + path + b"\0"


def _format_section(object_format: str) -> str:
    if object_format == "sha1":
        return "[core]\n\trepositoryformatversion = 0\n"
    return f"[extensions]\n\tobjectformat = {object_format}\n[core]\n\trepositoryformatversion = 1\n"


def _make_repository(git_dir: Path, config: str, borrowed: Iterable[Path], head: str) -> None:
    # What `git init` makes, without its process, its templates and the user's default of a ref format.
    for name in ("objects/info", "objects/pack", "refs/heads"):
        (git_dir / name).mkdir(parents=True)
    (git_dir / "HEAD").write_text(f"{head}\n", encoding="ascii")
    (git_dir / "config").write_text(config, encoding="utf-8")
    _borrow(git_dir, borrowed)


def _borrow(git_dir: Path, objects: Iterable[Path]) -> None:
    # git reads alternates as UTF-8 paths with "/" on every system; a chain of them is followed.
    with (git_dir / "objects" / "info" / "alternates").open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{Path(os.path.realpath(path)).as_posix()}\n" for path in objects)


def _copy_shallow(source: Path, target: Path) -> None:
    # Without the list of cut commits, git would look for parents that a shallow clone does not have.
    if (source / "shallow").exists():
        shutil.copyfile(source / "shallow", target / "shallow")
