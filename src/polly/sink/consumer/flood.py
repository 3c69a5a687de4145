"""The breaker against a flood of dead letters: so much poison is more likely a fault of ours. Pure."""

import math
from collections import deque


class FloodWindow:
    """How many of the last `size` records were poison, and how many more may be: at most `share` of them."""

    def __init__(self, size: int, share: float) -> None:
        self._size = size
        self._share = share
        self._batches: deque[tuple[int, int]] = deque()
        self._records = 0

    def most_dead(self, records: int) -> int:
        """How many of the next so many records may be poison.

        A window that is not full yet counts as if good records filled it: the first record may be bad.
        """
        older = self._dead_within(self._size - records)
        return max(0, math.floor(self._share * max(self._size, records)) - older)

    def add(self, records: int, dead: int) -> None:
        """So many records came, and so many of them were poison."""
        if records:
            self._batches.append((records, dead))
            self._records += records
        while self._batches and self._records - self._batches[0][0] >= self._size:
            self._records -= self._batches.popleft()[0]

    def _dead_within(self, room: int) -> int:
        """The poison among the last `room` records; of a batch only partly among them, as much as fits."""
        dead = 0
        for count, of_them in reversed(self._batches):
            if room <= 0:
                break
            dead += min(of_them, room)
            room -= count
        return dead
