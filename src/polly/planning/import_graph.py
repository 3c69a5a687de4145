"""Who imports whom, read from the files of the base commit within fixed limits."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

import msgspec

from polly.planning.import_statements import language_of
from polly.planning.modules import Modules
from polly.planning.subjects import is_test

Read = Callable[[str], bytes | None]

#: Files read for one plan, and bytes of them. Files with findings come first, then tests, then the others.
MOST_FILES = 2_000
MOST_BYTES = 16_000_000

#: A larger file is generated or data; its size counts, its imports do not.
_MOST_BYTES_OF_A_FILE = 400_000


class ImportGraph(msgspec.Struct, frozen=True, kw_only=True):
    """`imports` and `importers` by path, both sorted; `sizes` in bytes of the files that were read.

    unread: how many files would have been read without the limits.
    """

    imports: Mapping[str, tuple[str, ...]] = {}
    importers: Mapping[str, tuple[str, ...]] = {}
    sizes: Mapping[str, int] = {}
    unread: int = 0


def read_imports(
    paths: frozenset[str], named: frozenset[str], to_create: frozenset[str], read: Read | None
) -> ImportGraph:
    """The graph of these paths. `named` are the files with findings, `to_create` those that fixes add."""
    if read is None:
        return ImportGraph()
    modules = Modules(paths | to_create)
    sizes: dict[str, int] = {}
    imports: dict[str, tuple[str, ...]] = {}
    importers: defaultdict[str, list[str]] = defaultdict(list)
    total = 0
    wanted = (named & paths) | {path for path in paths if language_of(path) is not None}
    for path in _in_order(wanted, named):
        if len(sizes) >= MOST_FILES or total >= MOST_BYTES:
            break
        content = read(path)
        if content is None:
            continue
        sizes[path] = len(content)
        total += len(content)
        if len(content) <= _MOST_BYTES_OF_A_FILE:
            imports[path] = modules.imported_by(path, content.decode("utf-8", "replace"))
    for path in sorted(imports):
        for imported in imports[path]:
            importers[imported].append(path)
    return ImportGraph(
        imports=imports,
        importers={path: tuple(sources) for path, sources in importers.items()},
        sizes=sizes,
        unread=len(wanted) - len(sizes),
    )


def _in_order(wanted: frozenset[str], named: frozenset[str]) -> Iterator[str]:
    yield from sorted(named & wanted)
    yield from sorted(wanted - named, key=lambda path: (not is_test(path), path))
