"""The run's own repository: it borrows the objects of the user's and keeps every tree of the run.

Agents get checkouts of it, their changes come back into it, and the user's repository is not written to.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from polly.errors import RepositoryError
from polly.git import Change, Entry, Git, GitError, Repository, Snapshot, parse_raw_diff, parse_tree

#: How the user's git turns files into objects must hold in checkouts too, or every line would differ.
_INHERITED = (
    "core.autocrlf",
    "core.eol",
    "core.filemode",
    "core.symlinks",
    "core.ignorecase",
    "core.precomposeunicode",
    "core.longpaths",
    "core.protectNTFS",
)

_IDENTITY = {
    "GIT_AUTHOR_NAME": "Polly",
    "GIT_AUTHOR_EMAIL": "polly@localhost",
    "GIT_COMMITTER_NAME": "Polly",
    "GIT_COMMITTER_EMAIL": "polly@localhost",
}


@dataclass(frozen=True, kw_only=True)
class TreeStore:
    """The run's repository at `folder`. Commits and trees of the user's repository can be named too."""

    folder: Path

    @classmethod
    def create(cls, user: Repository, folder: Path) -> Self:
        """A new repository that shares the user's objects. Nothing of the user's is changed."""
        store = cls(folder=folder)
        _init(folder, user.git, bare=True)
        _borrow(folder, [user.common_dir / "objects"])
        _copy_shallow(user.common_dir, folder)
        lines = ["[gc]\n\tauto = 0\n[core]\n"]
        for key in _INHERITED:
            value = user.git.config(key)
            if value is not None:
                lines.append(f"\t{key.split('.')[1]} = {value}\n")
        with (folder / "config").open("a", encoding="utf-8") as config:
            config.writelines(lines)
        return store

    @property
    def git(self) -> Git:
        """Git in the run's repository, without a work tree."""
        return Git(cwd=self.folder, variables={"GIT_DIR": str(self.folder)})

    def checkout(self, commit: str, at: Path) -> None:
        """A private repository at `at` with the files of `commit`: detached, no remote, own index and stash.

        Raises RepositoryError when files cannot be written, for instance because the disk is full.
        """
        at.mkdir(parents=True)
        git_dir = at / ".git"
        _init(at, self.git, bare=False)
        _borrow(git_dir, [self.folder / "objects"])
        _copy_shallow(self.folder, git_dir)
        shutil.copyfile(self.folder / "config", git_dir / "config")
        with (git_dir / "config").open("a", encoding="utf-8") as config:
            config.write("[core]\n\tbare = false\n")
        try:
            Git(cwd=at).run("checkout", "--quiet", "--detach", commit)
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
        self.git.run("update-ref", ref, commit)
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

    def entries(self, commit: str) -> dict[str, Entry]:
        """Mode and id of every path of a commit."""
        return parse_tree(self.git.run("ls-tree", "-r", "-z", "--full-tree", commit))

    def tree_of(self, commit: str) -> str:
        """The tree hash of a commit."""
        return self.git.tree_of(commit)

    @contextmanager
    def snapshot(self, commit: str) -> Iterator[Snapshot]:
        """The files of a commit, readable until the block ends."""
        snapshot = Snapshot(self.git, commit)
        try:
            yield snapshot
        finally:
            snapshot.close()

    def overlay(self, base: str, changes: Iterable[Change]) -> str:
        """The tree of `base` with these changes put over it; paths that are not named stay."""
        with self.scratch_index() as env:
            self.git.run("read-tree", base, env=env)
            lines = b"".join(_index_line(change) for change in changes)
            self.git.run("update-index", "-z", "--index-info", stdin=lines, env=env)
            return self.git.run("write-tree", env=env).decode("ascii").strip()

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


def _literal(paths: Sequence[str]) -> tuple[str, ...]:
    return tuple(f":(literal,top){path}" for path in paths)


def _index_line(change: Change) -> bytes:
    path = change.path.encode("utf-8", "surrogateescape")
    if change.new_id is None:
        return b"0 " + b"0" * len(change.old_id or "") + b"\t" + path + b"\0"
    return f"{change.new_mode} {change.new_id}\t".encode("ascii") + path + b"\0"


def _init(at: Path, like: Git, *, bare: bool) -> None:
    object_format = like.text("rev-parse", "--show-object-format")
    at.mkdir(parents=True, exist_ok=True)
    options = ("--quiet", "--template=", f"--object-format={object_format}", *(("--bare",) if bare else ()))
    Git(cwd=at).run("init", *options, str(at))


def _borrow(git_dir: Path, objects: Iterable[Path]) -> None:
    # git reads alternates as UTF-8 paths with "/" on every system; a chain of them is followed.
    info = git_dir / "objects" / "info"
    info.mkdir(parents=True, exist_ok=True)
    with (info / "alternates").open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{Path(os.path.realpath(path)).as_posix()}\n" for path in objects)


def _copy_shallow(source: Path, target: Path) -> None:
    # Without the list of cut commits, git would look for parents that a shallow clone does not have.
    if (source / "shallow").exists():
        shutil.copyfile(source / "shallow", target / "shallow")
