"""`polly analyze`: how good code is, which patterns it has, and what both say together."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from polly.cli import intelligence_page, options
from polly.cli.exit_code import ExitCode
from polly.cli.intelligence_page import Operation
from polly.cli.output import Format, counted, print_json, say, stderr
from polly.errors import InputError

Paths = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH...", help="Files, and folders with all that is in them.", show_default=False
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write the whole result into this file too, as JSON.",
        show_default=False,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        min=1,
        max=256,
        metavar="N",
        help="Programs that measure at the same time; by default one per processor.",
        show_default=False,
    ),
]
Include = Annotated[
    list[str] | None,
    typer.Option("--include", metavar="GLOB", help="Of folders only the files that match. Can be repeated."),
]
Timeout = Annotated[
    float,
    typer.Option(
        "--timeout",
        min=0.1,
        max=86_400,
        metavar="SECONDS",
        help="What is not analysed by then counts as failed.",
    ),
]


def analyze(
    paths: Paths,
    *,
    operation: Annotated[
        Operation, typer.Option("--operation", help="What to find out.")
    ] = Operation.CODE_ANALYSIS,
    output_format: options.OutputFormat = Format.TABLE,
    output: Output = None,
    jobs: Jobs = None,
    include: Include = None,
    timeout: Timeout = 600.0,
) -> ExitCode:
    """Measure the quality of code, find its patterns, and say what both show together.

    Python, JavaScript, TypeScript, Go, Java, shell and SQL. What git ignores and what others wrote
    (node_modules, vendor) is left out and counted. Own pattern rules are read from `.polly/patterns`.

    Exit code 0: everything was analysed; 1: something was not, and each such file is named; 2: wrong use.

    Example: `polly analyze src --operation quality-assessment --output quality.json`
    """
    from polly.intelligence.service import Options, analyze_files  # noqa: PLC0415 - not for the help alone

    _check(output)
    asked = Options(
        operation=operation.type,
        include=tuple(include or ()),
        own_rules=intelligence_page.own_rules(),
        jobs=jobs,
        timeout_seconds=timeout,
    )
    with _progress() as on_progress:
        found = analyze_files(paths, asked, on_progress)
    if not found.files and not found.failures:
        left = ", ".join(f"{number} {why}" for why, number in found.left_out.items())
        raise InputError(
            f"there is nothing to analyse in {', '.join(paths)}" + (f"; left out: {left}" if left else ""),
            next_step="Python, JavaScript, TypeScript, Go, Java, shell and SQL are analysed.",
        )
    if output is not None:
        intelligence_page.write_json(output, found)
    if output_format is Format.JSON:
        print_json(found)
    else:
        intelligence_page.show_files(found, output_format)
    intelligence_page.tell(found)
    return ExitCode.UNFIXED if found.failures else ExitCode.VERIFIED


def _check(output: Path | None) -> None:
    if output is not None and (output.is_dir() or not output.absolute().parent.is_dir()):
        why = "it is a folder" if output.is_dir() else "there is no such folder"
        raise InputError(
            f"{output} cannot be written: {why}",
            next_step="Name a file in a folder that exists.",
        )


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A line on stderr that grows; where nobody watches, one at the start."""
    console = stderr()
    if not console.is_terminal:
        told: list[int] = []

        def tell_once(_done: int, total: int) -> None:
            if not told and total:
                told.append(total)
                say(f"Analysing {counted(total, 'file')}")

        yield tell_once
        return
    with console.status("Looking for files") as status:
        yield lambda done, total: status.update(f"{done} of {counted(total, 'file')} analysed")
