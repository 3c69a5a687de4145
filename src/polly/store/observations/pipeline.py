"""What stands around executions: the router, hooks, roles taken, dead letters, what runs cost."""

from typing import Any, NamedTuple

import sqlalchemy as sa

from polly.store.schema import (
    agent_actions,
    agent_detection_failures,
    agent_execution_logs,
    agent_routing_decisions,
    agent_transformation_events,
    attempts,
    dead_letters,
    hook_events,
)
from polly.work.observed import Correlations, DeadLetters, HookSource, RoutingStrategy, Spending, Window

#: Hooks tell their outcome in words of their own; these mean that it failed.
_FAILED = ("failed", "error", "failure")


def _within(time: sa.ColumnElement[Any], window: Window) -> sa.ColumnElement[bool]:
    return sa.and_(time >= window.since, time < window.until)


def routing(connection: sa.Connection, window: Window) -> tuple[RoutingStrategy, ...]:
    """Decisions by strategy, the most used first."""
    table = agent_routing_decisions
    query = (
        sa.select(
            table.c.routing_strategy,
            sa.func.count().label("decisions"),
            sa.func.avg(table.c.confidence_score).label("confidence"),
            sa.func.avg(table.c.routing_time_ms).label("milliseconds"),
        )
        .where(_within(table.c.created_at, window))
        .group_by(table.c.routing_strategy)
        .order_by(sa.func.count().desc(), table.c.routing_strategy)
    )
    return tuple(
        RoutingStrategy(
            strategy=row.routing_strategy,
            decisions=row.decisions,
            mean_confidence=None if row.confidence is None else float(row.confidence),
            mean_ms=None if row.milliseconds is None else float(row.milliseconds),
        )
        for row in connection.execute(query)
    )


class Roles(NamedTuple):
    """Roles that agents were to take: all, and those that could not be taken."""

    total: int
    failed: int


def transformations(connection: sa.Connection, window: Window) -> Roles:
    """How often agents took a role."""
    table = agent_transformation_events
    failed = sa.func.count().filter(table.c.success.is_(False))
    query = sa.select(sa.func.count().label("total"), failed.label("failed"))
    row = connection.execute(query.where(_within(table.c.created_at, window))).one()
    return Roles(row.total, row.failed)


def detection_failures(connection: sa.Connection, window: Window) -> int:
    """Requests for which no agent was found, or not the right one."""
    table = agent_detection_failures
    query = sa.select(sa.func.count()).select_from(table).where(_within(table.c.created_at, window))
    return connection.execute(query).scalar_one()


def hooks(connection: sa.Connection, window: Window) -> tuple[HookSource, ...]:
    """Hooks by who called them, the most frequent first."""
    table = hook_events
    query = (
        sa.select(
            table.c.source,
            sa.func.count().label("fired"),
            sa.func.count().filter(table.c.outcome.in_(_FAILED)).label("failed"),
        )
        .where(_within(table.c.created_at, window))
        .group_by(table.c.source)
        .order_by(sa.func.count().desc(), table.c.source)
    )
    return tuple(
        HookSource(source=row.source, fired=row.fired, failed=row.failed) for row in connection.execute(query)
    )


def open_dead_letters(connection: sa.Connection) -> DeadLetters:
    """All that nobody has replayed or discarded, however old."""
    table = dead_letters
    query = sa.select(sa.func.count().label("open"), sa.func.min(table.c.created_at).label("oldest_at"))
    row = connection.execute(query.where(table.c.status == "open")).one()
    return DeadLetters(open=row.open, oldest_at=row.oldest_at)


def correlations(connection: sa.Connection, window: Window) -> Correlations:
    """How many correlation ids of executions have a routing decision, and how many have actions."""
    log = agent_execution_logs
    ids = sa.select(log.c.correlation_id).where(_within(log.c.created_at, window)).distinct().subquery()

    def seen_in(table: sa.Table) -> sa.ColumnElement[int]:
        there = sa.exists().where(table.c.correlation_id == ids.c.correlation_id)
        return sa.func.count().filter(there)

    query = sa.select(
        sa.func.count().label("all"),
        seen_in(agent_routing_decisions).label("routed"),
        seen_in(agent_actions).label("acted"),
    ).select_from(ids)
    row = connection.execute(query).one()
    return Correlations(of_executions=row.all, with_routing=row.routed, with_actions=row.acted)


def spending(connection: sa.Connection, window: Window) -> Spending:
    """Tokens and money of attempts that ended in the window."""
    table = attempts
    query = sa.select(
        sa.func.count().label("attempts"),
        sa.func.sum(table.c.tokens).label("tokens"),
        sa.func.count(table.c.tokens).label("with_tokens"),
        sa.func.sum(table.c.cost_usd).label("cost"),
        sa.func.count(table.c.cost_usd).label("with_cost"),
    ).where(_within(table.c.ended_at, window))
    row = connection.execute(query).one()
    return Spending(
        attempts=row.attempts,
        tokens=None if row.tokens is None else int(row.tokens),
        attempts_with_tokens=row.with_tokens,
        cost_usd=None if row.cost is None else float(row.cost),
        attempts_with_cost=row.with_cost,
    )
