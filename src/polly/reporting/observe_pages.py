"""The four answers of `polly observe` as pages."""

from collections.abc import Sequence

from polly.reporting.observe_advice import agent_advice, error_advice, report_advice
from polly.reporting.observe_health import Judgement, judge_agent
from polly.reporting.observe_page import Page, Section
from polly.reporting.observe_sections import (
    comparison_section,
    correlations_section,
    executions_list,
    executions_section,
    hooks_section,
    hours_section,
    kinds_section,
    left_out,
    pipeline_section,
    routing_section,
    spending_section,
)
from polly.reporting.observe_words import duration, moment, number, percent, window
from polly.work.observed import ActivityReport, AgentReport, Errors, Health, Waiting

_NO_REASON = "Every measure is within its limits."


def health_page(health: Health, judgement: Judgement, waiting: Sequence[Waiting]) -> Page:
    """Status first, then each reason, then the figures."""
    reasons = tuple((each.level.value, each.measure, each.told) for each in judgement.reasons)
    return Page(
        title=f"Health: {judgement.status.value}",
        lines=(window(health.window),),
        sections=(
            Section("Reasons", ("level", "measure", "what was found"), reasons, empty=_NO_REASON),
            executions_section(health.executions, health.durations, health.actions),
            hooks_section(health.hooks),
            routing_section(health.routing),
            kinds_section(
                "Errors of the last hour", health.errors_of_the_last_hour, len(health.errors_of_the_last_hour)
            ),
            pipeline_section(health.dead_letters, health.detection_failures, waiting),
        ),
        advice=tuple(dict.fromkeys(each.next_step for each in judgement.reasons)),
    )


def errors_page(errors: Errors, agent: str | None) -> Page:
    """Totals, kinds, agents, actions, hours, examples."""
    of = f" of {agent}" if agent else ""
    executions = errors.executions
    failing = tuple(
        (
            each.agent,
            each.failed,
            percent(each.failed / each.judged if each.judged else None),
            each.failed_actions,
        )
        for each in errors.by_agent
    )
    acted = tuple((each.action_name, each.count, moment(each.last_at)) for each in errors.by_action)
    return Page(
        title=f"Errors{of}",
        lines=(
            window(errors.window),
            _failed("executions", executions.failed, executions.judged),
            _failed(
                "actions that ended", errors.actions.failed, errors.actions.succeeded + errors.actions.failed
            ),
        ),
        sections=(
            kinds_section("Executions by type of error", errors.by_kind, errors.kinds),
            Section(
                "Agents with errors",
                ("agent", "failed executions", "share", "failed actions"),
                failing,
                note=left_out(len(failing), errors.agents_failing, "agents"),
            ),
            Section(
                "Actions that failed",
                ("action", "errors", "last"),
                acted,
                note=left_out(len(acted), errors.failed_action_names, "names of actions"),
            ),
            hours_section(errors.hours),
            executions_list("Newest failures", errors.examples),
        ),
        advice=error_advice(errors),
    )


def report_page(report: ActivityReport) -> Page:
    """Everything of the window in figures."""
    agents = tuple(
        (
            each.agent,
            each.executions.total,
            percent(each.executions.success_rate),
            duration(each.durations.p50_ms),
            duration(each.durations.p95_ms),
            each.failed_actions,
        )
        for each in report.agents
    )
    days = tuple(
        (
            each.day.isoformat(),
            each.executions.total,
            each.executions.succeeded,
            each.executions.failed,
            percent(each.executions.success_rate),
            duration(each.mean_ms),
        )
        for each in report.days
    )
    return Page(
        title="Report",
        lines=(window(report.window),),
        sections=(
            executions_section(report.executions, report.durations, report.actions),
            Section(
                "Agents",
                ("agent", "executions", "success", "P50", "P95", "failed actions"),
                agents,
                note=left_out(len(agents), report.agents_total, "agents"),
            ),
            routing_section(report.routing),
            hooks_section(report.hooks),
            Section("Days (UTC)", ("day", "executions", "succeeded", "failed", "success", "mean time"), days),
            correlations_section(report),
            spending_section(report),
            pipeline_section(report.dead_letters, report.detection_failures, ()),
        ),
        advice=report_advice(report),
    )


def agent_page(report: AgentReport) -> Page:
    """One agent against all others."""
    mine, others = report.figures, report.others
    judgement = judge_agent(mine.executions, mine.durations)
    example = report.error_example
    lines = [
        window(report.window),
        f"Status: {judgement.status.value}.",
        *(f"{each.level.value}: {each.measure}: {each.told}." for each in judgement.reasons),
    ]
    if others is None:
        lines.append("No other agent did anything in this window, so there is nothing to compare with.")
    return Page(
        title=f"Agent {mine.agent}",
        lines=tuple(lines),
        sections=(
            comparison_section(mine, others),
            kinds_section("Errors", report.by_kind, len(report.by_kind)),
            executions_list("Newest failure", (example,) if example else ()),
            hours_section(report.hours),
            executions_list("Last executions", report.recent),
        ),
        advice=agent_advice(report),
    )


def _failed(what: str, failed: int, ended: int) -> str:
    share = failed / ended if ended else None
    return f"{number(failed)} of {number(ended)} {what} failed ({percent(share)})."
