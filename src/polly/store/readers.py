"""Questions to the tables. Every count is taken from the rows when it is asked for."""

from collections import defaultdict
from typing import Any

import sqlalchemy as sa

from polly.store.ports import RunSummary
from polly.store.schema import approvals, attempts, issues, runs, verdicts, work_packages
from polly.work.run import RunState, Verdict


def list_runs(connection: sa.Connection, project_path: str | None) -> tuple[RunSummary, ...]:
    """The runs of one project, or of all, the newest first."""
    query = sa.select(runs).order_by(runs.c.started_at.desc(), runs.c.run.desc())
    if project_path is not None:
        query = query.where(runs.c.project_path == project_path)
    packages = _per_run(connection, work_packages, sa.func.count())
    planned = _per_run(connection, issues, sa.func.count())
    seconds = _per_run(connection, attempts, sa.func.sum(attempts.c.seconds))
    committed = _committed(connection)
    reached = _verdicts(connection)
    return tuple(
        RunSummary(
            run=row.run,
            project_path=row.project_path,
            branch=row.branch,
            agent=row.agent,
            state=RunState(row.state or RunState.RUNNING),
            started_at=row.started_at,
            ended_at=row.ended_at if row.state == RunState.FINISHED else None,
            packages=int(packages.get(row.run, 0)),
            issues=int(planned.get(row.run, 0)),
            verdicts=reached.get(row.run, {}),
            committed_packages=int(committed.get(row.run, 0)),
            agent_seconds=float(seconds.get(row.run) or 0.0),
        )
        for row in connection.execute(query)
    )


def _per_run(connection: sa.Connection, table: sa.Table, figure: sa.ColumnElement[Any]) -> dict[str, float]:
    rows = connection.execute(sa.select(table.c.run, figure).group_by(table.c.run))
    return {run: value for run, value in rows}  # noqa: C416 - rows are not pairs to the type checker


def _newest(table: sa.FromClause, *groups: str) -> sa.Subquery:
    """The rows with their `place` in their group: 1 is the latest."""
    place = sa.func.row_number().over(
        partition_by=[table.c[name] for name in groups],
        order_by=(table.c.created_at.desc(), table.c.event_id.desc()),
    )
    return sa.select(table, place.label("place")).subquery()


def _committed(connection: sa.Connection) -> dict[str, float]:
    """How many packages of each run are on the user's branch: committed, and not undone since."""
    landed = sa.select(approvals).where(approvals.c.decision.in_(("committed", "undone"))).subquery()
    last = _newest(landed, "run", "package")
    rows = connection.execute(
        sa.select(last.c.run, sa.func.count())
        .where(last.c.place == 1, last.c.decision == "committed")
        .group_by(last.c.run)
    )
    return {run: count for run, count in rows}  # noqa: C416 - rows are no pairs to the type checker


def _verdicts(connection: sa.Connection) -> dict[str, dict[Verdict, int]]:
    """The latest verdict of each issue, counted by kind."""
    last = _newest(verdicts, "run", "issue")
    rows = connection.execute(
        sa.select(last.c.run, last.c.verdict, sa.func.count())
        .where(last.c.place == 1)
        .group_by(last.c.run, last.c.verdict)
    )
    counted: dict[str, dict[Verdict, int]] = defaultdict(dict)
    for run, verdict, count in rows:
        counted[run][Verdict(verdict)] = count
    return dict(counted)
