"""Trying until it works: soon at first, then paused and still polling the group."""

import threading
from collections.abc import Callable

from polly.errors import PollyError
from polly.events.transfer import OffsetMoved, TooManyDead
from polly.sink.consumer.clock import Clock
from polly.sink.consumer.policy import Action, Cause, Decision, decide
from polly.sink.consumer.snapshot import Pause
from polly.sink.consumer.tally import Counter

#: Trouble that a step may have; anything else is a fault of ours and ends the sink.
EXPECTED = (PollyError, OffsetMoved, TooManyDead)


class Patience:
    """Calls a step as often as it takes.

    hold, go_on: let no record in while it waits, and take that back.
    release: what to do with a partition that another owner has stored.
    poll: stay in the group for so many seconds, at most; shows the sink's state as well.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        counter: Counter,
        stopping: threading.Event,
        drain_seconds: float,
        hold: Callable[[], None],
        go_on: Callable[[], None],
        release: Callable[[OffsetMoved], None],
        poll: Callable[[float], None],
        tell: Callable[[str], None],
    ) -> None:
        self.pause: Pause | None = None
        self._clock = clock
        self._counter = counter
        self._stopping = stopping
        self._drain_seconds = drain_seconds
        self._stop_at: float | None = None
        self._hold = hold
        self._go_on = go_on
        self._release = release
        self._poll = poll
        self._tell = tell

    @property
    def is_over(self) -> bool:
        """The sink was told to stop, and the time for what is in hand has passed."""
        if not self._stopping.is_set():
            return False
        if self._stop_at is None:
            self._stop_at = self._clock.monotonic()
        return self._clock.monotonic() - self._stop_at > self._drain_seconds

    def until_done(self, step: Callable[[], None]) -> bool:
        """Call the step until nothing is wrong any more. False: the sink stops, and it was not done.

        Raises what no waiting would mend.
        """
        failures = 0
        while True:
            try:
                step()
            except EXPECTED as trouble:
                failures += 1
                if not self._bear(trouble, decide(trouble, failures, chance=self._clock.chance())):
                    self._end()
                    return False
            else:
                self._end()
                return True

    def _bear(self, trouble: Exception, decision: Decision) -> bool:
        if isinstance(trouble, OffsetMoved) and decision.action is Action.RELEASE:
            self._release(trouble)
            return True
        if decision.cause is None:
            raise trouble
        self._counter.add_to("retries", decision.cause)
        self._hold()
        if decision.action is Action.PAUSE:
            self._pause(decision.cause, str(trouble).rstrip("."))
        return self._wait(decision)

    def _pause(self, cause: Cause, reason: str) -> None:
        before = self.pause if self.pause is not None and self.pause.cause is cause else None
        since = before.since if before else self._clock.now()
        self.pause = Pause(cause=cause, reason=reason, since=since)
        if before is None:
            self._tell(f"Paused ({cause}): {reason}. Nothing is lost; it is tried again by itself.")

    def _wait(self, decision: Decision) -> bool:
        until = self._clock.monotonic() + decision.seconds
        while (left := until - self._clock.monotonic()) > 0:
            if self._stopping.is_set() and (decision.action is Action.PAUSE or self.is_over):
                return False
            began = self._clock.monotonic()
            self._poll(left)
            if self.pause is not None:
                self._counter.add_to("paused_seconds", self.pause.cause, self._clock.monotonic() - began)
        return True

    def _end(self) -> None:
        if self.pause is not None:
            seconds = (self._clock.now() - self.pause.since).total_seconds()
            if not self._stopping.is_set():
                self._tell(f"Going on after {seconds:.0f} s ({self.pause.cause}).")
            self.pause = None
        self._go_on()
