"""When to take many records at once, and when the one that came must not wait for a look at the next."""

import time

#: Records that follow each other this fast are a flow.
_FLOW_SECONDS = 0.0002


class Flow:
    """Knows when the last record came."""

    def __init__(self) -> None:
        self._came_at = 0.0

    def goes_on(self) -> bool:
        """A record has come: did it follow the one before so fast that more can be expected?"""
        now, before = time.monotonic(), self._came_at
        self._came_at = now
        return now - before < _FLOW_SECONDS
