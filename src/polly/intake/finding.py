"""What every format gives: findings in one shape, before paths are judged and issues are made of them."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from polly.intake.snapshot import Snapshot
from polly.work.issues import Exclusion, IssueStatus, Severity, Source, Warning


class Offset(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A region given by its distance from the start of the file instead of by lines."""

    unit: str  # "byte", "utf16" or "character"
    start: int
    length: int = 0


class Place(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where a finding is, as the source says it: the path may be absolute, foreign or nonsense."""

    path: str
    start_line: int | None = None
    end_line: int | None = None
    columns: tuple[int | None, int | None] = (None, None)
    offset: Offset | None = None


class Finding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One finding of a source.

    message is what identifies it together with tool, rule and place; left_out is the reason for which
    the source itself takes it from the work list ("" when it does not), also_left_out are further ones.
    The reasons are those of polly.intake.policy.
    """

    source: Source
    severity: Severity
    title: str
    message: str
    id: str = ""
    status: IssueStatus = IssueStatus.OPEN
    places: tuple[Place, ...] = ()
    creates: tuple[str, ...] = ()
    problem: str = ""
    suggestion: str = ""
    effort_minutes: int | None = None
    left_out: str = ""
    also_left_out: tuple[str, ...] = ()
    fingerprint: str = ""
    also_reported_by: tuple[Source, ...] = ()


class Reading(NamedTuple):
    """Everything that one source says. `tools` names those that found nothing, too."""

    findings: tuple[Finding, ...]
    warnings: tuple[Warning, ...] = ()
    excluded: tuple[Exclusion, ...] = ()
    tools: tuple[str, ...] = ()


class Context(NamedTuple):
    """What a format may look at beside the text."""

    snapshot: Snapshot
    severity_table: Mapping[str, str]
