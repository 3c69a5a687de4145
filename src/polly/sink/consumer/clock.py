"""Time as the consumer sees it, so that a test can let hours pass at once."""

import random
import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """The time, and waiting."""

    def monotonic(self) -> float:
        """Seconds that only ever grow."""
        ...

    def now(self) -> datetime:
        """The time of day, in UTC."""
        ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until the event is set, which is True, or the time is over."""
        ...

    def chance(self) -> float:
        """A number from 0 to 1, another one each time."""
        ...


class SystemClock:
    """The clock of the machine."""

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(seconds)

    def chance(self) -> float:
        return random.random()  # noqa: S311  # nosec B311 - it spreads waits, nothing secret
