"""Recounts the efforts that a document adds up: totals, headings over lists, and efforts named twice."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from polly.intake.sources.markdown.fields import Effort, parse_effort
from polly.intake.sources.markdown.figures import Counted, Figure, ids_in, outside
from polly.intake.sources.markdown.outline import BOLD_LEVEL, Outline, Statement

_TOTAL = re.compile(
    r"\b(?:total|overall|combined|sum of|estimated)\b[^:|]{0,30}\b(?:efforts?|estimates?|time|hours|work)\b"
    r"|\b(?:efforts?|estimates?|time)\b[^:|]{0,20}\btotal\b",
    re.IGNORECASE,
)
_NOT_EFFORT = re.compile(r"\b(?:actual|parallel|elapsed|wall|saved|per)\b", re.IGNORECASE)
_MARKUP = re.compile(r"[*_`|]")
_IN_PARENTHESES = re.compile(r"\((?P<amount>[^()]{1,60})\)")
_NUMBERS = re.compile(r"#?\b(?P<low>\d{1,5})(?:\s*[-\u2013]\s*#?(?P<high>\d{1,5}))?\b")
_ISSUE_NAMED = re.compile(r"\bissue\s+#?(?P<number>\d{1,5})\b", re.IGNORECASE)
_ISSUES_NAMED = re.compile(r"\bissues?\s+(?P<ids>#?\d[\d#,\s\u2013-]{0,60})", re.IGNORECASE)

#: What lies beyond is not the line of a person.
_LONGEST = 400
_MAX_RANGE = 500


class Estimated(NamedTuple):
    """The effort of one finding, and the line that states it."""

    line: int
    effort: Effort


def figures(
    document: Outline, parts: Sequence[Counted], estimates: Mapping[str, Estimated]
) -> Iterator[Figure]:
    """The sums of efforts that a document states, and efforts that a list states anew.

    A total of everything is only held against findings that all state their effort.
    """
    statements = list(outside(document, parts))
    every = len(estimates) > 1 and sum(part.findings for part in parts) <= len(estimates)
    yield from _totals(statements, estimates, _summed(estimates.values()) if every else None)
    yield from _again(statements, estimates)
    yield from _headings(document, statements)


def _totals(
    statements: Sequence[Statement], estimates: Mapping[str, Estimated], everything: Effort | None
) -> Iterator[Figure]:
    """Lines such as "Total Effort (Issues #6-9): 12-17 hours" or "Total estimated effort: 10 hours"."""
    for statement in statements:
        text = " ".join(_MARKUP.sub(" ", statement.text[:_LONGEST]).split())
        label, colon, value = text.partition(":")
        stated = parse_effort(value) if colon and _TOTAL.search(label) else None
        if stated is None or _NOT_EFFORT.search(label):
            continue
        named = [estimates[name] for name in _ids(label) if name in estimates]
        if named:
            counted = _summed(named)
            found = f"the efforts stated for them add up to {shown(counted)}"
        elif everything and not _NUMBERS.search(label):
            counted = everything
            found = f"the efforts of all findings add up to {shown(counted)}"
        else:
            continue  # the total of something that is not described here
        places = tuple(each.line for each in named)
        yield _figure((statement.line, text), found, places, stated=stated, counted=counted)


def _summed(estimates: Iterable[Estimated]) -> Effort:
    return sum((each.effort for each in estimates), Effort(0, 0))


def _ids(label: str) -> list[str]:
    named = ids_in(label)
    numbered = _ISSUES_NAMED.search(label)
    if numbered:
        for found in _NUMBERS.finditer(numbered["ids"]):
            low, high = int(found["low"]), int(found["high"] or found["low"])
            named += [str(number) for number in range(low, min(high, low + _MAX_RANGE) + 1)]
    return list(dict.fromkeys(named))


def _again(statements: Sequence[Statement], estimates: Mapping[str, Estimated]) -> Iterator[Figure]:
    """Items such as "- [ ] C1: folder (2h)", against the effort at the finding itself."""
    for statement in statements:
        stated = _of_item(statement) if statement.in_list else None
        text = statement.text[:_LONGEST]
        ids = ids_in(text) or [each["number"] for each in _ISSUE_NAMED.finditer(text)] if stated else []
        own = estimates.get(ids[0]) if stated and len(set(ids)) == 1 else None
        if stated and own:
            text = " ".join(_MARKUP.sub(" ", text).split())
            found = f"{ids[0]} itself says {shown(own.effort)}"
            yield _figure((statement.line, text), found, (own.line,), stated=stated, counted=own.effort)


def _headings(document: Outline, statements: Sequence[Statement]) -> Iterator[Figure]:
    """Headings such as "Phase 1: before the merge (6 hours)", against the items under them."""
    items = [(each.line, effort) for each in statements if each.in_list and (effort := _of_item(each))]
    lines = [line for line, _ in items]
    counts = [each.line for each in statements if each.in_list]
    real = [each for each in document.headings if each.level < BOLD_LEVEL]
    for number, heading in enumerate(real):
        amount = _IN_PARENTHESES.search(heading.text)
        stated = parse_effort(amount["amount"]) if amount else None
        end = real[number + 1].line if number + 1 < len(real) else len(document.lines) + 1
        first, last = bisect_left(lines, heading.line), bisect_left(lines, end)
        all_items = bisect_left(counts, end) - bisect_left(counts, heading.line)
        if stated is None or last - first < 2 or last - first != all_items:
            continue
        summed = sum((effort for _, effort in items[first:last]), Effort(0, 0))
        found = f"its items add up to {shown(summed)}"
        places = tuple(lines[first:last])
        yield _figure((heading.line, heading.text), found, places, stated=stated, counted=summed)


def _of_item(statement: Statement) -> Effort | None:
    amounts = list(_IN_PARENTHESES.finditer(statement.text[:_LONGEST]))
    return parse_effort(amounts[-1]["amount"]) if amounts else None


def _figure(
    says: tuple[int, str], found: str, places: tuple[int, ...], *, stated: Effort, counted: Effort
) -> Figure:
    line, text = says
    # Rounded figures are not wrong: a twentieth, and at least a minute, is allowed for.
    near = all(abs(a - b) <= max(1, 0.05 * max(a, b)) for a, b in zip(stated, counted, strict=True))
    within = stated.low == stated.high and counted.low <= stated.low <= counted.high
    return Figure(line, repr(text), found, places, near or within, kind="sum")


def shown(effort: Effort) -> str:
    """An effort as people write it."""
    low, high = (_hours(minutes) for minutes in effort)
    return low if low == high else f"{low} to {high}"


def _hours(minutes: float) -> str:
    if minutes < 60:
        return f"{minutes:g} min"
    return f"{minutes / 60:.2f}".rstrip("0").rstrip(".") + " h"
