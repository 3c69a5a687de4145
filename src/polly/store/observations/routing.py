"""What the router decided, how long that took, and what is known about whether it was right."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from polly.store.observations.percentiles import durations
from polly.store.observations.pipeline import routing as by_strategy
from polly.store.readers import outcomes as past_outcomes
from polly.store.schema import agent_detection_failures as failure
from polly.store.schema import agent_routing_decisions as decision
from polly.store.schema import router_performance_metrics as metric
from polly.store.schema import work_packages
from polly.work.observed import Durations, Window
from polly.work.routed import (
    DetectionCounts,
    Label,
    LabelKind,
    RoleDecisions,
    RoleOutcomes,
    RoutingReport,
    StageTimes,
    accuracy,
    calibration,
)

_MOST_ROLES = 20

Condition = sa.ColumnElement[bool]


def report(connection: sa.Connection, window: Window) -> RoutingReport:
    """Everything about the router in a stretch of time."""
    labels = (*_reviews(connection, window), *_corrections(connection, window))
    strategies = by_strategy(connection, window)
    roles = _by_role(connection, window)
    took = _took(connection, window)
    return RoutingReport(
        window=window,
        decisions=sum(each.decisions for each in strategies),
        by_strategy=strategies,
        roles_total=len(roles),
        by_role=roles[:_MOST_ROLES],
        measured=took.measured,
        cache_hits=_cache_hits(connection, window),
        durations=took,
        stages=_stages(connection, window),
        detections=_detections(connection, window),
        reviews=accuracy(labels, LabelKind.REVIEW),
        corrections=accuracy(labels, LabelKind.CORRECTION),
        calibration=calibration(labels),
        outcomes=_outcomes(connection, window),
    )


def within(time: sa.ColumnElement[Any], window: Window) -> Condition:
    """The time is in the window."""
    return sa.and_(time >= window.since, time < window.until)


def _by_role(connection: sa.Connection, window: Window) -> tuple[RoleDecisions, ...]:
    """The most chosen first."""
    number = sa.func.count()
    query = (
        sa.select(
            decision.c.selected_agent.label("role"),
            number.label("decisions"),
            sa.func.avg(decision.c.confidence_score).label("confidence"),
        )
        .where(within(decision.c.created_at, window))
        .group_by(decision.c.selected_agent)
        .order_by(number.desc(), decision.c.selected_agent)
    )
    return tuple(
        RoleDecisions(
            role=row.role,
            decisions=row.decisions,
            mean_confidence=None if row.confidence is None else float(row.confidence),
        )
        for row in connection.execute(query)
    )


def _took(connection: sa.Connection, window: Window) -> Durations:
    everything: sa.Label[int] = sa.literal_column("1").label("all")
    measured = sa.select(everything, metric.c.routing_duration_ms).where(
        within(metric.c.created_at, window), metric.c.routing_duration_ms.is_not(None)
    )
    return durations(connection, measured).get(1, Durations())


def _cache_hits(connection: sa.Connection, window: Window) -> int:
    query = sa.select(sa.func.count()).where(within(metric.c.created_at, window), metric.c.cache_hit)
    return connection.execute(query).scalar_one()


def _stages(connection: sa.Connection, window: Window) -> tuple[StageTimes, ...]:
    """Each stage, the slowest first: in the middle, and at its worst where that is the same."""
    is_postgresql = connection.dialect.name == "postgresql"
    each_of = sa.func.jsonb_each_text if is_postgresql else sa.func.json_each
    stage = each_of(metric.c.stage_microseconds).table_valued("key", "value")
    milliseconds = sa.cast(stage.c.value, sa.Float) / 1000.0
    measured = (
        sa.select(stage.c.key.label("stage"), milliseconds.label("took"))
        .select_from(metric)
        .join(stage, sa.true())
        .where(within(metric.c.created_at, window))
    )
    found = durations(connection, measured)
    times = [StageTimes(stage=str(name), durations=took) for name, took in found.items()]
    return tuple(sorted(times, key=lambda each: (-(each.durations.p50_ms or 0.0), each.stage)))


def _detections(connection: sa.Connection, window: Window) -> DetectionCounts:
    reviewed = sa.func.count().filter(failure.c.reviewed)
    query = (
        sa.select(failure.c.detection_status, sa.func.count().label("number"), reviewed.label("reviewed"))
        .where(within(failure.c.created_at, window))
        .group_by(failure.c.detection_status)
        .order_by(sa.func.count().desc(), failure.c.detection_status)
    )
    rows = connection.execute(query).all()
    return DetectionCounts(
        total=sum(row.number for row in rows),
        reviewed=sum(row.reviewed for row in rows),
        by_status={row.detection_status: row.number for row in rows},
    )


def _reviews(connection: sa.Connection, window: Window) -> Iterator[Label]:
    """Detection failures of which somebody has named the right role, later or at once."""
    expected = sa.func.coalesce(failure.c.reviewed_expected_agent, failure.c.expected_agent)
    query = sa.select(
        expected.label("expected"),
        failure.c.detected_agent,
        failure.c.detection_confidence,
        failure.c.detection_metadata["taken"].as_string().label("taken"),
    ).where(within(failure.c.created_at, window), expected.is_not(None))
    for row in connection.execute(query):
        yield Label(
            kind=LabelKind.REVIEW,
            expected=row.expected,
            taken=row.taken or row.detected_agent,
            best=row.detected_agent,
            confidence=row.detection_confidence,
        )


def _corrections(connection: sa.Connection, window: Window) -> Iterator[Label]:
    """Plans in which a person put another role in the place of one of which the router was sure enough."""
    router = decision.c.context["router"]
    query = sa.select(
        decision.c.selected_agent,
        router["role"].as_string().label("taken"),
        router["best"].as_string().label("best"),
        router["confidence"].as_float().label("confidence"),
    ).where(
        within(decision.c.created_at, window),
        router["role"].as_string().is_not(None),
        router["detection"].as_string().is_(None),  # the others are detection failures with a label
    )
    for row in connection.execute(query):
        yield Label(
            kind=LabelKind.CORRECTION,
            expected=row.selected_agent,
            taken=row.taken,
            best=row.best,
            confidence=row.confidence,
        )


def _outcomes(connection: sa.Connection, window: Window) -> tuple[RoleOutcomes, ...]:
    """What became of the packages planned in the window, by role; the role with most of them first."""
    planned = within(work_packages.c.planned_at, window)
    tried: dict[str, int] = {}
    fixed: dict[str, int] = {}
    for each in past_outcomes(connection, None, planned):
        tried[each.role] = tried.get(each.role, 0) + each.tried
        fixed[each.role] = fixed.get(each.role, 0) + each.fixed
    number = sa.func.count()
    query = sa.select(work_packages.c.role, number).where(planned).group_by(work_packages.c.role)
    packages: dict[str, int] = {role: count for role, count in connection.execute(query)}  # noqa: C416 - rows
    made = [
        RoleOutcomes(
            role=role,
            packages=packages.get(role, 0),
            tried=count,
            fixed=fixed[role],
            share=fixed[role] / count if count else None,
        )
        for role, count in tried.items()
    ]
    return tuple(sorted(made, key=lambda each: (-each.tried, each.role)))
