"""Why a chosen package does not fit onto the branch: what changed there, or what it builds on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from polly.errors import RunError
from polly.git import Repository
from polly.landing.listing import listed, one_line
from polly.landing.messages import run_again
from polly.landing.placement import Conflict, Placement, after, before
from polly.landing.steps import package_step
from polly.work.plan import Plan, WorkPackage
from polly.work.run import Decision, RunRecord
from polly.workspaces.store import TreeStore


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A chosen package that cannot land as the branch is now, and why."""

    package: str
    paths: tuple[str, ...]
    reason: str
    next_step: str


def refusals(
    repository: Repository, store: TreeStore, record: RunRecord, plan: Plan, placement: Placement
) -> tuple[Refusal, ...]:
    """Why each conflicting package cannot land.

    Raises RunError when one builds on a package of an earlier wave that is neither landed nor chosen.
    """
    chosen = {step.package for step in placement.placed} | {
        conflict.step.package for conflict in placement.conflicts
    }
    refused = []
    for conflict in placement.conflicts:
        builders = _builders(store, record, plan, conflict)
        missing = [name for name in builders if name not in chosen]
        name = conflict.step.package
        if missing:
            raise RunError(
                f"{name} builds on {listed(missing)} at {listed(conflict.paths)},"
                " which is neither landed nor chosen",
                next_step=f"Name both: {' '.join([*missing, name])}",
            )
        refused.append(_refusal(repository, record, plan.package(name), conflict, builders))
    return tuple(refused)


def _builders(store: TreeStore, record: RunRecord, plan: Plan, conflict: Conflict) -> list[str]:
    # Packages of earlier waves, not landed yet, whose result is what this one began with at such a path.
    wave = plan.package(conflict.step.package).wave
    began_with = {change.path: before(change) for change in conflict.step.changes}
    builders = []
    for earlier in plan.packages:
        package = record.package(earlier.id)
        if earlier.wave >= wave or package.commit is None or package.decision is Decision.COMMITTED:
            continue
        left = {
            change.path: after(change) for change in package_step(store, record, plan, earlier.id).changes
        }
        if any(path in left and left[path] == began_with[path] for path in conflict.paths):
            builders.append(earlier.id)
    return builders


def _refusal(
    repository: Repository,
    record: RunRecord,
    package: WorkPackage,
    conflict: Conflict,
    builders: Sequence[str],
) -> Refusal:
    if builders:
        reason = f"it builds on {listed(builders)}, which cannot land"
        next_step = "See why that one cannot, first."
    else:
        changed = _changed_by(repository, record.base_commit, conflict.paths)
        where = listed(conflict.paths)
        named = f" by {', '.join(sorted(set(changed.values())))}" if changed else ""
        reason = f"{where} was changed{named} since the run began"
        next_step = (
            f"Run its issues again on the branch as it is: {run_again(package)};"
            f" or take its change over by hand: polly diff {package.id}"
        )
    return Refusal(package=package.id, paths=conflict.paths, reason=reason, next_step=next_step)


def _changed_by(repository: Repository, base: str, paths: Sequence[str]) -> Mapping[str, str]:
    """For each path the newest commit since `base` that changed it, as "1a2b3c4 (subject)"."""
    found = {}
    for path in paths[:10]:
        said = repository.git.text(
            "log", "-1", "--no-show-signature", "--no-color", "--format=%h (%s)", f"{base}..HEAD", "--",
            f":(literal,top){path}", accept=(0, 128),
        )  # fmt: skip
        if said:
            found[path] = one_line(said)
    return found
