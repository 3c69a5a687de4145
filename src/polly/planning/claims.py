"""Who gets the neighbours: each file of a wave goes to one package at most."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from polly.planning.drafts import Draft
from polly.planning.neighbours import Neighbour, Neighbourhood, down_migrations
from polly.planning.paths import path_key
from polly.planning.previous import Previous


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What one package owns besides the files of its findings."""

    neighbours: tuple[Neighbour, ...] = ()
    create: tuple[Neighbour, ...] = ()


class _Candidate(msgspec.Struct, frozen=True, gc=False):
    draft: int
    neighbour: Neighbour
    is_new: bool


def claim_neighbours(
    drafts: Sequence[Draft], neighbourhood: Neighbourhood, previous: Previous | None
) -> list[Claims]:
    """Neighbours per draft. A file with a finding stays with its package, of claimants the first one wins.

    In a plan that is carried on, the package that had a neighbour before comes first.
    """
    taken: defaultdict[int, set[str]] = defaultdict(set)
    for draft in drafts:
        taken[draft.wave].update(draft.keys)
        taken[draft.wave].update(map(path_key, draft.paths))
    candidates = [
        each for number, draft in enumerate(drafts) for each in _candidates(number, draft, neighbourhood)
    ]
    held = previous.besides if previous is not None else {}
    ids = {draft.id for draft in drafts}
    mine: list[list[_Candidate]] = [[] for _ in drafts]
    for wants_held in (True, False):
        for each in candidates:
            draft = drafts[each.draft]
            key = path_key(each.neighbour.path)
            holder = held.get((draft.wave, key))
            is_free = key not in taken[draft.wave] and (
                holder == draft.id if wants_held else holder not in ids
            )
            if is_free:
                taken[draft.wave].add(key)
                mine[each.draft].append(each)
    return [
        Claims(
            neighbours=tuple(each.neighbour for each in claimed if not each.is_new),
            create=tuple(each.neighbour for each in claimed if each.is_new),
        )
        for claimed in mine
    ]


def _candidates(number: int, draft: Draft, neighbourhood: Neighbourhood) -> Iterator[_Candidate]:
    for path in draft.paths:
        for neighbour in neighbourhood.of(path):
            yield _Candidate(number, neighbour, is_new=False)
    if not any(map(down_migrations, draft.paths)):
        return
    for task in draft.tasks:
        for neighbour in neighbourhood.missing_down(task):
            yield _Candidate(number, neighbour, is_new=True)


def paths_of(neighbours: Iterable[Neighbour]) -> tuple[str, ...]:
    """Their paths."""
    return tuple(each.path for each in neighbours)
