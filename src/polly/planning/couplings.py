"""What the gates of one package read and another package writes at the same time.

A package is proved on its own tree: it does not see what the others of its wave write. Where its files or
their tests import such a file, the proof may not hold on the combined tree. The risk is a rank, not a
probability that was measured.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from polly.planning.import_graph import ImportGraph
from polly.planning.neighbours import Neighbourhood
from polly.planning.subjects import is_test
from polly.work.plan import Coupling

#: A file that does not exist before the other package has created it.
CERTAIN = 1.0
#: A test in one package, what it tests in the other.
TEST_APART = 0.7
#: A file that one of its own files imports.
IMPORTED = 0.5
#: A file that only a test of one of its own files imports.
READ_BY_TEST = 0.4
#: What another package owns without a finding in it will probably stay as it is.
WITHOUT_FINDING = 0.5

#: From this risk on the reader goes to a later wave where that costs nothing; at CERTAIN it always does.
HIGH = 0.7
#: Below this risk a coupling is not worth a line.
SHOWN = 0.2

#: Lines of a plan, and files named in one of them.
MOST_COUPLINGS = 1_000
MOST_PATHS = 20

#: Tests of one file that are followed.
_MOST_TESTS = 50


class Owned(msgspec.Struct, frozen=True, kw_only=True):
    """One package as it reads and writes: its files with findings, those without, and those to create."""

    id: str
    wave: int
    modify: tuple[str, ...]
    neighbours: tuple[str, ...] = ()
    create: tuple[str, ...] = ()


class _Reading(NamedTuple):
    path: str
    risk: float
    reason: str


class _Written(NamedTuple):
    package: int
    factor: float
    is_new: bool


def couplings(
    packages: Sequence[Owned], neighbourhood: Neighbourhood, graph: ImportGraph
) -> tuple[Coupling, ...]:
    """Couplings inside each wave, and the high ones with earlier waves, in the order of the packages."""
    writers = _writers(packages)
    found: list[Coupling] = []
    for reader in packages:
        by_writer: dict[int, dict[str, _Reading]] = {}
        for reading in _readings(reader, neighbourhood, graph):
            for written in writers.get(reading.path, ()):
                if packages[written.package].id == reader.id:
                    continue
                risk = CERTAIN if written.is_new else round(reading.risk * written.factor, 2)
                if _counts(reader, packages[written.package], risk):
                    paths = by_writer.setdefault(written.package, {})
                    known = paths.get(reading.path)
                    if known is None or known.risk < risk:
                        paths[reading.path] = reading._replace(risk=risk)
        found += (
            _coupling(reader.id, packages[number].id, by_writer[number]) for number in sorted(by_writer)
        )
    if len(found) <= MOST_COUPLINGS:
        return tuple(found)
    least = sorted((each.risk for each in found), reverse=True)[MOST_COUPLINGS - 1]
    return tuple([each for each in found if each.risk >= least][:MOST_COUPLINGS])


def _counts(reader: Owned, writer: Owned, risk: float) -> bool:
    if reader.wave == writer.wave:
        return risk >= SHOWN
    return writer.wave < reader.wave and risk >= HIGH


def _writers(packages: Sequence[Owned]) -> Mapping[str, list[_Written]]:
    writers: dict[str, list[_Written]] = {}
    for number, package in enumerate(packages):
        for paths, factor, is_new in (
            (package.modify, 1.0, False),
            (package.create, 1.0, True),
            (package.neighbours, WITHOUT_FINDING, False),
        ):
            for path in paths:
                writers.setdefault(path, []).append(_Written(number, factor, is_new))
    return writers


def _readings(package: Owned, neighbourhood: Neighbourhood, graph: ImportGraph) -> Iterator[_Reading]:
    """What the package's own files and their tests read besides; a file may come more than once."""
    own = {*package.modify, *package.neighbours, *package.create}
    for path in (*package.modify, *package.neighbours, *package.create):
        for imported in graph.imports.get(path, ()):
            if imported not in own:
                risk = TEST_APART if is_test(path) else IMPORTED
                yield _Reading(imported, risk, f"{path} {'tests' if is_test(path) else 'imports'} {imported}")
    for path in (*package.modify, *package.create):
        for test in neighbourhood.tests_of(path)[:_MOST_TESTS]:
            if test in own:
                continue
            yield _Reading(test, TEST_APART, f"{test} tests {path}")
            for imported in graph.imports.get(test, ()):
                if imported not in own:
                    yield _Reading(imported, READ_BY_TEST, f"{test} tests {path} and imports {imported}")


def _coupling(package: str, on: str, readings: Mapping[str, _Reading]) -> Coupling:
    ordered = sorted(readings.values(), key=lambda each: (-each.risk, each.path))
    return Coupling(
        package=package,
        on=on,
        risk=ordered[0].risk,
        paths=tuple(each.path for each in ordered[:MOST_PATHS]),
        reason=ordered[0].reason,
    )
