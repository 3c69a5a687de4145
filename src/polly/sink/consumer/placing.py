"""Where a partition that became ours is read from: what the group and the store say, or the first start."""

from collections.abc import Callable, Collection
from typing import NamedTuple

from polly.errors import BusError
from polly.sink.consumer.ports import (
    CommitOutcome,
    Destination,
    GroupMember,
    Place,
    StartRule,
    stream_name,
)


class Start(NamedTuple):
    """offset: where reading goes on. stored: what the store knows, 0 when it does not know the partition."""

    offset: int
    stored: int
    committed: int | None


def starts(
    places: Collection[Place],
    *,
    group: str,
    rule: StartRule,
    member: GroupMember,
    destination: Destination,
    tell: Callable[[str], None],
) -> dict[Place, Start]:
    """The start of each partition. Raises StoreError and BusError when one cannot be known now."""
    committed = member.committed(places)
    found = {}
    for place in places:
        stored, of_group = destination.position(stream_name(group, place)), committed.get(place)
        if of_group is None and not stored:
            found[place] = _first(place, rule, member)
            continue
        found[place] = Start(max(stored, of_group or 0), stored, of_group)
        if stored and of_group is not None and stored != of_group:
            tell(
                f"{place.topic}/{place.partition}: the store has everything before {stored}, the group has "
                f"committed {of_group}; going on at {found[place].offset}."
            )
    return found


def _first(place: Place, rule: StartRule, member: GroupMember) -> Start:
    offset = member.first_offset(place, rule)
    if rule is StartRule.EARLIEST:
        return Start(offset, 0, None)
    # Kept at once: a second start before the first record must not take a later one for the beginning.
    if member.commit({place: offset}).get(place) is not CommitOutcome.DONE:
        raise BusError(f"the start of {place.topic}/{place.partition} cannot be kept by the group")
    return Start(offset, 0, offset)
