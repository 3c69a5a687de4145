"""Live rows per package on stderr while a run goes on; silent when nobody sits before it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.live import Live
from rich.table import Table
from rich.text import Text

from polly.cli.output import stderr
from polly.execution.journal import Row
from polly.intake.text import printable
from polly.pipeline.runs import OpenRun
from polly.work.plan import Plan
from polly.work.run import PackageRecord, PackageState, Verdict

_STYLES = {
    PackageState.WAITING: "dim",
    PackageState.RUNNING: "cyan",
    PackageState.VERIFYING: "cyan",
    PackageState.READY: "green",
}

#: More packages than this do not fit a screen; then only those at work are shown.
_MOST_ROWS = 24


@contextmanager
def watched(run: OpenRun) -> Iterator[None]:
    """Show the run's packages as they move on, for as long as the block lasts."""
    console = stderr()
    if not console.is_terminal:
        yield
        return
    view = _View(run)
    with Live(view, console=console, refresh_per_second=4, transient=True):
        run.journal.listeners.append(view.note)
        yield


class _View:
    def __init__(self, run: OpenRun) -> None:
        self._plan: Plan = run.plan
        self._fold = run.fold
        self._begun = time.monotonic()
        self._since: dict[str, float] = {}

    def note(self, row: Row) -> None:
        package = getattr(row.data, "package", None)
        if isinstance(package, str):
            self._since[package] = time.monotonic()

    def __rich__(self) -> Table:
        records = {package.id: self._fold.package(package.id) for package in self._plan.packages}
        done = sum(record.state.is_final for record in records.values())
        seconds = time.monotonic() - self._begun
        table = Table(
            box=None,
            padding=(0, 2, 0, 0),
            title=f"{done} of {len(records)} packages done, {seconds:.0f} s",
            title_justify="left",
        )
        for name in ("package", "state", "attempt", "fixed", "seconds", "title"):
            table.add_column(name)
        shown = [
            package for package in self._plan.packages if self._is_shown(records[package.id], len(records))
        ]
        for package in shown[:_MOST_ROWS]:
            record = records[package.id]
            table.add_row(
                package.id,
                Text(record.state.value, style=_STYLES.get(record.state, "red")),
                str(len(record.attempts) or ""),
                _fixed(record, len(package.issues)),
                self._seconds(record),
                Text(printable(package.title), overflow="ellipsis", no_wrap=True),
            )
        return table

    def _is_shown(self, record: PackageRecord, total: int) -> bool:
        at_work = record.state in (PackageState.RUNNING, PackageState.VERIFYING)
        return total <= _MOST_ROWS or at_work

    def _seconds(self, record: PackageRecord) -> str:
        if record.state.is_final:
            return f"{sum(attempt.seconds or 0 for attempt in record.attempts):.1f}"
        since = self._since.get(record.id)
        return "" if since is None else f"{time.monotonic() - since:.0f}"


def _fixed(record: PackageRecord, issues: int) -> str:
    if not record.outcomes:
        return f"-/{issues}"
    return f"{sum(outcome.verdict is Verdict.FIXED for outcome in record.outcomes)}/{issues}"
