"""Which parts of a document are findings: a heading with an id, and what stands under it."""

import re
from collections.abc import Iterable, Iterator, Sequence
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
#: Work packages are numbered as findings are, and are none.
_PACKAGE = re.compile(r"WP-?\d")
_ANSWER = re.compile(r"\b(?:response|responses|reply|replies|answers?|resolution)\b", re.IGNORECASE)

#: The names of keys, as people write them, by what they say.
KEYS = {
    "file": ("file", "files", "location", "locations", "path", "paths", "affected file", "affected files"),
    "lines": ("line", "lines", "line number", "line numbers"),
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
_TELLING = frozenset(KEYS) - {"labels", "priority", "effort", "lines"}


class Section(NamedTuple):
    """A finding's part of a document: its lines from the heading up to before `end`, and what is above it."""

    heading: Heading
    first_id: str
    last_id: str
    title: str
    end: int
    keys: tuple[Key, ...]
    above: tuple[Heading, ...]


class Above:
    """The headings under which lines stand; asked for lines in rising order."""

    def __init__(self, document: Outline) -> None:
        self._headings = [each for each in document.headings if each.level < BOLD_LEVEL]
        self._next = 0
        self._open: list[Heading] = []

    def at(self, line: int) -> tuple[Heading, ...]:
        """The headings above a line, outermost first."""
        while self._next < len(self._headings) and self._headings[self._next].line <= line:
            heading = self._headings[self._next]
            while self._open and self._open[-1].level >= heading.level:
                self._open.pop()
            self._open.append(heading)
            self._next += 1
        return tuple(self._open)


class Spans:
    """Parts of a document as (first line, line after the last), asked for lines in rising order."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        self._spans = iter(sorted(spans))
        self._span = next(self._spans, None)

    def hold(self, line: int) -> bool:
        """True when a line lies in one of the parts."""
        while self._span is not None and self._span[1] <= line:
            self._span = next(self._spans, None)
        return self._span is not None and self._span[0] <= line


def meaning(key: Key) -> str:
    """What a key is about; "" for a key that Polly does not know."""
    return named_key(key.name)


def named_key(name: str) -> str:
    """What a key of this name is about; "" for one that Polly does not know."""
    return _MEANING.get(name.casefold().replace("_", " "), "")


def severity_above(above: Sequence[Heading]) -> Heading | None:
    """The nearest of these headings that names a severity; the title of the document is not asked."""
    return next((each for each in reversed(above) if each.level > 1 and parse_severity(each.text)), None)


def is_answer(section: Section) -> bool:
    """True below a heading such as "Response: all fixed", where findings described above are answered."""
    return any(each.level > 1 and _ANSWER.search(each.text) for each in section.above)


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
    if _PACKAGE.match(section.first_id):
        return False
    if any(meaning(key) in _TELLING for key in section.keys):
        return True
    judged = severity_above(section.above) is not None
    # A bare number with nothing said about it is a chapter, unless it stands in bold under a severity.
    return judged and (
        section.heading.level == BOLD_LEVEL or not section.first_id.isdigit() or bool(section.last_id)
    )
