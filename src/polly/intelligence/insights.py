"""What quality and patterns say together, in sentences with figures and places."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from polly.intelligence.analysis import Pattern, Quality
from polly.intelligence.quality.measured import Function, Measured
from polly.intelligence.quality.scoring import COMPLEXITY_LIMIT, FUNCTION_LINES

#: places that a sentence names
PLACES = 3
#: a share of a whole from which it is worth telling where it lies
MOST = 0.5
_HIDES_ERRORS = frozenset(("swallowed-error", "broad-catch"))
_HANDLES_ERRORS = frozenset(("error-wrapping", "custom-exception", "retry-with-backoff"))


class Seen(NamedTuple):
    """One source with all that is known of it."""

    path: str
    measured: Measured
    quality: Quality


def insights_on(seen: Sequence[Seen]) -> tuple[str, ...]:
    """What can be said; nothing when the figures show nothing."""
    functions = [(each.path, function) for each in seen for function in each.measured.functions]
    patterns = [pattern for each in seen for pattern in each.measured.patterns]
    return tuple(
        sentence
        for sentences in (
            _complex_and(functions, patterns),
            _hidden_errors(functions, patterns),
            _concentrated(seen),
            _sql_by_hand(patterns),
            _mocks(patterns),
            _mixed_concurrency(patterns),
        )
        for sentence in sentences
    )


def _complex_and(functions: Sequence[tuple[str, Function]], patterns: Sequence[Pattern]) -> Iterator[str]:
    """Which patterns stand in the functions that are hard to follow."""
    hard = [(path, each) for path, each in functions if each.complexity > COMPLEXITY_LIMIT]
    if not hard:
        return
    hiding = [
        (path, function)
        for path, function in hard
        if any(pattern.name in _HIDES_ERRORS and _is_in(pattern, path, function) for pattern in patterns)
    ]
    if hiding:
        yield (
            f"{len(hiding)} of {len(hard)} functions over complexity {COMPLEXITY_LIMIT} also hide errors: "
            f"{_named(hiding)}."
        )
    long = [(path, each) for path, each in hard if each.lines > FUNCTION_LINES]
    if long:
        yield (
            f"{len(long)} of {len(hard)} functions over complexity {COMPLEXITY_LIMIT} are also longer than "
            f"{FUNCTION_LINES} lines: {_named(long)}."
        )


def _hidden_errors(functions: Sequence[tuple[str, Function]], patterns: Sequence[Pattern]) -> Iterator[str]:
    # One clause is often found by both rules.
    hidden = list({_place(each): each for each in patterns if each.name in _HIDES_ERRORS}.values())
    careful = [each for each in patterns if each.name in _HANDLES_ERRORS]
    if hidden and careful:
        yield (
            f"Errors are handled in two ways: {len(careful)} places wrap, name or retry them (such as "
            f"{_place(careful[0])}), {len(hidden)} hide them ({_places(hidden)})."
        )
    elif hidden and functions:
        yield f"Errors are hidden in {_count(len(hidden), 'place')} and wrapped in none: {_places(hidden)}."


def _concentrated(seen: Sequence[Seen]) -> Iterator[str]:
    """Where most remarks lie, when that is a small part of the lines."""
    if len(seen) < 3:
        return
    counts = {each.path: len(each.quality.issues) for each in seen}
    total, lines = sum(counts.values()), sum(each.measured.lines for each in seen)
    if total < 10 or not lines:
        return
    worst = max(seen, key=lambda each: (counts[each.path], each.path))
    share, part = counts[worst.path] / total, worst.measured.lines / lines
    if share >= MOST and part < MOST / 2:
        yield f"{share:.0%} of {total} remarks lie in {worst.path}, which has {part:.0%} of the lines."


def _sql_by_hand(patterns: Sequence[Pattern]) -> Iterator[str]:
    by_name: defaultdict[str, list[Pattern]] = defaultdict(list)
    for each in patterns:
        by_name[each.name].append(each)
    built, safe = by_name["string-built-sql"], by_name["parameterised-sql"]
    if built:
        beside = f", {_count(len(safe), 'query', 'queries')} pass them as parameters" if safe else ""
        yield (
            f"{_count(len(built), 'query', 'queries')} put values into the text of SQL "
            f"({_places(built)}){beside}."
        )


def _mocks(patterns: Sequence[Pattern]) -> Iterator[str]:
    tests = {each.path for each in patterns if each.category == "testing"}
    mocked = Counter(each.path for each in patterns if each.name == "mock")
    if tests and mocked:
        path, most = mocked.most_common(1)[0]
        files = _count(len(tests), "file")
        yield f"{len(mocked)} of {files} with tests use mocks, most of them {path} ({most})."


def _mixed_concurrency(patterns: Sequence[Pattern]) -> Iterator[str]:
    locks = {each.path: each for each in patterns if each.name == "lock"}
    both = [each for each in patterns if each.name == "async-await" and each.path in locks]
    paths = sorted({each.path for each in both})
    if paths:
        first = locks[paths[0]]
        yield f"{_count(len(paths), 'file')} mix async functions and locks, such as {_place(first)}."


def _is_in(pattern: Pattern, path: str, function: Function) -> bool:
    return pattern.path == path and function.start_line <= pattern.start_line <= function.end_line


def _named(functions: Sequence[tuple[str, Function]]) -> str:
    hardest = sorted(functions, key=lambda each: (-each[1].complexity, each[0], each[1].start_line))
    shown = ", ".join(f"`{each.name}` ({path}:{each.start_line})" for path, each in hardest[:PLACES])
    return shown + _more(len(hardest))


def _places(patterns: Sequence[Pattern]) -> str:
    return ", ".join(_place(each) for each in patterns[:PLACES]) + _more(len(patterns))


def _place(pattern: Pattern) -> str:
    return f"{pattern.path}:{pattern.start_line}"


def _more(number: int) -> str:
    return f" and {number - PLACES} more" if number > PLACES else ""


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
