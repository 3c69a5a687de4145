"""Descriptions of tools: those that Polly ships, and TOML files of a user's, checked before they are used."""

import difflib
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from polly.errors import SettingsError
from polly.intake.sources.linters.selectors import check_selector, parse_path
from polly.intake.sources.linters.tool import (
    Edits,
    Failure,
    Figure,
    Findings,
    Related,
    Tool,
    alternatives,
)

_STEP = "docs/reference/sources.md describes the file."


@lru_cache(maxsize=1)
def shipped_tools() -> tuple[Tool, ...]:
    """The tools that Polly knows, by name."""
    folder = resources.files("polly.intake.sources.linters").joinpath("tools")
    files = sorted((each for each in folder.iterdir() if each.name.endswith(".toml")), key=lambda f: f.name)
    return tuple(parse_tool(file.read_text(encoding="utf-8"), file.name) for file in files)


def load_tools(folder: Path) -> tuple[Tool, ...]:
    """The tools described by the TOML files of a folder, by file name; none when there is no such folder.

    Raises SettingsError naming the file, the key and what it must be.
    """
    if not folder.is_dir():
        return ()
    tools: dict[str, Path] = {}
    loaded = []
    for file in sorted(folder.glob("*.toml")):
        try:
            tool = parse_tool(file.read_text(encoding="utf-8-sig"), file.name)
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise SettingsError(
                f"{file.name} cannot be read: {reason}.", next_step="Make it a TOML file, or move it away."
            ) from error
        if tool.name in tools:
            raise SettingsError(
                f"{file.name} and {tools[tool.name].name} both describe {tool.name!r}.",
                next_step="Remove one of them.",
            )
        tools[tool.name] = file
        loaded.append(tool)
    return tuple(loaded)


def parse_tool(text: str, name: str) -> Tool:
    """The tool that the text of a file called `name` describes. Raises SettingsError."""
    try:
        tool = msgspec.convert(tomllib.loads(text), Tool)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{name} is not TOML: {error}.", next_step="Correct the line named.") from error
    except msgspec.ValidationError as error:
        raise SettingsError(f"{name}: {error}.", next_step=_nearest(str(error))) from error
    for problem in _problems(tool):
        raise SettingsError(f"{name}: {problem}.", next_step=_STEP)
    return tool


def _problems(tool: Tool) -> Iterator[str]:
    for path in [path for rule in tool.recognise for path in rule]:
        yield from _complaint("recognise", path, parse_path)
    for path in [path for findings in tool.findings for path in alternatives(findings.at)]:
        if not path.endswith(("[]", "{}")):
            yield f"findings.at: {path!r} must end in [] or {{}}, for each of its items"
    for place, selector in _selectors(msgspec.to_builtins(tool), ""):
        yield from _complaint(place, selector, check_selector)


def _complaint(place: str, text: str, check: Callable[[str], object]) -> Iterator[str]:
    try:
        check(text)
    except ValueError as error:
        yield f"{place}: {error}"


#: Keys at the top of the file that hold no selectors.
_PLAIN = ("name", "about", "recognise", "severities", "default_level", "offsets", "path_ends_at")
_CONDITIONS = ("when", "leave_out")


def _selectors(part: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every selector of the file, with the key at which it stands."""
    if isinstance(part, str):
        yield place, part
    elif isinstance(part, dict):
        for key, value in part.items():
            inner = f"{place}.{key}".lstrip(".")
            if key in _CONDITIONS:
                yield from ((inner, each) for each in _condition_paths(value))
            elif place or key not in _PLAIN:
                yield from _selectors(value, inner)
    elif isinstance(part, Sequence):
        for each in part:
            yield from _selectors(each, place)


def _condition_paths(conditions: dict[str, Any]) -> Iterator[str]:
    for key, value in conditions.items():
        inner = [each for each in value if isinstance(each, dict)]
        yield from (path for each in inner for path in each) if inner else (key,)


def _nearest(message: str) -> str:
    found = re.search(r"unknown field `([^`]*)`", message)
    if not found:
        return _STEP
    structs = (Tool, Findings, Edits, Related, Failure, Figure)
    known = sorted({field for struct in structs for field in struct.__struct_fields__})
    close = difflib.get_close_matches(found[1], known, n=1, cutoff=0.5)
    return f"Did you mean {close[0]!r}?" if close else _STEP
