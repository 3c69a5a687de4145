"""The one place that prints: results go to stdout, everything meant for the person goes to stderr.

Text of findings, agents and files is untrusted: it passes through `printable` here and is never markup.
"""

import enum
import functools
import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from polly.cli import columns
from polly.intake.text import printable

#: Characters that JSON may carry as they are but that steer a terminal: C1 controls and text direction.
_STEERING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


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
            print_markdown(table)
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
    """Print a table: fitted to a terminal by folding cells, one unbroken line per row anywhere else."""
    if not table.rows:
        say(table.empty)
        return
    console = stdout()
    if table.title:
        console.print(printable(table.title), style="bold", soft_wrap=True)
    if console.is_terminal:
        _write(columns.fitted(table.columns, table.rows, console.width, _paint))
    else:
        _write(columns.aligned(table.columns, table.rows))


def print_markdown(table: Table) -> None:
    """Print a table as GitHub-flavoured Markdown in which cells cannot become markup."""
    if table.title:
        _write([f"## {columns.markdown_cell(table.title)}", ""])
    _write(columns.markdown(table.columns, table.rows))


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


def _write(lines: Iterable[str]) -> None:
    """Write harmless lines one by one: a long table is never in memory as text."""
    for line in lines:
        sys.stdout.write(line + "\n")


def _paint(text: str, style: str) -> str:
    before, after = _escapes(style)
    return f"{before}{text}{after}"


@functools.cache
def _escapes(style: str) -> tuple[str, str]:
    """What the terminal is sent before and after a text in this style."""
    console = stdout()
    if not style or console.legacy_windows:
        return "", ""
    with console.capture() as captured:
        console.print(Text("x", style=style), end="")
    before, _, after = captured.get().partition("x")
    return before, after
