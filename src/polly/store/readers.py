"""Questions to the tables. Every count is taken from the rows when it is asked for."""

from collections import defaultdict
from typing import Any

import sqlalchemy as sa

from polly.store.ports import RunSummary
from polly.store.schema import approvals, attempts, issues, runs, verdicts, work_packages
from polly.work.effort import EffortSample
from polly.work.issues import Severity
from polly.work.routing import Outcome
from polly.work.run import PackageState, RunState, Verdict

#: Issues of the past that an answer holds at most: enough for any median.
MOST_SAMPLES = 20_000


def list_runs(connection: sa.Connection, project_path: str | None) -> tuple[RunSummary, ...]:
    """The runs of one project, or of all, the newest first."""
    query = sa.select(runs).order_by(runs.c.started_at.desc().nulls_last(), runs.c.run.desc())
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


def effort_samples(connection: sa.Connection, project_path: str | None) -> tuple[EffortSample, ...]:
    """Each issue of a package that became ready, with its even share of what all attempts at it took.

    Issues that were found not fixed or declined are left out: what they took is not what a fix takes.
    """
    spent = (
        sa.select(
            attempts.c.run,
            attempts.c.package,
            sa.func.sum(attempts.c.seconds).label("seconds"),
            sa.func.max(attempts.c.agent).label("agent"),
            sa.func.max(attempts.c.ended_at).label("ended_at"),
        )
        .where(attempts.c.seconds.is_not(None), attempts.c.agent.is_not(None))
        .group_by(attempts.c.run, attempts.c.package)
        .subquery()
    )
    sizes = (
        sa.select(issues.c.run, issues.c.package, sa.func.count().label("size"))
        .group_by(issues.c.run, issues.c.package)
        .subquery()
    )
    last = _newest(verdicts, "run", "issue")
    query = (
        sa.select(
            issues.c.severity,
            issues.c.tool,
            issues.c.rule,
            spent.c.agent,
            (spent.c.seconds / sizes.c.size).label("share"),
        )
        .join(spent, sa.and_(spent.c.run == issues.c.run, spent.c.package == issues.c.package))
        .join(sizes, sa.and_(sizes.c.run == issues.c.run, sizes.c.package == issues.c.package))
        .join(
            work_packages,
            sa.and_(work_packages.c.run == issues.c.run, work_packages.c.package == issues.c.package),
        )
        .outerjoin(
            last, sa.and_(last.c.run == issues.c.run, last.c.issue == issues.c.issue, last.c.place == 1)
        )
        .where(
            work_packages.c.state == PackageState.READY.value,
            issues.c.severity.is_not(None),
            sa.or_(
                last.c.verdict.is_(None),
                last.c.verdict.not_in((Verdict.NOT_FIXED.value, Verdict.DECLINED.value)),
            ),
        )
        .order_by(spent.c.ended_at.desc(), issues.c.run, issues.c.issue)
        .limit(MOST_SAMPLES)
    )
    if project_path is not None:
        query = query.join(runs, runs.c.run == issues.c.run).where(runs.c.project_path == project_path)
    return tuple(
        EffortSample(
            severity=Severity(row.severity), tool=row.tool, rule=row.rule, agent=row.agent, seconds=row.share
        )
        for row in connection.execute(query)
    )


#: Verdicts that say whether a fix succeeded: a declined issue and one that nobody could judge do not.
_JUDGED = (Verdict.FIXED.value, Verdict.PARTLY.value, Verdict.NOT_FIXED.value)


def outcomes(
    connection: sa.Connection, project_path: str | None, *conditions: sa.ColumnElement[bool]
) -> tuple[Outcome, ...]:
    """What became of the issues of packages that ended, by role, agent and kind (as `kind_of` says it).

    Tried: the last verdict is fixed, partly or not fixed. Fixed: it is fixed, and the package got through.
    conditions: of work_packages.
    """
    worked = (
        sa.select(attempts.c.run, attempts.c.package, sa.func.max(attempts.c.agent).label("agent"))
        .where(attempts.c.agent.is_not(None))
        .group_by(attempts.c.run, attempts.c.package)
        .subquery()
    )
    last = _newest(verdicts, "run", "issue")
    has_rule = sa.and_(sa.func.coalesce(issues.c.tool, "") != "", sa.func.coalesce(issues.c.rule, "") != "")
    kind = sa.case((has_rule, issues.c.tool + ":" + issues.c.rule), else_=issues.c.severity).label("kind")
    proved = sa.and_(last.c.verdict == Verdict.FIXED.value, work_packages.c.state == PackageState.READY.value)
    groups = (work_packages.c.role, worked.c.agent, kind)
    query = (
        sa.select(*groups, sa.func.count().label("tried"), sa.func.count().filter(proved).label("fixed"))
        .select_from(issues)
        .join(last, sa.and_(last.c.run == issues.c.run, last.c.issue == issues.c.issue, last.c.place == 1))
        .join(worked, sa.and_(worked.c.run == issues.c.run, worked.c.package == issues.c.package))
        .join(
            work_packages,
            sa.and_(work_packages.c.run == issues.c.run, work_packages.c.package == issues.c.package),
        )
        .where(
            last.c.verdict.in_(_JUDGED),
            work_packages.c.role.is_not(None),
            issues.c.severity.is_not(None),
            work_packages.c.state.in_([state.value for state in PackageState if state.is_final]),
            *conditions,
        )
        .group_by(*groups)
    )
    if project_path is not None:
        query = query.join(runs, runs.c.run == issues.c.run).where(runs.c.project_path == project_path)
    found = (
        Outcome(role=row.role, agent=row.agent, kind=row.kind, tried=row.tried, fixed=row.fixed)
        for row in connection.execute(query)
    )
    return tuple(sorted(found, key=lambda each: (each.role, each.agent, each.kind)))
