"""The tables that the answers of `polly observe` are made of."""

from collections.abc import Sequence

from polly.reporting.observe_page import Section
from polly.reporting.observe_words import NOTHING, duration, moment, number, percent, shortened
from polly.work.observed import (
    Actions,
    ActivityReport,
    AgentFigures,
    DeadLetters,
    Durations,
    ErrorKind,
    Execution,
    Executions,
    HookSource,
    Moment,
    RoutingStrategy,
    Waiting,
)

#: Characters of a message in a table; JSON has it whole.
MESSAGE_LENGTH = 200
#: Hours shown in a table; JSON has all.
_MOST_HOURS = 24


def executions_section(executions: Executions, durations: Durations, actions: Actions) -> Section:
    """How many, how they ended, how long they took, and what they did."""
    rows = (
        ("executions", number(executions.total)),
        ("succeeded", number(executions.succeeded)),
        ("failed", number(executions.failed)),
        ("cancelled", number(executions.cancelled)),
        ("in progress", number(executions.in_progress)),
        (
            "success rate",
            f"{percent(executions.success_rate)} of {number(executions.judged)} that succeeded or failed",
        ),
        ("mean time", duration(durations.mean_ms)),
        ("P50", duration(durations.p50_ms)),
        ("P95", duration(durations.p95_ms)),
        ("P99", duration(durations.p99_ms)),
        ("actions recorded", number(actions.total)),
        (
            "actions in error",
            f"{number(actions.failed)} ({percent(actions.error_share)} of those that ended)",
        ),
    )
    return Section("Executions", ("figure", "value"), rows)


def hooks_section(hooks: Sequence[HookSource]) -> Section:
    """Who called hooks, and how many failed."""
    rows = tuple(
        (each.source, each.fired, each.failed, percent(each.failed / each.fired if each.fired else None))
        for each in hooks
    )
    return Section(
        "Hooks by source", ("source", "ran", "failed", "share"), rows, empty="No hook was recorded."
    )


def routing_section(routing: Sequence[RoutingStrategy]) -> Section:
    """How the router decided."""
    rows = tuple(
        (
            each.strategy,
            each.decisions,
            NOTHING if each.mean_confidence is None else f"{each.mean_confidence:.2f}",
            duration(each.mean_ms),
        )
        for each in routing
    )
    columns = ("strategy", "decisions", "mean confidence", "mean time")
    return Section("Routing", columns, rows, empty="No routing decision was recorded.")


def kinds_section(title: str, kinds: Sequence[ErrorKind], all_of_them: int) -> Section:
    """Failures by type; `all_of_them` is the number of types there are."""
    rows = tuple(
        (
            "(not said)" if each.error_type is None else each.error_type,
            each.count,
            percent(each.share),
            duration(each.mean_ms),
            moment(each.last_at),
        )
        for each in kinds
    )
    columns = ("error type", "count", "share", "mean time", "last")
    return Section(
        title, columns, rows, empty="No execution failed.", note=left_out(len(rows), all_of_them, "types")
    )


def hours_section(hours: Sequence[Moment]) -> Section:
    """The last hours in which anything began."""
    shown = hours[-_MOST_HOURS:]
    rows = tuple(
        (
            f"{each.at:%Y-%m-%d %H}:00",
            each.executions.total,
            each.executions.failed,
            percent(failure_share(each.executions)),
            each.failed_actions,
        )
        for each in shown
    )
    columns = ("hour (UTC)", "executions", "failed", "share", "failed actions")
    note = (
        f"The last {len(shown)} of {len(hours)} hours with anything in them."
        if len(shown) < len(hours)
        else ""
    )
    return Section("By hour", columns, rows, empty="Nothing began.", note=note)


def executions_list(title: str, executions: Sequence[Execution]) -> Section:
    """Single executions with their messages."""
    rows = tuple(
        (
            moment(each.started_at),
            each.agent,
            each.status,
            duration(each.duration_ms),
            each.error_type,
            shortened(each.error_message or "", MESSAGE_LENGTH),
            each.correlation_id,
        )
        for each in executions
    )
    columns = ("began", "agent", "status", "took", "error type", "message", "correlation id")
    return Section(title, columns, rows)


def comparison_section(mine: AgentFigures, others: AgentFigures | None) -> Section:
    """One agent in one column, all others in the next."""

    def figures(of: AgentFigures) -> tuple[str, ...]:
        return (
            number(of.executions.total),
            percent(of.executions.success_rate),
            number(of.executions.in_progress),
            duration(of.durations.p50_ms),
            duration(of.durations.p95_ms),
            number(of.actions.total),
            percent(of.actions.error_share),
            moment(of.first_at),
            moment(of.last_at),
        )

    names = (
        "executions",
        "success rate",
        "in progress",
        "P50",
        "P95",
        "actions recorded",
        "actions in error",
        "first seen",
        "last seen",
    )
    other_column = figures(others) if others else (NOTHING,) * len(names)
    rows = tuple(zip(names, figures(mine), other_column, strict=True))
    return Section("Against all others", ("figure", mine.agent, "others"), rows)


def correlations_section(report: ActivityReport) -> Section:
    """How much of the work can be followed."""
    seen = report.correlations
    rows = (
        ("of executions", seen.of_executions, ""),
        (
            "with a routing decision",
            seen.with_routing,
            percent(_share(seen.with_routing, seen.of_executions)),
        ),
        ("with actions", seen.with_actions, percent(_share(seen.with_actions, seen.of_executions))),
    )
    return Section("Correlation ids", ("", "number", "share"), rows)


def spending_section(report: ActivityReport) -> Section:
    """What runs cost, and how many attempts told."""
    spent = report.spending
    money = None if spent.cost_usd is None else f"{spent.cost_usd:,.2f} USD"
    rows = (
        ("tokens", number(spent.tokens), f"{spent.attempts_with_tokens} of {spent.attempts} attempts"),
        ("cost", money or NOTHING, f"{spent.attempts_with_cost} of {spent.attempts} attempts"),
    )
    told = rows if spent.attempts else ()
    return Section(
        "Tokens and cost of runs", ("", "sum", "told by"), told, empty="No attempt of a run ended."
    )


def pipeline_section(letters: DeadLetters, unrouted: int, waiting: Sequence[Waiting]) -> Section:
    """What did not get through, or has not yet."""
    rows: list[tuple[object, ...]] = [
        ("open dead letters", number(letters.open), moment(letters.oldest_at) if letters.open else ""),
        ("requests without the right agent", number(unrouted), ""),
    ]
    rows += [
        (f"events {each.where}", number(each.events), moment(each.oldest_at) if each.events else "")
        for each in waiting
    ]
    return Section("Pipeline", ("", "number", "oldest"), tuple(rows))


def failure_share(executions: Executions) -> float | None:
    """Of the executions that succeeded or failed; None without any."""
    return _share(executions.failed, executions.judged)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def left_out(shown: int, all_of_them: int, what: str) -> str:
    """A sentence when a list shows only the first of them."""
    return f"The first {shown} of {all_of_them} {what}." if shown < all_of_them else ""
