"""What `run`, `fix`, `demo` and `resume` share: carry a run out, show it, and say how it went."""

import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

from polly.cli.exit_code import ExitCode
from polly.cli.outcome import is_verified, tell_outcome
from polly.cli.output import Format, counted, next_steps, print_error, print_json, say, shown
from polly.cli.progress import watched
from polly.execution.agents.base import Agent
from polly.execution.executor import LocalExecutor
from polly.execution.ports import PauseError
from polly.pipeline.execute import PreGateError, execute
from polly.pipeline.project import Project
from polly.pipeline.reports import write_reports
from polly.pipeline.runs import OpenRun
from polly.reporting.next_steps import next_commands
from polly.work.run import RunRecord


def carry_out(
    project: Project,
    run: OpenRun,
    agent: Agent,
    seconds: dict[str, float],
    output_format: Format,
    *,
    role_agents: Mapping[str, Agent] | None = None,
    first_steps: Sequence[str] = (),
) -> ExitCode:
    """Bring the run to its end and print the result. Ctrl-C stops every agent and keeps what is done."""
    packages = counted(len(run.plan.packages), "package")
    names = [agent.name, *(f"{each.name} for {role}" for role, each in (role_agents or {}).items())]
    say(f"Run {run.run}: {packages}, up to {counted(run.agents, 'agent')} at once, {', '.join(names)}")
    try:
        with watched(run):
            record = asyncio.run(_until_stopped(project, run, agent, seconds, role_agents))
    except (KeyboardInterrupt, asyncio.CancelledError):
        say(f"\nStopped. What is finished is kept; go on with: polly resume --run {run.run}")
        return ExitCode.INTERRUPTED
    except (PreGateError, PauseError) as error:
        print_error(error.what, error.next_step)
        return ExitCode.UNFIXED
    return conclude(run, record, output_format, first_steps=first_steps)


def conclude(
    run: OpenRun, record: RunRecord, output_format: Format, *, first_steps: Sequence[str] = ()
) -> ExitCode:
    """Write the report of a finished run, print the result, and return what it means for the caller."""
    reports = write_reports(run.folder, record, run.plan, run.inventory)
    if output_format is Format.JSON:
        print_json(reports.report)
    else:
        tell_outcome(run, record)
        say(f"Report: {shown(reports.markdown)}")
        suffix = "" if run.is_newest else f" --run {run.run}"
        commands = ("polly report", *next_commands(record))
        next_steps([*first_steps, *(f"{command}{suffix}" for command in commands)])
    return ExitCode.VERIFIED if is_verified(run, record) else ExitCode.UNFIXED


async def _until_stopped(
    project: Project,
    run: OpenRun,
    agent: Agent,
    seconds: dict[str, float],
    role_agents: Mapping[str, Agent] | None,
) -> RunRecord:
    task = asyncio.current_task()
    if sys.platform != "win32" and task is not None:
        # A service manager or a closed terminal means the same as Ctrl-C.
        for number in (signal.SIGTERM, signal.SIGHUP):
            with suppress(NotImplementedError, ValueError):
                asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await execute(
        project, run, agent=agent, executor=LocalExecutor(), seconds=seconds, role_agents=role_agents
    )
