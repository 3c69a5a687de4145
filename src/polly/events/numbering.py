"""Numbers that producers give their events: 1, 2, 3, … per source, so that a missing one shows."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple, Self

import msgspec

#: Digits of `sequence`, so that numbers sort as text.
SEQUENCE_DIGITS = 12
#: The most that a number of 64 bits always holds.
MOST_DIGITS = 18

Range = tuple[int, int]


class Numbers(msgspec.Struct, frozen=True):
    """A set of whole numbers, kept as sorted ranges (first, last) that neither overlap nor touch."""

    ranges: tuple[Range, ...] = ()

    @classmethod
    def of(cls, ranges: Iterable[Range]) -> Self:
        """The numbers of these ranges, which may come in any order and overlap."""
        joined: list[Range] = []
        for first, last in sorted(ranges):
            if joined and first <= joined[-1][1] + 1:
                joined[-1] = (joined[-1][0], max(joined[-1][1], last))
            elif first <= last:
                joined.append((first, last))
        return cls(tuple(joined))

    @property
    def last(self) -> int:
        """The greatest number; 0 when there is none."""
        return self.ranges[-1][1] if self.ranges else 0

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.ranges)

    def __or__(self, other: "Numbers") -> "Numbers":
        return Numbers.of((*self.ranges, *other.ranges))

    def __and__(self, other: "Numbers") -> "Numbers":
        return self - (self - other)

    def __sub__(self, other: "Numbers") -> "Numbers":
        return Numbers(tuple(_without(self.ranges, other.ranges)))


def _without(ranges: tuple[Range, ...], taken: tuple[Range, ...]) -> Iterator[Range]:
    place = 0
    for start, last in ranges:
        first = start
        while place < len(taken) and taken[place][1] < first:
            place += 1
        at = place
        while at < len(taken) and taken[at][0] <= last:
            if first < taken[at][0]:
                yield first, taken[at][0] - 1
            first = taken[at][1] + 1
            at += 1
        if first <= last:
            yield first, last


class NumberCollector:
    """Takes numbers one by one and keeps them as ranges: small when most come in order."""

    def __init__(self) -> None:
        self._ranges: list[list[int]] = []

    def add(self, number: int) -> None:
        """Take one number."""
        if self._ranges and number == self._ranges[-1][1] + 1:
            self._ranges[-1][1] = number
        else:
            self._ranges.append([number, number])

    def numbers(self) -> Numbers:
        """All that was taken."""
        return Numbers.of((first, last) for first, last in self._ranges)


class Gap(NamedTuple):
    """Numbers that a store lacks, although it has the one after `last`, which it stored at `noticed_at`."""

    first: int
    last: int
    noticed_at: datetime


class StoredNumbers(NamedTuple):
    """What a store has of one source: numbers from `first` to `last`, but for the gaps, in their order.

    The first gap is 1 to `first` - 1 when that is not empty.

    repeats: stored events whose number another event of the source has too.
    """

    source: str
    first: int
    last: int
    gaps: tuple[Gap, ...] = ()
    repeats: int = 0

    @property
    def numbers(self) -> Numbers:
        """The numbers that are stored."""
        return Numbers(((self.first, self.last),)) - Numbers.of((gap.first, gap.last) for gap in self.gaps)


def number_of(sequence: str) -> int | None:
    """The number that a `sequence` says; None for one that is no such number."""
    is_number = sequence.isascii() and sequence.isdigit() and len(sequence) <= MOST_DIGITS
    return int(sequence) or None if is_number else None
