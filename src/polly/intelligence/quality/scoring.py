"""The score of one source: a weighted mean of what was measured. docs/reference/quality.md explains it."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from polly.intelligence.analysis import Component, Quality, QualityIssue
from polly.intelligence.quality.measured import Function, Measured, Part, Remark, Share
from polly.work.issues import Severity

#: What is wrong costs most, then what is hard to change, then what is missing.
WEIGHTS: Mapping[Part, float] = {
    Part.CORRECTNESS: 0.25,
    Part.COMPLEXITY: 0.20,
    Part.SECURITY: 0.15,
    Part.SIZE: 0.10,
    Part.DUPLICATION: 0.10,
    Part.DOCUMENTATION: 0.10,
    Part.TYPES: 0.10,
}
#: points of one remark; four minor ones are as bad as a major one
POINTS: Mapping[Severity, float] = {
    Severity.CRITICAL: 8.0,
    Severity.MAJOR: 4.0,
    Severity.MINOR: 1.0,
    Severity.NITPICK: 0.25,
}
#: points in 100 lines of code at which half of the component is lost: one and a half major faults, and for
#: security a single one
HALF_AT: Mapping[Part, float] = {Part.CORRECTNESS: 6.0, Part.SECURITY: 4.0}
#: A shorter source counts as this long, or one remark in three lines would be a catastrophe.
FEWEST_LINES = 25
#: Ways through a function that a reader can keep in mind, as McCabe proposed.
COMPLEXITY_LIMIT = 10
#: lines of a function that fit one screen
FUNCTION_LINES = 60
#: lines of code in a file
FILE_LINES = 500
PARAMETERS = 5


def quality_of(path: str, measured: Measured, duplicated_lines: int) -> Quality:
    """The quality of one source; duplicated_lines of its lines stand elsewhere as well."""
    issues = tuple(
        QualityIssue(path=path, line=each.line, rule=each.rule, severity=each.severity, message=each.message)
        for each in sorted(measured.remarks, key=_worst_first)
    )
    if measured.broken:
        return Quality(
            score=0.0,
            components=_broken(measured),
            issues=issues,
            lines=measured.lines,
            reason=f"line {measured.broken_line} cannot be parsed: {measured.broken}",
        )
    components = {part.value: _component(part, measured, duplicated_lines) for part in Part}
    score = weighted_mean(components.values())
    return Quality(
        score=score,
        components=components,
        issues=issues,
        lines=measured.lines,
        reason="" if score is not None else _why_nothing(measured),
    )


def weighted_mean(components: Iterable[Component]) -> float | None:
    """The mean of the measured ones by their weights; None without any."""
    measured = [(each.score, each.weight) for each in components if each.score is not None]
    weight = sum(weight for _, weight in measured)
    if not weight:
        return None
    return round(sum(score * weight for score, weight in measured) / weight, 4)


def density_score(remarks: Iterable[Remark], lines: int, half_at: float) -> float:
    """1 without remarks, 1/2 at `half_at` points in 100 lines, never 0: worse is always told from bad."""
    points = sum(POINTS[each.severity] for each in remarks)
    return 1 / (1 + points * 100 / max(lines, FEWEST_LINES) / half_at)


def _worst_first(remark: Remark) -> tuple[int, int, str]:
    return remark.severity.rank, remark.line, remark.rule


def _why_nothing(measured: Measured) -> str:
    if measured.unread:
        return measured.unread
    reasons = dict.fromkeys(measured.unmeasured.values())
    return "; ".join(reasons) or "nothing measures it"


def _broken(measured: Measured) -> dict[str, Component]:
    told = f"line {measured.broken_line} cannot be parsed: {measured.broken}"
    return {
        part.value: Component(score=0.0, weight=WEIGHTS[part], measured=True, detail=told)
        if part is Part.CORRECTNESS
        else _unmeasured(part, "the source cannot be parsed")
        for part in Part
    }


def _unmeasured(part: Part, reason: str) -> Component:
    return Component(score=None, weight=WEIGHTS[part], measured=False, detail=reason)


def _component(part: Part, measured: Measured, duplicated_lines: int) -> Component:
    if part not in measured.parts:
        return _unmeasured(part, measured.unmeasured.get(part, "nothing measures it"))
    judge = _JUDGES[part]
    score, detail = judge(measured, duplicated_lines)
    if score is None:
        return _unmeasured(part, detail)
    return Component(score=round(score, 4), weight=WEIGHTS[part], measured=True, detail=detail)


Judged = tuple[float | None, str]


def _remarks(part: Part) -> Callable[[Measured, int], Judged]:
    def judge(measured: Measured, _: int) -> Judged:
        remarks = [each for each in measured.remarks if each.part is part]
        score = density_score(remarks, measured.lines, HALF_AT[part])
        if not remarks:
            return score, "no remarks"
        worst = min((each.severity for each in remarks), key=lambda severity: severity.rank)
        said = "1 remark" if len(remarks) == 1 else f"{len(remarks)} remarks"
        return score, f"{said} in {measured.lines} lines, the worst {worst.value}"

    return judge


def _complexity(measured: Measured, _: int) -> Judged:
    if not measured.functions:
        return None, "it has no functions"
    over = sum(each.complexity > COMPLEXITY_LIMIT for each in measured.functions)
    highest = max(measured.functions, key=lambda each: each.complexity)
    return (
        _by_length(measured.functions, lambda each: min(1.0, COMPLEXITY_LIMIT / max(1, each.complexity))),
        (
            f"{over} of {len(measured.functions)} functions over complexity {COMPLEXITY_LIMIT}, "
            f"the highest {highest.complexity} ({highest.name}, line {highest.start_line})"
        ),
    )


def _size(measured: Measured, _: int) -> Judged:
    of_file = min(1.0, FILE_LINES / max(1, measured.lines))
    if not measured.functions:
        return of_file, f"{measured.lines} lines of code"
    of_functions = _by_length(measured.functions, lambda each: min(1.0, FUNCTION_LINES / each.lines))
    of_parameters = sum(min(1.0, PARAMETERS / max(1, each.parameters)) for each in measured.functions)
    longest = max(measured.functions, key=lambda each: each.lines)
    return (
        (of_file + of_functions + of_parameters / len(measured.functions)) / 3,
        (
            f"{measured.lines} lines of code, the longest function {longest.lines} lines "
            f"({longest.name}, line {longest.start_line}), "
            f"at most {max(each.parameters for each in measured.functions)} parameters"
        ),
    )


def _by_length(functions: Sequence[Function], score: Callable[[Function], float]) -> float:
    """A long function counts for more: that is where a reader spends the time."""
    return sum(each.lines * score(each) for each in functions) / sum(each.lines for each in functions)


def _duplication(measured: Measured, duplicated_lines: int) -> Judged:
    if not measured.lines:
        return None, "it has no lines of code"
    share = min(1.0, duplicated_lines / measured.lines)
    return 1 - share, f"{duplicated_lines} of {measured.lines} lines stand elsewhere as well"


def _share(share: Share | None, thing: str, having: str) -> Judged:
    if share is None or share.of == 0:
        return None, f"it has no {thing}"
    return share.having / share.of, f"{share.having} of {share.of} {thing} {having}"


_JUDGES: Mapping[Part, Callable[[Measured, int], Judged]] = {
    Part.CORRECTNESS: _remarks(Part.CORRECTNESS),
    Part.SECURITY: _remarks(Part.SECURITY),
    Part.COMPLEXITY: _complexity,
    Part.SIZE: _size,
    Part.DUPLICATION: _duplication,
    Part.DOCUMENTATION: lambda measured, _: _share(measured.documented, "public definitions", "documented"),
    Part.TYPES: lambda measured, _: _share(measured.typed, "parameters and results", "have a type"),
}
