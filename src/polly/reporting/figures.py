"""The figures of a run, measured: each is derived from its records, and None means unknown."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from polly.work.plan import Plan
from polly.work.run import PackageRecord, RunRecord, Verdict


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Measured figures. Attempts whose time, tokens or cost nobody reported are left out of the sums.

    agent_seconds: all attempts added up. wall_seconds: time in which Polly worked on the run.
    critical_path_seconds: per wave the package that took longest, added up. bound_seconds: the least that
    this many agents could have taken: per wave the larger of the longest package and total ÷ agents.
    redactions: how many secrets of each kind were kept out of the records of attempts and gates.
    speedup: agent_seconds ÷ wall_seconds. efficiency: speedup ÷ agents that could be at work.
    """

    agent_seconds: float | None
    wall_seconds: float | None
    critical_path_seconds: float | None
    bound_seconds: float | None
    speedup: float | None
    efficiency: float | None
    overhead_seconds: dict[str, float]
    tokens: int | None
    cost_usd: float | None
    redactions: dict[str, int] = {}


def figures(record: RunRecord, plan: Plan) -> Figures:
    """The figures of a run as far as it has come."""
    waves = _seconds_by_wave(record, plan)
    agent_seconds = _total(seconds for wave in waves for seconds in wave)
    wall = record.active_seconds if record.active_seconds > 0 else None
    speedup = agent_seconds / wall if agent_seconds is not None and wall else None
    at_work = min(record.agents, sum(bool(package.attempts) for package in record.packages))
    tokens = [told for package in record.packages if (told := package_tokens(package)) is not None]
    attempts = (attempt for package in record.packages for attempt in package.attempts)
    gates = (*record.gates, *(gate for package in record.packages for gate in package.gates))
    counts = [*(each.redactions for each in attempts), *(each.redactions for each in gates)]
    taken_out = sum(map(Counter, counts), Counter[str]())
    return Figures(
        agent_seconds=agent_seconds,
        wall_seconds=wall,
        critical_path_seconds=_total(max(wave) for wave in waves if wave),
        bound_seconds=_total(max(*wave, sum(wave) / max(1, record.agents)) for wave in waves if wave),
        speedup=speedup,
        efficiency=speedup / at_work if speedup is not None and at_work > 0 else None,
        overhead_seconds=_overhead(record),
        tokens=sum(tokens) if tokens else None,
        cost_usd=_total(package_cost(package) for package in record.packages),
        redactions=dict(sorted(taken_out.items())),
    )


def cost_per_verified_fix(record: RunRecord) -> float | None:
    """USD per issue whose fix is proved; None when no cost is known or nothing is fixed."""
    cost = _total(package_cost(package) for package in record.packages)
    fixed = verified(record)
    return cost / fixed if cost is not None and fixed else None


def verified(record: RunRecord) -> int:
    """The number of issues with the verdict `fixed`."""
    return sum(
        outcome.verdict is Verdict.FIXED for package in record.packages for outcome in package.outcomes
    )


def _seconds_by_wave(record: RunRecord, plan: Plan) -> list[list[float]]:
    known = {package.id: package_seconds(package) for package in record.packages}
    return [
        [seconds for each in plan.in_wave(wave) if (seconds := known.get(each.id)) is not None]
        for wave in plan.waves
    ]


def package_seconds(package: PackageRecord) -> float | None:
    """Seconds of all attempts of a package; None when no attempt's time is known."""
    return _total(attempt.seconds for attempt in package.attempts)


def package_tokens(package: PackageRecord) -> int | None:
    """Tokens of all attempts of a package; None when no attempt told any."""
    told = [attempt.tokens for attempt in package.attempts if attempt.tokens is not None]
    return sum(told) if told else None


def package_cost(package: PackageRecord) -> float | None:
    """USD of all attempts of a package; None when no attempt told any."""
    return _total(attempt.cost_usd for attempt in package.attempts)


def _overhead(record: RunRecord) -> dict[str, float]:
    stages = dict.fromkeys(time.stage for time in record.stages)
    return {stage: sum(time.seconds for time in record.stages if time.stage == stage) for stage in stages}


def _total(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
