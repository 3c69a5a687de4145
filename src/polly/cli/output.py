"""The one place that prints: results go to stdout, everything meant for the person goes to stderr.

Text of findings, agents and files is untrusted: it passes through `printable` here and is never markup.
"""

import enum
import functools
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from polly.intake.text import printable

#: The colour of a word, wherever it stands alone in a cell: one word per idea, one colour per word.
_STYLES = {
    "critical": "bold red",
    "major": "red",
    "minor": "yellow",
    "nitpick": "dim",
    "fixed": "green",
    "partly": "yellow",
    "not_fixed": "red",
    "unverifiable": "yellow",
    "declined": "dim",
    "passed": "green",
    "failed": "red",
    "ready": "green",
    "red": "red",
    "dropped": "red",
    "running": "cyan",
    "verifying": "cyan",
    "approved": "green",
    "committed": "bold green",
    "rejected": "red",
}

#: Characters that JSON may carry as they are but that steer a terminal: C1 controls and text direction.
_STEERING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


#: Characters that a column keeps before its cells are broken; words like `unverifiable` stay nearly whole.
_LEAST_WIDTH = 10


class Format(enum.StrEnum):
    """What `--format` can ask for."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Rows for a person. Cells may be anything that str() can show; None is an empty cell."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    title: str = ""
    empty: str = "Nothing to show."


@functools.cache
def stdout() -> Console:
    """The console of results."""
    return Console(markup=False, highlight=False, emoji=False)


@functools.cache
def stderr() -> Console:
    """The console of progress, warnings and errors."""
    return Console(stderr=True, markup=False, highlight=False, emoji=False)


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 file", "2 files"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shown(path: Path) -> str:
    """The path as a person in the current folder would type it."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # on another drive
        return str(path)
    return min(relative, str(path), key=len)


def show(value: object, table: Table, output_format: Format) -> None:
    """Print a result the way `--format` asks for: `value` for programs, `table` for people."""
    match output_format:
        case Format.JSON:
            print_json(value)
        case Format.MARKDOWN:
            print_text(markdown_table(table))
        case Format.TABLE:
            print_table(table)


def print_json(value: object) -> None:
    """Print a record as indented JSON in UTF-8."""
    try:
        text = msgspec.json.format(msgspec.json.encode(value, enc_hook=_encode), indent=2).decode()
    except UnicodeEncodeError:  # a path that is not UTF-8; json escapes its half characters
        text = json.dumps(msgspec.to_builtins(value, enc_hook=_encode), indent=2)
    sys.stdout.write(_STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")


def print_text(text: str) -> None:
    """Print a text line by line, with what could steer a terminal made visible."""
    for line in text.splitlines():
        sys.stdout.write(printable(line) + "\n")


def print_table(table: Table) -> None:
    """Print a table: fitted to a terminal by wrapping cells, one unbroken line per row anywhere else."""
    if not table.rows:
        say(table.empty)
        return
    console = stdout()
    if table.title:
        console.print(printable(table.title), style="bold", soft_wrap=True)
    if console.is_terminal and sum(_least_widths(table)) + 2 * len(table.columns) - 2 > console.width:
        console.print(_blocks(table))
    elif console.is_terminal:
        console.print(_rich_table(table))
    else:
        print_text("\n".join(_aligned(table)))


def markdown_table(table: Table) -> str:
    """The table as GitHub-flavoured Markdown in which cells cannot become markup."""
    rows = [table.columns, ("---",) * len(table.columns)]
    rows += [tuple(_markdown_cell(cell) for cell in row) for row in table.rows]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([f"## {_markdown_cell(table.title)}", "", *lines] if table.title else lines)


def say(message: str, *, style: str | None = None) -> None:
    """Tell the person something on stderr."""
    console = stderr()
    for line in message.splitlines():
        console.print(printable(line), style=style, soft_wrap=not console.is_terminal)


def warn(message: str) -> None:
    """Tell the person about something that is not as it should be; the work goes on."""
    say(f"Warning: {message}", style="yellow")


def print_error(what: str, next_step: str | None = None) -> None:
    """Say what went wrong, and what to do next where something can be done."""
    say(f"Error: {what}", style="bold red")
    if next_step:
        say(next_step)


def next_steps(commands: Sequence[str]) -> None:
    """Print what to type next; on stderr, so that it is never taken for a result."""
    if commands:
        say("\nNext:", style="bold")
        for command in commands:
            stderr().print(f"  {printable(command)}", soft_wrap=True)


def _encode(value: Any) -> str:
    if isinstance(value, Path):
        return value.as_posix()
    raise NotImplementedError(f"{type(value).__name__} has no JSON form")


def _rich_table(table: Table) -> RichTable:
    grid = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column, numeric, least in zip(table.columns, _numeric(table), _least_widths(table), strict=True):
        justify: Literal["left", "right"] = "right" if numeric else "left"
        grid.add_column(column, justify=justify, overflow="fold", min_width=least)
    for row in table.rows:
        cells = [_cell(cell) for cell in row]
        grid.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in cells))
    return grid


def _blocks(table: Table) -> Text:
    """The rows one below the other, for a terminal that is too narrow for columns."""
    lines = []
    for row in table.rows:
        cells = zip(table.columns, map(_cell, row), strict=True)
        lines += [
            Text.assemble((f"{column}: ", "dim"), (cell, _STYLES.get(cell, ""))) for column, cell in cells
        ]
        lines.append(Text())
    return Text("\n").join(lines[:-1])


def _least_widths(table: Table) -> list[int]:
    return [min(width, _LEAST_WIDTH) for width in _widths(table)]


def _widths(table: Table) -> list[int]:
    rows = [table.columns, *(tuple(_cell(cell) for cell in row) for row in table.rows)]
    return [max(map(cell_len, column)) for column in zip(*rows, strict=True)]


def _aligned(table: Table) -> list[str]:
    rows = [table.columns, *(tuple(_cell(cell) for cell in row) for row in table.rows)]
    widths = _widths(table)
    numeric = _numeric(table)
    lines = []
    for row in rows:
        cells = []
        for cell, width, right in zip(row, widths, numeric, strict=True):
            space = " " * (width - cell_len(cell))
            cells.append(space + cell if right else cell + space)
        lines.append("  ".join(cells).rstrip())
    return lines


def _numeric(table: Table) -> list[bool]:
    columns = zip(*table.rows, strict=True)
    return [all(isinstance(cell, int | float) for cell in column) for column in columns]


def _cell(cell: object) -> str:
    return "" if cell is None else printable(" ".join(str(cell).split()))


def _markdown_cell(cell: object) -> str:
    return re.sub(r"([\\|*_`<>\[\]])", r"\\\1", _cell(cell))
