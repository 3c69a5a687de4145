"""Write docs/reference/commands.md from the program itself (`make docs`); a test compares the two."""

import enum
import inspect
import typing
from pathlib import Path

from typer.core import TyperArgument, TyperCommand, TyperOption
from typer.main import get_command

from polly.cli.main import COMMANDS, build_app

PAGE = Path(__file__).parent / "reference" / "commands.md"

_OPENING = """\
# Commands

`polly --help` and `polly COMMAND --help` say the same in the terminal. What a command returns is explained in
[exit codes](exit-codes.md), what it reads in [settings](settings.md). This page is written by `make docs`.
"""


def commands() -> dict[str, TyperCommand]:
    """Every command of the program by its name."""
    group = get_command(build_app())
    return {name: command for name, command in getattr(group, "commands", {}).items() if not command.hidden}


def render() -> str:
    """The whole page."""
    known = commands()
    parts = [_OPENING]
    for panel, names in COMMANDS.items():
        if names:
            parts.append(f"## {panel}\n")
            parts += [text for name in names for text in _sections(name, known[name])]
    return "\n".join(parts)


def _sections(name: str, command: TyperCommand) -> list[str]:
    """A command, and after it those of its group."""
    inner = getattr(command, "commands", {})
    return [_section(name, command), *(_section(f"{name} {each}", inner[each]) for each in inner)]


def _section(name: str, command: TyperCommand) -> str:
    arguments = [param for param in command.params if isinstance(param, TyperArgument)]
    options = [param for param in command.params if isinstance(param, TyperOption) and not param.hidden]
    usage = " ".join([f"polly {name}", *(["[OPTIONS]"] if options else []), *map(_metavar, arguments)])
    text = f"### polly {name}\n\n{inspect.cleandoc(command.help or '')}\n\nUsage: `{usage}`\n"
    rows = [f"| `{_metavar(argument)}` | {_meaning(argument)} |" for argument in arguments]
    rows += [f"| {_names(option)} | {_meaning(option)} |" for option in options]
    if rows:
        text += "\n".join(["", "| argument or option | meaning |", "| --- | --- |", *rows, ""])
    return text


def _metavar(argument: TyperArgument) -> str:
    name = argument.metavar or (argument.name or "").upper()
    if argument.nargs == -1 and not name.endswith("..."):
        name += "..."
    return name if argument.required or name.startswith("[") else f"[{name}]"


def _names(option: TyperOption) -> str:
    longest = max(option.opts, key=len).lstrip("-")
    value = "" if option.is_flag or option.count else f" {option.metavar or longest.upper()}"
    return ", ".join(f"`{name}{value}`" for name in [*option.opts, *option.secondary_opts])


def _meaning(param: TyperArgument | TyperOption) -> str:
    choices = [f"`{choice}`" for choice in _choices(param)]
    notes = [f"one of {', '.join(choices)}"] if choices else []
    default = param.default
    if default not in (None, False, (), []) and not callable(default):
        notes.append(f"default `{_word(default)}`")
    if getattr(param, "multiple", False):
        notes.append("may be repeated")
    text = (param.help or "").replace("|", "\\|").replace("\n", " ")
    return f"{text} ({'; '.join(notes)})" if notes else text


def _choices(param: TyperArgument | TyperOption) -> list[str]:
    annotation = param.type_descriptor.annotation
    for kind in (annotation, *typing.get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return [_word(member) for member in kind]
    return []


def _word(value: object) -> str:
    return str(value.value if isinstance(value, enum.Enum) else value)


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8", newline="\n")
