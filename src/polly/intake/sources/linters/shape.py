"""Whose report a document is, judged by the members that its parts have."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec

from polly.errors import InputError
from polly.intake import json_text
from polly.intake.document import Document
from polly.intake.sources.linters.selectors import Scope, items
from polly.intake.sources.linters.tool import Members, Tool

#: How many items of a list are looked at.
_HEAD = 20
_PLACES = {"": "an object", "[]": "a list of objects", "{}[]": "lists in an object"}


def recognises(tool: Tool, document: Document) -> bool:
    """True when the document proves to be the tool's; one without anything to look at does not."""
    return bool(recognised([tool], document))


def recognised(tools: Iterable[Tool], document: Document) -> list[Tool]:
    """The tools whose report the document proves to be."""
    ways = list(_candidates(document, head=True))
    return [tool for tool in tools if any(_proves(tool, way) for way in ways)]


def reports(tool: Tool, document: Document) -> tuple[Scope, ...]:
    """The reports of the tool in the document. Raises InputError when they are not its own.

    An empty list, which proves nothing, is taken as a report of a tool that writes lists.
    """
    if not document.is_json:
        raise InputError(
            f"{document.name} is text, but {tool.name} writes JSON.",
            next_step=f"Have it write JSON ({tool.about}), or leave out --from.",
        )
    for found in _candidates(document, head=False):
        if all(_fits(tool, each.value) or _is_empty_of(tool, each.value) for each in found):
            return tuple(found)
    raise InputError(
        f"{document.name} is not what {tool.name} writes: it has {_expected(tool.recognise[0])}.",
        next_step=f"{tool.about} writes it; without --from, the format is recognised by the content.",
    )


def writes_lists(tool: Tool) -> bool:
    """True for a tool whose report of nothing found is an empty list."""
    return _is_empty_of(tool, [])


def _is_empty_of(tool: Tool, value: Any) -> bool:
    bracket = "[]" if isinstance(value, list) else "{}"
    rules = [rule for rule in tool.recognise if all(path.startswith(bracket) for path in rule)]
    return any(_matches(rule, value) is None for rule in rules)


def _proves(tool: Tool, way: Sequence[Scope]) -> bool:
    judged = [_fits(tool, each.value) for each in way]
    return True in judged and False not in judged


def _candidates(document: Document, *, head: bool) -> Iterator[Sequence[Scope]]:
    """The ways to see the document: as one report, as a list (JSON Lines), as reports one after another.

    head: with the first items of a list only, which are enough to recognise it.
    """
    last = _HEAD if head else None
    if document.list_members is not None:
        yield [Scope([_item(each) for each in document.list_members[:last]], "")]
    elif document.object_members is not None:
        value = {key: _decoded(raw, document.name) for key, raw in document.object_members.items()}
        yield [Scope(value, "")]
        yield [Scope([value], "")]
    elif document.several is not None:
        values = [_item(each) for each in document.several[:last]]
        yield [Scope(values, "")]
        yield [Scope(value, f"/{number}") for number, value in enumerate(values)]


def _item(raw: msgspec.Raw) -> Any:
    """An item of a list; None, which is no finding, for one that cannot be decoded."""
    try:
        return json_text.decode(raw, msgspec.json.Decoder())
    except msgspec.DecodeError:
        return None


def _decoded(raw: msgspec.Raw, name: str) -> Any:
    try:
        return json_text.decode(raw, msgspec.json.Decoder())
    except msgspec.DecodeError as error:
        raise InputError(
            f"{name} holds JSON that Polly cannot read: {error}.",
            next_step="Have the tool write the file again.",
        ) from error


def _fits(tool: Tool, value: Any) -> bool | None:
    """True for a report of the tool, False for another's, None when there is nothing to judge by."""
    judged = [_matches(rule, value) for rule in tool.recognise]
    if any(judged):
        return True
    return None if None in judged else False


def _matches(rule: dict[str, Members], value: Any) -> bool | None:
    """None when none of the places that the rule names exists."""
    root = Scope(value, "")
    judged = None
    for path, members in rule.items():
        looked_at = [root] if not path else list(islice(items(root, path), _HEAD))
        if looked_at and not any(isinstance(each, Scope) and _has(each.value, members) for each in looked_at):
            return False
        judged = judged or bool(looked_at) or None
    return judged


def _has(value: Any, members: Members) -> bool:
    return isinstance(value, dict) and all(
        (member.removeprefix("!") in value) is not member.startswith("!") for member in members
    )


def _expected(rule: dict[str, Members]) -> str:
    parts = []
    for path, members in rule.items():
        named = ", ".join(repr(member) for member in members if not member.startswith("!"))
        parts.append(f"{named} in {_PLACES.get(path, path)}")
    return " and ".join(parts)
