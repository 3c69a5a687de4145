"""The stages on one screen. Each takes what the one before it returned."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from polly.errors import InputError, RepositoryError
from polly.git import Snapshot
from polly.intake.read import read_sources
from polly.intake.select import select
from polly.pipeline.project import Project, read_inventory, to_json, write_whole
from polly.planning.load import dump_plan, load_plan
from polly.planning.plan import make_plan
from polly.routing.roles import choose_role
from polly.settings import plan_gates
from polly.work.issues import Inventory, Severity
from polly.work.plan import Plan


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which issues of the sources are wanted; empty means all."""

    only: Sequence[str] = ()
    severities: Sequence[Severity] = ()
    paths: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Planned:
    """An inventory, the plan made of it, and the seconds that each took."""

    inventory: Inventory
    plan: Plan
    seconds: dict[str, float]


def take_in(
    project: Project,
    sources: Sequence[str],
    selection: Selection,
    *,
    commit: str | None = None,
    source_format: str | None = None,
) -> Inventory:
    """Stage 1: sources → inventory, read against the files of the base commit. Raises InputError."""
    with project.repository.snapshot(commit or project.repository.base_commit()) as snapshot:
        inventory = read_sources(
            sources,
            snapshot=snapshot,
            root=project.root,
            severity_table=project.settings.severity_table,
            source_format=source_format,
        )
    return select(inventory, only=selection.only, severities=selection.severities, paths=selection.paths)


def plan(
    project: Project,
    sources: Sequence[str],
    selection: Selection,
    *,
    agents: int | None = None,
    max_packages: int | None = None,
    source_format: str | None = None,
) -> Planned:
    """Stages 1 to 3: sources → inventory → packages with roles. Nothing is written. Raises InputError."""
    commit = project.repository.base_commit()
    begun = time.monotonic()
    inventory = take_in(project, sources, selection, commit=commit, source_format=source_format)
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
            role_of=choose_role,
        )
    seconds = {"intake": read - begun, "plan": time.monotonic() - read}
    return Planned(inventory=inventory, plan=made, seconds=seconds)


def keep_plan(project: Project, planned: Planned) -> Path:
    """Write .polly/plan.json and the inventory that it is about; the plan's path."""
    project.make_folder()
    write_whole(project.inventory_file, to_json(planned.inventory))
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
    return Planned(inventory=inventory, plan=loaded, seconds={})


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
    owned = {row.path for row in made.ownership}
    dirty = [each.path for each in project.repository.dirty_paths()]
    touched = sorted(owned & set(dirty))
    if touched and not allow_dirty:
        raise RepositoryError(
            f"{_some(touched)} changed since the last commit, and agents start from the commit",
            next_step="Commit or stash these changes, or pass --allow-dirty to fix the committed version.",
        )
    if dirty:
        tell(
            f"{len(dirty)} uncommitted paths are not part of what the agents see (they start from the commit)"
        )
    head = project.repository.head()
    if head.branch is None:
        tell("HEAD is detached: the run works, but `polly commit` will need a branch")
    if head.commit != made.base_commit:
        tell(f"The plan was made for {made.base_commit[:12]}; the run starts there, not at the present HEAD")


def _base_of(project: Project, file: Path) -> AbstractContextManager[Snapshot]:
    commit = load_plan(file.read_bytes(), name=str(file)).base_commit
    project.repository.git.resolve(commit)
    return project.repository.snapshot(commit)


def _some(paths: Sequence[str]) -> str:
    named = ", ".join(paths[:3])
    return named if len(paths) <= 3 else f"{named} and {len(paths) - 3} more"
