from polly.cli import options
from polly.cli.output import Format, Table, say, show
from polly.pipeline.runs import is_busy, view_run
from polly.reporting.status import status_rows
from polly.work.run import RunState


def status(*, run: options.Run = None, output_format: options.OutputFormat = Format.TABLE) -> None:
    """Show how far a run is: state, proof and decision of every package.

    Example: `polly status`
    """
    view = view_run(options.here(), run)
    record = view.record
    table = Table(
        title=f"Run {view.run}",
        columns=(
            "package",
            "state",
            "fixed",
            "attempts",
            "tokens",
            "cost",
            "gates",
            "files",
            "decision",
            "title",
        ),
        rows=tuple(
            (
                row.package,
                row.state.value,
                f"{row.verified} of {row.issues}",
                row.attempts,
                None if row.tokens is None else f"{row.tokens:,}",
                None if row.cost_usd is None else f"{row.cost_usd:.2f} USD",
                f"{row.gates_green} of {row.gates}",
                row.files,
                row.decision.value,
                row.title,
            )
            for row in status_rows(record, view.plan)
        ),
    )
    show(record, table, output_format)
    if output_format is Format.TABLE:
        say(f"\n{_sentence(record.state, busy=is_busy(view.folder))}")


def _sentence(state: RunState, *, busy: bool) -> str:
    if busy:
        return "A Polly process is at work on it."
    if state is RunState.FINISHED:
        return "The run is finished."
    if state is RunState.INTERRUPTED:
        return "The run was stopped; go on with: polly resume"
    return "The process that worked on it is gone; go on with: polly resume"
