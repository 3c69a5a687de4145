"""make_plan: the issues of an inventory become packages in which every file has one owner per wave."""

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from polly.errors import InputError
from polly.planning.background import Background
from polly.planning.claims import Claims, claim_neighbours, paths_of
from polly.planning.company import Company
from polly.planning.couplings import CERTAIN, couplings
from polly.planning.drafts import Draft
from polly.planning.effort import Efforts, added
from polly.planning.forecast import forecast
from polly.planning.import_graph import ImportGraph, read_imports
from polly.planning.layout import Layout, Limits, RoleOf, lay_out, order_of, owned_by
from polly.planning.neighbours import Neighbourhood
from polly.planning.paths import path_key
from polly.planning.scope import scope
from polly.planning.waves import components
from polly.work.issues import Inventory, Warning
from polly.work.plan import Coupling, Files, Gates, Ownership, Plan, Why, WorkPackage

#: With fewer independent parts than this, starting agents and gates side by side costs more than it saves.
_PARTS_THAT_PAY = 3

#: The worst issues and the first files of a package say what it is about; reading all of them takes seconds.
_ISSUES_FOR_ROLE = 50
_PATHS_FOR_ROLE = 200

_TITLE_LENGTH = 100


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
    background: Background | None = None,
) -> Plan:
    """The plan for the open issues, given all file paths of the base commit.

    The same input gives the same plan, whatever the order of the issues. At most `max_packages`
    (default: `agents`) packages per wave. Raises InputError for limits below 1 and equal issue ids.
    """
    limits = Limits(agents=agents, packages=agents if max_packages is None else max_packages)
    _check(limits)
    known = background or Background()
    graph = _graph(inventory, paths, known)
    found = scope(inventory, paths, Efforts(graph.sizes, known.efforts, known.agent))
    neighbourhood = Neighbourhood(paths, graph, Company(known.changes, paths))
    layout = lay_out(found.tasks, limits, known.previous, role_of, order_of(limits, neighbourhood, graph))
    claims = claim_neighbours(layout.drafts, neighbourhood, known.previous)
    coupled = couplings(
        [owned_by(*each) for each in zip(layout.drafts, claims, strict=True)], neighbourhood, graph
    )
    packages = _with_dependencies(
        [_package(*each, role_of) for each in zip(layout.drafts, claims, strict=True)], coupled
    )
    rows = (row for each in zip(layout.drafts, claims, strict=True) for row in _rows(*each))
    return Plan(
        base_commit=base_commit,
        packages=packages,
        ownership=tuple(sorted(rows, key=lambda row: (row.wave, row.path))),
        contracts=contracts,
        gates=gates,
        unplanned=found.unplanned,
        forecast=forecast(packages, agents),
        couplings=coupled,
        max_packages=limits.packages,
        warnings=(*found.warnings, *_warnings(layout), *_bounded(graph)),
    )


def _check(limits: Limits) -> None:
    if limits.agents < 1 or limits.packages < 1:
        raise InputError(
            f"A plan needs one agent and one package at least, not {limits.agents} and {limits.packages}.",
            next_step="Give 1 or more.",
        )


def _graph(inventory: Inventory, paths: frozenset[str], known: Background) -> ImportGraph:
    if known.read is None:
        return ImportGraph()
    open_issues = [issue for issue in inventory.issues if issue.status.is_open]
    named = frozenset(path for issue in open_issues for path in issue.paths)
    to_create = frozenset(path for issue in open_issues for path in issue.creates)
    return read_imports(paths, named & paths, to_create - paths, known.read)


def _package(draft: Draft, claims: Claims, role_of: RoleOf) -> WorkPackage:
    issues = tuple(task.issue for task in draft.tasks)
    return WorkPackage(
        id=draft.id,
        title=_title(draft),
        role=role_of(issues[:_ISSUES_FOR_ROLE], draft.paths[:_PATHS_FOR_ROLE]),
        priority=draft.priority,
        wave=draft.wave,
        issues=tuple(issue.id for issue in issues),
        files=Files(
            modify=tuple(sorted((*draft.modify, *paths_of(claims.neighbours)))),
            create=tuple(sorted((*draft.create, *paths_of(claims.create)))),
        ),
        estimated_minutes=draft.minutes,
        effort_from=added(task.effort_from for task in draft.tasks),
    )


def _title(draft: Draft) -> str:
    """The worst issue and its file, and how many more there are."""
    first = draft.tasks[0]
    name = posixpath.basename((*first.modify, *first.create)[0])
    text = " ".join(first.issue.title.split()) or first.issue.id
    if len(text) > _TITLE_LENGTH:
        text = f"{text[:_TITLE_LENGTH].rstrip()}…"
    more = f" (+{len(draft.tasks) - 1} more)" if len(draft.tasks) > 1 else ""
    return f"{text}{more}" if name in text else f"{name}: {text}{more}"


def _with_dependencies(
    packages: Sequence[WorkPackage], coupled: Iterable[Coupling]
) -> tuple[WorkPackage, ...]:
    """Each package depends on those of earlier waves that own one of its files or create what it reads."""
    places = {package.id: place for place, package in enumerate(packages)}
    created: defaultdict[str, set[int]] = defaultdict(set)
    for each in coupled:
        if each.risk >= CERTAIN and packages[places[each.on]].wave < packages[places[each.package]].wave:
            created[each.package].add(places[each.on])
    owners: defaultdict[str, list[int]] = defaultdict(list)
    result = []
    for place, package in enumerate(packages):
        keys = [path_key(path) for path in (*package.files.modify, *package.files.create)]
        earlier = {owner for key in keys for owner in owners.get(key, ())} | created[package.id]
        for key in keys:
            owners[key].append(place)
        ids = tuple(packages[owner].id for owner in sorted(earlier))
        result.append(msgspec.structs.replace(package, depends_on=ids) if ids else package)
    return tuple(result)


def _rows(draft: Draft, claims: Claims) -> Iterator[Ownership]:
    for why, owned in ((Why.FINDING, draft.modify), (Why.CREATE, draft.create)):
        for path in owned:
            yield Ownership(path=path, wave=draft.wave, package=draft.id, why=why)
    for why, claimed in ((Why.NEIGHBOUR, claims.neighbours), (Why.CREATE, claims.create)):
        for each in claimed:
            yield Ownership(path=each.path, wave=draft.wave, package=draft.id, why=why, reason=each.reason)


def _warnings(layout: Layout) -> Iterator[Warning]:
    yield from layout.warnings
    for hub in layout.hubs:
        waves = [
            draft.wave
            for draft in layout.drafts
            if hub in draft.paths or any(task.issue.id == hub for task in draft.tasks)
        ]
        if waves and max(waves) > 1:
            message = f"{hub} ties many files together; its issues wait for wave {max(waves)}"
            yield Warning(code="hub_waits", message=message, ref=hub)
    first = [draft for draft in layout.drafts if draft.wave == 1]
    parts = len(first)  # at least: a package may have been packed of more
    if parts < _PARTS_THAT_PAY:
        parts = len(components(task for draft in first for task in draft.tasks))
    if 0 < parts < _PARTS_THAT_PAY:
        count = "one independent part" if parts == 1 else f"{parts} independent parts"
        message = f"the issues form {count}: parallel work hardly pays below {_PARTS_THAT_PAY}"
        yield Warning(code="little_parallelism", message=message)


def _bounded(graph: ImportGraph) -> Iterator[Warning]:
    if graph.unread:
        message = (
            f"imports were read from {len(graph.sizes)} files; {graph.unread} more were left out, "
            "so neighbours and couplings may be missing"
        )
        yield Warning(code="imports_bounded", message=message)
