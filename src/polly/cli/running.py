"""What `run`, `fix` and `resume` share: carry a run out, show it, and say how it went."""

import asyncio
import signal
import sys
from contextlib import suppress

from polly.cli.exit_code import ExitCode
from polly.cli.output import Format, Table, next_steps, print_error, print_json, print_table, say, warn
from polly.cli.progress import watched
from polly.execution.agents.base import Agent
from polly.execution.executor import LocalExecutor
from polly.execution.ports import BudgetError
from polly.pipeline.execute import PreGateError, execute
from polly.pipeline.project import Project
from polly.pipeline.reports import write_reports
from polly.pipeline.runs import OpenRun
from polly.reporting.figures import Figures, figures
from polly.reporting.status import status_rows
from polly.work.run import Decision, GateStatus, PackageRecord, PackageState, RunRecord, Verdict


def carry_out(
    project: Project, run: OpenRun, agent: Agent, seconds: dict[str, float], output_format: Format
) -> ExitCode:
    """Bring the run to its end and print the result. Ctrl-C stops every agent and keeps what is done."""
    say(f"Run {run.run}: {len(run.plan.packages)} packages, {run.agents} agents, {agent.name}")
    try:
        with watched(run):
            record = asyncio.run(_until_stopped(project, run, agent, seconds))
    except (KeyboardInterrupt, asyncio.CancelledError):
        say(f"\nStopped. What is finished is kept; go on with: polly resume --run {run.run}")
        return ExitCode.INTERRUPTED
    except (PreGateError, BudgetError) as error:
        print_error(error.what, error.next_step)
        return ExitCode.UNFIXED
    reports = write_reports(run.folder, record, run.plan, run.inventory)
    if output_format is Format.JSON:
        print_json(reports.report)
    else:
        _tell(project, run, record)
        say(f"Report: {reports.markdown.relative_to(project.root)}")
        next_steps(_next(record))
    return ExitCode.VERIFIED if is_verified(run, record) else ExitCode.UNFIXED


def is_verified(run: OpenRun, record: RunRecord) -> bool:
    """True when every open issue was proved fixed in a package that can land."""
    if run.plan.unplanned or any(gate.status.is_red for gate in record.gates[-1:]):
        return False
    return all(
        package.state is PackageState.READY
        and {outcome.issue for outcome in package.outcomes if outcome.verdict is Verdict.FIXED}
        >= set(run.plan.package(package.id).issues)
        for package in record.packages
    )


async def _until_stopped(
    project: Project, run: OpenRun, agent: Agent, seconds: dict[str, float]
) -> RunRecord:
    task = asyncio.current_task()
    if sys.platform != "win32" and task is not None:
        # A service manager or a closed terminal means the same as Ctrl-C.
        for number in (signal.SIGTERM, signal.SIGHUP):
            with suppress(NotImplementedError, ValueError):
                asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await execute(project, run, agent=agent, executor=LocalExecutor(), seconds=seconds)


def result_table(run: OpenRun, record: RunRecord) -> Table:
    """One row per package: how it went."""
    rows = status_rows(record, run.plan)
    return Table(
        columns=("package", "state", "fixed", "attempts", "seconds", "files", "title"),
        rows=tuple(
            (
                row.package,
                row.state.value,
                f"{row.verified} of {row.issues}",
                row.attempts,
                _seconds(record.package(row.package)),
                row.files,
                row.title,
            )
            for row in rows
        ),
    )


def _seconds(package: PackageRecord) -> str:
    return f"{sum(attempt.seconds or 0.0 for attempt in package.attempts):.1f}"


def _tell(project: Project, run: OpenRun, record: RunRecord) -> None:
    print_table(result_table(run, record))
    for package in record.packages:
        if package.detail:
            warn(f"{package.id}: {package.detail}")
        if package.strays:
            kept = (run.folder / "packages" / package.id).relative_to(project.root)
            warn(f"{package.id} wrote files of others: {', '.join(package.strays[:5])} (kept in {kept})")
    _tell_gates(record)
    outcomes = [outcome for package in record.packages for outcome in package.outcomes]
    fixed = sum(outcome.verdict is Verdict.FIXED for outcome in outcomes)
    total = len(run.plan.unplanned) + sum(len(package.issues) for package in run.plan.packages)
    measured = figures(record, run.plan)
    say(f"\n{fixed} of {total} issues proved fixed.")
    _tell_speed(measured)


def _tell_gates(record: RunRecord) -> None:
    for gate in record.gates:
        if gate.status.is_red:
            warn(f"the gate `{gate.name}` ({gate.scope.value}) {gate.status.value}:\n{gate.output.strip()}")
    everywhere = [*record.gates, *(gate for package in record.packages for gate in package.gates)]
    before = {gate.name: gate for gate in everywhere if gate.status is GateStatus.RED_BEFORE}
    for gate in before.values():
        last = gate.output.strip().splitlines()[-1:]
        warn(
            f"the gate `{gate.name}` fails on the base commit too, so it proves nothing about this run"
            + (f" ({last[0]})" if last else "")
        )


def _tell_speed(measured: Figures) -> None:
    if not measured.wall_seconds or not measured.agent_seconds:
        return
    worked = f"Agents worked {measured.agent_seconds:.1f} s in {measured.wall_seconds:.1f} s of wall time"
    speedup = measured.speedup or 0.0
    if speedup > 1:
        say(f"{worked}: {speedup:.1f} times faster than one after another.")
    else:
        say(f"{worked}; so little work does not pay for checkouts, gates and proof.")


def _next(record: RunRecord) -> list[str]:
    ready = [
        package.id
        for package in record.packages
        if package.state is PackageState.READY and package.decision is Decision.OPEN
    ]
    if not ready:
        return ["polly report", "polly status"]
    return [
        f"polly diff {ready[0]}",
        "polly report",
        "polly commit" if len(ready) > 1 else f"polly commit {ready[0]}",
    ]
