"""What earlier runs took: the past as planning sees it."""

import msgspec

from polly.work.issues import Severity


class EffortSample(msgspec.Struct, frozen=True, kw_only=True):
    """One issue that an agent worked on, and its even share of the package's agent time in seconds."""

    severity: Severity
    tool: str | None
    rule: str | None
    agent: str
    seconds: float
