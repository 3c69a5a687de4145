import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from polly.cli import options
from polly.cli.exit_code import ExitCode
from polly.cli.issues import tell_rest
from polly.cli.output import Format, print_table, say
from polly.cli.plan import tables_of, tell_plan
from polly.cli.starting import agent_of, start_run
from polly.demo.sample import create_sample
from polly.pipeline import stages
from polly.pipeline.project import Project


def demo(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="An empty or new folder for the sample; a temporary one by default.", show_default=False
        ),
    ] = None,
    *,
    agents: options.Agents = None,
) -> ExitCode:
    """See the main job at work on a sample project: 14 findings, 7 packages, no model, no network.

    The agents apply prepared patches after a delay, so that you see them work side by side.

    Example: `polly demo`
    """
    sample = create_sample(folder or Path(tempfile.mkdtemp(prefix="polly-demo-")))
    say(f"The sample project is in {sample.root}")
    project = Project.find(sample.root)
    sources = [str(sample.review), str(sample.findings)]
    planned = stages.plan(project, sources, stages.Selection(), agents=agents)
    stages.keep_plan(project, planned)
    print_table(tables_of(planned.plan)[0])
    tell_rest(planned.inventory)
    tell_plan(planned.plan)
    say("")
    return start_run(
        project,
        planned,
        agent_of(project, f"patch:{sample.patches}", ()),
        agents=agents,
        output_format=Format.TABLE,
        first_steps=[f"cd {_quoted(sample.root)}"],
    )


def _quoted(path: Path) -> str:
    return subprocess.list2cmdline([str(path)]) if os.name == "nt" else shlex.quote(str(path))
