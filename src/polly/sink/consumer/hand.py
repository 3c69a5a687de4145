"""Records that were read and are not stored yet. Pure; time is given."""

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
    """The records of one partition that go into one transaction, and where they begin and end."""

    epoch: int
    records: tuple[Record, ...]
    end: int


def size_of(record: Record) -> int:
    """About what a record takes up."""
    size = len(record.raw) + len(record.key or b"")
    return size + sum(len(value or b"") for _name, value in record.headers) if record.headers else size


class Hand:
    """Records in order of their partition. A record belongs to the epoch in which it was read."""

    def __init__(self) -> None:
        self._records: dict[Place, list[Record]] = {}
        self._epochs: dict[Place, int] = {}
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
        if self._epochs.setdefault(place, epoch) != epoch:
            self.forget([place])
            self._epochs[place] = epoch
        self._records.setdefault(place, []).extend(records)
        self._count += len(records)
        self._bytes += sum(map(size_of, records))
        if self._since is None and records:
            self._since = now

    def forget(self, places: Iterable[Place]) -> None:
        """These partitions are somebody else's."""
        for place in places:
            self._epochs.pop(place, None)
            gone = self._records.pop(place, [])
            self._count -= len(gone)
            self._bytes -= sum(map(size_of, gone))
        if not self._count:
            self._since = None

    def age(self, now: float) -> float:
        """Seconds since the first record came."""
        return 0.0 if self._since is None else now - self._since

    def is_due(self, limits: Limits, now: float) -> bool:
        """Is there a batch that need not wait any longer?"""
        full = self._count >= limits.records or self._bytes >= limits.size_bytes
        return full or (self._count > 0 and self.age(now) >= limits.age_seconds)

    def cut(self, limits: Limits, now: float, only: Collection[Place] | None = None) -> dict[Place, Part]:
        """The next batch, out of the hand. What is too much for one transaction stays in hand.

        only: of these partitions; None: of all.
        """
        room, room_bytes = limits.records, limits.size_bytes
        parts: dict[Place, Part] = {}
        for place in [each for each in self._records if only is None or each in only]:
            if room <= 0 or room_bytes <= 0:
                break
            taken = _fitting(self._records[place], room, room_bytes)
            room -= len(taken)
            room_bytes -= sum(map(size_of, taken))
            parts[place] = Part(self._epochs[place], tuple(taken), taken[-1].position + 1)
            self._shorten(place, len(taken))
        self._count = sum(map(len, self._records.values()))
        self._bytes -= limits.size_bytes - room_bytes
        self._since = now if self._count else None
        return parts

    def _shorten(self, place: Place, count: int) -> None:
        rest = self._records[place][count:]
        if rest:
            self._records[place] = rest
        else:
            del self._records[place], self._epochs[place]


def _fitting(records: Sequence[Record], room: int, room_bytes: int) -> Sequence[Record]:
    """The first records, up to both limits, and always at least one."""
    taken = records[:room]
    total = 0
    for number, record in enumerate(taken):
        total += size_of(record)
        if total >= room_bytes:
            return taken[: number + 1]
    return taken


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
