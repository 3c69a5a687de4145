"""Sessions as pages: the list, and one as a timeline. Names, prompts and messages in them are untrusted."""

from polly.reporting.observe_page import Page, Section
from polly.reporting.observe_words import NOTHING, duration, moment, number, shortened
from polly.work.sessions import Session, SessionEnd, SessionList, SessionStep, SessionSummary

#: Characters of a target and of a detail in a table; JSON has them whole.
_MOST_TARGET = 100
_MOST_DETAIL = 160

COLUMNS = (
    "session",
    "start",
    "end",
    "agent",
    "project",
    "tools",
    "failed",
    "denied",
    "subagents",
    "tokens",
    "cost",
)


def list_page(found: SessionList) -> Page:
    """The newest sessions."""
    rows = tuple(_row(each) for each in found.sessions)
    left_out = found.total - len(rows)
    note = f"The newest of {found.total}; --limit shows more." if left_out else ""
    return Page("Sessions", (), (Section("", COLUMNS, rows, note=note),))


def session_page(session: Session) -> Page:
    """One session: what it was, its timeline, what was denied, what was written, the totals."""
    summary = session.summary
    return Page(
        f"Session {summary.session}",
        (*_lines(summary), *_taken_out(session)),
        (
            _timeline(session),
            _denied(session),
            Section(
                "Files written",
                ("file",),
                tuple((shortened(each, _MOST_DETAIL),) for each in session.files_written),
                empty="No tool for writing files was recorded; shells may write as well.",
            ),
            _tools(session),
        ),
    )


def end_in_words(summary: SessionSummary) -> str:
    """When it ended, and how that is known."""
    if summary.end is SessionEnd.OPEN:
        return "open"
    derived = " (derived)" if summary.end is SessionEnd.DERIVED else ""
    return f"{moment(summary.ended_at)}{derived}"


def _row(each: SessionSummary) -> tuple[object, ...]:
    return (
        each.session,
        moment(each.started_at),
        end_in_words(each),
        each.agent or NOTHING,
        each.project_name or each.project_path or NOTHING,
        each.tools,
        each.failures,
        each.denials,
        each.subagents,
        number(each.tokens),
        money(each.cost_usd),
    )


def money(cost_usd: float | None) -> str:
    """`$0.42`; a dash when nobody told."""
    if cost_usd is None:
        return NOTHING
    return f"${cost_usd:.2f}" if cost_usd >= 0.01 or not cost_usd else f"${cost_usd:.4f}"


def _lines(summary: SessionSummary) -> tuple[str, ...]:
    how = {
        SessionEnd.RECORDED: "as the agent program said",
        SessionEnd.DERIVED: "its last event: nothing was heard of it after that",
        SessionEnd.OPEN: "",
    }[summary.end]
    ended = f"{moment(summary.ended_at)} ({how})" if how else "not yet"
    runs = f", run {', '.join(summary.runs)}" if summary.runs else ""
    project = summary.project_path or summary.project_name or NOTHING
    counted = {
        "tool calls": summary.tools,
        "failed": summary.failures,
        "denied": summary.denials,
        "subagents": summary.subagents,
        "tokens": summary.tokens,
    }
    figures = ", ".join(f"{name} {number(value)}" for name, value in counted.items())
    return (
        f"Agent {summary.agent or NOTHING} in {project}{runs}.",
        f"Started {moment(summary.started_at)}, ended {ended}; {duration(summary.duration_ms)}.",
        f"Figures: {figures}, cost {money(summary.cost_usd)}.",
    )


def _taken_out(session: Session) -> tuple[str, ...]:
    counts = ", ".join(f"{count} {kind}" for kind, count in session.redactions.items())
    return (f"Secrets kept out of this record: {counts}.",) if counts else ()


def _timeline(session: Session) -> Section:
    rows = tuple(_step(each, session.summary) for each in session.steps)
    columns = ("after", "what", "target", "outcome", "took", "detail")
    return Section("Timeline", columns, rows)


def _step(step: SessionStep, summary: SessionSummary) -> tuple[object, ...]:
    after = (step.at - summary.started_at).total_seconds() * 1000
    # Cells lose white space at their beginning, so that the tree is drawn with something that stays.
    branch = "· " * (step.depth - 1) + "└ " if step.depth else ""
    who = ""
    if step.agent and step.agent not in (summary.agent, step.name):
        who = f" ({shortened(step.agent, 40)})"
    kind = f"{step.kind}: " if step.kind in ("execution", "routing", "role", "detection") else ""
    return (
        f"+{duration(after)}",
        f"{branch}{kind}{shortened(step.name, 60)}{who}",
        shortened(step.target, _MOST_TARGET),
        step.outcome.replace("_", " "),
        duration(step.duration_ms) if step.duration_ms is not None else "",
        shortened(step.detail, _MOST_DETAIL),
    )


def _denied(session: Session) -> Section:
    rows = tuple(
        (each.name, shortened(each.target, _MOST_TARGET), shortened(each.detail, _MOST_DETAIL))
        for each in session.denied
    )
    return Section("Denied", ("tool", "target", "why"), rows, empty="Nothing was denied.")


def _tools(session: Session) -> Section:
    rows = tuple(
        (each.tool, each.calls, each.failed, each.denied, duration(each.total_ms)) for each in session.tools
    )
    columns = ("tool", "calls", "failed", "denied", "total time")
    return Section("Tools", columns, rows, empty="No tool call was recorded.")
