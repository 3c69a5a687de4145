"""Packages in the working tree, uncommitted; and taken back from there."""

from collections.abc import Sequence

from polly.errors import RepositoryError
from polly.git import Repository
from polly.landing.listing import listed
from polly.landing.placement import after, before, place
from polly.landing.selection import Landing, borrowing
from polly.landing.steps import package_step
from polly.landing.working_tree import (
    Move,
    Position,
    move_files,
    refuse_blocked,
    set_entries,
    survey,
)
from polly.work.plan import Plan
from polly.work.run import RunRecord
from polly.workspaces.store import TreeStore

_APPLYING = "Applying"


def check_apply(landing: Landing) -> None:
    """Raises RepositoryError for everything that `apply` would refuse. Nothing is written."""
    _ready_to_apply(landing)


def apply(landing: Landing) -> None:
    """Write the packages' files into the working tree; the index and the branch stay as they are.

    Files that already hold what a package would write are left alone, so applying twice equals once.
    Raises RepositoryError, with nothing changed, when a touched path has changes of the user.
    """
    move, positions = _ready_to_apply(landing)
    move_files(move, positions)


def undo_apply(
    repository: Repository, store: TreeStore, record: RunRecord, plan: Plan, package_ids: Sequence[str]
) -> tuple[str, ...]:
    """Take applied packages out of the working tree again; the paths that were taken back.

    Raises RepositoryError, with nothing changed, when files are no longer as they were applied.
    """
    repository.refuse_during_operation("taking packages back")
    head = repository.base_commit()
    steps = [package_step(store, record, plan, name) for name in package_ids]
    placement = place(store.entries(head), steps)
    if placement.conflicts:
        conflict = placement.conflicts[0]
        raise RepositoryError(
            f"{conflict.step.package} cannot be taken back: {listed(conflict.paths)} was committed or changed"
            " on the branch since it was applied",
            next_step="If it was committed, take that commit back: git revert COMMIT",
        )
    tree = store.tree_of(head)
    for step in placement.placed:
        tree = store.overlay(tree, step.changes)
    back = Move(
        repository=repository,
        git=borrowing(repository, store),
        old=tree,
        new=head,
        changes=store.changes(tree, head),
    )
    positions = _as_applied(back)
    move_files(back, positions)
    _unstage(back, positions)
    return tuple(sorted(change.path for change in back.changes))


def _ready_to_apply(landing: Landing) -> tuple[Move, tuple[Position, ...]]:
    landing.repository.refuse_during_operation(_APPLYING.lower())
    if landing.repository.head().commit != landing.head:
        raise RepositoryError(
            f"HEAD moved meanwhile: it was at {landing.head[:12]}",
            next_step="Try again; what can land is looked up on the branch as it is now.",
        )
    move = Move(
        repository=landing.repository,
        git=landing.git,
        old=landing.head,
        new=landing.tree,
        changes=landing.store.changes(landing.head, landing.tree),
    )
    return move, refuse_blocked(move, _APPLYING)


def _as_applied(back: Move) -> tuple[Position, ...]:
    positions = survey(back)
    changed = [position.change.path for position in positions if position.blocked]
    if changed:
        raise RepositoryError(
            f"Changed since it was applied: {listed(changed)}",
            next_step="Keep what you need of it, then take it back yourself: git checkout HEAD -- PATH",
        )
    return positions


def _unstage(back: Move, positions: Sequence[Position]) -> None:
    # What the user had staged of the package would otherwise stay behind in the index.
    staged = [
        (position.change.path, after(position.change))
        for position in positions
        if position.staged == before(position.change) != after(position.change)
    ]
    set_entries(back, staged, {})
