"""Which issues belong together, and which of them wait for a later wave.

Issues that share a file form one part. When a hub (a file that many issues touch, or one issue that
touches many files) holds a part together that would otherwise fall apart, its issues wait for a later
wave, if the forecast says that the whole gets clearly shorter.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from polly.planning.forecast import makespan
from polly.planning.paths import path_key
from polly.planning.scope import Task

Part = tuple[Task, ...]

#: A further wave has to save this share of the expected time: it costs a gate run and a start of agents.
CLEAR_GAIN = 0.10

#: Hubs looked at in each step, and hubs that may have to go together before a part falls apart.
_CANDIDATES = 8
_TOGETHER = 4

#: Tasks that one step may walk over, so that a part of 100,000 issues is still planned in seconds.
_EFFORT = 1_000_000


class Wave(msgspec.Struct, frozen=True, kw_only=True):
    """Parts that share no file, worst first, and the hubs whose issues wait for a later wave."""

    parts: tuple[Part, ...]
    hubs: tuple[str, ...] = ()


class _Hub(NamedTuple):
    name: str
    tasks: frozenset[str]  # issue ids


class _Deferral(NamedTuple):
    minutes: int  # expected for this wave and what waits, in all
    hubs: tuple[str, ...]
    tasks: frozenset[str]


class _State(msgspec.Struct, frozen=True, kw_only=True):
    """A wave in the making: its longest part, the minutes of the other parts, and what waits already."""

    longest: Part
    others: tuple[int, ...]
    waiting: Part
    slots: int

    def defer(self, hubs: tuple[str, ...], later: frozenset[str]) -> _Deferral:
        """What it comes to when these issues of the longest part wait too."""
        rest = components(task for task in self.longest if task.issue.id not in later)
        deferred = components((*self.waiting, *(task for task in self.longest if task.issue.id in later)))
        now = makespan([*self.others, *map(part_minutes, rest)], self.slots)
        then = makespan(map(part_minutes, deferred), self.slots)
        return _Deferral(now + then, hubs, later)


def components(tasks: Iterable[Task]) -> tuple[Part, ...]:
    """The connected parts of the issue-file graph, in the order of their first tasks."""
    tasks = tuple(tasks)
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent[key] != key:
            parent[key] = key = parent[parent[key]]
        return key

    for task in tasks:
        first = root(parent.setdefault(task.keys[0], task.keys[0]))
        for key in task.keys[1:]:
            parent[root(parent.setdefault(key, key))] = first
    parts: defaultdict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        parts[root(task.keys[0])].append(task)
    return tuple(map(tuple, parts.values()))


def split_into_waves(tasks: Sequence[Task], slots: int) -> tuple[Wave, ...]:
    """Waves of parts for this many agents at a time; a single wave unless a further one clearly pays."""
    waves = []
    left = tuple(tasks)
    while left:
        parts = components(left)
        hubs: list[str] = []
        waiting: Part = ()
        while (deferral := _deferral(parts, waiting, slots)) is not None:
            hubs += deferral.hubs
            later = {task.issue.id for task in waiting} | deferral.tasks
            waiting = tuple(task for task in left if task.issue.id in later)
            parts = components(task for task in left if task.issue.id not in later)
        waves.append(Wave(parts=parts, hubs=tuple(hubs)))
        left = waiting
    return tuple(waves)


def part_minutes(part: Iterable[Task]) -> int:
    """Minutes of agent time for all of its issues."""
    return sum(task.minutes for task in part)


def _deferral(parts: tuple[Part, ...], waiting: Part, slots: int) -> _Deferral | None:
    """The hubs of the longest part that are worth a wait, or None. Looks a few hubs ahead."""
    longest = max(parts, key=part_minutes)
    others = tuple(part_minutes(part) for part in parts if part is not longest)
    state = _State(longest=longest, others=others, waiting=waiting, slots=slots)
    moved = state.defer((), frozenset())
    worth = moved.minutes * (1 - CLEAR_GAIN)
    if (sum(others) + part_minutes(longest) + part_minutes(waiting)) / slots > worth:
        return None
    best = None
    for _ in range(max(1, min(_TOGETHER, _EFFORT // len(longest) // _CANDIDATES))):
        rest = components(task for task in longest if task.issue.id not in moved.tasks)
        options = [
            state.defer((*moved.hubs, hub.name), moved.tasks | hub.tasks)
            for hub in _candidates(max(rest, key=part_minutes))
        ]
        options = [option for option in options if len(option.tasks) < len(longest)]
        if not options:
            break
        moved = min(options, key=lambda option: option.minutes)  # of equals the first: the widest hub
        if moved.minutes <= worth and (best is None or moved.minutes < best.minutes):
            best = moved
    return best


def _candidates(part: Part) -> list[_Hub]:
    """What ties the most files together, widest first: a file with many issues, an issue with many files."""
    touching: defaultdict[str, list[Task]] = defaultdict(list)
    reach: defaultdict[str, int] = defaultdict(int)
    for task in part:
        for key in task.keys:
            touching[key].append(task)
            reach[key] += len(task.keys) - 1
    hubs = [(len(task.keys), 1, task.issue.id, [task]) for task in part if len(task.keys) > 1]
    # Counting the distinct files of every key would be quadratic, so only the likeliest are counted.
    for key in sorted(reach, key=lambda key: (-reach[key], key))[: 8 * _CANDIDATES]:
        tasks = touching[key]
        width = len({other for task in tasks for other in task.keys})
        if len(tasks) > 1 and width > 1:
            hubs.append((width, 0, key, tasks))
    hubs.sort(key=lambda hub: (-hub[0], hub[1], hub[2]))
    return [
        _Hub(_shown(name, tasks), frozenset(task.issue.id for task in tasks))
        for _, _, name, tasks in hubs[:_CANDIDATES]
    ]


def _shown(name: str, tasks: Sequence[Task]) -> str:
    paths = (*tasks[0].modify, *tasks[0].create)
    return next((path for path in paths if path_key(path) == name), name)
