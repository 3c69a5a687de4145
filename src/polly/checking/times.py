"""Claims about durations and moments: which of them cannot be true together."""

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from polly.checking.claims import Claim, Outcome, outcome_of
from polly.checking.document import Report
from polly.checking.history import History
from polly.intake.sources.markdown.efforts import shown
from polly.intake.sources.markdown.fields import Effort, parse_effort
from polly.intake.sources.tasks.recount import moment

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
_DATED = re.compile(r"^(?:date|created|generated|report date|last updated|updated)$", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s?(?:Z|UTC|[+-]\d{2}:?\d{2})?)?")
#: Two figures this near to each other are the same figure, rounded.
_NEAR = 0.1


class _Time(NamedTuple):
    line: int
    text: str
    words: frozenset[str]
    effort: Effort


def claims(report: Report, history: History) -> Iterator[Claim]:
    """What the report says about times, in its order by kind."""
    times = list(_times(report))
    yield from _agreement(report, times)
    yield from _bounds(report, times)
    yield from _speedups(report, times)
    yield from _moments(report)
    yield from _dates(report, history)


def _times(report: Report) -> Iterator[_Time]:
    for statement in report.outline.statements:
        text = " ".join(_MARKUP.sub(" ", statement.text[:400]).split())
        for amount in _AMOUNT.finditer(text):
            # "~2.2 hours actual time" and "Actual Parallel Time: ~4.75 hours" name the same thing.
            before = re.split(r"[,;]", text[: amount.start()])[-1]
            after = re.split(r"[,;().]", text[amount.end() :], maxsplit=1)[0][:30]
            words = frozenset(word for word in _WORDS if word in f"{before} {after}".casefold())
            effort = parse_effort(amount[0])
            if words and effort and not ({"sequential", "parallel"} <= words):
                yield _Time(statement.line, text, words, effort)


def _agreement(report: Report, times: Sequence[_Time]) -> Iterator[Claim]:
    """Everything that is called actual is one figure; so is everything that is called sequential."""
    for word in ("actual", "sequential"):
        named = [
            each
            for each in times
            if word in each.words and not (word == "actual" and "sequential" in each.words)
        ]
        for other in named[1:]:
            first = named[0]
            found = f"the {word} time is {shown(first.effort)} there"
            near = _is_near(first.effort, other.effort)
            yield _claim(report, other, found, (first.line,), agrees=near)


def _bounds(report: Report, times: Sequence[_Time]) -> Iterator[Claim]:
    """Work side by side takes at least as long as its longest part, and no longer than all parts in turn."""
    parts = [each for each in report.packages.values() if each.effort and not _is_estimate(report, each.line)]
    if len(parts) < 2:
        return
    efforts = [each.effort.middle for each in parts if each.effort]
    longest, total = max(efforts), sum(efforts)
    places = tuple(each.line for each in parts)
    for each in times:
        if "actual" in each.words and "sequential" not in each.words:
            minutes = each.effort.middle
            found = (
                f"the packages took {shown(Effort(total, total))} in all, "
                f"the longest {shown(Effort(longest, longest))}"
            )
            agrees = longest * (1 - _NEAR) <= minutes <= total * (1 + _NEAR)
            yield _claim(report, each, found, places, agrees=agrees)


def _is_estimate(report: Report, line: int) -> bool:
    table = next((each for each in report.tables if any(row.line == line for row in each.rows)), None)
    return table is None or bool(_ESTIMATE.search(report.outline.lines[table.line - 1]))


def _speedups(report: Report, times: Sequence[_Time]) -> Iterator[Claim]:
    sequential = next((each for each in times if "sequential" in each.words), None)
    parallel = next((each for each in times if "parallel" in each.words), None)
    if sequential is None or parallel is None or not parallel.effort.middle:
        return
    ratio = sequential.effort.middle / parallel.effort.middle
    places = (sequential.line, parallel.line)
    for statement in report.outline.statements:
        text = " ".join(_MARKUP.sub(" ", statement.text[:400]).split())
        times_said = _SPEEDUP.search(text) if _SPEED_WORD.search(text) else None
        efficiency = _EFFICIENCY.search(text)
        told = _Time(statement.line, text, frozenset(), sequential.effort)
        if times_said:
            agrees = abs(float(times_said["times"]) - ratio) <= 0.05 * ratio
            yield _claim(report, told, f"sequential ÷ parallel is {ratio:.2f}", places, agrees=agrees)
        elif efficiency and len(report.packages) > 1:
            percent = 100 * ratio / len(report.packages)
            found = f"speed-up ÷ {len(report.packages)} packages is {percent:.0f} %"
            near = abs(float(efficiency["percent"]) - percent) <= 5
            # The word is used for other figures too, so another number is not yet a wrong one.
            yield _claim(report, told, found, places, agrees=True if near else None)


def _moments(report: Report) -> Iterator[Claim]:
    """`**Started**: …` before `**Completed**: …`, and how long it took."""
    begun: _Moment | None = None
    ended: _Moment | None = None
    for key in report.outline.keys:
        if key.in_list:
            continue
        value = report.outline.lines[key.line - 1][key.column :].strip()[:60]
        at = _moment(value)
        if at and _BEGUN.match(key.name):
            begun = _Moment(at, key.line, value)
        elif at and _ENDED.match(key.name):
            ended = _Moment(at, key.line, value)
            if begun and _comparable(begun, ended):
                yield Claim(
                    kind="time",
                    place=report.ref(key.line),
                    says=f"{key.name} {value}",
                    outcome=outcome_of(at >= begun.at),
                    evidence=f"it began at {begun.text}",
                    places=(report.ref(begun.line),),
                )
        elif begun and ended and _comparable(begun, ended) and _LASTED.match(key.name):
            yield from _lasted(report, key.line, f"{key.name}: {value}", begun, ended)


class _Moment(NamedTuple):
    at: datetime
    line: int
    text: str


def _moment(text: str) -> datetime | None:
    found = _DAY.search(text)
    return moment(found[0].replace(" UTC", "+00:00").replace("Z", "+00:00")) if found else None


def _comparable(one: _Moment, other: _Moment) -> bool:
    return (one.at.tzinfo is None) == (other.at.tzinfo is None)


def _lasted(report: Report, line: int, text: str, begun: _Moment, ended: _Moment) -> Iterator[Claim]:
    lasted = parse_effort(text.partition(":")[2])
    if lasted:
        minutes = (ended.at - begun.at) / timedelta(minutes=1)
        near = abs(minutes - lasted.middle) <= max(1.5, _NEAR * lasted.middle)
        told = _Time(line, text, frozenset(), lasted)
        yield _claim(
            report, told, f"from begin to end it is {minutes:.0f} min", (begun.line, ended.line), agrees=near
        )


def _dates(report: Report, history: History) -> Iterator[Claim]:
    """A document names no commit that was made after it."""
    dated = next((key for key in report.outline.keys if _DATED.match(key.name)), None)
    found = _DAY.search(report.outline.lines[dated.line - 1]) if dated else None
    day = _date(found[0][:10]) if found else None
    if dated is None or day is None:
        return
    known = {
        commit.id: (commit, each.line.number)
        for each in report.commits()
        if (commit := history.commit(each.id))
    }
    # A day of tolerance, since neither side says in which zone its day begins.
    later = [(commit, line) for commit, line in known.values() if commit.at.date() > day + timedelta(days=1)]
    for commit, line in later:
        yield Claim(
            kind="time",
            place=report.ref(dated.line),
            says=f"the document is of {day}",
            outcome=Outcome.FAILS,
            evidence=f"{commit.short}, which it names, was made on {commit.at:%Y-%m-%d}",
            places=(report.ref(line),),
        )
    if known and not later:
        evidence = f"the commits that it names are not younger ({len(known)})"
        yield Claim(
            kind="time",
            place=report.ref(dated.line),
            says=f"the document is of {day}",
            outcome=Outcome.HOLDS,
            evidence=evidence,
        )


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _is_near(one: Effort, other: Effort) -> bool:
    return abs(one.middle - other.middle) <= _NEAR * max(one.middle, other.middle)


def _claim(report: Report, told: _Time, found: str, places: tuple[int, ...], *, agrees: bool | None) -> Claim:
    return Claim(
        kind="time",
        place=report.ref(told.line),
        says=repr(told.text[:160]),
        outcome=outcome_of(agrees),
        evidence=found,
        places=tuple(report.ref(line) for line in dict.fromkeys(places)),
    )
