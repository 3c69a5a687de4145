"""What would land: packages that a person chose, put onto the branch as it is now. Nothing is written.

Objects of a run live in its own repository. `Landing.git` sees them together with the user's, under the
user's configuration, and writes new ones only to the run's repository.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from polly.errors import RepositoryError, RunError
from polly.git import Change, Git, Repository
from polly.landing.listing import listed, one_line
from polly.landing.messages import run_again
from polly.landing.placement import Step, place
from polly.landing.refusals import Refusal, refusals
from polly.landing.steps import base_of, package_step
from polly.work.plan import Plan, WorkPackage
from polly.work.run import Decision, PackageRecord, PackageState, RunRecord
from polly.workspaces.store import TreeStore

_BY_STATE = {
    PackageState.RED: "a gate fails on it",
    PackageState.UNCHANGED: "its agent changed nothing",
    PackageState.FAILED: "no attempt of its agent finished",
    PackageState.DROPPED: "it makes the combined tree red",
}


@dataclass(frozen=True, kw_only=True)
class LandingPackage:
    """One package as it would land: its changes and the tree that the branch has with it.

    `rebased` is True when the branch is no longer where the package's wave began.
    """

    package: WorkPackage
    record: PackageRecord
    changes: tuple[Change, ...]
    rebased: bool
    tree: str

    @property
    def paths(self) -> tuple[str, ...]:
        """The changed paths, sorted."""
        return tuple(sorted(change.path for change in self.changes))


@dataclass(frozen=True, kw_only=True)
class Landing:
    """The chosen packages in plan order, each on the tree of the one before, and those that do not fit.

    moved: the branch is not where the run began. judged: the run's post gates passed on the final tree;
    where they did not, run them on `build(landing)` before committing.
    """

    repository: Repository
    store: TreeStore
    run: str
    head: str
    branch: str | None
    packages: tuple[LandingPackage, ...]
    refused: tuple[Refusal, ...]
    moved: bool
    judged: bool

    @property
    def git(self) -> Git:
        """The user's git and configuration, with the objects of the run; new objects go to the run's."""
        return borrowing(self.repository, self.store)

    @property
    def tree(self) -> str:
        """The tree of the branch with all packages."""
        return self.packages[-1].tree


def borrowing(repository: Repository, store: TreeStore) -> Git:
    """Git in the user's working tree that also sees the run's objects, and writes objects only there."""
    objects = store.folder.resolve() / "objects"
    return Git(cwd=repository.root, variables={"GIT_OBJECT_DIRECTORY": str(objects)})


def prepare(
    repository: Repository,
    store: TreeStore,
    record: RunRecord,
    plan: Plan,
    package_ids: Sequence[str],
) -> Landing:
    """What landing these packages on the current branch would do.

    Raises RunError for a package that must not land, RepositoryError when the repository is in the middle
    of something, has no commit, or none of the packages fits.
    """
    repository.refuse_during_operation("landing packages")
    head = repository.base_commit()
    chosen = _choose(record, plan, package_ids)
    for package in chosen:
        _refuse_unlandable(package, record.package(package.id))
    steps = [package_step(store, record, plan, package.id) for package in chosen]
    placement = place(store.entries(head), steps)
    refused = refusals(repository, store, record, plan, placement)
    if not placement.placed:
        raise RepositoryError(
            "; ".join(f"{refusal.package} cannot land: {refusal.reason}" for refusal in refused),
            next_step=refused[0].next_step,
        )
    packages = _stack(store, record, plan, head, placement.placed)
    return Landing(
        repository=repository,
        store=store,
        run=record.run,
        head=head,
        branch=repository.head().branch,
        packages=packages,
        refused=refused,
        moved=head != record.base_commit,
        judged=_is_judged(record, plan, packages[-1].tree),
    )


def _choose(record: RunRecord, plan: Plan, package_ids: Sequence[str]) -> tuple[WorkPackage, ...]:
    known = [package.id for package in record.packages]
    unknown = [package_id for package_id in package_ids if package_id not in known]
    if unknown:
        raise RunError(
            f"Run {record.run} has no package {listed(unknown)}",
            next_step=f"Its packages are: {', '.join(known) or 'none'}.",
        )
    if not package_ids:
        raise RunError("No package was named", next_step="`polly status` shows which ones are ready.")
    in_order = sorted(plan.packages, key=lambda package: package.wave)
    return tuple(package for package in in_order if package.id in package_ids)


def _refuse_unlandable(package: WorkPackage, record: PackageRecord) -> None:
    name = package.id
    again = f"Run its issues again: {run_again(package)}"
    if not record.state.is_final:
        raise RunError(
            f"{name} is not finished: it is {record.state.value}",
            next_step="Wait for the run, or go on with it: polly resume",
        )
    if record.state is not PackageState.READY:
        detail = f" ({one_line(record.detail)})" if record.detail else ""
        raise RunError(f"{name} cannot land: {_BY_STATE[record.state]}{detail}", next_step=again)
    if record.decision is Decision.REJECTED:
        raise RunError(f"{name} was rejected", next_step=f"To think again: polly approve {name}")
    if record.decision is Decision.COMMITTED:
        landed = f" as {record.landed_commit[:12]}" if record.landed_commit else ""
        raise RunError(
            f"{name} is already committed{landed}", next_step=f"To take it back: polly undo {name}"
        )
    if record.approved_tree is not None and record.approved_tree != record.tree:
        raise RunError(
            f"The approval of {name} is void: its tree is {str(record.tree)[:12]} now,"
            f" {record.approved_tree[:12]} was approved",
            next_step=f"Look at it again and approve it: polly diff {name}; polly approve {name}",
        )
    if record.tampering and record.approved_tree is None:
        kinds = listed(f"{found.kind} in {found.path}" for found in record.tampering)
        raise RunError(
            f"{name} makes checks quieter ({kinds}), which needs an approval of its own",
            next_step=f"Look at it and say yes: polly diff {name}; polly approve {name} --accept-tampering",
        )


def _stack(
    store: TreeStore, record: RunRecord, plan: Plan, head: str, steps: Sequence[Step]
) -> tuple[LandingPackage, ...]:
    tree = store.tree_of(head)
    packages = []
    for step in steps:
        tree = store.overlay(tree, step.changes)
        package = record.package(step.package)
        packages.append(
            LandingPackage(
                package=plan.package(step.package),
                record=package,
                changes=step.changes,
                rebased=base_of(store, package) != head,
                tree=tree,
            )
        )
    return tuple(packages)


def _is_judged(record: RunRecord, plan: Plan, tree: str) -> bool:
    results = {gate.name: gate for gate in record.gates if gate.tree == tree}
    return all(gate.label in results and not results[gate.label].status.is_red for gate in plan.gates.post)
