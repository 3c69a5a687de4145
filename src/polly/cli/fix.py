from polly.cli import options
from polly.cli.earlier import past_efforts, past_outcomes, plan_before
from polly.cli.exit_code import ExitCode
from polly.cli.issues import tell_rest
from polly.cli.output import Format, say, warn
from polly.cli.plan import tell_plan
from polly.cli.starting import agent_of, start_run
from polly.pipeline import stages


def fix(
    sources: options.Sources,
    *,
    agent: options.AgentName,
    agents: options.Agents = None,
    max_packages: options.MaxPackages = None,
    only: options.Only = None,
    severity: options.Severities = None,
    path: options.Paths = None,
    include: options.Include = None,
    source_format: options.SourceFormat = None,
    anew: options.Anew = False,
    allow_dirty: options.AllowDirty = False,
    output_format: options.OutputFormat = Format.TABLE,
) -> ExitCode:
    """Do all in one: read, plan, run the agents side by side, verify, report. Nothing is committed.

    A plan that is there is carried on, as by `polly plan`.
    Your branch, index and working tree stay as they are until `polly apply` or `polly commit`.

    Example: `polly fix findings.sarif --agent command -- ./fix-it.sh`
    """
    project = options.here()
    files, program = options.split_command(sources)
    chosen = agent_of(project, agent, program)
    planned = stages.plan(
        project,
        files,
        options.selection(only, severity, path, include),
        agents=agents,
        max_packages=max_packages,
        source_format=source_format,
        efforts=past_efforts(project),
        outcomes=past_outcomes(project),
        agent=chosen.name,
        previous=None if anew else plan_before(project),
    )
    stages.check_start(project, planned.plan, allow_dirty=allow_dirty, tell=warn)
    stages.keep_plan(project, planned)
    if output_format is Format.TABLE:
        tell_rest(planned.inventory)
        tell_plan(planned.plan)
        say("")
    return start_run(project, planned, chosen, agents=agents, output_format=output_format)
