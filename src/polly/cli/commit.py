from polly.cli import options
from polly.cli.exit_code import ExitCode
from polly.cli.output import Table, next_steps, print_table, say, warn
from polly.cli.recording import recording
from polly.pipeline.decide import commit as land
from polly.pipeline.runs import open_run


def commit(packages: options.PackageIds = None, *, run: options.Run = None) -> ExitCode:
    """Commit packages to the current branch, one commit each; without names, all that are ready.

    Naming a package here approves it. Polly never pushes. What no longer fits onto the branch is left out
    and named, and the exit code is 1.

    Example: `polly commit WP2 WP3`
    """
    project = options.here_to_decide()
    with recording(project) as publish, open_run(project, run, publish) as opened:
        landed = land(project, opened, packages or (), say)
        titles = {package.id: package.title for package in opened.plan.packages}
    rows = tuple((name, (commit_id or "")[:12], titles[name]) for name, commit_id in landed.commits)
    print_table(Table(columns=("package", "commit", "title"), rows=rows))
    if landed.moved:
        say("The branch had moved since the run began; the packages were put on its present tip.")
    for sentence in landed.left_out:
        warn(sentence)
    next_steps(["git log", "polly undo"])
    return ExitCode.UNFIXED if landed.left_out else ExitCode.VERIFIED
