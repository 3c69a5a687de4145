"""Which questions of a partition are answered; what lies before the first open one may be committed."""

from collections import deque


class Offsets:
    """Of one partition, for as long as it is ours. Questions are taken in order and end in any order."""

    def __init__(self) -> None:
        self._open: deque[int] = deque()
        self._ended: set[int] = set()
        self._next: int | None = None
        self._committed: int | None = None

    @property
    def in_hand(self) -> int:
        """Questions that were taken and have not ended."""
        return len(self._open) - len(self._ended)

    def take(self, offset: int) -> None:
        """A question is in hand now."""
        self._open.append(offset)
        self._next = offset + 1

    def end(self, offset: int) -> None:
        """It is answered for good, or never will be."""
        if self._open and offset >= self._open[0] and offset not in self._ended and offset in self._open:
            self._ended.add(offset)
        while self._open and self._open[0] in self._ended:
            self._ended.remove(self._open.popleft())

    def due(self) -> int | None:
        """The offset to commit, when it is another than the last one that was asked for."""
        found = self._open[0] if self._open else self._next
        if found is None or found == self._committed:
            return None
        self._committed = found
        return found
