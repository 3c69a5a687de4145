"""What single actions of agents say: how many, how they ended, which fail."""

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from polly.store.observations.clock import hour_of, utc_hour
from polly.store.schema import agent_actions as action
from polly.work.observed import Actions, FailedAction, Window

Condition = sa.ColumnElement[bool]

_SUCCEEDED: Condition = action.c.action_type == "success"
_FAILED: Condition = action.c.action_type == "error"


def within(window: Window, *conditions: Condition) -> Condition:
    """Actions of the window for which all conditions hold."""
    return sa.and_(action.c.created_at >= window.since, action.c.created_at < window.until, *conditions)


def by_agent(name: str) -> Condition:
    """Actions of this agent."""
    return action.c.agent_name == name


def counts(connection: sa.Connection, where: Condition) -> Actions:
    """How many were recorded, and how those ended that say it."""
    query = sa.select(
        sa.func.count().label("total"),
        sa.func.count().filter(_SUCCEEDED).label("succeeded"),
        sa.func.count().filter(_FAILED).label("failed"),
    ).where(where)
    row = connection.execute(query).one()
    return Actions.counted(total=row.total, succeeded=row.succeeded, failed=row.failed)


class Sides(NamedTuple):
    """What one agent did, and what all others did."""

    own: Actions
    others: Actions


def counts_of_both_sides(connection: sa.Connection, where: Condition, name: str) -> Sides:
    """Of the agent and of all others."""
    own = counts(connection, sa.and_(where, by_agent(name)))
    everybody = counts(connection, where)
    others = Actions.counted(
        total=everybody.total - own.total,
        succeeded=everybody.succeeded - own.succeeded,
        failed=everybody.failed - own.failed,
    )
    return Sides(own, others)


class Failures(NamedTuple):
    """Actions that failed, counted in three ways."""

    by_agent: dict[str, int]
    by_hour: dict[datetime, int]
    by_name: tuple[FailedAction, ...]


def failures(connection: sa.Connection, where: Condition) -> Failures:
    """All that is asked about failed actions, in one go over the actions. Names: the most frequent first."""
    columns = action.c.agent_name, action.c.action_name, action.c.created_at
    hour = utc_hour(action.c.created_at).label("hour")
    failed = sa.select(*columns, hour).where(where, _FAILED).cte("failed").prefix_with("MATERIALIZED")

    def counted(of: str, name: sa.ColumnElement[str]) -> Any:
        number, last = sa.func.count().label("number"), sa.func.max(failed.c.created_at).label("last_at")
        return sa.select(sa.literal(of).label("of"), name.label("name"), number, last).group_by(name)

    parts = (
        counted("agent", failed.c.agent_name),
        counted("hour", failed.c.hour),
        counted("name", failed.c.action_name),
    )
    rows = connection.execute(sa.union_all(*parts)).all()
    names = [
        FailedAction(action_name=row.name, count=row.number, last_at=row.last_at)
        for row in rows
        if row.of == "name"
    ]
    return Failures(
        by_agent={row.name: row.number for row in rows if row.of == "agent"},
        by_hour={hour_of(row.name): row.number for row in rows if row.of == "hour"},
        by_name=tuple(sorted(names, key=lambda each: (-each.count, each.action_name))),
    )
