"""YAML as plain data: tables, lists, texts, numbers, true, false and null, each with its line.

Built from the parser's events, so that nothing of YAML's machinery (aliases, merges, tags, recursion) can
be reached by a file that somebody else wrote.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import yaml

from polly.errors import PollyError

#: Plain scalars become values of these kinds; every other one (a date, for instance) stays a text.
_KINDS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("bool", "int", "float", "null"))

#: Tables and lists inside each other; the formats read here need five.
_DEEPEST = 30


class PlainYaml(NamedTuple):
    """A document: its value, and the line (from 1) of each part by its path, such as `$.gates[0].name`."""

    value: Any
    lines: dict[str, int]


def read_plain_yaml(
    data: bytes, name: str, *, most_bytes: int, error: Callable[..., PollyError]
) -> PlainYaml:
    """The one document in `data`; `name` is what messages call the file, `error` the kind to raise.

    Refused: more bytes than `most_bytes`, other encodings than UTF-8, keys that stand twice or are no
    texts, anchors, aliases and tags, more than one document, and no document at all.
    """
    if len(data) > most_bytes:
        raise error(
            f"{name} has more than {most_bytes:,} bytes, which is more than is read.",
            next_step="Make it smaller: is it the file that you mean?",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = data.count(b"\n", 0, wrong.start) + 1
        raise error(
            f"{name}:{line} is not UTF-8 text.", next_step="Save the file with the encoding UTF-8."
        ) from wrong
    try:
        return _Reading(text).document()
    except _Refusal as refusal:
        place = f"{name}:{refusal.line}" if refusal.line else name
        raise error(f"{place}: {refusal.what}.", next_step=refusal.next_step) from refusal
    except yaml.MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        place = f"{name}:{mark.line + 1}" if mark else name
        raise error(
            f"{place} is not YAML: {wrong.problem or wrong.context}.",
            next_step="Correct that line. A text with `: ` or ` #` in it, or that begins with a sign, "
            "needs quotes.",
        ) from wrong
    except yaml.YAMLError as wrong:  # control characters
        reason = getattr(wrong, "reason", "it cannot be read")
        raise error(f"{name} is not YAML: {reason}.", next_step="Correct or remove the file.") from wrong


class _Refusal(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, what: str, line: int | None, next_step: str) -> None:
        super().__init__(what)
        self.what, self.line, self.next_step = what, line, next_step


class _Reading:
    def __init__(self, text: str) -> None:
        loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the first where libyaml is there
        self._loader = loader(text)
        self._lines: dict[str, int] = {}

    def document(self) -> PlainYaml:
        loader = self._loader
        try:
            loader.get_event()  # the stream begins
            if isinstance(loader.get_event(), yaml.StreamEndEvent):
                raise _Refusal("the file is empty", None, "Write something into it, or remove it.")
            value = self._value(loader.get_event(), "$", 0)
            loader.get_event()  # the document ends
            after = loader.get_event()
            if not isinstance(after, yaml.StreamEndEvent):
                raise _Refusal("a second document begins here", _line(after), "Keep one of them.")
        finally:
            loader.dispose()
        return PlainYaml(value, self._lines)

    def _value(self, event: Any, path: str, depth: int) -> Any:
        self._lines[path] = line = _line(event)
        _refuse_machinery(event)
        if depth > _DEEPEST:
            raise _Refusal("tables and lists are nested too deeply", line, "Make it flatter.")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, line)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(path, depth)
        return self._table(path, depth)

    def _list(self, path: str, depth: int) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := self._loader.get_event(), yaml.SequenceEndEvent):
            values.append(self._value(event, f"{path}[{len(values)}]", depth + 1))
        return values

    def _table(self, path: str, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not isinstance(event := self._loader.get_event(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise _Refusal("a key must be a text", _line(event), "Write `key: value`.")
            _refuse_machinery(event)
            key = event.value  # also of `404:` and `no:`, whatever YAML takes them for
            if key in values:
                raise _Refusal(f"{key!r} stands twice", _line(event), "Keep one of the two.")
            inner = f"{path}.{key}"
            values[key] = self._value(self._loader.get_event(), inner, depth + 1)
            self._lines[inner] = _line(event)
        return values

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> Any:
        if not event.implicit[0]:  # in quotes, or a block
            return event.value
        tag = self._loader.resolve(yaml.ScalarNode, event.value, (True, False))
        if tag not in _KINDS:
            return event.value
        try:
            return self._loader.construct_object(yaml.ScalarNode(tag, event.value))
        except ValueError as wrong:  # thousands of digits
            raise _Refusal("the number is too long", line, "Put it in quotes to make it a text.") from wrong


def _refuse_machinery(event: Any) -> None:
    is_alias = isinstance(event, yaml.AliasEvent)
    if is_alias or event.anchor:
        sign = f"{'*' if is_alias else '&'}{event.anchor}"
        raise _Refusal(
            f"{sign} is an anchor or alias, which is not taken here", _line(event), "Write the value out."
        )
    if event.tag:
        raise _Refusal(f"the tag {event.tag} is not taken here", _line(event), "Leave the tag out.")


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
