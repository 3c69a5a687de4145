"""The stages on one screen. Each takes what the one before it returned."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from polly.errors import InputError, RepositoryError
from polly.git import Snapshot
from polly.github import fetch_source
from polly.intake.read import Taken, take
from polly.intake.rounds import compare, not_converging, only_about
from polly.intake.select import select
from polly.pipeline.project import Project, read_inventory, to_json, write_whole
from polly.pipeline.rounds import History, history, history_in_vain, unconverging
from polly.pipeline.routing import (
    ROUTING_FILE,
    Decisions,
    RoleChooser,
    dump_decisions,
    read_decisions,
    refuse_unknown_roles,
    with_role_names,
)
from polly.pipeline.unknown_names import unknown_issues
from polly.planning.background import Background
from polly.planning.company import COMMITS_READ
from polly.planning.load import dump_plan, load_plan
from polly.planning.plan import make_plan
from polly.planning.previous import previous_of
from polly.routing.router import Router
from polly.settings import plan_gates
from polly.work.effort import EffortSample
from polly.work.issues import Inventory, Severity, Warning
from polly.work.plan import Plan
from polly.work.routing import Outcome


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which issues of the sources are wanted; empty means all.

    include: rules of polly.intake.policy that shall leave nothing out.
    """

    only: Sequence[str] = ()
    severities: Sequence[Severity] = ()
    paths: Sequence[str] = ()
    include: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Planned:
    """An inventory, the plan made of it, the seconds that each took, and how each role was found."""

    inventory: Inventory
    plan: Plan
    seconds: dict[str, float]
    decisions: Decisions = field(default_factory=dict)


def take_in(
    project: Project,
    sources: Sequence[str],
    selection: Selection,
    *,
    commit: str | None = None,
    source_format: str | None = None,
    since: str | None = None,
) -> Inventory:
    """Stage 1: sources → inventory, read against the files of the base commit. Raises InputError.

    since: a run, its beginning or "newest"; what became of its issues is then `rounds` of the inventory.
    """
    commit = commit or project.repository.base_commit()
    past = history(project, since, commit) if since else None
    taken = _take_in(project, sources, selection, commit, past, source_format=source_format)
    if past is None:
        return taken.selected
    ids = frozenset(issue.id for issue in taken.selected.issues)
    rounds = only_about(compare(taken.whole, past.rounds, past.since), ids)
    return replace(taken.selected, rounds=rounds, warnings=(*taken.selected.warnings, *past.warnings))


class _TakenIn(NamedTuple):
    """What the sources hold, and the inventory of the issues that are selected."""

    whole: Taken
    selected: Inventory


def _take_in(
    project: Project,
    sources: Sequence[str],
    selection: Selection,
    commit: str,
    past: History | None,
    *,
    source_format: str | None,
) -> _TakenIn:
    with project.repository.snapshot(commit) as snapshot:
        taken = take(
            sources,
            snapshot=snapshot,
            root=project.root,
            severity_table=project.settings.severity_table,
            source_format=source_format,
            fetch=fetch_source,
            linters=project.linters(),
            include=selection.include,
            renamed=past.renamed if past else None,
        )
    selected = select(
        taken.inventory, only=selection.only, severities=selection.severities, paths=selection.paths
    )
    return _TakenIn(taken, selected)


def plan(
    project: Project,
    sources: Sequence[str],
    selection: Selection,
    *,
    agents: int | None = None,
    max_packages: int | None = None,
    source_format: str | None = None,
    efforts: Sequence[EffortSample] = (),
    outcomes: Sequence[Outcome] = (),
    agent: str | None = None,
    previous: Planned | None = None,
) -> Planned:
    """Stages 1 to 3: sources → inventory → packages with roles. Nothing is written. Raises InputError.

    efforts, outcomes: what issues of earlier runs took and became. agent: who will work, if it is known.
    previous: the plan that this one carries on.
    """
    commit = project.repository.base_commit()
    begun = time.monotonic()
    past = history_in_vain(project, commit)
    roles = RoleChooser(Router(project.roles(), outcomes=outcomes), agent)
    taken, inventory = _take_in(project, sources, selection, commit, past, source_format=source_format)
    read = time.monotonic()
    with project.repository.snapshot(commit) as snapshot:
        made = make_plan(
            inventory,
            base_commit=commit,
            paths=snapshot.paths,
            agents=agents or project.settings.run.agents,
            max_packages=max_packages or project.settings.plan.max_packages,
            gates=plan_gates(project.settings),
            contracts=project.settings.plan.contracts,
            role_of=roles.role_of,
            background=Background(
                read=snapshot.read,
                changes=project.repository.recent_changes(commit, commits=COMMITS_READ),
                efforts=tuple(efforts),
                agent=agent,
                previous=previous_of(previous.plan, previous.inventory) if previous else None,
            ),
        )
    made = replace(made, warnings=(*made.warnings, *_of_the_project(project, taken, inventory, past)))
    seconds = {"intake": read - begun, "plan": time.monotonic() - read}
    decisions = roles.decisions(made.packages)
    return Planned(inventory=inventory, plan=made, seconds=seconds, decisions=decisions)


def _of_the_project(
    project: Project, taken: Taken, inventory: Inventory, past: History | None
) -> Iterator[Warning]:
    """What only the settings and the earlier runs can tell about a plan."""
    yield from unknown_issues(project, frozenset(issue.id for issue in taken.inventory.issues))
    if past is not None:
        selected = frozenset(issue.id for issue in inventory.issues)
        recurring = not_converging(taken, past.rounds)
        yield from unconverging([each for each in recurring if each.issue in selected])


def keep_plan(project: Project, planned: Planned) -> Path:
    """Write .polly/plan.json and the inventory that it is about; the plan's path."""
    project.make_folder()
    write_whole(project.inventory_file, to_json(planned.inventory))
    write_whole(_decisions_file(project), dump_decisions(planned.decisions))
    write_whole(project.plan_file, dump_plan(planned.plan))
    return project.plan_file


def kept_plan(project: Project) -> Planned:
    """The plan that `polly plan` wrote, checked again: a person may have edited it. Raises InputError."""
    if not project.plan_file.is_file() or not project.inventory_file.is_file():
        raise InputError(
            f"There is no plan in {project.folder}", next_step="Make one first: polly plan SOURCE"
        )
    with _base_of(project, project.plan_file) as snapshot:
        inventory = read_inventory(project.inventory_file)
        loaded = load_plan(
            project.plan_file.read_bytes(),
            name=str(project.plan_file),
            inventory=inventory,
            paths=snapshot.paths,
        )
    named = with_role_names(loaded, project.roles())
    decisions = read_decisions(_decisions_file(project))
    return Planned(inventory=inventory, plan=named, seconds={}, decisions=decisions)


def check_start(project: Project, made: Plan, *, allow_dirty: bool, tell: Callable[[str], None]) -> None:
    """Raises RepositoryError or InputError when a run must not start; `tell` gets what is worth knowing."""
    project.repository.refuse_during_operation("a run")
    if not made.packages:
        reasons = sorted({each.reason for each in made.unplanned})
        raise InputError(
            "The plan has no package, so there is nothing to run"
            + (f" (left out: {', '.join(reasons)})" if reasons else ""),
            next_step="`polly issues SOURCE` shows what was read and what was left out.",
        )
    refuse_unknown_roles(made, project.roles())
    owned = {row.path for row in made.ownership}
    dirty = sorted(each.path for each in project.repository.dirty_paths())
    touched = sorted(owned & set(dirty))
    if touched and not allow_dirty:
        raise RepositoryError(
            f"{_some(touched)} changed since the last commit, and agents start from the commit",
            next_step="Commit or stash these changes, or pass --allow-dirty to fix the committed version.",
        )
    for sentence in _worth_knowing(project, made, dirty):
        tell(sentence)


def _worth_knowing(project: Project, made: Plan, dirty: Sequence[str]) -> Iterator[str]:
    if dirty:
        yield f"Agents start from the last commit and do not see what is not in it: {_some(dirty)}"
    if made.gates != plan_gates(project.settings):
        yield (
            "The gates of the settings have changed since the plan was made; this run carries out those of "
            "the plan. `polly plan SOURCE` takes the new ones over"
        )
    head = project.repository.head()
    if head.branch is None:
        yield "HEAD is detached: the run works, but `polly commit` will need a branch"
    if head.commit != made.base_commit:
        yield f"The plan was made for {made.base_commit[:12]}; the run starts there, not at the present HEAD"


def _decisions_file(project: Project) -> Path:
    return project.folder / ROUTING_FILE


def _base_of(project: Project, file: Path) -> AbstractContextManager[Snapshot]:
    commit = load_plan(file.read_bytes(), name=str(file)).base_commit
    try:
        project.repository.git.resolve(commit)
    except RepositoryError as error:
        raise InputError(
            f"{file} is a plan for commit {commit[:12]}, which this repository does not have",
            next_step="Plan again for the present commit: polly plan SOURCE",
        ) from error
    return project.repository.snapshot(commit)


def _some(paths: Sequence[str]) -> str:
    named = ", ".join(paths[:3])
    return named if len(paths) <= 3 else f"{named} and {len(paths) - 3} more"
