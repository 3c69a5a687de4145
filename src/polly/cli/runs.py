from typing import Annotated

import typer

from polly.cli import options
from polly.cli.output import Format, Table, show
from polly.cli.recording import drain_spool, open_store
from polly.work.run import Verdict


def runs(
    *,
    everywhere: Annotated[bool, typer.Option("--all", help="Runs of every repository of this user.")] = False,
    output_format: options.OutputFormat = Format.TABLE,
) -> None:
    """List past runs, newest first, from the store of recorded events.

    Example: `polly runs --all`
    """
    project = options.here()
    drain_spool(project)
    with open_store(project) as store:
        found = store.list_runs(None if everywhere else str(project.root))
    table = Table(
        columns=("run", "started", "state", "agent", "packages", "issues", "fixed", "committed")
        + (("project",) if everywhere else ()),
        rows=tuple(
            (
                each.run,
                f"{each.started_at:%Y-%m-%d %H:%M} UTC" if each.started_at else None,
                each.state,
                each.agent,
                each.packages,
                each.issues,
                each.verdicts.get(Verdict.FIXED, 0),
                each.committed_packages,
                *((each.project_path,) if everywhere else ()),
            )
            for each in found
        ),
        empty="No run is recorded" + (" yet." if everywhere else " for this repository yet."),
    )
    show(found, table, output_format)
