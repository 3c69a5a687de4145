from polly.cli import options
from polly.cli.exit_code import ExitCode
from polly.cli.output import counted, next_steps, say, warn
from polly.cli.recording import recording
from polly.pipeline.decide import apply as land
from polly.pipeline.runs import open_run


def apply(packages: options.PackageIds = None, *, run: options.Run = None) -> ExitCode:
    """Write approved packages into your working tree, uncommitted. The index and the branch stay.

    Example: `polly apply WP2`, or all that are approved: `polly apply`
    """
    project = options.here_to_decide()
    with recording(project) as publish, open_run(project, run, publish) as opened:
        landed = land(project, opened, packages or (), say)
    names = ", ".join(package for package, _commit in landed.commits)
    say(f"{names}: {counted(len(landed.paths), 'file')} written, nothing committed")
    for sentence in landed.left_out:
        warn(sentence)
    next_steps(["git diff", "polly undo"])
    return ExitCode.UNFIXED if landed.left_out else ExitCode.VERIFIED
