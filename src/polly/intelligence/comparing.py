"""Is the code better or worse than before? docs/reference/quality.md gives the reasons of the limits."""

from collections.abc import Mapping, Sequence

from polly.intelligence.analysis import Component, Quality
from polly.work.run import QualityChange

#: Less than this is what renaming a variable or adding a guard does.
CLEARLY_WORSE = 0.05
#: A component that falls by more is named.
COMPONENT_FELL = 0.05


def compare(before: Mapping[str, Quality], after: Mapping[str, Quality]) -> QualityChange:
    """The change between two measurements of the same files; a file may be missing on one side.

    Clearly worse: the score fell by CLEARLY_WORSE or more, or a file that could be parsed no longer can.
    A file without a score on one side (new, deleted, not measured in time) is left out on both, so that like
    is compared with like. When no file has two scores, what there is stands alone and is never worse.
    """
    paths = sorted(
        path for path in before.keys() & after.keys() if _has_score(before, path) and _has_score(after, path)
    )
    if not paths:
        return _alone(before, after)
    first, second = overall([before[path] for path in paths]), overall([after[path] for path in paths])
    broken = [path for path in paths if _is_broken(after[path]) and not _is_broken(before[path])]
    fell = (*(f"{path}: {after[path].reason}" for path in broken), *_fell(first, second))
    change = (second.score or 0.0) - (first.score or 0.0)
    return QualityChange(
        before=first.score,
        after=second.score,
        is_clearly_worse=bool(broken) or change <= -CLEARLY_WORSE,
        fell=tuple(fell),
        note=_left_out(before, after, paths),
    )


def overall(qualities: Sequence[Quality]) -> Quality:
    """The quality of several sources as one: every figure is their mean by lines of code."""
    scored = [each for each in qualities if each.score is not None]
    lines = sum(each.lines for each in qualities)
    if not scored:
        reasons = dict.fromkeys(each.reason for each in qualities if each.reason)
        return Quality(score=None, lines=lines, reason="; ".join(reasons) or "there is nothing to measure")
    return Quality(
        score=_mean([(each.score, each.lines) for each in scored]),
        components={name: _component(name, scored) for name in scored[0].components},
        issues=tuple(issue for each in qualities for issue in each.issues),
        lines=lines,
    )


def _component(name: str, qualities: Sequence[Quality]) -> Component:
    parts = [(each.components[name], each.lines) for each in qualities]
    score = _mean([(part.score, lines) for part, lines in parts if part.measured])
    measured = sum(part.measured for part, _ in parts)
    reason = next((part.detail for part, _ in parts if not part.measured), "")
    return Component(
        score=score,
        weight=parts[0][0].weight,
        measured=score is not None,
        detail=f"measured in {measured} of {len(parts)} sources" if measured else reason,
    )


def _mean(scores: Sequence[tuple[float | None, int]]) -> float | None:
    weighted = [(score, max(1, lines)) for score, lines in scores if score is not None]
    total = sum(lines for _, lines in weighted)
    return round(sum(score * lines for score, lines in weighted) / total, 4) if total else None


def _has_score(qualities: Mapping[str, Quality], path: str) -> bool:
    return qualities[path].score is not None


def _is_broken(quality: Quality) -> bool:
    return quality.score is not None and bool(quality.reason)


def _fell(before: Quality, after: Quality) -> tuple[str, ...]:
    fell = []
    for name, was in before.components.items():
        now = after.components.get(name)
        if was.score is None or now is None or now.score is None:
            continue
        if was.score - now.score > COMPONENT_FELL:
            fell.append(((was.score - now.score) * was.weight, f"{name} {was.score:.2f} → {now.score:.2f}"))
    return tuple(text for _, text in sorted(fell, key=lambda each: (-each[0], each[1])))


def _alone(before: Mapping[str, Quality], after: Mapping[str, Quality]) -> QualityChange:
    first, second = overall(list(before.values())), overall(list(after.values()))
    note = "no file has a score before and after"
    if not after and not before:
        note = "there is nothing to measure"
    elif first.score is None:
        note = f"before: {first.reason}"
    elif second.score is None:
        note = f"after: {second.reason}"
    return QualityChange(before=first.score, after=second.score, note=note)


def _left_out(before: Mapping[str, Quality], after: Mapping[str, Quality], compared: Sequence[str]) -> str:
    left = sorted((before.keys() | after.keys()) - set(compared))
    if not left:
        return ""
    reasons = {path: _reason(path, before, after) for path in left}
    named = next((path for path in left if reasons[path]), left[0])
    files = "1 file is" if len(left) == 1 else f"{len(left)} files are"
    why = f" ({reasons[named]})" if reasons[named] else ""
    return f"{files} not compared, such as {named}{why}"


def _reason(path: str, before: Mapping[str, Quality], after: Mapping[str, Quality]) -> str:
    found = (each[path].reason for each in (after, before) if path in each)
    return next((reason for reason in found if reason), "")
