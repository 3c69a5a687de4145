from typing import Annotated

import typer

from polly.cli import options
from polly.cli.exit_code import ExitCode
from polly.cli.output import Format, warn
from polly.cli.starting import agent_of, start_run
from polly.errors import InputError
from polly.pipeline import stages


def run(
    program: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[-- PROGRAM ARG...]", help="The program of `--agent command`.", show_default=False
        ),
    ] = None,
    *,
    agent: options.AgentName,
    agents: options.Agents = None,
    allow_dirty: options.AllowDirty = False,
    output_format: options.OutputFormat = Format.TABLE,
) -> ExitCode:
    """Carry out the plan that `polly plan` wrote, also after you edited it.

    Example: `polly run --agent patch:fixes/`
    """
    project = options.here()
    stray, command = options.split_command(program or [])
    if stray:
        raise InputError(
            f"`polly run` takes no sources ({stray[0]!r}); it runs .polly/plan.json",
            next_step="Use `polly fix SOURCE` to plan and run in one.",
        )
    chosen = agent_of(project, agent, command)
    planned = stages.kept_plan(project)
    stages.check_start(project, planned.plan, allow_dirty=allow_dirty, tell=warn)
    return start_run(project, planned, chosen, agents=agents, output_format=output_format)
