"""Files that changed together in the history: what git tells about who belongs to whom."""

from collections import Counter, defaultdict
from collections.abc import Iterable

import msgspec

#: Commits of the history that a plan looks at.
COMMITS_READ = 500

#: A commit of more files is a sweep (a rename, a new year) and says nothing about any two of them.
MOST_FILES_OF_A_COMMIT = 20

#: Together at least so often, and in at least this share of the commits that change the file …
TIMES_TOGETHER = 3
SHARE_TOGETHER = 0.5

#: … while a file in more than this share of all commits (a changelog, a lock file) goes with everything.
SHARE_OF_ALL = 0.3


class Companion(msgspec.Struct, frozen=True, kw_only=True):
    """A file that changed in `together` of the `commits` commits that changed another one."""

    path: str
    together: int
    commits: int


class Company:
    """Who changed together with whom in these commits, each given as the paths that it changed."""

    def __init__(self, changes: Iterable[Iterable[str]], paths: frozenset[str]) -> None:
        commits = [files for each in changes if len(files := set(each)) <= MOST_FILES_OF_A_COMMIT]
        self._count = len(commits)
        self._commits_of: defaultdict[str, list[set[str]]] = defaultdict(list)
        for files in commits:
            for path in files & paths:
                self._commits_of[path].append(files & paths)

    def of(self, path: str) -> list[Companion]:
        """The companions of a file, the most frequent first."""
        commits = self._commits_of.get(path, [])
        if len(commits) < TIMES_TOGETHER:
            return []
        times = Counter(other for files in commits for other in files if other != path)
        need = max(TIMES_TOGETHER, SHARE_TOGETHER * len(commits))
        found = [
            Companion(path=other, together=together, commits=len(commits))
            for other, together in times.items()
            if together >= need and len(self._commits_of[other]) <= SHARE_OF_ALL * self._count
        ]
        return sorted(found, key=lambda each: (-each.together, each.path))
