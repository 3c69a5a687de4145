"""Where a value stands in a report, written as text.

`location.row` names members, `line_range.-1` an item of a list; `messages[]` is each item of a list and
`files{}` each value of an object. From there, `^filename` looks one such step further out, and `^@` is the
name under which the object held the value. `SC{code}` is text around values.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

_STEP = re.compile(r"\.?(?P<name>[^.\[\]{}]*)(?P<each>\[\]|\{\}|(?=\.)|\Z)")
_VALUE_IN_TEXT = re.compile(r"\{([^{}]+)\}")
_RANGE = re.compile(r"\s*(-?\d{1,12})(?:\s*-\s*(\d{1,12}))?\s*")
_INDEX = re.compile(r"-?\d{1,9}")
_KEY = "@"


class Scope(NamedTuple):
    """A value of a report, the `ref` of its place there, and what it is an item of."""

    value: Any
    ref: str
    outer: "Scope | None" = None
    key: str = ""


class Odd(NamedTuple):
    """A place at which the report holds another kind of value than its tool writes."""

    ref: str
    reason: str


class Step(NamedTuple):
    """A member, an iteration ("[]" or "{}"), or both."""

    name: str
    each: str


class Path(NamedTuple):
    """A selector without text around it. `names` are its steps when none of them is an iteration."""

    up: int
    steps: tuple[Step, ...]
    names: tuple[str, ...] | None


@lru_cache(maxsize=4096)
def parse_path(text: str) -> Path:
    """The path. Raises ValueError saying what is wrong with it."""
    inner = text.lstrip("^")
    steps: list[Step] = []
    position = 0
    while position < len(inner):
        found = _STEP.match(inner, position)
        if found is None or found.end() == position or not (found["name"] or found["each"]):
            raise ValueError(f"{text!r} cannot be read from {inner[position:]!r} on")
        steps.append(Step(found["name"], found["each"]))
        position = found.end()
    names = None if any(step.each for step in steps) else tuple(step.name for step in steps)
    return Path(len(text) - len(inner), tuple(steps), names)


def check_selector(text: str) -> None:
    """Raises ValueError for what is no selector."""
    for path in _VALUE_IN_TEXT.findall(text) if _is_text(text) else [text]:
        parse_path(path)


def items(scope: Scope, path: str) -> Iterator[Scope | Odd]:
    """Everything that the path leads to; nothing where a member is absent or null."""
    parsed = parse_path(path)
    start = _climbed(scope, parsed.up)
    if start is not None:
        yield from _walk(start, start.value, start.ref, parsed.steps)


def text_at(scope: Scope, selectors: Sequence[str]) -> str:
    """The text at the first selector that leads to any; numbers and lists are written out, "" is nothing."""
    for selector in selectors:
        found = _filled(scope, selector) if _is_text(selector) else _text(_value(scope, selector))
        if found:
            return found
    return ""


def stated_at(scope: Scope, selectors: Sequence[str]) -> str | None:
    """Like text_at, but tells text that is stated and empty from text that is not stated (None)."""
    for selector in selectors:
        value = _value(scope, selector)
        if isinstance(value, str | list):
            return _text(value)
    return None


def number_at(scope: Scope, selectors: Sequence[str]) -> int | None:
    """The number at the first selector that leads to one; of a range such as "12-14" the first."""
    return range_at(scope, selectors)[0]


def range_at(scope: Scope, selectors: Sequence[str]) -> tuple[int | None, int | None]:
    """The number at the first selector that leads to one, and the last one where it is a range."""
    for selector in selectors:
        value = _value(scope, selector)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value, None
        found = _RANGE.fullmatch(value) if isinstance(value, str) else None
        if found:
            return int(found[1]), int(found[2]) if found[2] else None
    return None, None


def holds(scope: Scope, conditions: dict[str, tuple[str, ...]]) -> bool:
    """True when each selector leads to one of its texts: "*" is any text, "!x" any but x."""
    return all(_accepts(text_at(scope, [selector]), wanted) for selector, wanted in conditions.items())


def _accepts(text: str, wanted: Sequence[str]) -> bool:
    return any(
        text == each or (each == "*" and bool(text)) or (each[:1] == "!" and text not in ("", each[1:]))
        for each in wanted
    )


@lru_cache(maxsize=4096)
def _is_text(selector: str) -> bool:
    return _VALUE_IN_TEXT.search(selector) is not None


def _filled(scope: Scope, template: str) -> str:
    """The text with its values in place; "" when one of them is missing."""
    values = {path: _text(_value(scope, path)) for path in _VALUE_IN_TEXT.findall(template)}
    return _VALUE_IN_TEXT.sub(lambda found: values[found[1]], template) if all(values.values()) else ""


def _value(scope: Scope, path: str) -> Any:
    parsed = parse_path(path)
    start = _climbed(scope, parsed.up) if parsed.up else scope
    if start is None:
        return None
    if parsed.names is None:
        return [each.value for each in _walk(start, start.value, "", parsed.steps) if isinstance(each, Scope)]
    if parsed.names == (_KEY,):
        return start.key
    value = start.value
    for name in parsed.names:
        if type(value) is dict:
            value = value.get(name)
        else:
            value = _member(value, name)
            if value is None or isinstance(value, Odd):
                return None
    return value


def _climbed(scope: Scope, up: int) -> Scope | None:
    climbed: Scope | None = scope
    for _ in range(up):
        climbed = climbed.outer if climbed else None
    return climbed


def _walk(anchor: Scope, value: Any, ref: str, steps: Sequence[Step]) -> Iterator[Scope | Odd]:
    if not steps:
        yield anchor if value is anchor.value else Scope(value, ref, anchor)
        return
    step, rest = steps[0], steps[1:]
    if step.name:
        value, ref = _member(value, step.name), f"{ref}/{step.name}"
    if isinstance(value, Odd):
        yield Odd(ref, value.reason)
    elif value is None:
        return
    elif not step.each:
        yield from _walk(anchor, value, ref, rest)
    else:
        # PHP writes an object without members as an empty list.
        named = isinstance(value, dict) or (step.each == "{}" and value == [])
        if (step.each == "{}") != named or not isinstance(value, dict | list):
            yield Odd(ref, f"{kind(value)} where {'a list' if step.each == '[]' else 'an object'} belongs")
            return
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            inner = Scope(each, f"{ref}/{key}", anchor, str(key))
            yield from _walk(inner, each, inner.ref, rest)


def _member(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list) and _INDEX.fullmatch(name):
        index = int(name)
        return value[index] if -len(value) <= index < len(value) else None
    return None if value is None else Odd("", f"{kind(value)} where an object belongs")


def kind(value: Any) -> str:
    """How to call a JSON value in a sentence."""
    names: dict[type, str] = {dict: "an object", list: "a list", str: "text", bool: "a truth value"}
    return "null" if value is None else names.get(type(value), "a number")


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(filter(None, map(_scalar, value)))
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""
