"""Durations and moments that a document states about itself: which of them cannot be true together."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from polly.intake.sources.markdown.efforts import shown
from polly.intake.sources.markdown.fields import Effort, parse_effort
from polly.intake.sources.markdown.figures import Figure
from polly.intake.sources.markdown.outline import Outline
from polly.intake.sources.markdown.tables import Table

_MARKUP = re.compile(r"[*_`|~]")
_AMOUNT = re.compile(r"\d{1,6}(?:[.,]\d{1,3})?\s*(?:minutes?|mins?|hours?|hrs?|h|days?)\b", re.IGNORECASE)
_WORDS = ("actual", "estimated", "sequential", "parallel")
_SPEEDUP = re.compile(r"(?P<times>\d{1,4}(?:\.\d{1,3})?)\s*(?:x|\u00d7)(?!\w)", re.IGNORECASE)
_SPEED_WORD = re.compile(r"speed-?up|faster", re.IGNORECASE)
_EFFICIENCY = re.compile(r"efficiency\W{0,6}(?P<percent>\d{1,3}(?:\.\d+)?)\s*%", re.IGNORECASE)
_ESTIMATE = re.compile(r"estim|effort|\best\b", re.IGNORECASE)
_BEGUN = re.compile(r"^(?:started?(?: at)?|start time|begun|began|created|opened)$", re.IGNORECASE)
_ENDED = re.compile(r"^(?:finished|ended|end|end time|completed?(?: at)?|done|closed|merged)$", re.IGNORECASE)
_LASTED = re.compile(r"^(?:duration|elapsed|took|wall time)$", re.IGNORECASE)
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s?(?:Z|UTC|[+-]\d{2}:?\d{2})?)?"
)
#: What lies beyond is not the line of a person.
_LONGEST = 400
#: Two figures this near to each other are the same figure, rounded.
_NEAR = 0.1


class _Time(NamedTuple):
    line: int
    text: str
    words: frozenset[str]
    effort: Effort


class _Moment(NamedTuple):
    at: datetime
    line: int
    text: str


def figures(document: Outline, tables: Sequence[Table]) -> Iterator[Figure]:
    """What the document says about times, held against the other times in it."""
    times = list(_times(document))
    parts = _parts(document, tables)
    yield from _agreement(times)
    yield from _bounds(times, parts)
    yield from _speedups(document, times, len(parts))
    yield from _moments(document)


def moment(text: str) -> datetime | None:
    """The first ISO time in a text, with its zone when it says one."""
    found = _MOMENT.search(text)
    if found is None:
        return None
    try:
        return datetime.fromisoformat(re.sub(r"\s?(?:Z|UTC)$", "+00:00", found[0]))
    except ValueError:
        return None


def _times(document: Outline) -> Iterator[_Time]:
    for statement in document.statements:
        text = _plain(statement.text)
        for amount in _AMOUNT.finditer(text):
            # "~2.2 hours actual time" and "Actual Parallel Time: ~4.75 hours" name the same thing.
            before = re.split(r"[,;]", text[: amount.start()])[-1]
            after = re.split(r"[,;().]", text[amount.end() : amount.end() + 30], maxsplit=1)[0]
            words = frozenset(word for word in _WORDS if word in f"{before} {after}".casefold())
            effort = parse_effort(amount[0])
            if words and effort and not ({"sequential", "parallel"} <= words):
                yield _Time(statement.line, text, words, effort)


def _plain(text: str) -> str:
    return " ".join(_MARKUP.sub(" ", text[:_LONGEST]).split())


def _parts(document: Outline, tables: Sequence[Table]) -> list[_Time]:
    """The times that the packages of a table took; not those that somebody had estimated."""
    return [
        _Time(row.line, row.cell("package"), frozenset(), effort)
        for table in tables
        if "package" in table.columns and not _ESTIMATE.search(document.lines[table.line - 1])
        for row in table.rows
        if (effort := parse_effort(row.cell("effort")))
    ]


def _agreement(times: Sequence[_Time]) -> Iterator[Figure]:
    """Everything that is called actual is one figure; so is everything that is called sequential."""
    actual = [each for each in times if "actual" in each.words and "sequential" not in each.words]
    for word, named in (
        ("actual", actual),
        ("sequential", [each for each in times if "sequential" in each.words]),
    ):
        for other in named[1:]:
            first = named[0]
            found = f"the {word} time is {shown(first.effort)} there"
            yield _figure(other, found, (first.line,), agrees=_is_near(first.effort, other.effort))


def _bounds(times: Sequence[_Time], parts: Sequence[_Time]) -> Iterator[Figure]:
    """Work side by side takes at least as long as its longest part, and no longer than all parts in turn."""
    if len(parts) < 2:
        return
    efforts = [part.effort.middle for part in parts]
    longest, total = max(efforts), sum(efforts)
    all_of_them, one = shown(Effort(total, total)), shown(Effort(longest, longest))
    found = f"the packages took {all_of_them} in all, the longest {one}"
    places = tuple(part.line for part in parts[:8])
    for each in times:
        if "actual" in each.words and "sequential" not in each.words:
            agrees = longest * (1 - _NEAR) <= each.effort.middle <= total * (1 + _NEAR)
            yield _figure(each, found, places, agrees=agrees)


def _speedups(document: Outline, times: Sequence[_Time], packages: int) -> Iterator[Figure]:
    sequential = next((each for each in times if "sequential" in each.words), None)
    parallel = next((each for each in times if "parallel" in each.words), None)
    if sequential is None or parallel is None:
        return
    ratio = sequential.effort.middle / parallel.effort.middle
    places = (sequential.line, parallel.line)
    for statement in document.statements:
        text = _plain(statement.text)
        times_said = _SPEEDUP.search(text) if _SPEED_WORD.search(text) else None
        efficiency = _EFFICIENCY.search(text)
        told = _Time(statement.line, text, frozenset(), sequential.effort)
        if times_said:
            agrees = abs(float(times_said["times"]) - ratio) <= 0.05 * ratio
            yield _figure(told, f"sequential ÷ parallel is {ratio:.2f}", places, agrees=agrees)
        elif efficiency and packages > 1:
            percent = 100 * ratio / packages
            near = abs(float(efficiency["percent"]) - percent) <= 5
            found = f"speed-up ÷ {packages} packages is {percent:.0f} %"
            # The word is used for other figures too, so another number is not yet a wrong one.
            yield _figure(told, found, places, agrees=True if near else None)


def _moments(document: Outline) -> Iterator[Figure]:
    """`**Started**: …` before `**Completed**: …`, and how long it took."""
    begun: _Moment | None = None
    ended: _Moment | None = None
    for key in document.keys:
        if key.in_list:
            continue
        value = document.lines[key.line - 1][key.column :].strip()[:60]
        at = moment(value)
        told = _Time(key.line, f"{key.name}: {value}", frozenset(), Effort(0, 0))
        if at and _BEGUN.match(key.name):
            begun = _Moment(at, key.line, value)
        elif at and _ENDED.match(key.name):
            ended = _Moment(at, key.line, value)
            if begun and _comparable(begun, ended):
                yield _figure(told, f"it began at {begun.text}", (begun.line,), agrees=at >= begun.at)
        elif begun and ended and _comparable(begun, ended) and _LASTED.match(key.name):
            yield from _lasted(told, value, begun, ended)


def _comparable(one: _Moment, other: _Moment) -> bool:
    return (one.at.tzinfo is None) == (other.at.tzinfo is None)


def _lasted(told: _Time, value: str, begun: _Moment, ended: _Moment) -> Iterator[Figure]:
    lasted = parse_effort(value)
    if lasted:
        minutes = (ended.at - begun.at) / timedelta(minutes=1)
        near = abs(minutes - lasted.middle) <= max(1.5, _NEAR * lasted.middle)
        found = f"from begin to end it is {minutes:.0f} min"
        yield _figure(told, found, (begun.line, ended.line), agrees=near)


def _is_near(one: Effort, other: Effort) -> bool:
    return abs(one.middle - other.middle) <= _NEAR * max(one.middle, other.middle)


def _figure(told: _Time, found: str, places: tuple[int, ...], *, agrees: bool | None) -> Figure:
    return Figure(told.line, repr(told.text[:160]), found, tuple(dict.fromkeys(places)), agrees, kind="time")
