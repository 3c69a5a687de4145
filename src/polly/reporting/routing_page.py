"""`polly routing report`, decisions of the router and detection failures as pages.

Requests, names and notes in them are untrusted.
"""

from collections.abc import Sequence
from typing import NamedTuple

from polly.reporting.observe_page import Page, Section
from polly.reporting.observe_sections import left_out, routing_section
from polly.reporting.observe_words import NOTHING, duration, moment, number, percent, shortened, window
from polly.work.routed import (
    CalibrationTable,
    DetectionFailure,
    DetectionStats,
    FailureList,
    Labelled,
    RoutingReport,
    Tally,
)
from polly.work.routing import Candidate, RoutingDecision

#: Characters of a request in a table; JSON has it as it was recorded.
_MOST_REQUEST = 100
#: Labels with which a share begins to say something.
_ENOUGH = 20

COUNTED = (
    "Accuracy counts only decisions of which somebody has named the right role: reviewed detection failures, "
    "and roles that a person changed in a plan. Both are cases that were worth a look, so it is lower than "
    "over all decisions. What became of issues is no accuracy of routing: agents, gates and evidence have "
    "their part in it."
)


class Similar(NamedTuple):
    """A failure, and how alike its request is: 0 to 1."""

    failure: DetectionFailure
    similarity: float


def routing_page(report: RoutingReport) -> Page:
    """Decisions, what is known of their being right, calibration, time, and what became of issues."""
    return Page(
        title="Routing",
        lines=(window(report.window), *_summary(report), COUNTED),
        sections=(
            routing_section(report.by_strategy),
            _roles(report),
            _accuracy(report),
            _calibration(report.calibration),
            _times(report),
            _outcomes(report),
        ),
        advice=_advice(report),
    )


def decision_page(decision: RoutingDecision) -> Page:
    """One decision: the role, how it was found, the parts of its score, and what else there was."""
    chosen = decision.chosen
    parts = chosen.components
    how = f"Confidence {chosen.confidence:.2f}, score {chosen.score:.3f}, strategy {decision.strategy.value}"
    looked_at = f"{decision.candidates} roles in {duration(decision.milliseconds)}"
    score = tuple(
        (name, weight, f"{value:.2f}", f"{weight * value:.3f}")
        for name, weight, value in (
            ("trigger", 0.4, parts.trigger),
            ("context", 0.3, parts.context),
            ("capability", 0.2, parts.capability),
            ("history", 0.1, parts.history),
        )
    )
    others = tuple(
        (each.role, f"{each.confidence:.2f}", f"{each.score:.3f}", "; ".join(each.reasons))
        for each in decision.alternatives
    )
    return Page(
        title=decision.role,
        lines=(
            f"{how}; {looked_at}.",
            decision.reasoning,
            f"Matched: {', '.join(_matched(chosen))}",
        ),
        sections=(
            Section("Score", ("part", "weight", "value", "adds"), score),
            Section(
                "Alternatives",
                ("role", "confidence", "score", "why"),
                others,
                empty="No other role came near.",
            ),
        ),
    )


def list_page(found: FailureList) -> Page:
    """Failures, one a line, the newest first."""
    rows = tuple(
        (
            each.id,
            moment(each.at),
            each.status,
            each.detected,
            _share(each.confidence),
            each.expected,
            each.reviewed_by if each.reviewed else None,
            shortened(each.request, _MOST_REQUEST),
        )
        for each in found.failures
    )
    columns = ("id", "at", "status", "detected", "confidence", "expected", "reviewed by", "request")
    note = left_out(len(rows), found.matching, "that match; --limit shows more")
    return Page("Detection failures", (), (Section("Newest first", columns, rows, note=note),))


def failure_page(failure: DetectionFailure) -> Page:
    """One failure whole."""
    facts = (
        ("at", moment(failure.at)),
        ("status", failure.status),
        ("why", failure.reason),
        ("detected", failure.detected),
        ("confidence", _share(failure.confidence)),
        ("method", failure.method),
        ("roles looked at", failure.candidates),
        ("matched", ", ".join(str(each) for each in failure.matches)),
        ("project", failure.project_name),
        ("run", failure.run),
        ("correlation id", failure.correlation_id),
        ("expected", failure.expected),
        ("reviewed", f"{moment(failure.reviewed_at)} by {failure.reviewed_by}" if failure.reviewed else "no"),
        ("notes", failure.notes),
        ("improved since", failure.pattern_update),
        ("how", failure.pattern_details),
    )
    rows = tuple((name, value) for name, value in facts if value not in (None, "", NOTHING))
    return Page(
        title=f"Detection failure {failure.id}",
        lines=(failure.request,),
        sections=(Section("What is known", ("what", "value"), rows),),
    )


def similar_page(found: Sequence[Similar], compared: int) -> Page:
    """Failures whose requests are alike, the nearest first."""
    rows = tuple(
        (
            f"{each.similarity:.2f}",
            each.failure.id,
            each.failure.status,
            each.failure.detected,
            each.failure.expected,
            shortened(each.failure.request, _MOST_REQUEST),
        )
        for each in found
    )
    columns = ("similarity", "id", "status", "detected", "expected", "request")
    lines = (f"Compared with the newest {number(compared)} different requests.",)
    section = Section("Similar requests", columns, rows, empty="No request has anything in common with it.")
    return Page(title="Similar detection failures", lines=lines, sections=(section,))


def stats_page(stats: DetectionStats) -> Page:
    """Failures in figures."""
    figures = (
        ("failures", number(stats.failures)),
        ("different requests", number(stats.different_requests)),
        ("reviewed", f"{number(stats.reviewed)} ({percent(stats.reviewed / (stats.failures or 1))})"),
        ("improved since", number(stats.improved)),
        ("mean confidence", _share(stats.mean_confidence)),
    )
    return Page(
        title="Detection failures",
        lines=(window(stats.window),),
        sections=(
            Section("Figures", ("figure", "value"), figures),
            _tallies("By status", "status", stats.by_status),
            _tallies("Detected", "role", stats.detected),
            _tallies("Expected", "role", stats.expected),
        ),
    )


def _matched(chosen: Candidate) -> tuple[str, ...]:
    return chosen.matched or ("nothing in the text",)


def _summary(report: RoutingReport) -> tuple[str, ...]:
    failures = report.detections
    unread = number(failures.total - failures.reviewed)
    left = f"{number(failures.total)} detection failures, {unread} not reviewed"
    hits = f"{number(report.cache_hits)} of {number(report.measured)} routings"
    share = percent(report.cache_hits / report.measured if report.measured else None)
    return (
        f"{number(report.decisions)} decisions; {left}.",
        f"{hits} were answered by the cache ({share}).",
    )


def _roles(report: RoutingReport) -> Section:
    rows = tuple((each.role, each.decisions, _share(each.mean_confidence)) for each in report.by_role)
    return Section(
        "By role",
        ("role", "decisions", "mean confidence"),
        rows,
        empty="No role was chosen.",
        note=left_out(len(rows), report.roles_total, "roles"),
    )


def _accuracy(report: RoutingReport) -> Section:
    both = Labelled(
        known=report.reviews.known + report.corrections.known,
        right=report.reviews.right + report.corrections.right,
    )
    named = (("reviewed detection failures", report.reviews), ("changed in a plan", report.corrections))
    rows = tuple((name, each.known, each.right, percent(each.accuracy)) for name, each in named if each.known)
    whole = (("all", both.known, both.right, percent(both.right / both.known)),) if both.known else ()
    return Section(
        "Accuracy where the right role is known",
        ("known by", "decisions", "right role taken", "share"),
        (*rows, *whole),
        empty="Nobody has named the right role of any decision yet.",
        note=f"Fewer than {_ENOUGH} say little." if both.known < _ENOUGH else "",
    )


def _calibration(table: CalibrationTable) -> Section:
    rows = tuple(
        (
            f"{each.low:.1f} to {each.high:.1f}",
            each.known,
            each.right,
            f"{each.mean_confidence:.2f}",
            f"{each.share:.2f}",
        )
        for each in table.bins
    )
    error = f"Expected calibration error {table.ece:.3f} over {table.known}." if table.ece is not None else ""
    return Section(
        "Calibration: how sure against how often the best role was right",
        ("confidence", "known", "right", "mean confidence", "share right"),
        rows,
        empty="No decision with a confidence and a known right role.",
        note=error,
    )


def _times(report: RoutingReport) -> Section:
    whole = (("all", report.durations),) if report.measured else ()
    named = (*whole, *((each.stage, each.durations) for each in report.stages))
    rows = tuple(
        (name, took.measured, duration(took.p50_ms), duration(took.p95_ms), duration(took.p99_ms))
        for name, took in named
    )
    columns = ("stage", "measured", "P50", "P95", "P99")
    return Section("Time per stage", columns, rows, empty="No routing was measured.")


def _outcomes(report: RoutingReport) -> Section:
    rows = tuple(
        (each.role, each.packages, each.tried, each.fixed, percent(each.share)) for each in report.outcomes
    )
    return Section(
        "What became of issues, by role",
        ("role", "packages", "issues judged", "proved fixed", "share"),
        rows,
        empty="No issue of a package planned in this time was judged.",
    )


def _advice(report: RoutingReport) -> tuple[str, ...]:
    if report.detections.total > report.detections.reviewed:
        return ("polly detections list shows the failures that nobody has reviewed.",)
    return ()


def _tallies(title: str, name: str, tallies: Sequence[Tally]) -> Section:
    return Section(title, (name, "failures"), tuple((each.name, each.count) for each in tallies))


def _share(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"
