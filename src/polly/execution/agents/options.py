"""The options of an agent, `[agents.<name>]` in polly.toml, and paths that a person typed."""

import difflib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from polly.errors import InputError, SettingsError


def check_names(agent: str, options: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raises SettingsError for an option that the agent does not have, naming the nearest."""
    known = sorted(known)
    for name in options:
        if name not in known:
            raise SettingsError(
                f"[agents.{agent}]: unknown option {name!r}", next_step=nearest(name, known, "Options")
            )


def texts(agent: str, options: Mapping[str, Any], name: str, example: str) -> tuple[str, ...]:
    """A list of texts; () when the option is missing. Raises SettingsError."""
    value = options.get(name, [])
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) and each for each in value):
        raise SettingsError(
            f"[agents.{agent}]: {name} must be a list of texts", next_step=f"Such as {name} = {example}."
        )
    return tuple(value)


def env_names(agent: str, options: Mapping[str, Any], own: tuple[str, ...]) -> tuple[str, ...]:
    """The variables that `env` hands on: set, and none of Polly's `own`, by their beginnings."""
    named = texts(agent, options, "env", '["HTTPS_PROXY"]')
    for name in named:
        if name.upper().startswith(own):
            raise SettingsError(
                f"[agents.{agent}]: env must not name {name}",
                next_step="Polly sets these variables itself, so that the agent stays in its own copy.",
            )
        if name not in os.environ:
            raise SettingsError(
                f"[agents.{agent}]: env names {name}, which is not set",
                next_step=f"Set {name} in the shell in which you start Polly, or take it out of polly.toml.",
            )
    return named


def nearest(name: str, known: Iterable[str], what: str) -> str:
    """`Did you mean …?`, or all that there is."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"{what}: {', '.join(known)}." if known else f"There are no {what.lower()}."


def absolute(path: str) -> Path:
    """The path from the folder in which Polly was started; `~` is the home folder.

    Raises InputError for text that no path can be.
    """
    if "\0" in path:
        raise InputError(f"{path!r} is not a path", next_step="Give a path without a NUL character.")
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError as error:  # ~somebody, whom the system does not know
        raise InputError(f"{path!r} is not a path: {error}", next_step="Write the path out.") from error
