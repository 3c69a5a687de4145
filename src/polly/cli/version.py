from typing import Annotated

import typer

from polly.cli.crash import surroundings
from polly.cli.output import Format, Table, show


def version(
    output_format: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.TABLE,
) -> None:
    """Show the versions of Polly and of what it runs on.

    Example: `polly version --format json`
    """
    facts = surroundings()
    show(facts, Table(columns=("part", "version"), rows=tuple(facts.items())), output_format)
