"""Which parts of a document are findings: a heading with an id, and what stands under it."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from polly.intake.sources.markdown.fields import parse_severity
from polly.intake.sources.markdown.outline import BOLD_LEVEL, Heading, Key, Outline

_ISSUE_HEADING = re.compile(
    r"""^[^\w`\[(\#*]*                                       # a sign before the id
        (?:\*\*)?\[?(?:(?:[Ii]ssue|[Ff]inding|[Bb]ug|[Pp]roblem|[Ii]tem)s?\s*)?\#?
        (?P<first>[A-Z]{2,}(?:-\d{1,9}){2}|[A-Z]{1,6}-?\d{1,6}|\d{1,5})
        (?:\s*(?:-|\u2013|\u2014|\.\.|to)\s*\#?(?P<last>(?:[A-Z]{1,6}-?)?\d{1,6}))?
        \]?(?:\s*[.:)]|\s+[-\u2013\u2014])\s*
        (?P<title>\S.*)$""",
    re.VERBOSE | re.DOTALL,
)
_ID = re.compile(r"(?P<letters>\D*?)(?P<number>\d+)$")

#: The names of keys, as people write them, by what they say.
KEYS = {
    "file": ("file", "files", "location", "locations", "path", "paths", "affected file", "affected files"),
    "status": ("status", "state"),
    "effort": (
        "effort",
        "estimate",
        "estimated effort",
        "total effort",
        "estimated time",
        "time",
        "est. effort",
    ),
    "priority": ("priority",),
    "severity": ("severity",),
    "rule": ("rule", "rule id"),
    "labels": ("labels", "label"),
    "problem": ("problem", "issue", "issues", "description", "details"),
    "suggestion": (
        "fix",
        "fixes",
        "suggestion",
        "suggested fix",
        "recommendation",
        "recommended fix",
        "fix required",
        "required fix",
        "proposed fix",
        "solution",
        "implementation",
        "changes required",
        "alternative",
    ),
}
_MEANING = {name: meaning for meaning, names in KEYS.items() for name in names}
#: Keys that say where, how bad or what; a numbered heading is a finding only with one of them.
_TELLING = frozenset(KEYS) - {"labels", "priority", "effort"}


class Section(NamedTuple):
    """A finding's part of a document: its lines from the heading up to before `end`, and what is above it."""

    heading: Heading
    first_id: str
    last_id: str
    title: str
    end: int
    keys: tuple[Key, ...]
    above: tuple[Heading, ...]


def meaning(key: Key) -> str:
    """What a key is about; "" for a key that Polly does not know."""
    return _MEANING.get(key.name.casefold(), "")


def split_id(issue_id: str) -> tuple[str, int]:
    """The letters and the number of an id."""
    found = _ID.match(issue_id)
    return (found["letters"], int(found["number"])) if found else (issue_id, 0)


def sections(document: Outline) -> tuple[Section, ...]:
    """The findings of a document in its order."""
    candidates = [section for section in _cut(document, None) if _is_finding(section)]
    # Cut again: a numbered step inside a finding looked like one and must not end it.
    return tuple(_cut(document, frozenset(section.heading for section in candidates)))


def _cut(document: Outline, findings: frozenset[Heading] | None) -> Iterator[Section]:
    """The parts under headings with an id (all of them, or the given ones)."""
    matched = [(heading, _ISSUE_HEADING.match(heading.text)) for heading in document.headings]
    marks = [
        (heading, match if findings is None or heading in findings else None)
        for heading, match in matched
        if heading.level < BOLD_LEVEL or (match and (findings is None or heading in findings))
    ]
    ends = _ends(document, marks)
    keys = _KeysByLine(document)
    above: list[Heading] = []
    for heading, match in marks:
        while above and above[-1].level >= heading.level:
            above.pop()
        if match:
            own = keys.between(heading.line, ends[heading])
            yield Section(
                heading,
                match["first"],
                match["last"] or "",
                match["title"].removesuffix("**").strip(),
                ends[heading],
                own,
                tuple(above),
            )
        else:
            above.append(heading)


class _KeysByLine:
    """Walks the keys once, in step with the headings."""

    def __init__(self, document: Outline) -> None:
        self._keys = document.keys
        self._next = 0

    def between(self, first: int, end: int) -> tuple[Key, ...]:
        while self._next < len(self._keys) and self._keys[self._next].line < first:
            self._next += 1
        last = self._next
        while last < len(self._keys) and self._keys[last].line < end:
            last += 1
        return tuple(self._keys[self._next : last])


def _ends(document: Outline, marks: Sequence[tuple[Heading, re.Match[str] | None]]) -> dict[Heading, int]:
    """Where each heading's part ends: at the next heading of its level or above, or the next finding."""
    ends: dict[Heading, int] = {}
    open_headings: list[Heading] = []
    for mark, match in marks:
        while open_headings and (match or open_headings[-1].level >= mark.level):
            ends[open_headings.pop()] = mark.line
        open_headings.append(mark)
    ends.update(dict.fromkeys(open_headings, len(document.lines) + 1))
    return ends


def _is_finding(section: Section) -> bool:
    if any(meaning(key) in _TELLING for key in section.keys):
        return True
    judged = any(parse_severity(heading.text) for heading in section.above if heading.level > 1)
    # A bare number with nothing said about it is a chapter, unless it stands in bold under a severity.
    return judged and (
        section.heading.level == BOLD_LEVEL or not section.first_id.isdigit() or bool(section.last_id)
    )
