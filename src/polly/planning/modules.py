"""Which file of the repository an imported name means."""

import posixpath
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from polly.planning.import_statements import NAMES, Name, language_of

#: Folders that import paths leave out.
_SOURCE_ROOTS = frozenset({"src", "lib", "python"})

_SCRIPT_ENDINGS = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts", ".vue", ".svelte")

#: What TypeScript is imported as after it was compiled.
_COMPILED = {".js": (".ts", ".tsx"), ".jsx": (".tsx",), ".mjs": (".mts",), ".cjs": (".cts",)}

#: A Go package of more files says little about any one of them.
_MOST_FILES_OF_A_PACKAGE = 30


class Modules:
    """The modules of one snapshot by their names; `paths` may hold files that are yet to be created."""

    def __init__(self, paths: frozenset[str]) -> None:
        self._paths = paths
        self._resolvers: dict[str, Callable[[Name, str], Iterable[str]]] = {
            "python": self._python,
            "script": self._script,
            "go": self._go,
            "jvm": self._jvm,
        }

    def imported_by(self, path: str, text: str) -> tuple[str, ...]:
        """The files of the repository that this text, standing at `path`, imports; sorted."""
        language = language_of(path)
        if language is None:
            return ()
        resolve = self._resolvers[language]
        found = {file for name in NAMES[language](text) for file in resolve(name, path)}
        return tuple(sorted(found - {path}))

    def _python(self, name: Name, path: str) -> Iterator[str]:
        if name.level:
            base = path
            for _ in range(name.level):
                if not base:
                    return
                base = posixpath.dirname(base)
            place = posixpath.join(base, *name.module.split(".")) if name.module else base
            found = [self._python_file(posixpath.join(place, member)) for member in name.members]
            own = self._python_file(place)
        else:
            found = [self._python_module(f"{name.module}.{member}", path) for member in name.members]
            own = self._python_module(name.module, path)
        yield from filter(None, found)
        if own is not None and (not found or None in found):
            yield own

    def _python_file(self, place: str) -> str | None:
        options = (f"{place}.py", f"{place}/__init__.py" if place else "__init__.py")
        return next((option for option in options if option in self._paths), None)

    def _python_module(self, name: str, path: str) -> str | None:
        if name in sys.stdlib_module_names:
            return None
        tail = name.replace(".", "/")
        last = tail.rpartition("/")[2]
        fitting = (file for file in self._python_index.get(last, ()) if self._is_named(file, tail))
        return _nearest(fitting, path)

    def _is_named(self, file: str, tail: str) -> bool:
        """True when the file is this module, seen from the top, a source root, or outside of any package."""
        place = file.removesuffix(".py").removesuffix("/__init__")
        if place == tail:
            return True
        if not place.endswith(f"/{tail}"):
            return False
        root = place[: -len(tail) - 1]
        return posixpath.basename(root) in _SOURCE_ROOTS or f"{root}/__init__.py" not in self._paths

    @cached_property
    def _python_index(self) -> dict[str, list[str]]:
        """The last part of a dotted name -> the files that it may mean."""
        index: defaultdict[str, list[str]] = defaultdict(list)
        for path in sorted(path for path in self._paths if path.endswith(".py")):
            place = path[:-3].removesuffix("/__init__")
            index[place[place.rfind("/") + 1 :]].append(path)
        return index

    def _script(self, name: Name, path: str) -> Iterator[str]:
        place = posixpath.normpath(posixpath.join(posixpath.dirname(path), name.module))
        stem, ending = posixpath.splitext(place)
        options = (
            place,
            *(stem + other for other in _COMPILED.get(ending, ())),
            *(place + each for each in _SCRIPT_ENDINGS),
            *(f"{place}/index{each}" for each in _SCRIPT_ENDINGS),
        )
        found = next((option for option in options if option in self._paths), None)
        if found is not None:
            yield found

    def _go(self, name: Name, path: str) -> Iterator[str]:
        del path
        parts = name.module.split("/")
        for start in range(1, len(parts)):  # the host and owner of the module are no folders
            files = self._go_packages.get("/".join(parts[start:]))
            if files is not None:
                if len(files) <= _MOST_FILES_OF_A_PACKAGE:
                    yield from files
                return

    @cached_property
    def _go_packages(self) -> dict[str, list[str]]:
        packages: defaultdict[str, list[str]] = defaultdict(list)
        for path in sorted(self._paths):
            if path.endswith(".go") and not path.endswith("_test.go"):
                packages[posixpath.dirname(path)].append(path)
        return packages

    def _jvm(self, name: Name, path: str) -> Iterator[str]:
        tail = name.module.replace(".", "/")
        simple = tail.rpartition("/")[2]
        fitting = [
            file for file in self._jvm_index.get(simple, ()) if f"/{file}".endswith(f"/{tail}.{_end(file)}")
        ]
        found = _nearest(fitting, path)
        if found is not None:
            yield found

    @cached_property
    def _jvm_index(self) -> dict[str, list[str]]:
        index: defaultdict[str, list[str]] = defaultdict(list)
        for path in sorted(self._paths):
            if language_of(path) == "jvm":
                index[posixpath.splitext(posixpath.basename(path))[0]].append(path)
        return index


def _end(path: str) -> str:
    return path.rpartition(".")[2]


def _nearest(candidates: Iterable[str], path: str) -> str | None:
    """The candidate that has the most leading folders in common with `path`; of equals the first."""
    here = path.split("/")

    def common(candidate: str) -> int:
        count = 0
        for one, other in zip(here, candidate.split("/"), strict=False):
            if one != other:
                break
            count += 1
        return count

    return max(candidates, key=common, default=None)
