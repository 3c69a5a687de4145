"""Everything that Polly asks git, and nothing else does.

Commands are argument lists, paths travel NUL-separated, and the caller's GIT_* variables do not reach
git: inside a hook or an alias they would point every command at another repository.
"""

import functools
import os
import subprocess
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from polly.errors import RepositoryError, ToolError

#: Hooks and file-system monitors of a repository are programs; no command of Polly starts them.
_QUIET = (
    "-c", f"core.hooksPath={os.devnull}",
    "-c", "core.fsmonitor=false",
    "-c", "core.quotePath=false",
    "-c", "gc.auto=0",
    "-c", "maintenance.auto=false",
    "-c", "advice.detachedHead=false",
    "-c", "submodule.recurse=false",
)  # fmt: skip

#: Variables that say who commits and how a remote is reached; the only GIT_* that are passed on.
_PASSED = ("GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")

_OPERATIONS = (
    ("merge", "MERGE_HEAD"),
    ("rebase", "rebase-merge"),
    ("rebase", "rebase-apply"),
    ("cherry-pick", "CHERRY_PICK_HEAD"),
    ("revert", "REVERT_HEAD"),
    ("bisect", "BISECT_LOG"),
)

REGULAR = ("100644", "100755")
SYMLINK = "120000"
GITLINK = "160000"


class GitError(ToolError):
    """A git command failed; `stderr` holds what it said."""

    def __init__(self, command: tuple[str, ...], status: int, stderr: str) -> None:
        said = stderr.strip() or f"exit status {status}"
        super().__init__(f"git {command[0]} failed: {said}")
        self.stderr = stderr
        self.status = status


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(_PASSED)
    }
    # Optional locks: without this, `git status` rewrites the user's index.
    # LFS: a private checkout has no remote to fetch large files from; pointers are enough.
    return env | {
        "LC_ALL": "C",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
        **extra,
    }


@dataclass(frozen=True, kw_only=True)
class Git:
    """git, pointed at one place: a directory, or a git dir with another work tree and index."""

    cwd: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(
        self,
        *args: str,
        stdin: bytes | None = None,
        accept: Iterable[int] = (0,),
        env: Mapping[str, str] | None = None,
    ) -> bytes:
        """What the command printed. Raises GitError when its exit status is not in `accept`."""
        try:
            done = subprocess.run(
                ("git", *_QUIET, *args),
                cwd=self.cwd,
                env=_environment({**self.variables, **(env or {})}),
                input=stdin if stdin is not None else b"",
                capture_output=True,
                check=False,
            )
        except FileNotFoundError as error:
            if not self.cwd.is_dir():
                raise RepositoryError(f"{self.cwd} is not a folder") from error
            raise ToolError("git was not found", next_step="Install git and try again.") from error
        if done.returncode not in tuple(accept):
            raise GitError(args, done.returncode, done.stderr.decode("utf-8", "replace"))
        return done.stdout

    def text(self, *args: str, accept: Iterable[int] = (0,)) -> str:
        """The command's output as text without the last line end."""
        return self.run(*args, accept=accept).decode("utf-8", "surrogateescape").rstrip("\n")

    def start(self, *args: str, stderr: int = subprocess.PIPE, bufsize: int = 0) -> subprocess.Popen[bytes]:
        """The running command with pipes, for a conversation with git.

        Without a buffer a word is sent when it is said, and none is left over for a git that has died.
        """
        return subprocess.Popen(
            ("git", *_QUIET, *args),
            cwd=self.cwd,
            env=_environment(self.variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            bufsize=bufsize,
        )

    def config(self, key: str) -> str | None:
        """The effective value of a configuration key, or None."""
        value = self.text("config", "--get", key, accept=(0, 1))
        return value or None

    def resolve(self, revision: str, kind: str = "commit") -> str:
        """The full object id of a revision. Raises RepositoryError when there is none."""
        found = self.text("rev-parse", "--verify", "--quiet", f"{revision}^{{{kind}}}", accept=(0, 1, 128))
        if not found:
            raise RepositoryError(f"There is no {kind} {revision!r} in this repository")
        return found

    def tree_of(self, commit: str) -> str:
        """The tree hash of a commit."""
        return self.resolve(commit, "tree")


@dataclass(frozen=True, kw_only=True)
class Head:
    """Where HEAD points: `commit` is None before the first commit, `branch` is None when detached."""

    commit: str | None
    branch: str | None


@dataclass(frozen=True, kw_only=True)
class DirtyPath:
    """A path that differs from HEAD: in the index, in the working tree, or untracked."""

    path: str
    staged: bool
    unstaged: bool
    untracked: bool


@dataclass(frozen=True, kw_only=True)
class Change:
    """One path that differs between two trees. `status` is A, M, D or T; an absent side has id None."""

    path: str
    status: str
    old_mode: str
    new_mode: str
    old_id: str | None
    new_id: str | None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One path of a tree."""

    mode: str
    id: str


def parse_raw_diff(output: bytes) -> tuple[Change, ...]:
    """The changes of `git diff-index/diff-tree --raw -z --no-renames` output."""
    fields = output.split(b"\0")
    changes = []
    for meta, path in zip(fields[0::2], fields[1::2], strict=False):
        old_mode, new_mode, old_id, new_id, status = meta.decode("ascii").lstrip(":").split(" ")
        changes.append(
            Change(
                path=path.decode("utf-8", "surrogateescape"),
                status=status[0],
                old_mode=old_mode,
                new_mode=new_mode,
                old_id=None if set(old_id) == {"0"} else old_id,
                new_id=None if set(new_id) == {"0"} else new_id,
            )
        )
    return tuple(changes)


def parse_name_only(output: bytes) -> tuple[tuple[str, ...], ...]:
    """The paths per commit of `git log --name-only -z --format=%x00` output."""
    commits: list[list[str]] = []
    is_first = False
    for part in output.split(b"\0")[:-1]:
        if not part:
            # The format ends in NUL, and so does the entry: two empty fields begin each commit.
            if not is_first:
                commits.append([])
            is_first = True
            continue
        path = part.removeprefix(b"\n") if is_first else part
        commits[-1].append(path.decode("utf-8", "surrogateescape"))
        is_first = False
    return tuple(tuple(paths) for paths in commits)


def parse_tree(output: bytes) -> dict[str, Entry]:
    """The entries of `git ls-tree -r -z` output by path."""
    entries = {}
    for line in output.split(b"\0"):
        if line:
            meta, path = line.split(b"\t", 1)
            mode, _kind, object_id = meta.decode("ascii").split(" ")
            entries[path.decode("utf-8", "surrogateescape")] = Entry(mode=mode, id=object_id)
    return entries


@dataclass(frozen=True, kw_only=True)
class Repository:
    """The user's repository. Only `polly.landing` writes to it."""

    root: Path
    git_dir: Path
    common_dir: Path

    @classmethod
    def find(cls, start: Path) -> Self:
        """The repository that `start` lies in. Raises RepositoryError when there is none to work on."""
        git = Git(cwd=start)
        try:
            answer = git.text("rev-parse", "--is-bare-repository", "--is-inside-work-tree")
        except GitError as error:
            if "dubious ownership" in error.stderr:
                raise RepositoryError(
                    f"git does not trust the repository at {start}: it belongs to another user",
                    next_step="Run: git config --global --add safe.directory <the repository>",
                ) from error
            raise RepositoryError(
                f"{start} is not inside a git repository",
                next_step="Change into a repository, or make one: git init && git add . && git commit",
            ) from error
        if answer.split() != ["false", "true"]:
            raise RepositoryError(
                f"{start} has no working tree (it is a bare repository or a .git folder)",
                next_step="Change into a checkout of the repository.",
            )
        root = Path(git.text("rev-parse", "--show-toplevel"))
        folders = Git(cwd=root).text("rev-parse", "--git-dir", "--git-common-dir").split("\n")
        git_dir, common_dir = ((root / folder).resolve() for folder in folders)
        return cls(root=root, git_dir=git_dir, common_dir=common_dir)

    @property
    def git(self) -> Git:
        """Git in the user's working tree."""
        return Git(cwd=self.root)

    def head(self) -> Head:
        """Where HEAD points now."""
        commit = self.git.text("rev-parse", "--verify", "--quiet", "HEAD^{commit}", accept=(0, 1, 128))
        branch = self.git.text("symbolic-ref", "--quiet", "--short", "HEAD", accept=(0, 1))
        return Head(commit=commit or None, branch=branch or None)

    def base_commit(self) -> str:
        """The commit that HEAD points to. Raises RepositoryError before the first commit."""
        commit = self.head().commit
        if commit is None:
            raise RepositoryError(
                f"The repository at {self.root} has no commit yet, so there is nothing to start from",
                next_step="Make the first commit: git add . && git commit",
            )
        return commit

    def operation(self) -> str | None:
        """`merge`, `rebase`, … when one is going on, else None."""
        for name, marker in _OPERATIONS:
            if (self.git_dir / marker).exists():
                return name
        return None

    def refuse_during_operation(self, doing: str) -> None:
        """Raises RepositoryError when a merge, rebase, … is going on."""
        operation = self.operation()
        if operation:
            raise RepositoryError(
                f"A {operation} is going on in {self.root}; {doing} would mix with it",
                next_step=f"Finish it, or take it back with `git {operation} "
                f"{'reset' if operation == 'bisect' else '--abort'}`, then try again.",
            )

    @property
    def is_shallow(self) -> bool:
        """True for a clone with a cut history."""
        return (self.common_dir / "shallow").exists()

    def dirty_paths(self) -> tuple[DirtyPath, ...]:
        """All paths that differ from HEAD, untracked files included, ignored ones not."""
        output = self.git.run("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all")
        return tuple(
            DirtyPath(
                path=line[3:].decode("utf-8", "surrogateescape"),
                staged=line[:1] not in (b" ", b"?"),
                unstaged=line[1:2] not in (b" ", b"?"),
                untracked=line[:2] == b"??",
            )
            for line in output.split(b"\0")
            if line
        )

    def renames(self, before: str, after: str) -> dict[str, str]:
        """New path → old path of the files that git calls renamed between two commits."""
        commits = (self.git.resolve(before), self.git.resolve(after))
        output = self.git.run("diff-tree", "-r", "-z", "-M", "--diff-filter=R", "--name-status", *commits)
        fields = output.decode("utf-8", "surrogateescape").split("\0")
        return {new: old for old, new in zip(fields[1::3], fields[2::3], strict=False)}

    def recent_changes(self, commit: str, *, commits: int) -> tuple[tuple[str, ...], ...]:
        """The paths that each of the last commits up to this one changed, newest first; no merges."""
        args = ("--no-merges", "--no-renames", "--name-only", "-z", "--format=%x00", f"--max-count={commits}")
        return parse_name_only(self.git.run("-c", "log.showSignature=false", "log", *args, commit, "--"))

    @contextmanager
    def snapshot(self, commit: str) -> Iterator["Snapshot"]:
        """The files of a commit, readable until the block ends."""
        reader = ObjectReader(self.git)
        try:
            yield Snapshot(entries_of(self.git, commit), reader)
        finally:
            reader.close()


class ObjectReader:
    """Reads objects by id through one long-lived `git cat-file`. Safe between threads."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._batch: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._end: Callable[[], object] = lambda: None

    def read(self, object_id: str) -> bytes:
        """The bytes of an object. Raises RepositoryError when the repository lacks it."""
        with self._lock:
            batch = self._batch or self._start()
            if batch.stdin is None or batch.stdout is None:
                raise ToolError("git cat-file has no pipes")
            batch.stdin.write(object_id.encode("ascii") + b"\n")
            batch.stdin.flush()
            header = batch.stdout.readline().split()
            if len(header) != 3:
                raise RepositoryError(
                    f"Object {object_id} is missing from the repository",
                    next_step="A partial clone lacks file contents; use a full clone.",
                )
            content = batch.stdout.read(int(header[2]))
            batch.stdout.read(1)
            return content

    def close(self) -> None:
        """End the program; the next read starts it again."""
        with self._lock:
            self._end()
            self._batch = None

    def _start(self) -> "subprocess.Popen[bytes]":
        self._batch = self._git.start("cat-file", "--batch", stderr=subprocess.DEVNULL, bufsize=-1)
        # Whoever forgets to close the reader leaves no process behind when the reader is gone.
        self._end = weakref.finalize(self, _end_batch, self._batch)
        return self._batch


def _end_batch(batch: "subprocess.Popen[bytes]") -> None:
    if batch.stdin:
        batch.stdin.close()
    batch.wait()
    if batch.stdout:
        batch.stdout.close()


def entries_of(git: Git, commit: str) -> dict[str, Entry]:
    """Mode and id of every path of a commit or tree."""
    return parse_tree(git.run("ls-tree", "-r", "-z", "--full-tree", commit))


class Snapshot:
    """The plain files of one commit: `paths` to look in, `read` for their bytes. Safe between threads."""

    def __init__(self, entries: Mapping[str, Entry], reader: ObjectReader) -> None:
        self._entries = entries
        self._reader = reader

    @functools.cached_property
    def paths(self) -> frozenset[str]:
        """Every plain file of the commit; links and submodules are none."""
        return frozenset(path for path, entry in self._entries.items() if entry.mode in REGULAR)

    def entry(self, path: str) -> Entry | None:
        """Mode and id of any path of the commit: links and submodules too."""
        return self._entries.get(path)

    def read(self, path: str) -> bytes | None:
        """The bytes of a plain file at the commit, or None when there is no such file."""
        entry = self._entries.get(path)
        return self._reader.read(entry.id) if entry and entry.mode in REGULAR else None
