"""Requests for which no role was found: listed, shown, counted, and those that are like another one."""

from typing import Any, NamedTuple

import sqlalchemy as sa

from polly.store.observations.routing import Condition, within
from polly.store.schema import agent_detection_failures as failure
from polly.work.observed import Window
from polly.work.routed import DetectionFailure, DetectionStats, FailureList, Tally

#: A row that only has a review waits for the failure that it is about, and is none yet.
_IS_THERE: Condition = failure.c.created_event_id.is_not(None)

_MOST_NAMES = 10


def listed(
    connection: sa.Connection, *, reviewed: bool | None, status: str | None, limit: int
) -> FailureList:
    """The newest failures. reviewed: None for all of them."""
    wanted = [_IS_THERE]
    if reviewed is not None:
        wanted.append(failure.c.reviewed.is_(reviewed))
    if status is not None:
        wanted.append(failure.c.detection_status == status)
    newest = (failure.c.created_at.desc(), failure.c.event_id.desc())
    rows = connection.execute(sa.select(failure).where(*wanted).order_by(*newest).limit(limit))
    return FailureList(
        failures=tuple(_failure(row) for row in rows),
        matching=_count(connection, *wanted),
        recorded=_count(connection, _IS_THERE),
    )


class Found(NamedTuple):
    """Failures whose ids begin alike (a few of them), and how many failures there are at all."""

    failures: tuple[DetectionFailure, ...]
    recorded: int


def named(connection: sa.Connection, name: str) -> Found:
    """The failure with this id, else up to five whose ids begin with it."""
    exact = connection.execute(sa.select(failure).where(_IS_THERE, failure.c.event_id == name)).all()
    begins = failure.c.event_id.startswith(name, autoescape=True)
    query = sa.select(failure).where(_IS_THERE, begins).order_by(failure.c.event_id).limit(5)
    rows = exact or connection.execute(query).all()
    return Found(tuple(_failure(row) for row in rows), _count(connection, _IS_THERE))


def newest(connection: sa.Connection, limit: int) -> tuple[DetectionFailure, ...]:
    """The newest failures, one for each different request."""
    place = sa.func.row_number().over(
        partition_by=failure.c.prompt_hash, order_by=(failure.c.created_at.desc(), failure.c.event_id)
    )
    numbered = sa.select(failure, place.label("place")).where(_IS_THERE).subquery()
    query = (
        sa.select(numbered)
        .where(numbered.c.place == 1)
        .order_by(numbered.c.created_at.desc(), numbered.c.event_id)
        .limit(limit)
    )
    return tuple(_failure(row) for row in connection.execute(query))


def stats(connection: sa.Connection, window: Window) -> DetectionStats:
    """The failures of a stretch of time in figures."""
    inside = sa.and_(_IS_THERE, within(failure.c.created_at, window))
    query = sa.select(
        sa.func.count().label("failures"),
        sa.func.count().filter(failure.c.reviewed).label("reviewed"),
        sa.func.count().filter(failure.c.pattern_updated).label("improved"),
        sa.func.count(failure.c.prompt_hash.distinct()).label("different"),
        sa.func.avg(failure.c.detection_confidence).label("confidence"),
    ).where(inside)
    row = connection.execute(query).one()
    expected = sa.func.coalesce(failure.c.reviewed_expected_agent, failure.c.expected_agent)
    return DetectionStats(
        window=window,
        failures=row.failures,
        reviewed=row.reviewed,
        improved=row.improved,
        different_requests=row.different,
        mean_confidence=None if row.confidence is None else float(row.confidence),
        by_status=_tallies(connection, failure.c.detection_status, inside),
        detected=_tallies(connection, failure.c.detected_agent, inside),
        expected=_tallies(connection, expected, inside),
    )


def _tallies(connection: sa.Connection, name: sa.ColumnElement[Any], inside: Condition) -> tuple[Tally, ...]:
    """The most frequent first; NULL is left out."""
    names = sa.select(name.label("name")).where(inside, name.is_not(None)).subquery()
    number = sa.func.count()
    query = (
        sa.select(names.c.name, number.label("number"))
        .group_by(names.c.name)
        .order_by(number.desc(), names.c.name)
        .limit(_MOST_NAMES)
    )
    return tuple(Tally(name=row.name, count=row.number) for row in connection.execute(query))


def _count(connection: sa.Connection, *wanted: Condition) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(failure).where(*wanted)).scalar_one()


def _failure(row: Any) -> DetectionFailure:
    return DetectionFailure(
        id=row.event_id,
        at=row.created_at,
        correlation_id=row.correlation_id,
        project_name=row.project_name,
        run=row.run,
        request=row.user_prompt,
        status=row.detection_status,
        reason=row.failure_reason,
        detected=row.detected_agent,
        confidence=row.detection_confidence,
        method=row.detection_method,
        expected=row.reviewed_expected_agent or row.expected_agent,
        candidates=row.candidates_evaluated,
        matches=tuple(row.trigger_matches or ()),
        metadata=row.detection_metadata or {},
        reviewed=row.reviewed,
        reviewed_at=row.reviewed_at,
        reviewed_by=row.reviewed_by,
        notes=row.resolution_notes,
        pattern_update=row.pattern_update_type,
        pattern_details=row.pattern_update_details,
    )
