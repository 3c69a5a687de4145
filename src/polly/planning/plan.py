"""make_plan: the issues of an inventory become packages in which every file has one owner per wave."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath

import msgspec

from polly.errors import InputError
from polly.planning.forecast import forecast
from polly.planning.neighbours import Neighbourhood
from polly.planning.packing import Parcel, pack
from polly.planning.paths import path_key
from polly.planning.scope import Task, scope
from polly.planning.waves import Wave, part_minutes, split_into_waves
from polly.work.issues import Inventory, Issue, Severity, Warning
from polly.work.plan import Files, Gates, Ownership, Plan, Why, WorkPackage

RoleOf = Callable[[Sequence[Issue], Sequence[str]], str]

#: With fewer independent parts than this, starting agents and gates side by side costs more than it saves.
_PARTS_THAT_PAY = 3

_TITLE_LENGTH = 100


class _Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A package before it has its number and its neighbours."""

    wave: int
    tasks: tuple[Task, ...]
    modify: tuple[str, ...]
    create: tuple[str, ...]
    minutes: int

    @property
    def priority(self) -> Severity:
        return self.tasks[0].issue.severity

    @property
    def paths(self) -> tuple[str, ...]:
        return (*self.modify, *self.create)

    @property
    def order(self) -> tuple[object, ...]:
        return (self.priority.rank, -self.minutes, min(self.paths), self.tasks[0].place)


class _Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What one package owns besides the files of its findings."""

    neighbours: tuple[str, ...] = ()
    create: tuple[str, ...] = ()


def make_plan(
    inventory: Inventory,
    *,
    base_commit: str,
    paths: frozenset[str],
    agents: int,
    max_packages: int | None,
    gates: Gates,
    contracts: tuple[str, ...],
    role_of: RoleOf,
) -> Plan:
    """The plan for the open issues, given all file paths of the base commit.

    The same input gives the same plan, whatever the order of the issues. At most `max_packages`
    (default: `agents`) packages per wave. Raises InputError for limits below 1 and equal issue ids.
    """
    bins = agents if max_packages is None else max_packages
    if agents < 1 or bins < 1:
        raise InputError(
            f"A plan needs one agent and one package at least, not {agents} and {bins}.",
            next_step="Give 1 or more.",
        )
    found = scope(inventory, paths)
    waves = split_into_waves(found.tasks, min(agents, bins))
    numbered = enumerate(waves, 1)
    drafts = [draft for number, wave in numbered for draft in _drafts(number, wave, bins, role_of)]
    claims = _claim_neighbours(drafts, paths)
    packages = _with_dependencies(
        [
            _package(number, draft, claim, role_of)
            for number, (draft, claim) in enumerate(zip(drafts, claims, strict=True), 1)
        ]
    )
    rows = (row for each in zip(packages, drafts, claims, strict=True) for row in _rows(*each))
    return Plan(
        base_commit=base_commit,
        packages=packages,
        ownership=tuple(sorted(rows, key=lambda row: (row.wave, row.path))),
        contracts=contracts,
        gates=gates,
        unplanned=found.unplanned,
        forecast=forecast(packages, agents),
        warnings=(*found.warnings, *_wave_warnings(waves)),
    )


def _drafts(number: int, wave: Wave, bins: int, role_of: RoleOf) -> list[_Draft]:
    """The packages of one wave in their final order: at most `bins` of them."""
    drafts = sorted((_draft(number, part) for part in wave.parts), key=lambda draft: draft.order)
    if len(drafts) <= bins:
        return drafts
    parcels = [
        Parcel(
            minutes=draft.minutes,
            role=role_of([task.issue for task in draft.tasks], draft.paths),
            folder=str(PurePosixPath(draft.paths[0]).parent),
        )
        for draft in drafts
    ]
    packed = (
        _draft(number, (task for place in places for task in drafts[place].tasks))
        for places in pack(parcels, bins)
    )
    return sorted(packed, key=lambda draft: draft.order)


def _draft(wave: int, tasks: Iterable[Task]) -> _Draft:
    ordered = tuple(sorted(tasks, key=lambda task: task.place))
    return _Draft(
        wave=wave,
        tasks=ordered,
        modify=tuple(sorted({path for task in ordered for path in task.modify})),
        create=tuple(sorted({path for task in ordered for path in task.create})),
        minutes=part_minutes(ordered),
    )


def _claim_neighbours(drafts: Sequence[_Draft], paths: frozenset[str]) -> list[_Claims]:
    """Neighbours per package. A file of another package of the wave stays there; the first claim wins."""
    taken: defaultdict[int, set[str]] = defaultdict(set)
    for draft in drafts:
        taken[draft.wave].update(map(path_key, draft.paths))
    neighbourhood = Neighbourhood(paths)
    claims = []
    for draft in drafts:
        near = (neighbour for path in draft.paths for neighbour in neighbourhood.of(path))
        down = (missing for task in draft.tasks for missing in neighbourhood.missing_down(task))
        claims.append(
            _Claims(neighbours=_take(near, taken[draft.wave]), create=_take(down, taken[draft.wave]))
        )
    return claims


def _take(candidates: Iterable[str], taken: set[str]) -> tuple[str, ...]:
    """Those that nobody has yet; they are taken from now on."""
    mine = []
    for path in candidates:
        if path_key(path) not in taken:
            taken.add(path_key(path))
            mine.append(path)
    return tuple(mine)


def _package(number: int, draft: _Draft, claims: _Claims, role_of: RoleOf) -> WorkPackage:
    issues = tuple(task.issue for task in draft.tasks)
    return WorkPackage(
        id=f"WP{number}",
        title=_title(draft),
        role=role_of(issues, draft.paths),
        priority=draft.priority,
        wave=draft.wave,
        issues=tuple(issue.id for issue in issues),
        files=Files(
            modify=tuple(sorted((*draft.modify, *claims.neighbours))),
            create=tuple(sorted((*draft.create, *claims.create))),
        ),
        estimated_minutes=draft.minutes,
    )


def _title(draft: _Draft) -> str:
    """The worst issue and its file, and how many more there are."""
    first = draft.tasks[0]
    name = PurePosixPath((*first.modify, *first.create)[0]).name
    text = " ".join(first.issue.title.split()) or first.issue.id
    if len(text) > _TITLE_LENGTH:
        text = f"{text[:_TITLE_LENGTH].rstrip()}…"
    more = f" (+{len(draft.tasks) - 1} more)" if len(draft.tasks) > 1 else ""
    return f"{text}{more}" if name in text else f"{name}: {text}{more}"


def _with_dependencies(packages: Sequence[WorkPackage]) -> tuple[WorkPackage, ...]:
    """Each package depends on those of earlier waves that own one of its files."""
    owners: defaultdict[str, list[int]] = defaultdict(list)
    result = []
    for place, package in enumerate(packages):
        keys = [path_key(path) for path in (*package.files.modify, *package.files.create)]
        earlier = {owner for key in keys for owner in owners[key]}
        for key in keys:
            owners[key].append(place)
        ids = tuple(packages[owner].id for owner in sorted(earlier))
        result.append(msgspec.structs.replace(package, depends_on=ids) if ids else package)
    return tuple(result)


def _rows(package: WorkPackage, draft: _Draft, claims: _Claims) -> Iterable[Ownership]:
    kinds = (
        (Why.FINDING, draft.modify),
        (Why.NEIGHBOUR, claims.neighbours),
        (Why.CREATE, (*draft.create, *claims.create)),
    )
    for why, owned in kinds:
        for path in owned:
            yield Ownership(path=path, wave=package.wave, package=package.id, why=why)


def _wave_warnings(waves: Sequence[Wave]) -> Iterable[Warning]:
    for number, wave in enumerate(waves, 1):
        for hub in wave.hubs:
            message = f"{hub} ties many files together; its issues wait for wave {number + 1}"
            yield Warning(code="hub_waits", message=message, ref=hub)
    parts = len(waves[0].parts) if waves else 0
    if 0 < parts < _PARTS_THAT_PAY:
        count = "one independent part" if parts == 1 else f"{parts} independent parts"
        message = f"the issues form {count}: parallel work hardly pays below {_PARTS_THAT_PAY}"
        yield Warning(code="little_parallelism", message=message)
