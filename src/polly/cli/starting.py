"""Starting a run of a plan: what `run`, `fix` and `demo` share."""

from collections.abc import Sequence

from polly.cli.exit_code import ExitCode
from polly.cli.output import Format
from polly.cli.recording import recording
from polly.cli.running import carry_out
from polly.execution.agents.base import Agent
from polly.execution.agents.hook_programs import HookPrograms
from polly.execution.agents.registry import resolve
from polly.hooks.programs import fail_closed, guard_argv, record_argv
from polly.pipeline.project import Project
from polly.pipeline.runs import create_run
from polly.pipeline.stages import Planned
from polly.work.plan import Plan


def agent_of(project: Project, spec: str, program: Sequence[str]) -> Agent:
    """The agent of `--agent SPEC [-- PROGRAM]`, with its options of the settings.

    Asked for first, so that a wrong one costs neither a plan nor a run. Raises InputError.
    """
    return resolve(spec, program, project.settings.agents.get(spec.partition(":")[0], {}), hook_programs())


def agents_of_roles(project: Project, plan: Plan) -> dict[str, Agent]:
    """Who works on the packages of a role, where the settings leave it to the role. Raises InputError."""
    if not project.settings.run.role_agents:
        return {}
    wanted = {package.role for package in plan.packages}
    return {
        role.name: agent_of(project, role.agent, ())
        for role in project.roles()
        if role.agent and role.name in wanted
    }


def hook_programs() -> HookPrograms:
    """How the guard and the recorder are started in the attempts of a run."""
    return HookPrograms(guard=fail_closed(guard_argv()), record=record_argv())


def start_run(
    project: Project,
    planned: Planned,
    agent: Agent,
    *,
    agents: int | None,
    output_format: Format,
    first_steps: Sequence[str] = (),
) -> ExitCode:
    """Make a new run of this plan and carry it out. `first_steps` come before what it says to type next."""
    role_agents = agents_of_roles(project, planned.plan)
    with (
        recording(project) as publish,
        create_run(
            project,
            planned.plan,
            planned.inventory,
            decisions=planned.decisions,
            agent_spec=agent.spec,
            agents=agents or planned.plan.forecast.agents,
            publish=publish,
        ) as run,
    ):
        return carry_out(
            project,
            run,
            agent,
            planned.seconds,
            output_format,
            role_agents=role_agents,
            first_steps=first_steps,
        )
