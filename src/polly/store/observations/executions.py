"""What executions of agents say: counts, durations, failures. A window has those that began in it."""

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from polly.events.status import OperationStatus
from polly.store.observations.clock import day_of, hour_of, utc_day, utc_hour
from polly.store.observations.percentiles import durations
from polly.store.schema import agent_execution_logs as log
from polly.work.observed import Day, Durations, ErrorKind, Execution, Executions, Window

Condition = sa.ColumnElement[bool]

FAILED: Condition = log.c.status == OperationStatus.FAILED.value
_JUDGED: Condition = log.c.status.in_((OperationStatus.SUCCESS.value, OperationStatus.FAILED.value))
_MEASURED: Condition = sa.and_(
    log.c.status != OperationStatus.IN_PROGRESS.value, log.c.duration_ms.is_not(None)
)
_COUNTS = tuple(
    sa.func.count().filter(log.c.status == status.value).label(status.value) for status in OperationStatus
)


def within(window: Window, *conditions: Condition) -> Condition:
    """Executions of the window for which all conditions hold."""
    return sa.and_(log.c.created_at >= window.since, log.c.created_at < window.until, *conditions)


def by_agent(name: str) -> Condition:
    """Executions of this agent."""
    return log.c.agent_name == name


def by_others(name: str) -> Condition:
    """Executions of all other agents."""
    return log.c.agent_name != name


def counts(connection: sa.Connection, where: Condition) -> Executions:
    """How many there are, by status."""
    return executions(connection.execute(sa.select(*_COUNTS).where(where)).one())


def executions(row: Any) -> Executions:
    """The counts of a row that has _COUNTS."""
    return Executions.counted(
        in_progress=row.in_progress, succeeded=row.success, failed=row.failed, cancelled=row.cancelled
    )


def duration(connection: sa.Connection, where: Condition) -> Durations:
    """How long those that ended took, all together."""
    measured = sa.select(sa.literal_column("1").label("all"), log.c.duration_ms).where(where, _MEASURED)
    return durations(connection, measured).get(1, Durations())


def duration_by_agent(connection: sa.Connection, where: Condition) -> dict[str, Durations]:
    """How long those that ended took, for each agent that has any."""
    return durations(connection, sa.select(log.c.agent_name, log.c.duration_ms).where(where, _MEASURED))


class Span(NamedTuple):
    """When the first and the last execution began; None without any."""

    first_at: datetime | None
    last_at: datetime | None


def span(connection: sa.Connection, where: Condition) -> Span:
    """From the first to the last."""
    first, last = sa.func.min(log.c.created_at), sa.func.max(log.c.created_at)
    row = connection.execute(sa.select(first.label("first_at"), last.label("last_at")).where(where)).one()
    return Span(row.first_at, row.last_at)


def busiest_agents(connection: sa.Connection, where: Condition, most: int) -> list[Any]:
    """The agents with most executions: `agent_name`, counts by status, `first_at`, `last_at`."""
    query = (
        sa.select(
            log.c.agent_name,
            *_COUNTS,
            sa.func.min(log.c.created_at).label("first_at"),
            sa.func.max(log.c.created_at).label("last_at"),
        )
        .where(where)
        .group_by(log.c.agent_name)
        .order_by(sa.func.count().desc(), log.c.agent_name)
        .limit(most)
    )
    return list(connection.execute(query))


def agents(connection: sa.Connection, where: Condition) -> int:
    """How many different agents there are."""
    query = sa.select(sa.func.count(log.c.agent_name.distinct())).where(where)
    return connection.execute(query).scalar_one()


def agent_names(connection: sa.Connection, window: Window, most: int) -> list[str]:
    """Names of agents, for suggestions."""
    query = (
        sa.select(log.c.agent_name).where(within(window)).distinct().order_by(log.c.agent_name).limit(most)
    )
    return list(connection.execute(query).scalars())


def failures_by_agent(connection: sa.Connection, where: Condition) -> list[Any]:
    """`agent_name`, `failed` and `judged` (succeeded or failed) of every agent."""
    query = (
        sa.select(
            log.c.agent_name,
            sa.func.count().filter(FAILED).label("failed"),
            sa.func.count().filter(_JUDGED).label("judged"),
        )
        .where(where)
        .group_by(log.c.agent_name)
    )
    return list(connection.execute(query))


class Kinds(NamedTuple):
    """The most frequent kinds of failure, and how many kinds there are. Not saying which is a kind too."""

    number: int
    top: tuple[ErrorKind, ...]


def error_kinds(connection: sa.Connection, where: Condition, most: int) -> Kinds:
    """The kinds of failure. Shares are of all failures, also of those not listed."""
    query = (
        sa.select(
            log.c.error_type,
            sa.func.count().label("failures"),
            sa.func.sum(sa.func.count()).over().label("all"),
            sa.func.count().over().label("kinds"),
            sa.func.sum(log.c.duration_ms).label("total_ms"),
            sa.func.count(log.c.duration_ms).label("measured"),
            sa.func.max(log.c.created_at).label("last_at"),
        )
        .where(where, FAILED)
        .group_by(log.c.error_type)
        .order_by(sa.func.count().desc(), log.c.error_type.nulls_last())
        .limit(most)
    )
    rows = connection.execute(query).all()
    top = tuple(
        ErrorKind(
            error_type=row.error_type,
            count=row.failures,
            share=row.failures / int(row.all),
            mean_ms=float(row.total_ms) / row.measured if row.measured else None,
            last_at=row.last_at,
        )
        for row in rows
    )
    return Kinds(rows[0].kinds if rows else 0, top)


def by_hour(connection: sa.Connection, where: Condition) -> dict[Any, Executions]:
    """The hours in which any began, the first one first."""
    hour = utc_hour(log.c.created_at).label("hour")
    query = sa.select(hour, *_COUNTS).where(where).group_by(hour).order_by(hour)
    return {hour_of(row.hour): executions(row) for row in connection.execute(query)}


def by_day(connection: sa.Connection, where: Condition) -> tuple[Day, ...]:
    """The days on which any began, the first one first."""
    day = utc_day(log.c.created_at).label("day")
    total, measured = sa.func.sum(log.c.duration_ms), sa.func.count(log.c.duration_ms)
    query = (
        sa.select(
            day,
            *_COUNTS,
            total.filter(_MEASURED).label("total_ms"),
            measured.filter(_MEASURED).label("measured"),
        )
        .where(where)
        .group_by(day)
        .order_by(day)
    )
    return tuple(
        Day(
            day=day_of(row.day),
            executions=executions(row),
            mean_ms=float(row.total_ms) / row.measured if row.measured else None,
        )
        for row in connection.execute(query)
    )


def newest(connection: sa.Connection, where: Condition, most: int) -> tuple[Execution, ...]:
    """The last ones, the newest first."""
    query = sa.select(log).where(where).order_by(log.c.created_at.desc(), log.c.execution_id).limit(most)
    return tuple(
        Execution(
            execution=row.execution_id,
            agent=row.agent_name,
            status=row.status,
            started_at=row.created_at,
            duration_ms=row.duration_ms,
            error_type=row.error_type,
            error_message=row.error_message,
            correlation_id=row.correlation_id,
            run=row.run,
        )
        for row in connection.execute(query)
    )


def most_attempts(connection: sa.Connection, where: Condition) -> int | None:
    """The highest number of an attempt; None when none of them belongs to a run."""
    highest: int | None = connection.execute(sa.select(sa.func.max(log.c.attempt)).where(where)).scalar()
    return highest
