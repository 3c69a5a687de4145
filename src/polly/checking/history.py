"""What git knows about the commits that a document names."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from polly.errors import RepositoryError
from polly.git import Git, Repository

#: Commits of the branch whose subjects are searched; a report is about recent work.
_SEARCHED = 2000
#: Named commits that are looked up; a longer list is no report.
MAX_COMMITS = 200
_COMMIT_ID = re.compile(r"[0-9a-f]{4,64}")


class Lines(NamedTuple):
    """Lines that a commit adds to and takes from a file; None for a binary one."""

    added: int | None
    removed: int | None


class Commit(NamedTuple):
    """A commit: full id, subject, when it was made, what it changes, and whether HEAD contains it."""

    id: str
    subject: str
    at: datetime
    changes: Mapping[str, Lines]
    on_branch: bool

    @property
    def short(self) -> str:
        """The id as people write it."""
        return self.id[:7]


class History(Protocol):
    """What is asked about commits."""

    @property
    def is_shallow(self) -> bool:
        """True when older commits may be missing."""
        ...

    def commit(self, name: str) -> Commit | None:
        """The commit with this (short) id; None when there is none, or more than one."""
        ...

    def naming(self, words: Iterable[str]) -> tuple[Commit, ...]:
        """The commits of the branch, newest first, whose subject contains one of these words."""
        ...


class GitHistory:
    """The commits of a repository; each is asked for once."""

    def __init__(self, repository: Repository) -> None:
        self._git: Git = repository.git
        self._is_shallow = repository.is_shallow
        self._known: dict[str, Commit | None] = {}
        self._log: tuple[tuple[str, str], ...] | None = None

    @property
    def is_shallow(self) -> bool:
        """True for a clone with a cut history."""
        return self._is_shallow

    def commit(self, name: str) -> Commit | None:
        """The commit with this (short) id; None when there is none, or more than one."""
        if name not in self._known:
            found = self._full_id(name) if len(self._known) < 2 * MAX_COMMITS else None
            self._known[name] = self._read(found) if found else None
        return self._known[name]

    def naming(self, words: Iterable[str]) -> tuple[Commit, ...]:
        """The commits among the last 2,000 of the branch whose subject contains one of these words."""
        escaped = "|".join(re.escape(each) for each in sorted(set(words)))
        if not escaped:
            return ()
        wanted = re.compile(rf"(?<!\w)(?:{escaped})(?!\w)")
        named = [commit for commit, subject in self._subjects() if wanted.search(subject)]
        found = (self.commit(each) for each in named[:MAX_COMMITS])
        return tuple(each for each in found if each is not None)

    def _subjects(self) -> tuple[tuple[str, str], ...]:
        if self._log is None:
            log = self._git.text("log", "-z", f"--max-count={_SEARCHED}", "--format=%H %s", "HEAD")
            entries = (line.partition(" ") for line in log.split("\0") if line)
            self._log = tuple((commit, subject) for commit, _, subject in entries)
        return self._log

    def _full_id(self, name: str) -> str | None:
        if not _COMMIT_ID.fullmatch(name):
            return None
        try:
            return self._git.resolve(name)
        except RepositoryError:
            return None

    def _read(self, commit: str) -> Commit:
        shown = self._git.run(
            "show",
            "-z",
            "--numstat",
            "--no-renames",
            "--first-parent",
            "-m",
            "--format=%cI%x00%s%x00",
            commit,
        )
        at, subject, rest = shown.decode("utf-8", "surrogateescape").split("\0", 2)
        contained = self._git.text("merge-base", commit, "HEAD", accept=(0, 1)) == commit
        return Commit(commit, subject, datetime.fromisoformat(at), _changes(rest), contained)


def _changes(numstat: str) -> dict[str, Lines]:
    changes = {}
    for entry in numstat.split("\0"):
        fields = entry.lstrip("\n").split("\t", 2)
        if len(fields) == 3:
            added, removed, path = fields
            changes[path] = Lines(_number(added), _number(removed))
    return changes


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None
