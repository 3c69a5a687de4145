"""What a tool's report looks like: the shape of the TOML files that describe tools, ours and the users'."""

from typing import Annotated, Literal

import msgspec

#: One selector, or several of which the first that leads to something counts.
Selector = str | tuple[str, ...]
#: Texts of which one must stand at each selector.
Conditions = dict[str, tuple[str, ...]]
#: How bad a tool's word is: what SARIF says, and one above.
Level = Literal["critical", "error", "warning", "note", "none"]
#: Why a tool itself takes a finding from the work list: reasons of polly.intake.policy.
Reason = Literal["suppressed", "resolved", "outdated", "informational", "not_a_failure"]
Members = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Anything in the file; a key that is not named here is refused."""


class Where(Part, frozen=True, kw_only=True):
    """A place. `start` and `end` are offsets in the file, for tools that give no lines."""

    each: str = ""
    when: Conditions = {}
    path: Selector = ()
    line: Selector = ()
    end_line: Selector = ()
    column: Selector = ()
    end_column: Selector = ()
    start: Selector = ()
    end: Selector = ()


class Edits(Where, frozen=True, kw_only=True):
    """Changes that the tool proposes; `about` says what they are for."""

    text: Selector
    about: Selector = ()


class Related(Where, frozen=True, kw_only=True):
    """Other places that explain a finding."""

    message: Selector = ()


class Findings(Part, frozen=True, kw_only=True):
    """One list of findings of a report, and where things stand in each of them.

    leave_out: reasons for which the tool itself takes a finding from the work list, each with the conditions
    of which one must hold.
    """

    at: Selector
    when: Conditions = {}
    leave_out: dict[Reason, tuple[Conditions, ...]] = {}
    message: Selector
    title: Selector = ()
    rule: Selector = ()
    severity: Selector = ()
    url: Selector = ()
    notes: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()
    places: Where
    edits: tuple[Edits, ...] = ()
    related: tuple[Related, ...] = ()


class Failure(Part, frozen=True, kw_only=True):
    """Where the report says that the tool did not finish."""

    at: str
    text: Selector
    when: Conditions = {}


class Figure(Part, frozen=True, kw_only=True):
    """A number that the report states about itself, and the items that it counts."""

    each: str = ""
    says: str
    counts: str
    when: Conditions = {}


class Tool(Part, frozen=True, kw_only=True):
    """A tool and its report.

    recognise: ways to know the report; each names paths, and the members that what stands there has ("!x":
    has not). severities: the level of each of the tool's own words. tool: where a finding names its tool.
    ran: where such a report names the tool that ran, whether or not it found anything.
    """

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
    about: str
    tool: Selector | None = None
    ran: Selector = ()
    recognise: Annotated[tuple[dict[str, Members], ...], msgspec.Meta(min_length=1)]
    findings: Annotated[tuple[Findings, ...], msgspec.Meta(min_length=1)]
    severities: dict[str, Level] = {}
    default_level: Level = "warning"
    lines_from: Literal[0, 1] = 1
    columns_from: Literal[0, 1] = 1
    offsets: Literal["character", "byte", "utf16"] = "character"
    path_ends_at: str = ""
    rooted_paths: bool = False
    silent_when_clean: bool = False
    failures: tuple[Failure, ...] = ()
    figures: tuple[Figure, ...] = ()


def alternatives(selector: Selector) -> tuple[str, ...]:
    """The selectors to try, in order."""
    return (selector,) if isinstance(selector, str) else selector
