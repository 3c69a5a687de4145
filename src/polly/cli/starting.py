"""Starting a run of a plan: what `run` and `fix` share."""

from collections.abc import Sequence

from polly.cli.exit_code import ExitCode
from polly.cli.output import Format
from polly.cli.recording import recording
from polly.cli.running import carry_out
from polly.execution.agents.registry import resolve
from polly.pipeline.project import Project
from polly.pipeline.runs import create_run
from polly.pipeline.stages import Planned


def start_run(
    project: Project,
    planned: Planned,
    *,
    agent: str,
    program: Sequence[str],
    agents: int | None,
    output_format: Format,
) -> ExitCode:
    """Make a new run of this plan and carry it out. Raises InputError for an agent that cannot start."""
    chosen = resolve(agent, program, project.settings.agents.get(agent.partition(":")[0], {}))
    with (
        recording(project) as publish,
        create_run(
            project,
            planned.plan,
            planned.inventory,
            agent_spec=chosen.spec,
            agents=agents or planned.plan.forecast.agents,
            publish=publish,
        ) as run,
    ):
        return carry_out(project, run, chosen, planned.seconds, output_format)
