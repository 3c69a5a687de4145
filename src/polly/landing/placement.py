"""Which packages' changes fit onto a tree, path by path. Pure.

A change fits where the tree has exactly what the package began with: then putting its result there cannot
undo anybody's work, wherever the branch has moved in the meantime.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from polly.git import Change, Entry


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one package changes, from the base of its wave."""

    package: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """A package that does not fit, with the paths at which the tree differs from what it began with."""

    step: Step
    paths: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Placement:
    """The steps that fit one after another, in order, and those that do not."""

    placed: tuple[Step, ...]
    conflicts: tuple[Conflict, ...]


def place(entries: Mapping[str, Entry], steps: Sequence[Step]) -> Placement:
    """Put each step onto the tree that the fitting steps before it left."""
    tree = dict(entries)
    placed: list[Step] = []
    conflicts: list[Conflict] = []
    for step in steps:
        paths = tuple(change.path for change in misfits(tree, step.changes))
        if paths:
            conflicts.append(Conflict(step=step, paths=paths))
        else:
            placed.append(step)
            put(tree, step.changes)
    return Placement(placed=tuple(placed), conflicts=tuple(conflicts))


def before(change: Change) -> Entry | None:
    """What the path held before the change; None when it was not there."""
    return None if change.old_id is None else Entry(mode=change.old_mode, id=change.old_id)


def after(change: Change) -> Entry | None:
    """What the path holds after the change; None when it is deleted."""
    return None if change.new_id is None else Entry(mode=change.new_mode, id=change.new_id)


def put(tree: dict[str, Entry], changes: Iterable[Change]) -> None:
    """Write the changes into the mapping."""
    for change in changes:
        entry = after(change)
        if entry is None:
            tree.pop(change.path, None)
        else:
            tree[change.path] = entry


def misfits(tree: Mapping[str, Entry], changes: Sequence[Change]) -> tuple[Change, ...]:
    """The changes that meet something else in the tree than what they were made from."""
    added = [change for change in changes if change.old_id is None]
    deleted = {change.path for change in changes if change.new_id is None}
    crowded = _crowded(tree.keys() - deleted, added) if added else frozenset()
    return tuple(
        change for change in changes if tree.get(change.path) != before(change) or change.path in crowded
    )


def _crowded(paths: Iterable[str], added: Iterable[Change]) -> frozenset[str]:
    # A new file cannot stand where a folder stands, below a file, or beside its twin in other case.
    files = {path.casefold() for path in paths}
    folders = {str(parent) for path in files for parent in PurePosixPath(path).parents}
    return frozenset(
        change.path
        for change in added
        if change.path.casefold() in files | folders
        or any(str(parent).casefold() in files for parent in PurePosixPath(change.path).parents)
    )
