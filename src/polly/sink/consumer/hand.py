"""Records that were read and are not stored yet. Pure; time is given."""

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from polly.events.transfer import Batch, Record
from polly.sink.consumer.ports import Place, stream_name


class Limits(NamedTuple):
    """When a batch is full: by records, by bytes, or by the age of its first record."""

    records: int
    size_bytes: int
    age_seconds: float


class Part(NamedTuple):
    """The records of one partition that go into one transaction, how large they are, and where they end."""

    epoch: int
    records: tuple[Record, ...]
    size_bytes: int
    end: int


class _Waiting:
    """The records of one partition in hand. sizes: of each, about."""

    __slots__ = ("epoch", "records", "sizes")

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.records: list[Record] = []
        self.sizes: list[int] = []

    def fitting(self, room: int, room_bytes: int) -> int:
        """How many of the first records fit both limits: at least one."""
        count = min(room, len(self.records))
        totals = itertools.accumulate(self.sizes[:count])
        return next((number for number, total in enumerate(totals, 1) if total >= room_bytes), count)

    def cut(self, count: int) -> Part:
        """The first records, which are here no longer."""
        taken, sizes = self.records[:count], self.sizes[:count]
        del self.records[:count], self.sizes[:count]
        return Part(self.epoch, tuple(taken), sum(sizes), taken[-1].position + 1)


def _size_of(record: Record) -> int:
    """About what a record takes up."""
    size = len(record.raw) + len(record.key or b"")
    return size + sum(len(value or b"") for _name, value in record.headers) if record.headers else size


class Hand:
    """Records in order of their partition. A record belongs to the epoch in which it was read."""

    def __init__(self) -> None:
        self._waiting: dict[Place, _Waiting] = {}
        self._count = 0
        self._bytes = 0
        self._since: float | None = None

    @property
    def count(self) -> int:
        return self._count

    @property
    def size_bytes(self) -> int:
        return self._bytes

    def add(self, place: Place, epoch: int, records: Sequence[Record], now: float) -> None:
        """Take records that follow those of the same partition."""
        if not records:
            return
        waiting = self._waiting.get(place)
        if waiting is None or waiting.epoch != epoch:
            self.forget([place])
            waiting = self._waiting[place] = _Waiting(epoch)
        sizes = [_size_of(record) for record in records]
        waiting.records += records
        waiting.sizes += sizes
        self._count += len(records)
        self._bytes += sum(sizes)
        if self._since is None:
            self._since = now

    def forget(self, places: Iterable[Place]) -> None:
        """These partitions are somebody else's."""
        for place in places:
            gone = self._waiting.pop(place, None)
            if gone is not None:
                self._count -= len(gone.records)
                self._bytes -= sum(gone.sizes)
        if not self._count:
            self._since = None

    def age(self, now: float) -> float:
        """Seconds since the first record came."""
        return 0.0 if self._since is None else now - self._since

    def is_due(self, limits: Limits, now: float) -> bool:
        """Is there a batch that need not wait any longer?"""
        full = self._count >= limits.records or self._bytes >= limits.size_bytes
        return full or (self._count > 0 and self.age(now) >= limits.age_seconds)

    def records(self) -> dict[Place, tuple[Record, ...]]:
        """All that is in hand."""
        return {place: tuple(waiting.records) for place, waiting in self._waiting.items()}

    def cut(self, limits: Limits, now: float, only: Collection[Place] | None = None) -> dict[Place, Part]:
        """The next batch, out of the hand. What is too much for one transaction stays in hand.

        only: of these partitions; None: of all.
        """
        room, room_bytes = limits.records, limits.size_bytes
        parts: dict[Place, Part] = {}
        for place in [each for each in self._waiting if only is None or each in only]:
            if room <= 0 or room_bytes <= 0:
                break
            waiting = self._waiting[place]
            part = parts[place] = waiting.cut(waiting.fitting(room, room_bytes))
            room -= len(part.records)
            room_bytes -= part.size_bytes
            if not waiting.records:
                del self._waiting[place]
        self._count -= limits.records - room
        self._bytes -= limits.size_bytes - room_bytes
        self._since = now if self._count else None
        return parts


def batches(group: str, parts: Mapping[Place, Part], stored: Mapping[Place, int]) -> tuple[Batch, ...]:
    """The parts as the store takes them, each from where the store stands.

    Records without a value (tombstones) are left out; the position passes over them.
    """
    return tuple(
        Batch(
            stream_name(group, place),
            stored[place],
            part.end,
            tuple(each for each in part.records if each.raw),
        )
        for place, part in sorted(parts.items())
    )
