"""Recounts the figures that a document states about itself; each wrong one is named with both places."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from polly.intake.finding import Finding
from polly.intake.sources.markdown.fields import parse_severity
from polly.intake.sources.markdown.outline import BOLD_LEVEL, Heading, Outline, Statement
from polly.intake.sources.markdown.sections import Section, split_id
from polly.work.issues import IssueStatus, Warning

_NOUN = r"(?:open\s+)?(?:issues?|findings?|items?|problems?)"
_IN_HEADING = re.compile(rf"\((?P<number>\d{{1,6}})(?:\s+{_NOUN})?\)\s*$", re.IGNORECASE)
_MARKUP = re.compile(r"[*_`|>]|^\s*(?:[-+]|\d{1,9}[.)])\s+")
_LABELLED = re.compile(
    rf"^[^\w(]*(?P<label>[A-Za-z][A-Za-z \-/]{{1,40}}?)\s*[:=(]?\s*\(?(?P<number>\d{{1,6}})"
    rf"(?P<noun>\s+{_NOUN})?\s*(?:\)|$|[,;.:\u2013\u2014-](?!\d)|\(\d+\s*%\)|\d+\s*%)",
    re.IGNORECASE,
)
_TOTAL = re.compile(
    rf"^(?:total(?:\s+(?:number\s+of\s+)?{_NOUN})?|{_NOUN}(?:\s+(?:in\s+)?total)?)$", re.IGNORECASE
)
_TOTAL_SENTENCE = re.compile(
    rf"\b(?:total\s+of\s+(?P<a>\d{{1,6}})\s+{_NOUN}|(?P<b>\d{{1,6}})\s+{_NOUN}\s+(?:in\s+total|total|found))\b",
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
    """A finding's part of the document, and how many findings were made of it."""

    section: Section
    findings: int


class _Figure(NamedTuple):
    """A statement, and what was counted for it and where."""

    line: int
    says: str
    found: str
    places: tuple[int, ...]


def contradictions(
    name: str, document: Outline, counted: Sequence[Counted], findings: Sequence[Finding]
) -> Iterator[Warning]:
    """A warning for each figure of the document that does not agree with its findings."""
    for figure in (
        *_headings(document, counted),
        *_ranges(counted),
        *_statements(document, counted, findings),
        *_location_counts(counted, findings),
    ):
        where = ", ".join(map(str, figure.places[:_PLACES_SHOWN])) + (
            ", …" if len(figure.places) > _PLACES_SHOWN else ""
        )
        lines = f" (line{'s' if len(figure.places) > 1 else ''} {where})" if where else ""
        message = f"{name}: line {figure.line} says {figure.says}, but {figure.found}{lines}."
        yield Warning(code="contradiction", message=message, ref=f"{name}:{figure.line}")


def _headings(document: Outline, counted: Sequence[Counted]) -> Iterator[_Figure]:
    """Headings such as "Critical Issues (4)", against the findings or the list under them."""
    own = {each.section.heading for each in counted}
    real = [heading for heading in document.headings if heading.level < BOLD_LEVEL]
    for number, heading in enumerate(real):
        stated = _IN_HEADING.search(heading.text)
        if heading in own or not stated:
            continue
        end = next(
            (each.line for each in real[number + 1 :] if each.level <= heading.level), len(document.lines) + 1
        )
        below = [each for each in counted if heading.line < each.section.heading.line < end]
        found = sum(each.findings for each in below) if below else _ids_listed(document, heading, end)
        if found is not None and found != int(stated["number"]):
            what = (
                f"{found} {'is' if found == 1 else 'are'} described there" if below else f"it lists {found}"
            )
            yield _Figure(
                heading.line, repr(heading.text), what, tuple(each.section.heading.line for each in below)
            )


def _ids_listed(document: Outline, heading: Heading, end: int) -> int | None:
    """How many ids the list under a heading names, or how many items it has when it names none."""
    items = [each.text for each in document.statements if each.in_list and heading.line < each.line < end]
    ids = {
        name for text in items for found in _MENTIONED_ID.finditer(text) for name in _span(found[1], found[2])
    }
    return len(ids) or len(items) or None


def _span(first: str, last: str | None) -> list[str]:
    letters, low = split_id(first)
    last_letters, high = split_id(last) if last else (letters, low)
    if last_letters not in ("", letters) or not 0 <= high - low < 1000:
        return [first]
    return [f"{letters}{number}" for number in range(low, high + 1)]


def _ranges(counted: Sequence[Counted]) -> Iterator[_Figure]:
    """Range headings such as "P7-P15. … (9 issues)"."""
    for each in counted:
        heading = each.section.heading
        stated = _IN_HEADING.search(heading.text)
        if not each.section.last_id:
            continue
        if each.findings == 1:
            yield _Figure(
                heading.line, repr(heading.text), "that is no range of ids; it was read as one finding", ()
            )
        elif stated and int(stated["number"]) != each.findings:
            yield _Figure(heading.line, repr(heading.text), f"its ids are {each.findings}", ())


def _statements(
    document: Outline, counted: Sequence[Counted], findings: Sequence[Finding]
) -> Iterator[_Figure]:
    """Lines such as "Total Issues: 45", "Critical (4 issues)" and rows of summary tables."""
    inside = [(each.section.heading.line, each.section.end) for each in counted]
    spans = iter(inside)
    span = next(spans, None)
    for statement in document.statements:
        while span is not None and span[1] <= statement.line:
            span = next(spans, None)
        if span is not None and span[0] <= statement.line:
            continue
        yield from _judge(statement, findings)


def _judge(statement: Statement, findings: Sequence[Finding]) -> Iterator[_Figure]:
    text = " ".join(_MARKUP.sub(" ", statement.text).split())
    labelled = _LABELLED.match(text)
    sentence = _TOTAL_SENTENCE.search(text)
    if labelled:
        said, counts = int(labelled["number"]), _counter(labelled["label"])
    elif sentence:
        said, counts = int(sentence["a"] or sentence["b"]), _all
    else:
        return
    if counts is None:
        return
    matching = [finding for finding in findings if counts(finding)]
    if len(matching) != said:
        places = dict.fromkeys(_line_of(finding) for finding in matching)
        found = f"{len(matching)} {'is' if len(matching) == 1 else 'are'} described"
        yield _Figure(statement.line, repr(text), found, tuple(places))


def _counter(label: str) -> Callable[[Finding], bool] | None:
    """Which findings a label counts; None for a label that is about something else."""
    folded = " ".join(label.casefold().split())
    if _TOTAL.match(folded):
        return _all
    if _SEVERITY_LABEL.match(folded):
        severity = parse_severity(folded)
        return lambda finding: finding.severity is severity
    statuses = _STATUS_LABELS.get(folded.removesuffix(" issues").removesuffix(" findings"))
    if statuses:
        return lambda finding: finding.status in statuses
    return None


def _all(_: Finding) -> bool:
    return True


def _location_counts(counted: Sequence[Counted], findings: Sequence[Finding]) -> Iterator[_Figure]:
    """Titles such as "Text for an enum (3 locations)", where the finding lists its line groups."""
    titles = {each.section.heading.line: each.section for each in counted if each.findings == 1}
    for finding in findings:
        section = titles.get(_line_of(finding))
        stated = _PLACES.search(section.title) if section else None
        listed = [place for place in finding.places if place.start_line is not None]
        if section and stated and len(listed) > 1 and len(listed) != int(stated["number"]):
            says = repr(section.title)
            yield _Figure(section.heading.line, says, f"it lists {len(listed)}", ())


def _line_of(finding: Finding) -> int:
    return int((finding.source.ref or ":0").rpartition(":")[2])
