from pathlib import Path
from typing import Annotated

import typer

from polly.checking.check import check as check_document
from polly.checking.claims import Check, Outcome
from polly.cli import options
from polly.cli.exit_code import ExitCode
from polly.cli.output import Format, Table, counted, say, show, warn
from polly.git import Repository


def check(
    document: Annotated[
        str,
        typer.Argument(
            metavar="DOCUMENT",
            help="A completion report (Markdown) or a plan of another tool (JSON); `-` reads standard input.",
            show_default=False,
        ),
    ],
    *,
    repo: Annotated[
        Path, typer.Option("--repo", metavar="FOLDER", help="The repository that the document is about.")
    ] = Path(),
    failing: Annotated[
        bool, typer.Option("--failing", help="Show only the claims that do not hold.")
    ] = False,
    output_format: options.OutputFormat = Format.TABLE,
) -> ExitCode:
    """Check what a report or plan claims: against git, against the files, and against its own words.

    Commits, files, counts, sums, times, statuses and owners are looked up; each claim holds, does not
    hold, or cannot be known. The exit code is 1 when a claim does not hold.

    Example: `polly check SUMMARY.md --repo .`
    """
    checked = check_document(document, Repository.find(repo))
    show(checked, _table(checked, failing=failing), output_format)
    if output_format is Format.TABLE:
        _tell(checked)
    return ExitCode.UNFIXED if checked.counts.fails else ExitCode.VERIFIED


def _table(checked: Check, *, failing: bool) -> Table:
    chosen = [each for each in checked.claims if each.outcome is Outcome.FAILS or not failing]
    return Table(
        columns=("outcome", "where", "claim", "evidence"),
        rows=tuple(
            (each.outcome.value, each.place, each.says, _evidence(each.evidence, each.places))
            for each in chosen
        ),
        empty="Every claim that can be checked holds.",
    )


def _evidence(evidence: str, places: tuple[str, ...]) -> str:
    shown = ", ".join(place.rpartition(":" if "#" not in place else "#")[2] for place in places[:3])
    more = ", …" if len(places) > 3 else ""
    return f"{evidence} (see {shown}{more})" if places else evidence


def _tell(checked: Check) -> None:
    about = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in checked.subject.items())
    say(f"\n{checked.document}, a {checked.kind} about {about}, checked at {checked.commit[:12]}")
    counts = checked.counts
    total = counts.holds + counts.fails + counts.unknown
    for warning in checked.warnings:
        warn(warning.message)
    say(
        f"{counted(total, 'claim')}: {counts.holds} hold, {counts.fails} do not, "
        f"{counts.unknown} cannot be known from the repository"
    )
