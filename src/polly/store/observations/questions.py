"""The questions of `polly observe`: each is asked of one connection, and answers with one record."""

import difflib
from datetime import datetime, timedelta

import sqlalchemy as sa

from polly.store.observations import actions, executions, pipeline
from polly.store.schema import agent_execution_logs
from polly.work.observed import (
    Actions,
    ActivityReport,
    AgentFailures,
    AgentFigures,
    AgentReport,
    AgentUsage,
    Durations,
    Errors,
    Executions,
    Health,
    Moment,
    Window,
)

#: How long the lists of an answer are. Totals beside them count everything.
_MOST_KINDS = 10
_MOST_AGENTS = 15
_MOST_EXAMPLES = 3
_MOST_RECENT = 5
_MOST_NAMES = 1000


def health(connection: sa.Connection, window: Window) -> Health:
    """What speaks for and against the health of agents, hooks and the pipeline."""
    began = executions.within(window)
    ended_lately = agent_execution_logs.c.completed_at >= window.until - timedelta(hours=1)
    return Health(
        window=window,
        executions=executions.counts(connection, began),
        durations=executions.duration(connection, began),
        actions=actions.counts(connection, actions.within(window)),
        hooks=pipeline.hooks(connection, window),
        routing=pipeline.routing(connection, window),
        errors_of_the_last_hour=executions.error_kinds(connection, sa.and_(began, ended_lately), 3).top,
        most_attempts=executions.most_attempts(connection, began),
        detection_failures=pipeline.detection_failures(connection, window),
        dead_letters=pipeline.open_dead_letters(connection),
    )


def errors(connection: sa.Connection, window: Window, agent: str | None = None) -> Errors:
    """What failed, how, where and when; of one agent, or of all."""
    began = executions.within(window, *([executions.by_agent(agent)] if agent else []))
    acted = actions.within(window, *([actions.by_agent(agent)] if agent else []))
    failed_actions = actions.failures(connection, acted)
    failing = _failing_agents(connection, began, failed_actions.by_agent)
    kinds = executions.error_kinds(connection, began, _MOST_KINDS)
    return Errors(
        window=window,
        executions=executions.counts(connection, began),
        actions=actions.counts(connection, acted),
        kinds=kinds.number,
        by_kind=kinds.top,
        agents_failing=len(failing),
        by_agent=failing[:_MOST_KINDS],
        failed_action_names=len(failed_actions.by_name),
        by_action=failed_actions.by_name[:_MOST_KINDS],
        hours=_hours(connection, began, failed_actions.by_hour),
        examples=executions.newest(connection, sa.and_(began, executions.FAILED), _MOST_EXAMPLES),
    )


def report(connection: sa.Connection, window: Window) -> ActivityReport:
    """Everything of a stretch of time, in figures."""
    began = executions.within(window)
    acted = actions.within(window)
    roles = pipeline.transformations(connection, window)
    return ActivityReport(
        window=window,
        executions=executions.counts(connection, began),
        durations=executions.duration(connection, began),
        actions=actions.counts(connection, acted),
        agents_total=executions.agents(connection, began),
        agents=_agents(connection, began, actions.failures(connection, acted).by_agent),
        routing=pipeline.routing(connection, window),
        transformations=roles.total,
        transformations_failed=roles.failed,
        detection_failures=pipeline.detection_failures(connection, window),
        hooks=pipeline.hooks(connection, window),
        days=executions.by_day(connection, began),
        correlations=pipeline.correlations(connection, window),
        spending=pipeline.spending(connection, window),
        dead_letters=pipeline.open_dead_letters(connection),
    )


def agent(connection: sa.Connection, window: Window, name: str) -> AgentReport:
    """One agent, beside all others together."""
    began, others_began = (
        executions.within(window, whose(name)) for whose in (executions.by_agent, executions.by_others)
    )
    acted = actions.counts_of_both_sides(connection, actions.within(window), name)
    failed_actions = actions.failures(connection, actions.within(window, actions.by_agent(name)))
    figures = _figures(connection, began, acted.own, name)
    others = _figures(connection, others_began, acted.others, "")
    failed = sa.and_(began, executions.FAILED)
    return AgentReport(
        window=window,
        figures=figures,
        others=others if others.executions.total or others.actions.total else None,
        by_kind=executions.error_kinds(connection, began, _MOST_RECENT).top,
        hours=_hours(connection, began, failed_actions.by_hour),
        recent=executions.newest(connection, began, _MOST_RECENT),
        error_example=next(iter(executions.newest(connection, failed, 1)), None),
        similar_names=() if figures.executions.total else _similar(connection, window, name),
    )


def _agents(
    connection: sa.Connection, began: executions.Condition, failed_actions: dict[str, int]
) -> tuple[AgentUsage, ...]:
    busiest = executions.busiest_agents(connection, began, _MOST_AGENTS)
    named = agent_execution_logs.c.agent_name.in_([row.agent_name for row in busiest])
    took = executions.duration_by_agent(connection, sa.and_(began, named))
    return tuple(
        AgentUsage(
            agent=row.agent_name,
            executions=executions.executions(row),
            durations=took.get(row.agent_name, Durations()),
            failed_actions=failed_actions.get(row.agent_name, 0),
            first_at=row.first_at,
            last_at=row.last_at,
        )
        for row in busiest
    )


def _figures(
    connection: sa.Connection, began: executions.Condition, acted: Actions, name: str
) -> AgentFigures:
    span = executions.span(connection, began)
    return AgentFigures(
        agent=name,
        executions=executions.counts(connection, began),
        durations=executions.duration(connection, began),
        actions=acted,
        first_at=span.first_at,
        last_at=span.last_at,
    )


def _failing_agents(
    connection: sa.Connection, began: executions.Condition, failed_actions: dict[str, int]
) -> tuple[AgentFailures, ...]:
    """Agents with a failed execution or action, the most failed executions first."""
    known = {row.agent_name: row for row in executions.failures_by_agent(connection, began)}
    found = [
        AgentFailures(
            agent=name,
            failed=known[name].failed if name in known else 0,
            judged=known[name].judged if name in known else 0,
            failed_actions=failed_actions.get(name, 0),
        )
        for name in {*known, *failed_actions}
    ]
    failing = [each for each in found if each.failed or each.failed_actions]
    return tuple(sorted(failing, key=lambda each: (-each.failed, -each.failed_actions, each.agent)))


def _hours(
    connection: sa.Connection, began: executions.Condition, failed_actions: dict[datetime, int]
) -> tuple[Moment, ...]:
    counted = executions.by_hour(connection, began)
    nothing = Executions()
    return tuple(
        Moment(at=hour, executions=counted.get(hour, nothing), failed_actions=failed_actions.get(hour, 0))
        for hour in sorted({*counted, *failed_actions})
    )


def _similar(connection: sa.Connection, window: Window, name: str) -> tuple[str, ...]:
    names = executions.agent_names(connection, window, _MOST_NAMES)
    return tuple(difflib.get_close_matches(name, names, n=3, cutoff=0.5))
