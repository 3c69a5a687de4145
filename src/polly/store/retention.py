"""Takes out what is older than people want to keep: events with the rows that they filled, and whole runs.

Every transaction is short, and between two of them there is time for whoever else writes.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from polly.events.agents import (
    ActionRecorded,
    DetectionFailed,
    HookFired,
    RouterMeasured,
    RoutingDecided,
    TransformationRecorded,
)
from polly.store import schema

#: Events that one transaction deletes at most.
BATCH = 1_000

#: A transaction that met another one's lock is tried again this often.
_TRIES = 5

#: Events whose row lives and dies with them.
_ROWS: Mapping[str, sa.Table] = {
    ActionRecorded.type: schema.agent_actions,
    RoutingDecided.type: schema.agent_routing_decisions,
    TransformationRecorded.type: schema.agent_transformation_events,
    RouterMeasured.type: schema.router_performance_metrics,
    DetectionFailed.type: schema.agent_detection_failures,
    HookFired.type: schema.hook_events,
}
_RUN_TABLES = (
    schema.runs,
    schema.work_packages,
    schema.attempts,
    schema.issues,
    schema.gate_results,
    schema.verdicts,
    schema.approvals,
)


class Horizon(NamedTuple):
    """What may go: what happened before `cutoff`, once it has been stored since before `settled`.

    An event that may be delivered again must stay known: `settled` is as far back as topics keep records.
    """

    cutoff: datetime
    settled: datetime


class Pruned(msgspec.Struct, frozen=True, kw_only=True):
    """What was removed, or would be: runs, and rows by table."""

    runs: int
    rows: dict[str, int]


def horizon(now: datetime, older_than: timedelta, redelivery: timedelta) -> Horizon:
    """The horizon of a prune at `now`."""
    return Horizon(_before(now, older_than), _before(now, redelivery))


def _before(now: datetime, age: timedelta) -> datetime:
    try:
        return now - age
    except OverflowError:  # older than time itself: nothing is
        return datetime.min.replace(tzinfo=UTC)


def prunable(connection: sa.Connection, before: Horizon) -> Pruned:
    """What `prune` would remove now."""
    rows: Counter[str] = Counter()
    old_runs = _old_runs(before)
    runs = connection.execute(sa.select(sa.func.count()).select_from(old_runs.subquery())).scalar_one()
    for table in _RUN_TABLES:
        rows[table.name] += _count(connection, table, table.c.run.in_(old_runs))
    by_type = sa.select(schema.events.c.type, sa.func.count()).where(_old_events(before))
    for kind, number in connection.execute(by_type.group_by(schema.events.c.type)):
        rows[schema.events.name] += number
        if kind in _ROWS:
            rows[_ROWS[kind].name] += number
    for table, condition in _by_age(before):
        rows[table.name] += _count(connection, table, condition)
    return Pruned(runs=runs, rows=_plain(rows))


def prune(
    engine: sa.Engine, before: Horizon, *, batch: int = BATCH, pause: Callable[[float], None] = time.sleep
) -> Pruned:
    """Removes it. What was removed stays removed, wherever this is interrupted; the next prune goes on."""
    work = _Work(engine, pause)
    with engine.connect() as connection:
        runs = connection.execute(_old_runs(before)).scalars().all()
        first = connection.execute(sa.select(sa.func.min(schema.events.c.time))).scalar()
    removed = sum(work.do(_remove_run, run, before) for run in runs)
    _remove_events(work, first, before, batch)
    for table, condition in _by_age(before):
        while work.do(_remove_some, table, condition, batch) >= batch:
            pass
    return Pruned(runs=removed, rows=_plain(work.removed))


def _plain(rows: Mapping[str, int]) -> dict[str, int]:
    """In the order of names, which are a kind of text of SQLAlchemy's until here."""
    return {str(name): number for name, number in sorted(rows.items()) if number}


def cleanup_old_debug_logs(connection: sa.Connection, days: int = 30) -> int:
    """Removes recorded actions of debug mode that are older than this; how many it were.

    The same as PostgreSQL's function of this name. Their events stay.
    """
    if days < 0:
        return 0
    table = schema.agent_actions
    before = _before(datetime.now(UTC), timedelta(days=days))
    gone = connection.execute(sa.delete(table).where(table.c.debug_mode, table.c.created_at < before))
    return gone.rowcount


class Removed(NamedTuple):
    """What one transaction removed: a number to go on by, and rows by table."""

    number: int
    rows: Mapping[str, int]


class _Work:
    """Short transactions, one after the other, and what they removed."""

    def __init__(self, engine: sa.Engine, pause: Callable[[float], None]) -> None:
        self._engine = engine.execution_options(polly_writes=True)
        self._pause = pause
        self.removed: Counter[str] = Counter()

    def do(self, action: Callable[..., Removed], *given: object) -> int:
        """Runs it in a transaction of its own; the number that it returns."""
        for attempt in range(1, _TRIES + 1):
            began = time.monotonic()
            try:
                with self._engine.begin() as connection:
                    number, removed = action(connection, *given)
            except sa.exc.OperationalError as error:
                if attempt == _TRIES or not _is_met_lock(error):
                    raise
            else:
                self.removed.update({name: count for name, count in removed.items() if count})
                # As long as it kept others waiting, it now waits itself.
                self._pause(min(time.monotonic() - began, 0.5))
                return number
        raise AssertionError("the last attempt returns or raises")


def _is_met_lock(error: sa.exc.OperationalError) -> bool:
    """A deadlock, a conflict or a lock that took too long, by PostgreSQL's codes."""
    return getattr(error.orig, "sqlstate", None) in {"40001", "40P01", "55P03"}


def _old_runs(before: Horizon) -> sa.Select[tuple[str]]:
    """Runs of which nothing is recent."""
    known = sa.union(*(sa.select(table.c.run) for table in _RUN_TABLES)).subquery()
    recent = sa.exists().where(schema.events.c.subject == known.c.run, _is_recent(schema.events, before))
    return sa.select(known.c.run).where(~recent)


def _is_recent(event: sa.FromClause, before: Horizon) -> sa.ColumnElement[bool]:
    return sa.or_(event.c.time >= before.cutoff, event.c.stored_at >= before.settled)


def _is_of_kept_run(subject: sa.ColumnElement[str], before: Horizon) -> sa.ColumnElement[bool]:
    """True for everything of a run of which anything is recent."""
    other = schema.events.alias("other")
    a_run = sa.or_(*(sa.exists().where(table.c.run == subject) for table in _RUN_TABLES[:3]))
    return sa.and_(a_run, sa.exists().where(other.c.subject == subject, _is_recent(other, before)))


def _old_events(before: Horizon) -> sa.ColumnElement[bool]:
    event = schema.events
    return sa.and_(
        event.c.time < before.cutoff,
        event.c.stored_at < before.settled,
        ~_is_of_kept_run(event.c.subject, before),
    )


def _by_age(before: Horizon) -> tuple[tuple[sa.Table, sa.ColumnElement[bool]], ...]:
    """Rows that several events fill, and dead letters: they have an age of their own."""
    log, failure, letter = schema.agent_execution_logs, schema.agent_detection_failures, schema.dead_letters
    ended = sa.func.coalesce(log.c.completed_at, log.c.created_at)
    progressed = sa.func.coalesce(log.c.progress_at, log.c.created_at)
    published = sa.or_(letter.c.published_at.is_not(None), letter.c.stream.not_like("kafka:%"))
    return (
        (
            log,
            sa.and_(
                log.c.created_at < before.cutoff,
                ended < before.cutoff,
                progressed < before.cutoff,
                sa.or_(log.c.run.is_(None), ~_is_of_kept_run(log.c.run, before)),
            ),
        ),
        (failure, sa.and_(failure.c.created_event_id.is_(None), failure.c.reviewed_at < before.cutoff)),
        (
            letter,
            sa.and_(
                letter.c.status != "open",
                sa.func.coalesce(letter.c.resolved_at, letter.c.failed_at) < before.cutoff,
                published,
            ),
        ),
    )


def _count(connection: sa.Connection, table: sa.Table, condition: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(table).where(condition)
    return connection.execute(query).scalar_one()


def _remove_run(connection: sa.Connection, run: str, before: Horizon) -> Removed:
    """All rows of the run at once, unless it has come to life since. Its events go with the others."""
    if connection.execute(_old_runs(before).where(sa.column("run") == run)).first() is None:
        return Removed(0, {})
    gone = {
        table.name: connection.execute(sa.delete(table).where(table.c.run == run)).rowcount
        for table in _RUN_TABLES
    }
    return Removed(1, gone)


def _remove_events(work: _Work, first: datetime | None, before: Horizon, batch: int) -> None:
    """Goes through time in steps that hold about one batch each: only what lies in a step is looked at."""
    begin, step = first, timedelta(hours=1)
    while begin is not None and begin < before.cutoff:
        end = min(begin + step, before.cutoff)
        within = sa.and_(schema.events.c.time >= begin, schema.events.c.time < end, _old_events(before))
        found = number = work.do(_remove_batch, within, batch)
        while number >= batch:
            number = work.do(_remove_batch, within, batch)
            found += number
        if found < batch // 2:
            step = min(step * 2, timedelta(days=3650))
        elif found > batch * 2:
            step = max(step / 2, timedelta(seconds=1))
        begin = end


def _remove_batch(connection: sa.Connection, condition: sa.ColumnElement[bool], batch: int) -> Removed:
    event = schema.events
    chosen = sa.select(event.c.id, event.c.source).where(condition).limit(batch)
    gone = connection.execute(
        sa.delete(event)
        .where(sa.tuple_(event.c.id, event.c.source).in_(chosen))
        .returning(event.c.id, event.c.type, event.c.source, event.c.sequence)
    ).all()
    ids: dict[sa.Table, list[str]] = defaultdict(list)
    for row in gone:
        if row.type in _ROWS:
            ids[_ROWS[row.type]].append(row.id)
    removed = {
        table.name: connection.execute(sa.delete(table).where(table.c.event_id.in_(keys))).rowcount
        for table, keys in ids.items()
    }
    _remember(connection, [(row.source, row.sequence) for row in gone if row.sequence])
    return Removed(len(gone), {event.name: len(gone), **removed})


def _remember(connection: sa.Connection, numbered: list[tuple[str, str]]) -> None:
    """Counts what is gone by producer, so that its numbers are not taken for lost."""
    table = schema.pruned_events
    by_source: dict[str, list[str]] = defaultdict(list)
    for source, sequence in numbered:
        by_source[source].append(sequence)
    for source, sequences in sorted(by_source.items()):
        of_source = table.c.source == source
        known = connection.execute(sa.select(table).where(of_source)).one_or_none()
        values = {
            "events": len(sequences) + (known.events if known else 0),
            "first_sequence": min(*sequences, known.first_sequence if known else sequences[0]),
            "last_sequence": max(*sequences, known.last_sequence if known else sequences[0]),
            "pruned_at": datetime.now(UTC),
        }
        if known:
            connection.execute(sa.update(table).where(of_source).values(values))
        else:
            connection.execute(sa.insert(table).values(source=source, **values))


def _remove_some(
    connection: sa.Connection, table: sa.Table, condition: sa.ColumnElement[bool], batch: int
) -> Removed:
    key = sa.tuple_(*table.primary_key.columns)
    chosen = sa.select(*table.primary_key.columns).where(condition).limit(batch)
    gone = connection.execute(sa.delete(table).where(key.in_(chosen))).rowcount
    return Removed(gone, {table.name: gone})
