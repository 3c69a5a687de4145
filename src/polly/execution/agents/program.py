"""Agents that are programs of others: where they are, what the settings say, what they can do."""

import enum
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from polly.errors import InputError, SettingsError
from polly.execution.agents.options import absolute, check_names, env_names, texts
from polly.process import small_environment


class Guard(enum.StrEnum):
    """How a write outside of the owned files is prevented. Afterwards the tree is judged in any case."""

    HOOKS = "hooks"  # every write is asked for, live
    RULES = "rules"  # the program's own permission rules, for its tools for files
    AFTERWARDS = "afterwards"


@dataclass(frozen=True, kw_only=True)
class AgentProgram:
    """A program that Polly knows how to run.

    keys: variables of which one must hold a key for the model. version: arguments that make it tell its
    version; without them, the Python beside it is asked for its `distribution`. tells_cost: it reports money
    itself. own_flags: arguments that are Polly's and nobody else's.
    """

    name: str
    title: str
    program: str
    version: tuple[str, ...]
    install: str
    keys: tuple[str, ...]
    guard: Guard
    hooks: bool
    tells_actions: bool
    tells_cost: bool
    resume: bool
    options: frozenset[str]
    own_flags: frozenset[str]
    needs_model: bool = False
    distribution: str = ""


@dataclass(frozen=True, kw_only=True)
class ProgramSettings:
    """[agents.<name>], checked. `program` is a full path; `env` are names of variables that are set."""

    program: str
    model: str | None = None
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    base_url: str | None = None
    max_turns: int | None = None
    max_retries: int | None = None
    more: Mapping[str, Any]

    def variables(self) -> dict[str, str]:
        """The variables of ours that the settings hand on, with their values of now."""
        given = small_environment()
        return {name: os.environ[name] for name in self.env if name in os.environ and name not in given}


#: Beginnings of variables that Polly sets itself.
_POLLYS_OWN = ("POLLY_", "GIT_", "CLAUDE_CODE_SIMPLE", "CODEX_HOME", "CLAUDE_CONFIG")

#: Options that every program has; each agent may add some.
COMMON_OPTIONS = frozenset({"program", "model", "args", "env", "base_url"})


def read_settings(known: AgentProgram, argument: str, options: Mapping[str, Any]) -> ProgramSettings:
    """The settings of `--agent NAME` or `--agent NAME:MODEL`. Raises SettingsError or InputError."""
    place = f"[agents.{known.name}]"
    check_names(known.name, options, COMMON_OPTIONS | known.options)
    model = argument or _text(place, options, "model")
    if known.needs_model and not model:
        raise SettingsError(
            f"{place}: the agent {known.name} needs a model",
            next_step=f'Write `--agent {known.name}:MODEL`, or model = "…" in the settings.',
        )
    settings = ProgramSettings(
        program=find_program(known, _text(place, options, "program")),
        model=model,
        args=_args(place, options, known),
        base_url=_url(place, options),
        max_turns=_number(place, options, "max_turns", least=1),
        max_retries=_number(place, options, "max_retries", least=0),
        more={name: options[name] for name in options if name not in COMMON_OPTIONS},
    )
    return replace(settings, env=_env(place, options, known))


def find_program(known: AgentProgram, given: str | None) -> str:
    """The full path of the program: the one given, or the one on PATH. Raises InputError."""
    found = shutil.which(str(absolute(given)) if given and _is_path(given) else given or known.program)
    if found:
        return str(Path(found).absolute())
    if given:
        raise InputError(
            f"[agents.{known.name}]: the program {given!r} does not exist or is not executable",
            next_step="Correct `program`, or leave it out to take the one on PATH.",
        )
    raise InputError(
        f"the agent {known.name} needs {known.title}, and there is no `{known.program}` on PATH",
        next_step=f"Install it (`{known.install}`), or name its path: [agents.{known.name}] program.",
    )


def fed(prompt: str, *command: str) -> tuple[str, ...]:
    """The command with the file `prompt` as its standard input."""
    feeder = Path(__file__).with_name("feed.py")
    return (sys.executable, "-I", "-S", "-X", "utf8", str(feeder), prompt, *command)


def _is_path(text: str) -> bool:
    return os.sep in text or (os.altsep is not None and os.altsep in text) or text.startswith("~")


def _text(place: str, options: Mapping[str, Any], name: str) -> str | None:
    value = options.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise SettingsError(
            f"{place}: {name} must be a text", next_step="docs/reference/agents.md lists the options."
        )
    return value.strip()


def _number(place: str, options: Mapping[str, Any], name: str, *, least: int) -> int | None:
    value = options.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise SettingsError(
            f"{place}: {name} must be a whole number from {least}", next_step=f"Such as {name} = {least + 9}."
        )
    return value


def _args(place: str, options: Mapping[str, Any], known: AgentProgram) -> tuple[str, ...]:
    given = texts(known.name, options, "args", '["--verbose"]')
    for each in given:
        flag = each.partition("=")[0]
        if flag in known.own_flags:
            raise SettingsError(
                f"{place}: args must not hold {flag}: Polly sets it itself",
                next_step="Take it out; isolation, guard and records of the attempt depend on it.",
            )
    return given


def _env(place: str, options: Mapping[str, Any], known: AgentProgram) -> tuple[str, ...]:
    named = env_names(known.name, options, _POLLYS_OWN)
    keys = tuple(name for name in known.keys if os.environ.get(name))
    if known.keys and not keys and not named:
        raise InputError(
            f"the agent {known.name} has no key for its model: {' or '.join(known.keys)} is not set",
            next_step=f"Set one in the shell in which you start Polly, or name others in {place} env.",
        )
    return tuple(dict.fromkeys((*keys, *named)))


def _url(place: str, options: Mapping[str, Any]) -> str | None:
    value = _text(place, options, "base_url")
    if value is None:
        return None
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable or "@" in value:
        raise SettingsError(
            f"{place}: base_url must be an http or https address without a password",
            next_step='Such as base_url = "https://gateway.example.org".',
        )
    return value.rstrip("/")
