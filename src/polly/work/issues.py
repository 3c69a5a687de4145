"""Issue and inventory: what intake makes of untrusted text.

The JSON of these records is format "inventory_version 1"; a field may be added, none may change.
`gc=False`: there can be hundreds of thousands, none can be part of a cycle, and so none need be looked at.
"""

import enum
from collections import Counter

import msgspec

from polly.work.rounds import Rounds


class Severity(enum.StrEnum):
    """How bad an issue is, worst first."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"
    NITPICK = "nitpick"

    @property
    def rank(self) -> int:
        """0 for the worst; sorts issues."""
        return list(Severity).index(self)


class IssueStatus(enum.StrEnum):
    """What the source says about the issue; only open ones are planned."""

    OPEN = "open"
    FIXED = "fixed"
    PARTLY = "partly"
    DECLINED = "declined"

    @property
    def is_open(self) -> bool:
        """True while there is something left to fix."""
        return self in (IssueStatus.OPEN, IssueStatus.PARTLY)


class Location(msgspec.Struct, frozen=True, kw_only=True, order=True, gc=False):
    """A place in the repository: a path relative to its root with "/", lines counted from 1."""

    path: str
    start_line: int | None = None
    end_line: int | None = None

    def __str__(self) -> str:
        if self.start_line is None:
            return self.path
        if self.end_line is None or self.end_line == self.start_line:
            return f"{self.path}:{self.start_line}"
        return f"{self.path}:{self.start_line}-{self.end_line}"


class Source(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where an issue was read: format (`sarif`, `markdown`, …), tool, rule, and a place inside the source."""

    format: str
    tool: str | None = None
    rule: str | None = None
    ref: str | None = None


class Issue(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One finding to fix. `fingerprint` is the same for the same finding in every round."""

    id: str
    severity: Severity
    title: str
    status: IssueStatus = IssueStatus.OPEN
    locations: tuple[Location, ...] = ()
    problem: str = ""
    suggestion: str = ""
    effort_minutes: int | None = None
    source: Source
    fingerprint: str
    also_reported_by: tuple[Source, ...] = ()
    creates: tuple[str, ...] = ()  # paths that the source says the fix will create

    @property
    def paths(self) -> tuple[str, ...]:
        """The distinct paths of the locations, in the order in which they are named."""
        return tuple(dict.fromkeys(location.path for location in self.locations))


class Exclusion(msgspec.Struct, frozen=True, kw_only=True):
    """Findings left out for one reason; `refs` name each of them."""

    reason: str
    count: int
    refs: tuple[str, ...] = ()


class Warning(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a reader should know: a stable code, a sentence, and where it was seen."""

    code: str
    message: str
    ref: str | None = None


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """`read` = `issues` + `excluded`, always."""

    read: int
    issues: int
    excluded: int
    by_severity: dict[str, int]
    files: int


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """The issues of one change, and what was left out and why."""

    inventory_version: int = 1
    issues: tuple[Issue, ...] = ()
    excluded: tuple[Exclusion, ...] = ()
    warnings: tuple[Warning, ...] = ()
    counts: Counts
    included: tuple[str, ...] = ()  # rules of the policy that were switched off
    rounds: Rounds | msgspec.UnsetType = msgspec.UNSET  # only there when an earlier run was named

    def issue(self, issue_id: str) -> Issue:
        """The issue with this id. Raises KeyError."""
        for issue in self.issues:
            if issue.id == issue_id:
                return issue
        raise KeyError(issue_id)


def count(issues: tuple[Issue, ...], excluded: tuple[Exclusion, ...]) -> Counts:
    """The counts that belong to these issues and exclusions."""
    left_out = sum(exclusion.count for exclusion in excluded)
    severities = Counter(issue.severity for issue in issues)
    return Counts(
        read=len(issues) + left_out,
        issues=len(issues),
        excluded=left_out,
        by_severity={severity.value: severities[severity] for severity in Severity},
        files=len({location.path for issue in issues for location in issue.locations}),
    )
