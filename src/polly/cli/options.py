"""Options and arguments that more than one command takes, each written once."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from polly.cli.output import Format
from polly.errors import InputError
from polly.intake.policy import ALL, RULES
from polly.pipeline.project import Project
from polly.pipeline.stages import Selection
from polly.pipeline.unknown_names import refuse_unknown_formats
from polly.work.issues import Severity

SOURCES_HELP = (
    "A report (SARIF, the JSON of a linter, a Markdown review or plan, comments saved from GitHub; also as "
    ".gz), a folder of reports, a pull request such as `github:OWNER/REPO#18`, or `-` for standard input."
)
Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE...",
        help=SOURCES_HELP,
        show_default=False,
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="ID", help="Only these issues: C1, or a range P7-P15. Can be repeated."),
]
Severities = Annotated[
    list[Severity] | None, typer.Option("--severity", help="Only issues of this severity. Can be repeated.")
]
Paths = Annotated[
    list[str] | None,
    typer.Option("--path", metavar="GLOB", help="Only issues in files that match. Can be repeated."),
]
Include = Annotated[
    list[str] | None,
    typer.Option(
        "--include",
        metavar="RULE",
        help=f"Take in what a rule leaves out: {', '.join(RULES)}, or {ALL}. Can be repeated.",
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="RUN",
        help="Tell new, surviving, re-opened and fixed apart since a run (id, its beginning, or `newest`).",
    ),
]
SourceFormat = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="FORMAT", help="Read every source as this format instead of recognising it."
    ),
]
Agents = Annotated[
    int | None, typer.Option("--agents", min=1, metavar="N", help="Agents that work at the same time.")
]
Anew = Annotated[bool, typer.Option("--anew", help="Do not carry on the packages of .polly/plan.json.")]
MaxPackages = Annotated[
    int | None,
    typer.Option("--max-packages", min=1, metavar="N", help="At most so many packages in a wave."),
]
OutputFormat = Annotated[Format, typer.Option("--format", help="How to print the result.")]
Run = Annotated[
    str | None,
    typer.Option("--run", metavar="RUN", help="A run by its id or its beginning; the newest one by default."),
]
PackageIds = Annotated[
    list[str] | None,
    typer.Argument(metavar="[WP]...", help="Packages, for instance WP2.", show_default=False),
]
AgentName = Annotated[
    str,
    typer.Option(
        "--agent",
        metavar="AGENT",
        help="Who does the work: claude, codex, opencode, aider, mini (each with :MODEL), patch:DIR, "
        "scripted:FILE, or `command -- PROGRAM ARG...`.",
    ),
]
AllowDirty = Annotated[
    bool,
    typer.Option("--allow-dirty", help="Start although files of the plan have uncommitted changes."),
]
Note = Annotated[str, typer.Option("--note", "-m", help="A note that is kept with the decision.")]


def selection(
    only: list[str] | None,
    severities: list[Severity] | None,
    paths: list[str] | None,
    include: list[str] | None = None,
) -> Selection:
    """The selection that these options ask for."""
    return Selection(only=only or (), severities=severities or (), paths=paths or (), include=include or ())


def here() -> Project:
    """The project of the current folder. Raises RepositoryError, or SettingsError for what cannot be used."""
    project = Project.find(Path.cwd())
    refuse_unknown_formats(project)
    return project


def here_to_decide() -> Project:
    """The project of the current folder, for a person. Raises InputError where an agent is at work."""
    package = os.environ.get("POLLY_PACKAGE_ID")
    if package:
        raise InputError(
            f"what lands is decided by a person, and this is the agent of {package} at work",
            next_step="Say in the note on the issue what a person should know.",
        )
    return here()


def split_command(words: list[str]) -> tuple[list[str], list[str]]:
    """Sources and agent program of `SOURCE... --agent command -- PROGRAM ARG...`.

    typer hands over everything in one list and has taken the `--` away, so the command line is asked.
    """
    if "--" not in sys.argv:
        return words, []
    program = sys.argv[sys.argv.index("--") + 1 :]
    return words[: len(words) - len(program)], program
