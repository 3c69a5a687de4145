"""What the packages of a run changed, read from the run's repository and checked against the record."""

from polly.errors import RepositoryError, RunError
from polly.git import GITLINK, SYMLINK, GitError
from polly.landing.listing import listed
from polly.landing.placement import Step
from polly.work.plan import Plan
from polly.work.requests import files_with
from polly.work.run import PackageRecord, RunRecord
from polly.workspaces.store import TreeStore


def package_step(store: TreeStore, record: RunRecord, plan: Plan, package_id: str) -> Step:
    """What a finished package changes. Raises RunError when the run's repository contradicts the record."""
    package = record.package(package_id)
    if package.commit is None:
        raise RunError(f"{package_id} has no result to land: it is {package.state.value}")
    try:
        changes = store.changes(base_of(store, package), package.commit)
        tree = store.tree_of(package.commit)
    except (GitError, RepositoryError) as error:
        raise RunError(
            f"The result of {package_id} cannot be read from {store.folder}: {error}",
            next_step="The run's folder was changed or the repository was moved; run the package again.",
        ) from error
    paths = sorted(change.path for change in changes)
    files = files_with(plan.package(package_id).files, package.requests)
    strange = [
        change.path
        for change in changes
        if not files.owns(change.path) or change.new_mode in (SYMLINK, GITLINK)
    ]
    if strange or tree != package.tree or paths != sorted(package.owned_changed):
        raise RunError(
            f"The result of {package_id} is not what its record says"
            + (f": {listed(strange)} is no plain file that it owns" if strange else ""),
            next_step="Somebody changed the run's folder by hand. Run the package again.",
        )
    return Step(package=package_id, changes=changes)


def base_of(store: TreeStore, package: PackageRecord) -> str:
    """The commit that a package with a result began from."""
    return store.git.resolve(f"{package.commit}^")
