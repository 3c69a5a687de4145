"""Which issues are together and in which wave: carried on from the plan before, or laid out anew."""

import posixpath
from collections.abc import Callable, Collection, Sequence

import msgspec

from polly.planning.claims import Claims, paths_of
from polly.planning.couplings import Owned, couplings
from polly.planning.drafts import Draft, draft_of, with_consecutive_waves
from polly.planning.import_graph import ImportGraph
from polly.planning.neighbours import Neighbourhood
from polly.planning.ordering import minutes_of, put_in_order
from polly.planning.packing import Parcel, pack
from polly.planning.previous import Previous, can_be_carried_on, carry_on, with_ids
from polly.planning.scope import Task, natural_key
from polly.planning.waves import CLEAR_GAIN, Wave, split_into_waves
from polly.work.issues import Issue, Warning

RoleOf = Callable[[Sequence[Issue], Sequence[str]], str]

#: Drafts in their waves and their order; only those with these ids may be put off (None: all of them).
Order = Callable[[Sequence[Draft], Collection[str] | None], list[Draft]]

#: The first files of a part say what it is about; reading all of them takes seconds.
_PATHS_FOR_ROLE = 200


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Agents at the same time, and packages in a wave."""

    agents: int
    packages: int


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Drafts with ids in the order of the plan, and what is to be said about how they came about."""

    drafts: tuple[Draft, ...]
    hubs: tuple[str, ...]
    warnings: tuple[Warning, ...] = ()


def lay_out(
    tasks: Sequence[Task], limits: Limits, previous: Previous | None, role_of: RoleOf, order: Order
) -> Layout:
    """Which issues are together and in which wave: carried on from the plan before, or anew."""
    waves = split_into_waves(tasks, min(limits.agents, limits.packages))
    numbered = enumerate(waves, 1)
    anew = [draft for number, wave in numbered for draft in _drafts(number, wave, limits.packages, role_of)]
    if previous is None or not can_be_carried_on(tasks, previous, limits.agents, limits.packages):
        drafts = with_ids(order(with_ids(anew), None), previous)
        hubs = tuple(hub for wave in waves for hub in wave.hubs)
        return Layout(drafts=tuple(sorted(drafts, key=_place)), hubs=hubs)
    drafts = carry_on(tasks, previous, limits.packages)
    known = {place.package for place in previous.places.values()}
    kept = sorted(order(drafts, {draft.id for draft in drafts} - known), key=_place)
    warnings: list[Warning] = []
    now = minutes_of(kept, limits.agents)
    worth = now * (1 - CLEAR_GAIN)
    if minutes_of(anew, limits.agents) <= worth:
        then = minutes_of(order(with_ids(anew), None), limits.agents)
        if then <= worth:
            message = f"the packages of the plan before are kept: {now} minutes; a new plan would take {then}"
            warnings.append(Warning(code="anew_is_shorter", message=message))
    return Layout(drafts=tuple(kept), hubs=previous.hubs, warnings=tuple(warnings))


def order_of(limits: Limits, neighbourhood: Neighbourhood, graph: ImportGraph) -> Order:
    """What puts dependants behind what they read; answers wave by wave, the worst packages first."""

    def order(drafts: Sequence[Draft], movable: Collection[str] | None) -> list[Draft]:
        owned = [owned_by(draft, Claims()) for draft in drafts]
        moved = put_in_order(
            drafts,
            couplings(owned, neighbourhood, graph),
            agents=limits.agents,
            max_packages=limits.packages,
            movable={draft.id for draft in drafts} if movable is None else movable,
        )
        return sorted(with_consecutive_waves(moved), key=lambda each: (each.wave, each.order))

    return order


def _place(draft: Draft) -> tuple[object, ...]:
    return (draft.wave, natural_key(draft.id))


def _drafts(number: int, wave: Wave, bins: int, role_of: RoleOf) -> list[Draft]:
    """The packages of one wave in their order: at most `bins` of them."""
    drafts = sorted((draft_of(number, part) for part in wave.parts), key=lambda draft: draft.order)
    if len(drafts) <= bins:
        return drafts
    parcels = [
        Parcel(
            minutes=draft.minutes,
            role=role_of((), draft.paths[:_PATHS_FOR_ROLE]),
            folder=posixpath.dirname(draft.paths[0]),
        )
        for draft in drafts
    ]
    packed = (
        draft_of(number, (task for place in places for task in drafts[place].tasks))
        for places in pack(parcels, bins)
    )
    return sorted(packed, key=lambda draft: draft.order)


def owned_by(draft: Draft, claims: Claims) -> Owned:
    """The draft with what it claims, as couplings see it."""
    return Owned(
        id=draft.id,
        wave=draft.wave,
        modify=draft.modify,
        neighbours=paths_of(claims.neighbours),
        create=(*draft.create, *paths_of(claims.create)),
    )
