"""Recounts the figures that a document states about itself; each is held against its findings."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from polly.intake.finding import Finding
from polly.intake.sources.markdown.fields import parse_severity
from polly.intake.sources.markdown.outline import BOLD_LEVEL, Heading, Outline, Statement
from polly.intake.sources.markdown.sections import Section, Spans, split_id
from polly.work.issues import IssueStatus, Warning

_NOUN = r"(?:(?:open|important|remaining|critical)\s+)?(?:issues?|findings?|items?|problems?)"
_IN_HEADING = re.compile(
    rf"\((?P<number>\d{{1,6}})(?:\s+{_NOUN})?\)(?:\s*$|\s*[-\u2013\u2014:])", re.IGNORECASE
)
_MARKUP = re.compile(r"[*_`|>]|^\s*(?:[-+]|\d{1,9}[.)])\s+")
_LABELLED = re.compile(
    rf"^[^\w(]*(?P<label>[A-Za-z][A-Za-z \-/]{{1,40}}?)\s*[:=(]?\s*\(?(?P<number>\d{{1,6}})"
    rf"(?P<noun>\s+{_NOUN})?\s*(?:\)|$|[,;.:\u2013\u2014-](?!\d)|\(\d+\s*%\)|\d+\s*%|/(?P<of>\d{{1,6}})\b)",
    re.IGNORECASE,
)
_TOTAL = re.compile(
    rf"^(?:total(?:\s+(?:number\s+of\s+)?{_NOUN})?|{_NOUN}(?:\s+(?:in\s+)?total)?)$", re.IGNORECASE
)
_TOTAL_SENTENCE = re.compile(
    rf"\b(?:(?:total\s+of|all)\s+(?P<a>\d{{1,6}})\s+{_NOUN}|(?P<b>\d{{1,6}})\s+{_NOUN}\s+"
    r"(?:in\s+total|total|found|fixed|resolved))\b",
    re.IGNORECASE,
)
_SEVERITY_LABEL = re.compile(
    rf"^(?:critical|major|minor|nitpicks?|high|medium|low)(?:\s+(?:priority|severity))?(?:\s+{_NOUN})?$",
    re.IGNORECASE,
)
_STATUS_LABELS = {
    "fixed": (IssueStatus.FIXED,),
    "resolved": (IssueStatus.FIXED,),
    "not fixed": (IssueStatus.OPEN,),
    "open": (IssueStatus.OPEN,),
    "partly fixed": (IssueStatus.PARTLY,),
    "partially fixed": (IssueStatus.PARTLY,),
    "remaining": (IssueStatus.OPEN, IssueStatus.PARTLY),
    "declined": (IssueStatus.DECLINED,),
}
_MENTIONED_ID = re.compile(r"\b([A-Z]{1,6}-?\d{1,6})(?:\s*[-\u2013]\s*([A-Z]{0,6}-?\d{1,6}))?\b")
_PLACES = re.compile(r"\((?P<number>\d{1,4})\s+(?:locations?|places?|occurrences?)\)", re.IGNORECASE)
_PLACES_SHOWN = 8


class Counted(NamedTuple):
    """A part of the document, how many findings were made of it, and its section when it is one."""

    line: int
    end: int
    findings: int
    section: Section | None = None


class Figure(NamedTuple):
    """A figure as it is stated, what was found for it and where, and whether the two agree.

    agrees is None where they need not; kind is `count`, `sum` or `time`.
    """

    line: int
    says: str
    found: str
    places: tuple[int, ...]
    agrees: bool | None
    kind: str = "count"


def contradictions(name: str, figures: Iterable[Figure]) -> Iterator[Warning]:
    """A warning for each figure that does not agree."""
    for figure in figures:
        if figure.agrees is False:
            message = f"{name}: line {figure.line} says {figure.says}, but {counted(figure)}."
            yield Warning(code="contradiction", message=message, ref=f"{name}:{figure.line}")


def counted(figure: Figure) -> str:
    """What was found for a figure, with the lines."""
    where = ", ".join(map(str, figure.places[:_PLACES_SHOWN])) + (
        ", …" if len(figure.places) > _PLACES_SHOWN else ""
    )
    return figure.found + (f" (line{'s' if len(figure.places) > 1 else ''} {where})" if where else "")


def figures(document: Outline, parts: Sequence[Counted], findings: Sequence[Finding]) -> tuple[Figure, ...]:
    """All figures of a document that can be recounted. `parts` are in line order."""
    return (
        *_headings(document, parts),
        *_ranges(parts),
        *_statements(document, parts, findings),
        *_location_counts(parts, findings),
    )


def _headings(document: Outline, parts: Sequence[Counted]) -> Iterator[Figure]:
    """Headings such as "Critical Issues (4)", against the findings or the list under them."""
    own = {each.section.heading for each in parts if each.section}
    real = [heading for heading in document.headings if heading.level < BOLD_LEVEL]
    starts = [each.line for each in parts]
    totals = _running(parts)
    listed = _Listed(document)
    for heading, end in _with_ends(real, len(document.lines) + 1):
        stated = _IN_HEADING.search(heading.text)
        if heading in own or not stated:
            continue
        first, last = bisect_left(starts, heading.line + 1), bisect_left(starts, end)
        found = totals[last] - totals[first] if last > first else listed.count(heading.line, end)
        if found is not None:
            below = last > first
            what = f"{_are(found)} described there" if below else f"it lists {found}"
            shown = tuple(starts[first : min(last, first + _PLACES_SHOWN + 1)])
            yield Figure(heading.line, repr(heading.text), what, shown, found == int(stated["number"]))


def _with_ends(headings: Sequence[Heading], after_all: int) -> list[tuple[Heading, int]]:
    """Each heading with the line of the next one of its level or above."""
    ends: dict[int, int] = {}
    still_open: list[int] = []
    for number, heading in enumerate(headings):
        while still_open and headings[still_open[-1]].level >= heading.level:
            ends[still_open.pop()] = heading.line
        still_open.append(number)
    return [(heading, ends.get(number, after_all)) for number, heading in enumerate(headings)]


def _running(parts: Sequence[Counted]) -> list[int]:
    totals = [0]
    for each in parts:
        totals.append(totals[-1] + each.findings)
    return totals


class _Listed:
    """How many ids the list under a heading names, or how many items it has when it names none."""

    #: Nested headings ask for the same lines again and again; a longer list is counted by nobody.
    _MOST = 2000

    def __init__(self, document: Outline) -> None:
        self._items = [each for each in document.statements if each.in_list]
        self._lines = [each.line for each in self._items]

    def count(self, first: int, end: int) -> int | None:
        start, stop = bisect_left(self._lines, first + 1), bisect_left(self._lines, end)
        if stop - start > self._MOST:
            return None
        texts = [each.text for each in self._items[start:stop]]
        ids = {name for text in texts for name in ids_in(text)}
        return len(ids) or len(texts) or None


def ids_in(text: str) -> list[str]:
    """The ids that a text names, those of ranges one by one."""
    return [name for found in _MENTIONED_ID.finditer(text) for name in _span(found[1], found[2])]


def _span(first: str, last: str | None) -> list[str]:
    letters, low = split_id(first)
    last_letters, high = split_id(last) if last else (letters, low)
    if last_letters not in ("", letters) or not 0 <= high - low < 1000:
        return [first]
    return [f"{letters}{number}" for number in range(low, high + 1)]


def _ranges(parts: Sequence[Counted]) -> Iterator[Figure]:
    """Range headings such as "P7-P15. … (9 issues)"."""
    for each in parts:
        if each.section is None or not each.section.last_id:
            continue
        heading = each.section.heading
        stated = _IN_HEADING.search(heading.text)
        if each.findings == 1:
            found = "that is no range of ids; it was read as one finding"
            yield Figure(heading.line, repr(heading.text), found, (), agrees=False)
        elif stated:
            agrees = int(stated["number"]) == each.findings
            yield Figure(heading.line, repr(heading.text), f"its ids are {each.findings}", (), agrees)


def _statements(document: Outline, parts: Sequence[Counted], findings: Sequence[Finding]) -> Iterator[Figure]:
    """Lines such as "Total Issues: 45", "Critical (4 issues)" and rows of summary tables."""
    if not findings:
        return  # a summary of findings that are described elsewhere
    count = _Counts(findings)
    for statement in outside(document, parts):
        yield from _judge(statement, count)


def outside(document: Outline, parts: Sequence[Counted]) -> Iterator[Statement]:
    """The statements that belong to no finding: what a document says about itself as a whole."""
    described = Spans((each.line, each.end) for each in parts)
    return (each for each in document.statements if not described.hold(each.line))


class _Counts:
    """Counts findings by what a label says about them; each label is counted once."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self._findings = findings
        self._known: dict[str, tuple[int, tuple[int, ...]] | None] = {}

    def of(self, label: str) -> tuple[int, tuple[int, ...]] | None:
        """How many findings, and the first of their lines; None for a label about something else."""
        folded = " ".join(label.casefold().split())
        if folded not in self._known:
            counts = _counter(folded)
            if counts is None:
                return None
            matching = [finding for finding in self._findings if counts(finding)]
            lines = tuple(dict.fromkeys(map(line_of, matching)))[: _PLACES_SHOWN + 1]
            self._known[folded] = (len(matching), lines)
        return self._known[folded]


def _judge(statement: Statement, count: _Counts) -> Iterator[Figure]:
    text = " ".join(_MARKUP.sub(" ", statement.text).split())
    labelled = _LABELLED.match(text)
    found = count.of(labelled["label"]) if labelled else None
    if labelled and found:
        of_all = labelled["of"] and labelled["label"].casefold() not in _STATUS_LABELS
        said = int(labelled["of"] if of_all else labelled["number"])
    elif sentence := _TOTAL_SENTENCE.search(text):
        said, found = int(sentence["a"] or sentence["b"]), count.of("total")
    if found:
        yield Figure(statement.line, repr(text), f"{_are(found[0])} described", found[1], said == found[0])


def _are(number: int) -> str:
    return f"{number} {'is' if number == 1 else 'are'}"


def _counter(label: str) -> Callable[[Finding], bool] | None:
    """Which findings a label counts; None for a label that is about something else."""
    if _TOTAL.match(label):
        return _all
    if _SEVERITY_LABEL.match(label):
        severity = parse_severity(label)
        return lambda finding: finding.severity is severity
    statuses = _STATUS_LABELS.get(label.removesuffix(" issues").removesuffix(" findings"))
    if statuses:
        return lambda finding: finding.status in statuses
    return None


def _all(_: Finding) -> bool:
    return True


def _location_counts(parts: Sequence[Counted], findings: Sequence[Finding]) -> Iterator[Figure]:
    """Titles such as "Text for an enum (3 locations)", where the finding lists its line groups."""
    titles = {each.line: each.section for each in parts if each.section and each.findings == 1}
    for finding in findings:
        section = titles.get(line_of(finding))
        stated = _PLACES.search(section.title) if section else None
        listed = [place for place in finding.places if place.start_line is not None]
        if section and stated and len(listed) > 1:
            agrees = len(listed) == int(stated["number"])
            yield Figure(section.heading.line, repr(section.title), f"it lists {len(listed)}", (), agrees)


def line_of(finding: Finding) -> int:
    """The line of the document at which a finding is described; 0 when its source does not say."""
    number = (finding.source.ref or "").rpartition(":")[2]
    return int(number) if number.isdecimal() else 0
