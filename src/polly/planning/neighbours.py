"""The files that a fix will want to touch as well, each with the evidence for it.

Only strong evidence is answered: the name of a test or of a way down, a test that imports little else, the
barrel or registry that imports the file, a file that changed together with it. Anything weaker would give
agents files that they have no business in.
"""

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from polly.planning.company import Company
from polly.planning.import_graph import ImportGraph
from polly.planning.paths import unsafe_reason
from polly.planning.scope import Task
from polly.planning.subjects import family, is_test, split_name, subject_of

#: Folders that hold tests, or nothing but sources: they say nothing about what is tested.
_NEUTRAL = frozenset({"test", "tests", "__tests__", "spec", "specs", "unit", "integration", "src", "lib"})

_MIGRATION_FOLDER = re.compile(r"migrat|(^|/)(sql|db|schema)(/|$)", re.IGNORECASE)
_WAY_DOWN = re.compile(r"(^|[._-])(down|rollback|undo|revert)([._-]|$)", re.IGNORECASE)
_ROLLBACK = re.compile(
    r"\b(roll(ed|ing|s)?[ -]?backs?|downgrades?|revers(e|ible|al)|revert(s|ed|ing|ible)?|undo|down)\b",
    re.IGNORECASE,
)

#: A test that imports more files of the project tests them as a whole, and not this one.
MOST_FILES_UNDER_TEST = 3

#: A file that imports at least so many files of one folder beside it is that folder's registry.
REGISTRY_IMPORTS = 5

#: Neighbours of one file.
MOST_NEIGHBOURS = 6

_BARRELS = frozenset({"__init__.py", *(f"index.{end}" for end in ("ts", "tsx", "js", "jsx", "mjs", "cjs"))})


class Neighbour(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A file that goes with another one, and why."""

    path: str
    reason: str


class Neighbourhood:
    """The neighbours of any file of one snapshot."""

    def __init__(
        self, paths: frozenset[str], graph: ImportGraph | None = None, company: Company | None = None
    ) -> None:
        self._paths = paths
        self._graph = graph or ImportGraph()
        self._company = company or Company((), paths)
        self._tests: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for path in sorted(paths):
            subject = subject_of(path)
            if subject is not None:
                self._tests[subject].append(path)
        self._registries = _registries(self._graph)
        self._named_tests: dict[str, tuple[str, ...]] = {}

    def of(self, path: str) -> tuple[Neighbour, ...]:
        """Existing files that go with this one, the strongest evidence first, each once."""
        found = {each.path: each for each in reversed([*islice(self._evidence(path), 4 * MOST_NEIGHBOURS)])}
        safe = [each for each in reversed(found.values()) if unsafe_reason(each.path) is None]
        return tuple(safe[:MOST_NEIGHBOURS])

    def tests_of(self, path: str) -> tuple[str, ...]:
        """The nearest tests of a file by their names, and all that import it."""
        importers = self._graph.importers.get(path)
        if importers is None:
            return self._tests_by_name(path)
        return tuple(dict.fromkeys((*self._tests_by_name(path), *filter(is_test, importers))))

    def missing_down(self, task: Task) -> tuple[Neighbour, ...]:
        """The down migrations to write, when the issue asks for a way back and its migration has none."""
        missing = []
        for path in (*task.modify, *task.create):
            names = down_migrations(path)
            is_there = any(name in self._paths or name in task.create for name in names)
            if names and not is_there and _ROLLBACK.search(_words(task)):
                reason = f"the way down of {path}, of which {task.issue.id} speaks"
                missing.append(Neighbour(path=names[0], reason=reason))
        return tuple(missing)

    def _evidence(self, path: str) -> Iterator[Neighbour]:
        for test in self._tests_by_name(path):
            yield Neighbour(path=test, reason=f"tests {path}, by its name")
        for down in down_migrations(path):
            if down in self._paths:
                yield Neighbour(path=down, reason=f"the way down of {path}")
        for importer in self._graph.importers.get(path, ()):
            reason = self._importer_reason(importer, path)
            if reason is not None:
                yield Neighbour(path=importer, reason=reason)
        if path not in self._paths:
            yield from self._where_new_files_are_named(path)
        for companion in self._company.of(path):
            often = f"{companion.together} of the {companion.commits} commits that changed {path}"
            yield Neighbour(path=companion.path, reason=f"changed in {often}")

    def _importer_reason(self, importer: str, path: str) -> str | None:
        if is_test(importer):
            tested = [each for each in self._graph.imports[importer] if not is_test(each)]
            return f"tests {path}, which it imports" if len(tested) <= MOST_FILES_UNDER_TEST else None
        folder = posixpath.dirname(path)
        if _is_barrel(importer) and posixpath.dirname(importer) in (folder, posixpath.dirname(folder)):
            return f"exports {path}"
        return None

    def _where_new_files_are_named(self, path: str) -> Iterator[Neighbour]:
        """The barrel and registries of the folder in which a file will be created."""
        folder = posixpath.dirname(path)
        for file in self._registries.get(folder, ()):
            yield Neighbour(path=file, reason=f"imports the files beside {path}, like a registry")
        for name in sorted(_BARRELS):
            barrel = posixpath.join(folder, name)
            if any(posixpath.dirname(each) == folder for each in self._graph.imports.get(barrel, ())):
                yield Neighbour(path=barrel, reason=f"exports the files beside {path}")

    def _tests_by_name(self, path: str) -> tuple[str, ...]:
        if path not in self._named_tests:
            self._named_tests[path] = tuple(self._nearest_tests(path))
        return self._named_tests[path]

    def _nearest_tests(self, path: str) -> list[str]:
        stem, suffix = split_name(path)
        candidates = self._tests.get((stem, family(suffix)))
        if not candidates or subject_of(path) is not None:
            return []
        folders = _telling(path)
        nearest = {test: _telling(test) for test in candidates}
        fitting = [test for test, inner in nearest.items() if _in_order(inner, folders)]
        depth = max((len(nearest[test]) for test in fitting), default=0)
        return [test for test in fitting if len(nearest[test]) == depth]


def down_migrations(path: str) -> tuple[str, ...]:
    """The names that the way down of an up migration goes by, the usual one first; () for other files."""
    if path[-4:].lower() != ".sql":
        return ()
    folder, slash, name = path.rpartition("/")
    if not _MIGRATION_FOLDER.search(folder):
        return ()
    stem, suffix = name[:-4], name[-4:]
    if _WAY_DOWN.search(stem):
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
    return tuple(f"{folder}{slash}{each}{suffix}" for each in names)


def _words(task: Task) -> str:
    return f"{task.issue.title}\n{task.issue.problem}\n{task.issue.suggestion}"


def _registries(graph: ImportGraph) -> dict[str, list[str]]:
    """Folder -> the files in it or right above it that import many of its files; no tests, no barrels."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(graph.imports):
        imported = graph.imports[path]
        if len(imported) < REGISTRY_IMPORTS or is_test(path) or _is_barrel(path):
            continue
        here = posixpath.dirname(path)
        for folder, count in sorted(Counter(map(posixpath.dirname, imported)).items()):
            if count >= REGISTRY_IMPORTS and here in (folder, posixpath.dirname(folder)):
                found[folder].append(path)
    return found


def _is_barrel(path: str) -> bool:
    return posixpath.basename(path) in _BARRELS


def _telling(path: str) -> list[str]:
    return [folder for folder in path.split("/")[:-1] if folder not in _NEUTRAL]


def _in_order(inner: Iterable[str], outer: Iterable[str]) -> bool:
    """True when `inner` can be made from `outer` by leaving out some of it."""
    left = iter(outer)
    return all(folder in left for folder in inner)
