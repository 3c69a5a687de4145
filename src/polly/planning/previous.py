"""Carrying a plan on: when issues are added or go away, the packages that people know stay what they are.

Issues are recognised by their fingerprints. A new issue joins the package that owns one of its files, else a
package of its own; no other package changes. Ids of packages that are gone are not given to others.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from polly.planning.drafts import Draft, draft_of, with_consecutive_waves
from polly.planning.paths import path_key
from polly.planning.scope import Task, natural_key
from polly.work.issues import Inventory
from polly.work.plan import Plan, Why


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The package and the wave that an issue was in."""

    package: str
    wave: int


class Previous(msgspec.Struct, frozen=True, kw_only=True):
    """What a new plan has to know of the one before it.

    places: by fingerprint. besides: (wave, path key) -> package of each file that is owned without a finding.
    """

    agents: int
    max_packages: int | None
    ids: tuple[str, ...]
    places: Mapping[str, Place]
    besides: Mapping[tuple[int, str], str]
    hubs: tuple[str, ...] = ()


def previous_of(plan: Plan, inventory: Inventory) -> Previous:
    """The plan as the next one sees it; `inventory` holds the issues that it is about."""
    fingerprints = {issue.id: issue.fingerprint for issue in inventory.issues}
    named = {path_key(path) for issue in inventory.issues for path in issue.paths}
    return Previous(
        agents=plan.forecast.agents,
        max_packages=plan.max_packages,
        ids=tuple(package.id for package in plan.packages),
        places={
            fingerprints[issue]: Place(package=package.id, wave=package.wave)
            for package in plan.packages
            for issue in package.issues
            if issue in fingerprints
        },
        besides={
            (row.wave, path_key(row.path)): row.package
            for row in plan.ownership
            if row.why is Why.NEIGHBOUR or (row.why is Why.CREATE and path_key(row.path) not in named)
        },
        hubs=tuple(each.ref for each in plan.warnings if each.code == "hub_waits" and each.ref),
    )


def can_be_carried_on(tasks: Sequence[Task], previous: Previous, agents: int, max_packages: int) -> bool:
    """True when the limits are the same and at least half of the issues are known."""
    known = sum(task.issue.fingerprint in previous.places for task in tasks)
    return (
        bool(tasks)
        and (previous.agents, previous.max_packages) == (agents, max_packages)
        and 2 * known >= len(tasks)
    )


def carry_on(tasks: Sequence[Task], previous: Previous, max_packages: int) -> list[Draft]:
    """Every task in its package of before, and new tasks where they belong; waves counted from 1."""
    board = _Board(max_packages)
    new = []
    for task in tasks:
        place = previous.places.get(task.issue.fingerprint)
        if place is None or not board.add_known(task, place):
            new.append(task)
    board.reserve(previous.besides)
    fresh_ids = _unused_ids(previous.ids)
    for task in new:
        board.add_new(task, fresh_ids)
    return with_consecutive_waves(board.drafts())


def with_ids(drafts: Sequence[Draft], previous: Previous | None = None) -> list[Draft]:
    """Each draft with the id of the previous package that most of its issues come from, else WPn."""
    ids: dict[int, str] = {}
    if previous is not None:
        shared = Counter(
            (number, place.package)
            for number, draft in enumerate(drafts)
            for task in draft.tasks
            if (place := previous.places.get(task.issue.fingerprint)) is not None
        )
        taken: set[str] = set()
        for (number, package), _ in sorted(
            shared.items(), key=lambda each: (-each[1], each[0][0], natural_key(each[0][1]))
        ):
            if number not in ids and package not in taken:
                ids[number] = package
                taken.add(package)
    unused = _unused_ids(ids.values(), from_one=True)
    return [
        msgspec.structs.replace(draft, id=ids.get(number) or next(unused))
        for number, draft in enumerate(drafts)
    ]


def _unused_ids(used: Iterable[str], *, from_one: bool = False) -> Iterator[str]:
    """WP1, WP2, … without the used ones; unless `from_one`, only numbers above all that are used."""
    taken = {each.casefold() for each in used}
    numbers = [int(each[2:]) for each in taken if each[:2] == "wp" and each[2:].isdecimal()]
    number = 0 if from_one else max(numbers, default=0)
    while True:
        number += 1
        if f"wp{number}" not in taken:
            yield f"WP{number}"


class _Board:
    """Packages with their tasks, and who holds which path of which wave."""

    def __init__(self, max_packages: int) -> None:
        self._limit = max_packages
        self._tasks: dict[str, list[Task]] = {}
        self._wave: dict[str, int] = {}
        self._minutes: Counter[str] = Counter()
        self._folders: defaultdict[str, set[str]] = defaultdict(set)
        self._holder: defaultdict[int, dict[str, str]] = defaultdict(dict)

    def add_known(self, task: Task, place: Place) -> bool:
        """False, with nothing done, when the task now has a file that another package of the wave holds."""
        if self._holders(task, place.wave) - {place.package}:
            return False
        self._put(task, place.package, place.wave)
        return True

    def reserve(self, besides: Mapping[tuple[int, str], str]) -> None:
        """Files without findings stay with their packages, as far as these still exist."""
        for (wave, key), package in besides.items():
            if self._wave.get(package) == wave:
                self._holder[wave].setdefault(key, package)

    def add_new(self, task: Task, fresh_ids: Iterator[str]) -> None:
        """Into the package that holds one of its files, where it is the only one; else where nobody does."""
        waves = sorted(set(self._wave.values()))
        holders = {wave: self._holders(task, wave) for wave in waves}
        for wave in waves:
            if len(holders[wave]) == 1:
                self._put(task, next(iter(holders[wave])), wave)
                return
        last = max((wave for wave in waves if holders[wave]), default=0)
        wave = next((wave for wave in waves if wave > last), last + 1)
        inside = [package for package, its_wave in self._wave.items() if its_wave == wave]
        if len(inside) < self._limit:
            self._put(task, next(fresh_ids), wave)
        else:
            self._put(task, self._best_room(task, inside), wave)

    def drafts(self) -> Iterator[Draft]:
        for package, tasks in self._tasks.items():
            yield draft_of(self._wave[package], tasks, package)

    def _holders(self, task: Task, wave: int) -> set[str]:
        holder = self._holder[wave]
        return {holder[key] for key in task.keys if key in holder}

    def _put(self, task: Task, package: str, wave: int) -> None:
        self._tasks.setdefault(package, []).append(task)
        self._wave[package] = wave
        self._minutes[package] += task.minutes
        self._folders[package].update(map(_folder, task.keys))
        self._holder[wave].update(dict.fromkeys(task.keys, package))

    def _best_room(self, task: Task, packages: Sequence[str]) -> str:
        """The emptiest with a folder in common that does not become the longest; else the emptiest."""
        longest = max(self._minutes[package] for package in packages)
        folders = set(map(_folder, task.keys))

        def rank(package: str) -> tuple[bool, int, tuple[str, str]]:
            fits = self._minutes[package] + task.minutes <= longest
            near = fits and not folders.isdisjoint(self._folders[package])
            return (not near, self._minutes[package], natural_key(package))

        return min(packages, key=rank)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
