"""Packing: many small parts become as many packages as there may be, with like next to like."""

import heapq
from collections import defaultdict
from collections.abc import Hashable, Sequence

import msgspec

from polly.planning.forecast import makespan


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """A part as packing sees it: its length, and what it would like to lie next to."""

    minutes: int
    role: str
    folder: str


def pack(parcels: Sequence[Parcel], bins: int) -> list[list[int]]:
    """The places of the parcels per bin, at most `bins` of them, none empty.

    Longest first. The fullest bin is never fuller than plain longest-first packing makes it; within
    that, a parcel goes where its role and folder are, else where its role is.
    """
    order = sorted(range(len(parcels)), key=lambda place: (-parcels[place].minutes, place))
    if len(parcels) <= bins:
        return [[place] for place in range(len(parcels))]
    limit = makespan((parcel.minutes for parcel in parcels), bins)
    packed = _Bins(bins)
    for place in order:
        packed.add(place, parcels[place], limit)
    if max(packed.loads) > limit:
        packed = _Bins(bins)
        for place in order:
            packed.put(place, parcels[place], packed.emptiest(()))
    return packed.contents


class _Bins:
    """Bins with a heap per kind of content, so that the emptiest bin of a kind is found at once."""

    def __init__(self, count: int) -> None:
        self.loads = [0] * count
        self.contents: list[list[int]] = [[] for _ in range(count)]
        self._heaps: defaultdict[Hashable, list[tuple[int, int]]] = defaultdict(list)
        self._heaps[()] = [(0, number) for number in range(count)]
        self._kinds: set[tuple[Hashable, int]] = set()

    def add(self, place: int, parcel: Parcel, limit: int) -> None:
        """Into an empty bin while there is one, then next to its like, then where there is most room."""
        anywhere = self.emptiest(())
        chosen = anywhere
        if self.loads[anywhere] > 0:
            for kind in ((parcel.role, parcel.folder), (parcel.role,)):
                if self._heaps[kind]:
                    near = self.emptiest(kind)
                    if self.loads[near] + parcel.minutes <= limit:
                        chosen = near
                        break
        self.put(place, parcel, chosen)

    def put(self, place: int, parcel: Parcel, number: int) -> None:
        """Into this bin."""
        self.contents[number].append(place)
        self.loads[number] += parcel.minutes
        for kind in ((parcel.role, parcel.folder), (parcel.role,)):
            if (kind, number) not in self._kinds:
                self._kinds.add((kind, number))
                heapq.heappush(self._heaps[kind], (self.loads[number], number))

    def emptiest(self, kind: Hashable) -> int:
        """The least full bin of this kind. Loads only grow, so a stale top is put right and sinks."""
        heap = self._heaps[kind]
        while heap[0][0] != self.loads[heap[0][1]]:
            number = heap[0][1]
            heapq.heapreplace(heap, (self.loads[number], number))
        return heap[0][1]
