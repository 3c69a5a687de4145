"""Putting a package after the one whose result it reads.

A certain dependant (it reads a file that the other one creates) always goes to a later wave. A dependant of
high risk does so only where a later wave has room for it and the forecast does not get longer.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from polly.planning.couplings import CERTAIN, HIGH
from polly.planning.drafts import Draft, in_wave
from polly.planning.forecast import makespan
from polly.work.plan import Coupling


def put_in_order(
    drafts: Sequence[Draft],
    couplings: Iterable[Coupling],
    *,
    agents: int,
    max_packages: int,
    movable: Collection[str],
) -> list[Draft]:
    """The drafts, some of them in later waves. Needs ids; of two that read each other only one moves."""
    needs: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for each in couplings:
        if each.risk >= HIGH:
            needs[each.package][each.on] = each.risk
    board = {draft.id: draft for draft in drafts}
    pinned: set[str] = set()
    for reader in _providers_first(needs, list(board)):
        for provider, risk in sorted(needs[reader].items(), key=lambda each: (-each[1], each[0])):
            ahead, behind = board[provider], board[reader]
            if behind.wave > ahead.wave:
                continue
            if reader in pinned or reader not in movable:
                break
            moved = _moved(board, behind, ahead.wave, max_packages)
            if risk >= CERTAIN or not _is_longer(board, moved, agents):
                board[reader] = moved
                pinned.add(provider)
    return list(board.values())


def _moved(board: Mapping[str, Draft], draft: Draft, after: int, max_packages: int) -> Draft:
    """The draft in the first wave behind `after` that has room and shares none of its files."""
    sizes = Counter(each.wave for each in board.values())
    last = max(sizes)
    for wave in range(after + 1, last + 1):
        others = (each for each in board.values() if each.wave == wave and each.id != draft.id)
        if sizes[wave] < max_packages and all(each.keys.isdisjoint(draft.keys) for each in others):
            return in_wave(draft, wave)
    return in_wave(draft, last + 1)


def _is_longer(board: Mapping[str, Draft], moved: Draft, agents: int) -> bool:
    return minutes_of({**board, moved.id: moved}.values(), agents) > minutes_of(board.values(), agents)


def minutes_of(drafts: Iterable[Draft], agents: int) -> int:
    """Expected minutes of all waves, one after another, on so many agents."""
    waves: defaultdict[int, list[int]] = defaultdict(list)
    for draft in drafts:
        waves[draft.wave].append(draft.minutes)
    return sum(makespan(minutes, agents) for minutes in waves.values())


def _providers_first(needs: Mapping[str, Mapping[str, float]], ids: Sequence[str]) -> list[str]:
    """Readers in an order in which what they need has been placed before; a circle is cut where it is met."""
    order: list[str] = []
    seen: set[str] = set()
    for start in ids:
        stack = [(start, iter(sorted(needs.get(start, ()))))]
        while stack:
            package, left = stack[-1]
            if package not in seen:
                seen.add(package)
            following = next((each for each in left if each not in seen), None)
            if following is not None:
                stack.append((following, iter(sorted(needs.get(following, ())))))
                continue
            stack.pop()
            if package in needs and package not in order:
                order.append(package)
    return order
