from polly.cli import options
from polly.cli.exit_code import ExitCode
from polly.cli.output import Format, say
from polly.cli.recording import recording
from polly.cli.running import carry_out, conclude
from polly.cli.starting import agents_of_roles, hook_programs
from polly.execution.agents.registry import reopen
from polly.pipeline.runs import open_run
from polly.work.run import RunState


def resume(
    *,
    run: options.Run = None,
    output_format: options.OutputFormat = Format.TABLE,
) -> ExitCode:
    """Go on with a run that was stopped or killed. Finished packages are not done again.

    Example: `polly resume`
    """
    project = options.here()
    with recording(project) as publish, open_run(project, run, publish) as opened:
        if opened.has_begun and opened.record.state is RunState.FINISHED:
            say(f"Run {opened.run} is finished; there is nothing to go on with. It ended like this:")
            return conclude(opened, opened.record, output_format)
        agent = reopen(opened.agent_spec, project.settings.agents, hook_programs())
        role_agents = agents_of_roles(project, opened.plan)
        return carry_out(project, opened, agent, {}, output_format, role_agents=role_agents)
