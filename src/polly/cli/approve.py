from typing import Annotated

import typer

from polly.cli import options
from polly.cli.output import next_steps, say
from polly.cli.recording import recording
from polly.pipeline.decide import approve as give_approval
from polly.pipeline.runs import open_run


def approve(
    packages: Annotated[list[str], typer.Argument(metavar="WP...", help="Packages, for instance WP2.")],
    *,
    run: options.Run = None,
    note: options.Note = "",
    accept_tampering: Annotated[
        bool,
        typer.Option(
            "--accept-tampering", help="Approve although a check was made quieter (see polly report)."
        ),
    ] = False,
) -> None:
    """Say yes to packages as they are now. The yes is for their tree; anything changed later voids it.

    Example: `polly approve WP2 WP3 --note "read and tried"`
    """
    project = options.here_to_decide()
    with recording(project) as publish, open_run(project, run, publish) as opened:
        for package in give_approval(project, opened, packages, note=note, accept_tampering=accept_tampering):
            say(f"{package.id} approved at tree {(package.tree or '')[:12]}")
    next_steps([f"polly apply {' '.join(packages)}", f"polly commit {' '.join(packages)}"])
