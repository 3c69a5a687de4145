"""Puts values into JSON text and takes them out again, without touching a byte of what else stands there."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

Path = Sequence[str]

_DECODER = json.JSONDecoder()
_WHITE = " \t\r\n"


class Part(NamedTuple):
    """A member of an object or an element of an array. `start` is where its key begins, or itself."""

    key: str
    start: int
    value: int
    end: int


class DuplicateKey(ValueError):  # noqa: N818 - it says what was found
    """An object has the same key twice: readers do not agree on what it means."""


def parse(text: str) -> Any:
    """The value. Raises DuplicateKey, json.JSONDecodeError."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            names = [name for name, _ in pairs]
            raise DuplicateKey(next(name for name in names if names.count(name) > 1))
        return made

    return json.loads(text, object_pairs_hook=unique)


def parts(text: str, at: int) -> list[Part]:
    """What the object or array has that begins at this character."""
    found = []
    place = _behind_white(text, at + 1)
    while text[place] not in "}]":
        start, key = place, ""
        if text[at] == "{":
            key, place = _DECODER.raw_decode(text, place)
            place = _behind_white(text, _behind_white(text, place) + 1)
        _, end = _DECODER.raw_decode(text, place)
        found.append(Part(key, start, place, end))
        place = _behind_white(text, end)
        place = _behind_white(text, place + 1) if text[place] == "," else place
    return found


def find(text: str, path: Path) -> int | None:
    """Where the value at these keys begins; None when it is not there."""
    at = _behind_white(text, 0)
    for key in path:
        found = next((part for part in parts(text, at) if part.key == key), None) if text[at] == "{" else None
        if found is None:
            return None
        at = found.value
    return at


def insert(text: str, path: Path, key: str, value: Any) -> str:
    """The text with one more member (or element, when `key` is "") at the end of the container at `path`.

    In a container that is empty it stands right behind the bracket, which is how `remove` knows that the
    container was there before.
    """
    at = find(text, path)
    if at is None:
        raise KeyError(path)
    there = parts(text, at)
    name = f"{json.dumps(key)}: " if key else ""
    if not there:
        indent = _line_indent(text, at)
        return text[: at + 1] + name + _dumped(text, value, indent) + text[at + 1 :]
    before = text[at + 1 : there[0].start]
    indent = before.rpartition("\n")[2] if "\n" in before else _line_indent(text, at)
    separator = f",{_newline(text)}{indent}" if "\n" in before else ", "
    last = there[-1].end
    return text[:last] + separator + name + _dumped(text, value, indent) + text[last:]


def remove(text: str, path: Path, place: int) -> str:
    """The text without one part of the container at `path`; without a container that was made for it, too."""
    at = find(text, path)
    if at is None:
        raise KeyError(path)
    there = parts(text, at)
    part = there[place]
    if len(there) > 1:
        if place:
            return text[: there[place - 1].end] + text[part.end :]
        return text[: part.start] + text[there[1].start :]
    if path and "\n" in text[at + 1 : part.start]:
        above = find(text, path[:-1])
        siblings = parts(text, above) if above is not None else []
        names = [each.key for each in siblings]
        return remove(text, path[:-1], names.index(path[-1]))
    return text[: at + 1] + text[part.end :]


def _dumped(text: str, value: Any, indent: str) -> str:
    lines = json.dumps(value, indent=_unit(text), ensure_ascii=False).split("\n")
    return f"{_newline(text)}{indent}".join(lines)


def _unit(text: str) -> str:
    """What one more level is indented by in this text."""
    for line in text.splitlines()[1:]:
        indent = line[: len(line) - len(line.lstrip())]
        if indent:
            return indent
    return "  "


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _line_indent(text: str, at: int) -> str:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip())]


def _behind_white(text: str, at: int) -> int:
    while text[at] in _WHITE:
        at += 1
    return at
