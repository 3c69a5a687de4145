"""What is known of a project besides the issues and the paths of the base commit."""

from collections.abc import Callable

import msgspec

from polly.planning.previous import Previous
from polly.work.effort import EffortSample


class Background(msgspec.Struct, frozen=True, kw_only=True):
    """All of it is optional: without it files are known by their names, and issues by what they say.

    read: the bytes of a file of the base commit. changes: the paths that each of the last commits changed.
    efforts: what issues of earlier runs took, and the agent that will work, if it is known.
    previous: the plan that this one carries on.
    """

    read: Callable[[str], bytes | None] | None = None
    changes: tuple[tuple[str, ...], ...] = ()
    efforts: tuple[EffortSample, ...] = ()
    agent: str | None = None
    previous: Previous | None = None
