"""Whether two globs of `create` could both match one path."""

import re
from collections.abc import Callable, Sequence


def globs_overlap(one: str, other: str) -> bool:
    """True when some path fits both. A path without `*` is a glob that fits only itself."""
    return _meet(_segments(one), _segments(other), any_run="**", fits=_names_meet)


def _segments(glob: str) -> list[str]:
    segments = glob.split("/")
    # "src/**" is everything inside src: any folders, and then one name.
    return [*segments, "*"] if segments[-1] == "**" else segments


def _names_meet(one: str, other: str) -> bool:
    if "*" not in one and "*" not in other:
        return one == other
    return _meet(re.sub(r"\*+", "*", one), re.sub(r"\*+", "*", other), any_run="*", fits=str.__eq__)


def _meet(
    one: Sequence[str], other: Sequence[str], *, any_run: str, fits: Callable[[str, str], bool]
) -> bool:
    """Walks both at once: `any_run` in either stands for nothing, or for whatever the other has next."""
    seen: set[tuple[int, int]] = set()
    waiting = [(0, 0)]
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        left, right = place
        if left == len(one) and right == len(other):
            return True
        left_run = left < len(one) and one[left] == any_run
        right_run = right < len(other) and other[right] == any_run
        if left_run or (right_run and left < len(one)):
            waiting.append((left + 1, right))
        if right_run or (left_run and right < len(other)):
            waiting.append((left, right + 1))
        if (
            not (left_run or right_run)
            and left < len(one)
            and right < len(other)
            and fits(one[left], other[right])
        ):
            waiting.append((left + 1, right + 1))
    return False
