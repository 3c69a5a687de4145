from polly.cli import options
from polly.cli.output import say
from polly.cli.recording import recording
from polly.pipeline.decide import undo as take_back
from polly.pipeline.runs import open_run


def undo(packages: options.PackageIds = None, *, run: options.Run = None) -> None:
    """Take back what was applied or committed; without names, everything of the run.

    Commits that nobody else has yet are removed from the branch; others are reverted.

    Example: `polly undo WP2`
    """
    project = options.here_to_decide()
    with recording(project) as publish, open_run(project, run, publish) as opened:
        say(take_back(project, opened, packages or ()))
