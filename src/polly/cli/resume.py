from polly.cli import options
from polly.cli.exit_code import ExitCode
from polly.cli.output import Format
from polly.cli.recording import recording
from polly.cli.running import carry_out
from polly.execution.agents.registry import reopen
from polly.pipeline.runs import open_run


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
        agent = reopen(opened.agent_spec, project.settings.agents)
        return carry_out(project, opened, agent, {}, output_format)
