"""What trouble means and what follows from it: try again soon, pause, let a partition go, or stop. Pure."""

import enum
from collections.abc import Mapping
from typing import NamedTuple

from polly.errors import BusError, BusMisconfigured, StoreError, StoreMisconfigured
from polly.events.transfer import OffsetMoved, TooManyDead

#: Seconds before the second, third and fourth try; then the sink pauses.
QUICK_RETRIES = (0.1, 0.2, 0.4)
#: Seconds between tries while paused: doubled each time, from the first to the last.
FIRST_PROBE_SECONDS = 1.0
LAST_PROBE_SECONDS = 30.0
#: Part of a probe's wait that is left to chance, so that many sinks do not knock at once.
JITTER = 0.1
#: How often a commit is tried again at once when the coordinator is away; the next commit covers it.
COMMIT_RETRIES = 3


class Cause(enum.StrEnum):
    """Why the sink tries again or is paused; a label of its metrics."""

    STORE_UNAVAILABLE = "store_unavailable"
    STORE_MISCONFIGURED = "store_misconfigured"
    DEAD_LETTER_TOPIC = "dead_letter_topic"
    FLOOD = "flood"


#: Trouble that trying soon would not end.
_WAITS_FOR_SOMEBODY: Mapping[type[Exception], Cause] = {
    TooManyDead: Cause.FLOOD,
    StoreMisconfigured: Cause.STORE_MISCONFIGURED,
    BusMisconfigured: Cause.DEAD_LETTER_TOPIC,
}
#: Trouble that may be over in a moment; also what nobody knows yet.
_MAY_HEAL: Mapping[type[Exception], Cause] = {
    StoreError: Cause.STORE_UNAVAILABLE,
    BusError: Cause.DEAD_LETTER_TOPIC,
}


class Action(enum.StrEnum):
    """What to do about trouble."""

    RETRY = "retry"  # soon
    PAUSE = "pause"  # let nothing in until it heals, and probe
    RELEASE = "release"  # another owner has stored this partition
    STOP = "stop"  # a fault of ours: nothing that goes on can be trusted


class Decision(NamedTuple):
    """seconds: until the next try."""

    action: Action
    cause: Cause | None = None
    seconds: float = 0.0


def decide(trouble: Exception, failures: int, *, chance: float = 0.5) -> Decision:
    """What follows from this trouble, met for the `failures`-th time in a row (1 is the first).

    Nothing here ever makes a dead letter: only the store does, of a record that is bad by itself.
    chance: 0 to 1, of which the jitter is made; 0.5 makes none.
    """
    if isinstance(trouble, OffsetMoved):
        return Decision(Action.RELEASE)
    for kind, cause in _WAITS_FOR_SOMEBODY.items():
        if isinstance(trouble, kind):
            return _pause(cause, failures, chance)
    for kind, cause in _MAY_HEAL.items():
        if isinstance(trouble, kind):
            return _retry_then_pause(cause, failures, chance)
    return Decision(Action.STOP)


def _retry_then_pause(cause: Cause, failures: int, chance: float) -> Decision:
    if failures <= len(QUICK_RETRIES):
        return Decision(Action.RETRY, cause, QUICK_RETRIES[failures - 1])
    return _pause(cause, failures - len(QUICK_RETRIES), chance)


def _pause(cause: Cause, failures: int, chance: float) -> Decision:
    # The exponent is bounded, since the numbers of a long night would overflow.
    seconds = min(LAST_PROBE_SECONDS, FIRST_PROBE_SECONDS * 2 ** min(failures - 1, 10))
    return Decision(Action.PAUSE, cause, seconds * (1 + JITTER * (2 * chance - 1)))
