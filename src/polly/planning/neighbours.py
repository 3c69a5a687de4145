"""The files that a fix will want to touch as well: the test of a source file, the way down of a migration."""

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

from polly.planning.paths import unsafe_reason
from polly.planning.scope import Task

_TEST_STEM = re.compile(
    r"test[_-](?P<after>.+)"
    r"|(?P<before>.+?)(?:[_.-](?:test|tests|spec|unittest)|Tests?|Spec)",
)

_SCRIPTS = ("js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts", "vue", "svelte")
_FAMILIES = (_SCRIPTS, ("c", "cc", "cpp", "cxx", "h", "hh", "hpp"), ("sh", "bash", "bats"), ("ex", "exs"))
_FAMILY = {suffix: family[0] for family in _FAMILIES for suffix in family}

#: Folders that hold tests, or nothing but sources: they say nothing about what is tested.
_NEUTRAL = frozenset({"test", "tests", "__tests__", "spec", "specs", "unit", "integration", "src", "lib"})

_MIGRATION_FOLDER = re.compile(r"migrat|(^|/)(sql|db|schema)(/|$)", re.IGNORECASE)
_ROLLBACK = re.compile(
    r"\b(roll(ed|ing|s)?[ -]?backs?|downgrades?|revers(e|ible|al)|revert(s|ed|ing|ible)?|undo|down)\b",
    re.IGNORECASE,
)


class Neighbourhood:
    """The neighbours of any file of one snapshot."""

    def __init__(self, paths: frozenset[str]) -> None:
        self._paths = paths
        self._tests: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for path in sorted(paths):
            subject = _subject(path)
            if subject is not None and unsafe_reason(path) is None:
                self._tests[subject].append(path)

    def of(self, path: str) -> tuple[str, ...]:
        """Existing files that go with this one: its nearest tests and its down migration."""
        return (*self._tests_of(path), *(down for down in down_migrations(path) if down in self._paths))

    def missing_down(self, task: Task) -> tuple[str, ...]:
        """The down migrations to write, when the issue asks for a way back and its migration has none."""
        text = f"{task.issue.title}\n{task.issue.problem}\n{task.issue.suggestion}"
        if not _ROLLBACK.search(text):
            return ()
        options = (down_migrations(path) for path in (*task.modify, *task.create))
        taken = self._paths.union(task.create)
        return tuple(names[0] for names in options if names and taken.isdisjoint(names))

    def _tests_of(self, path: str) -> list[str]:
        if _subject(path) is not None:
            return []
        file = PurePosixPath(path)
        folders = _telling(file)
        nearest = {
            test: _telling(PurePosixPath(test)) for test in self._tests.get((file.stem, _family(file)), ())
        }
        fitting = [test for test, inner in nearest.items() if _in_order(inner, folders)]
        depth = max((len(nearest[test]) for test in fitting), default=0)
        return [test for test in fitting if len(nearest[test]) == depth]


def down_migrations(path: str) -> tuple[str, ...]:
    """The names that the way down of an up migration goes by, the usual one first; () for other files."""
    file = PurePosixPath(path)
    if file.suffix.lower() != ".sql" or not _MIGRATION_FOLDER.search(str(file.parent)):
        return ()
    stem, suffix = file.stem, file.suffix
    if re.search(r"(^|[._-])(down|rollback|undo|revert)([._-]|$)", stem, re.IGNORECASE):
        return ()
    if stem == "up":
        names = ["down"]
    elif re.fullmatch(r"V[0-9][0-9_.]*__.+", stem):
        names = [f"U{stem[1:]}"]
    elif re.search(r"[._-]up$", stem):
        names = [f"{stem[:-2]}down"]
    elif re.match(r"[0-9]", stem):
        names = [f"{stem}{mark}" for mark in ("_down", ".down", "_rollback", ".rollback", "-down")]
    else:
        return ()
    return tuple(str(file.with_name(name + suffix)) for name in names)


def _subject(path: str) -> tuple[str, str] | None:
    """What a file by its name tests: (stem, family of languages), or None when it is no test."""
    file = PurePosixPath(path)
    stem = _TEST_STEM.fullmatch(file.stem)
    if stem is not None:
        return (stem["after"] or stem["before"], _family(file))
    if file.suffix == ".bats":
        return (file.stem, _family(file))
    return None


def _family(file: PurePosixPath) -> str:
    suffix = file.suffix.removeprefix(".").lower()
    return _FAMILY.get(suffix, suffix)


def _telling(file: PurePosixPath) -> list[str]:
    return [folder for folder in file.parts[:-1] if folder not in _NEUTRAL]


def _in_order(inner: Iterable[str], outer: Iterable[str]) -> bool:
    """True when `inner` can be made from `outer` by leaving out some of it."""
    left = iter(outer)
    return all(folder in left for folder in inner)
