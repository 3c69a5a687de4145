"""A configuration file as flat values: TOML, JSON, YAML and INI alike."""

import configparser
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import yaml

#: An alias bomb in YAML is small as text and endless as a tree.
_VALUES_READ = 20_000

Value = str | float | bool | frozenset[str]


def read_values(path: str, text: str) -> dict[tuple[str, ...], Value]:
    """Each scalar and list by its keys from the top; empty for what cannot be read as data."""
    values: dict[tuple[str, ...], Value] = {}
    for key, value in _flat((), _read(path, text)):
        if len(values) >= _VALUES_READ:
            break
        if key:
            values[key] = value
    return values


def _read(path: str, text: str) -> Any:
    file = PurePosixPath(path)
    try:
        if file.suffix == ".toml":
            return tomllib.loads(text)
        if file.suffix == ".json" or file.name == ".eslintrc":
            return json.loads(text)
        if file.suffix in (".yml", ".yaml") or file.name in (".yamllint", ".clang-tidy"):
            # Both are the safe loader; the one in C is ten times as fast.
            loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
            return yaml.load(text, Loader=loader)  # noqa: S506  # nosec B506
        if file.suffix in (".cfg", ".ini", "") or file.name in (".flake8", ".coveragerc"):
            return _read_ini(text)
    except (ValueError, yaml.YAMLError, configparser.Error, RecursionError):
        return {}  # the syntax gate and the program itself say that it cannot be read
    return {}


def _read_ini(text: str) -> dict[str, dict[str, Any]]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    # .shellcheckrc and the like have no section.
    parser.read_string(text if re.search(r"^\[", text, re.MULTILINE) else f"[all]\n{text}")
    return {
        section: {key: _ini_value(value) for key, value in parser[section].items()}
        for section in parser.sections()
    }


def _ini_value(value: str | None) -> Any:
    text = (value or "").strip()
    if text.casefold() in ("true", "yes", "on", "false", "no", "off"):
        return text.casefold() in ("true", "yes", "on")
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    # INI has no lists: what is written on several lines or with commas is one.
    return [part for part in re.split(r"[,\s]+", text) if part] if re.search(r"[,\n]", text) else text


def _flat(key: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Value]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat((*key, str(name)), inner)
    elif isinstance(value, list) and value and "rules" in key and isinstance(value[0], str | int):
        yield from _flat(key, value[0])  # ESLint: the level, then options
    elif isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        for position, inner in enumerate(value):
            yield from _flat((*key, _name_of(inner, position)), inner)
        yield key, frozenset(_name_of(inner, position) for position, inner in enumerate(value))
    elif isinstance(value, list):
        yield key, frozenset(str(each) for each in value)
    elif isinstance(value, bool | str):
        yield key, value
    elif isinstance(value, int | float):
        yield key, float(value)


def _name_of(entry: Any, position: int) -> str:
    """What tells entries of a list apart, so that one more before them does not shift all others."""
    if isinstance(entry, Mapping):
        for name in ("id", "repo", "name", "module", "path", "command"):
            if isinstance(entry.get(name), str):
                return str(entry[name])
    return str(position) if isinstance(entry, Mapping | list) else str(entry)
