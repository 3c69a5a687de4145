from typing import Annotated

import typer

from polly.cli import options
from polly.cli.output import say
from polly.cli.recording import recording
from polly.pipeline.decide import reject as turn_down
from polly.pipeline.runs import open_run


def reject(
    packages: Annotated[list[str], typer.Argument(metavar="WP...", help="Packages, for instance WP2.")],
    *,
    run: options.Run = None,
    note: options.Note = "",
) -> None:
    """Say no to packages: `polly apply` and `polly commit` leave them out. `polly approve WP3` takes it back.

    Example: `polly reject WP3 --note "wrong direction"`
    """
    project = options.here_to_decide()
    with recording(project) as publish, open_run(project, run, publish) as opened:
        for package in turn_down(project, opened, packages, note=note):
            say(f"{package} rejected")
