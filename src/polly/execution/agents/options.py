"""The options of an agent, `[agents.<name>]` in polly.toml, and paths that a person typed."""

import difflib
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
