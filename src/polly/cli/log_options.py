"""How the options of `polly log` are written: with a value, or as a yes or no."""

from typing import Any

import typer
from typer.core import TyperCommand, TyperOption


def value(option: str, meaning: str, metavar: str = "TEXT") -> Any:
    """An option with a value."""
    return typer.Option(option, metavar=metavar, help=meaning, show_default=False)


class YesOrNo(TyperCommand):
    """A command whose flags may have their answer as a word: `--success false` is `--no-success`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        flags = {
            option: parameter
            for parameter in self.params
            if isinstance(parameter, TyperOption) and parameter.is_bool_flag and parameter.secondary_opts
            for option in parameter.opts
        }
        return super().parse_args(ctx, _with_flags(args, flags))


def _with_flags(args: list[str], flags: dict[str, TyperOption]) -> list[str]:
    """The arguments with each flag and its word as one flag."""
    made: list[str] = []
    rest = list(args)
    while rest:
        each = rest.pop(0)
        if each == "--":
            return [*made, each, *rest]
        name, equals, word = each.partition("=")
        flag = flags.get(name)
        if flag and not equals and rest and rest[0].lower() in ("true", "false"):
            equals, word = "=", rest.pop(0)
        if flag and equals and word.lower() in ("true", "false"):
            made.append(name if word.lower() == "true" else flag.secondary_opts[0])
        else:
            made.append(each)
    return made
