"""What a run changed, as a patch to read."""

from polly.errors import RunError
from polly.landing.steps import base_of
from polly.work.run import RunRecord
from polly.workspaces.store import TreeStore


def diff(store: TreeStore, record: RunRecord, package_id: str | None = None) -> bytes:
    """The patch of one package against the base of its wave, or of the whole combined run against its base.

    Before the first wave has ended, the whole run is the packages' patches one after another. Raises
    RunError for an unknown package and when there is nothing to show.
    """
    if package_id is None:
        combined = [wave.commit for wave in record.waves if wave.commit]
        if combined:
            return store.patch(record.base_commit, combined[-1])
        finished = [package.id for package in record.packages if package.commit]
        return b"".join(diff(store, record, name) for name in finished)
    package = next((package for package in record.packages if package.id == package_id), None)
    if package is None:
        raise RunError(
            f"Run {record.run} has no package {package_id}",
            next_step=f"Its packages are: {', '.join(each.id for each in record.packages) or 'none'}.",
        )
    if package.commit is None:
        raise RunError(f"{package_id} has no result yet: it is {package.state.value}")
    return store.patch(base_of(store, package), package.commit)
