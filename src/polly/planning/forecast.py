"""How long a plan should take: the arithmetic of packages on a number of agents."""

import heapq
from collections import defaultdict
from collections.abc import Iterable

from polly.work.plan import Forecast, WorkPackage


def makespan(minutes: Iterable[int], slots: int) -> int:
    """Minutes until all are done when the longest start first on this many slots."""
    longest_first = sorted(minutes, reverse=True)
    loads = [0] * max(1, min(slots, len(longest_first)))
    for each in longest_first:
        heapq.heapreplace(loads, loads[0] + each)
    return max(loads)


def forecast(packages: Iterable[WorkPackage], agents: int) -> Forecast:
    """Every figure of the plan; all 0 when there is nothing to do. Waves follow one another."""
    waves: defaultdict[int, list[int]] = defaultdict(list)
    for package in packages:
        waves[package.wave].append(package.estimated_minutes)
    sequential = sum(map(sum, waves.values()))
    parallel = sum(makespan(wave, agents) for wave in waves.values())
    speedup = sequential / parallel if parallel else 0.0
    return Forecast(
        agents=agents,
        sequential_minutes=float(sequential),
        parallel_minutes=float(parallel),
        critical_path_minutes=float(sum(map(max, waves.values()))),
        bound_minutes=round(0.0 + sum(max(*wave, sum(wave) / agents) for wave in waves.values()), 2),
        speedup=round(speedup, 2),
        efficiency=round(speedup / agents, 2),
    )
