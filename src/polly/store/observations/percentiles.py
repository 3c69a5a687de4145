"""Exact percentiles over any rows, the same numbers on every database: it ranks, Python interpolates."""

from collections import defaultdict
from typing import Any

import sqlalchemy as sa

from polly.work.observed import Durations

_PERCENTS = (50, 95, 99)


def durations(connection: sa.Connection, measured: sa.Select[tuple[Any, Any]]) -> dict[Any, Durations]:
    """For each group its durations. `measured` selects a group, then a number that is never NULL."""
    group, value = measured.subquery().columns
    ranked = sa.select(
        group.label("group"),
        value.label("value"),
        (sa.func.row_number().over(partition_by=group, order_by=value) - 1).label("place"),
        sa.func.count().over(partition_by=group).label("size"),
        sa.func.sum(value).over(partition_by=group).label("total"),
    ).subquery()
    last = ranked.c.size - 1
    # Whole numbers alone: a product of floating point could fall just below the place that is meant.
    below = [sa.literal(percent) * last // 100 for percent in _PERCENTS]
    wanted = sa.or_(*(sa.or_(ranked.c.place == place, ranked.c.place == place + 1) for place in below))
    found: dict[Any, dict[int, Any]] = defaultdict(dict)
    for row in connection.execute(sa.select(ranked).where(wanted)):
        found[row.group][row.place] = row
    return {name: _durations(places) for name, places in found.items()}


def _durations(places: dict[int, Any]) -> Durations:
    any_row = next(iter(places.values()))
    values = {place: float(row.value) for place, row in places.items()}
    p50, p95, p99 = (interpolated(values, any_row.size, percent) for percent in _PERCENTS)
    return Durations(
        measured=any_row.size,
        mean_ms=float(any_row.total) / any_row.size,
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
    )


def interpolated(values: dict[int, float], size: int, percent: int) -> float:
    """The percentile of `size` sorted numbers, of which `values` holds those around it by their place."""
    place, rest = divmod(percent * (size - 1), 100)
    lower = values[place]
    return lower + (values[place + 1] - lower) * rest / 100 if rest else lower
