"""Which packages are to blame when only their combination is red."""

from collections.abc import Awaitable, Callable, Sequence

IsRed = Callable[[frozenset[str]], Awaitable[bool]]


async def blame(packages: Sequence[str], is_red: IsRed) -> tuple[str, ...]:
    """A smallest red combination, in the given order: without any one of its members it is not red.

    The whole set is asked again first; when it is not red this time, the gate is flaky and the answer is
    empty. The empty set counts as not red and is never asked, no set is asked twice. When adding packages
    never heals a red set, k packages to blame among n cost at most 1 + k * (3 + log2 n) questions; for any
    other behaviour the answer is still minimal, after at most 1 + n * n * (3 + log2 n) questions.
    """
    everything = tuple(dict.fromkeys(packages))
    asked: dict[frozenset[str], bool] = {frozenset(): False}

    async def red(members: Sequence[str]) -> bool:
        chosen = frozenset(members)
        if chosen not in asked:
            asked[chosen] = await is_red(chosen)
        return asked[chosen]

    if not await red(everything):
        return ()
    suspects: tuple[str, ...] | None = everything
    guilty = everything
    while suspects is not None:
        guilty = await _narrow(suspects, red)
        suspects = await _red_without_one(guilty, red)
    return guilty


async def _narrow(
    suspects: tuple[str, ...], red: Callable[[Sequence[str]], Awaitable[bool]]
) -> tuple[str, ...]:
    """A red subset. Each round finds one package whose arrival turns the set red, and keeps it."""
    kept: frozenset[str] = frozenset()
    rest = suspects
    while not await red(_in_order(suspects, kept)):
        # Invariant: kept + rest[:low] is green, kept + rest[:high] is red.
        low, high = 0, len(rest)
        while high - low > 1:
            middle = (low + high) // 2
            if await red(_in_order(suspects, kept | set(rest[:middle]))):
                high = middle
            else:
                low = middle
        kept |= {rest[low]}
        rest = rest[:low]
    return _in_order(suspects, kept)


async def _red_without_one(
    guilty: tuple[str, ...], red: Callable[[Sequence[str]], Awaitable[bool]]
) -> tuple[str, ...] | None:
    for member in guilty:
        fewer = tuple(each for each in guilty if each != member)
        if await red(fewer):
            return fewer
    return None


def _in_order(packages: tuple[str, ...], chosen: frozenset[str]) -> tuple[str, ...]:
    return tuple(package for package in packages if package in chosen)
