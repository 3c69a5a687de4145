"""What the figures suggest to do next: every sentence names the figure that it comes from."""

from polly.reporting.observe_health import FAILURE_SHARE, Level
from polly.reporting.observe_words import duration, percent
from polly.work.observed import ActivityReport, AgentReport, Errors, Moment

#: A share that this much of all failures has is a common cause rather than a coincidence.
_COMMON_SHARE = 0.5
#: How many times slower than the others is worth a look.
_SLOWER = 1.5
#: Share points below the others that are worth a look.
_WORSE = 0.10
#: Below this the router is guessing.
_UNSURE = 0.6
#: Executions on which a comparison can rest.
_ENOUGH = 5


def error_advice(errors: Errors) -> tuple[str, ...]:
    """Where to look first."""
    executions = errors.executions
    if not executions.failed and not errors.actions.failed:
        return ()
    advice = []
    first = errors.by_kind[0] if errors.by_kind else None
    if first and first.share >= _COMMON_SHARE and first.error_type is not None:
        advice.append(
            f"Begin with {first.error_type}: {percent(first.share)} of all failures are of this type."
        )
    silent = next((each for each in errors.by_kind if each.error_type is None), None)
    if silent:
        advice.append(f"{silent.count} failures have no error type; give one when completing an execution.")
    if errors.by_agent and (worst := errors.by_agent[0]).failed > executions.failed * _COMMON_SHARE:
        advice.append(f"Look at {worst.agent}: {worst.failed} of {executions.failed} failures are its own.")
    peak = _peak(errors.hours)
    if peak:
        advice.append(
            f"At {peak.at:%Y-%m-%d %H}:00 UTC {peak.executions.failed} of {peak.executions.judged} failed: "
            "look at what changed then."
        )
    if errors.by_action:
        action = errors.by_action[0]
        advice.append(f"The action that fails most is {action.action_name} ({action.count} times).")
    return tuple(advice)


def report_advice(report: ActivityReport) -> tuple[str, ...]:
    """What stands out of the report."""
    advice = []
    for each in report.agents:
        rate = each.executions.success_rate
        if rate is not None and each.executions.judged >= _ENOUGH and 1 - rate > FAILURE_SHARE.warning:
            advice.append(f"{each.agent} succeeded in {percent(rate)} of {each.executions.judged}.")
    advice += [
        f"The router is unsure with {each.strategy}: mean confidence {each.mean_confidence:.2f}."
        for each in report.routing
        if each.mean_confidence is not None and each.mean_confidence < _UNSURE
    ]
    seen = report.correlations
    if seen.of_executions and seen.with_actions < seen.of_executions * _COMMON_SHARE:
        advice.append("Most executions record no actions: are the hooks of the agent program installed?")
    if report.dead_letters.open:
        advice.append(f"{report.dead_letters.open} dead letters are open: polly dlq list shows them.")
    return tuple(advice)


def agent_advice(report: AgentReport) -> tuple[str, ...]:
    """How the agent differs from the others, where both have enough executions to say so."""
    mine, others = report.figures, report.others
    advice = []
    if others and min(mine.executions.judged, others.executions.judged) >= _ENOUGH:
        rate, usual = mine.executions.success_rate or 0.0, others.executions.success_rate or 0.0
        if usual - rate > _WORSE:
            advice.append(
                f"It succeeds less often than the others: {percent(rate)} against {percent(usual)}."
            )
        took, usual_ms = mine.durations.p95_ms, others.durations.p95_ms
        if took is not None and usual_ms is not None and took > usual_ms * _SLOWER:
            advice.append(f"It is slower than the others: P95 {duration(took)} against {duration(usual_ms)}.")
    if report.by_kind and report.by_kind[0].error_type is not None:
        first = report.by_kind[0]
        advice.append(f"Its most frequent error is {first.error_type} ({first.count} times).")
    return tuple(advice)


def _peak(hours: tuple[Moment, ...]) -> Moment | None:
    """The hour with most failures, when that is an alarming share of enough executions."""
    bad = [
        each
        for each in hours
        if each.executions.judged >= _ENOUGH
        and FAILURE_SHARE.level(each.executions.failed / each.executions.judged) is Level.CRITICAL
    ]
    return max(bad, key=lambda each: each.executions.failed, default=None)
