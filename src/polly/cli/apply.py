from polly.cli import options
from polly.cli.output import next_steps, say, warn
from polly.cli.recording import recording
from polly.pipeline.decide import apply as land
from polly.pipeline.runs import open_run


def apply(packages: options.PackageIds = None, *, run: options.Run = None) -> None:
    """Write approved packages into your working tree, uncommitted. The index and the branch stay.

    Example: `polly apply WP2`, or all that are approved: `polly apply`
    """
    project = options.here()
    with recording(project) as publish, open_run(project, run, publish) as opened:
        landed = land(project, opened, packages or (), warn)
    names = ", ".join(package for package, _commit in landed.commits)
    say(f"{names}: {len(landed.paths)} files written, nothing committed")
    next_steps(["git diff", "polly undo"])
