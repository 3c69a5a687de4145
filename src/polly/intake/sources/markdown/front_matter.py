"""The block of `key: value` lines at the head of a file that holds one finding."""

import re
from typing import NamedTuple

_FENCE = re.compile(r"---[ \t]*(?:\r\n|\n|\r)")
_END = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)
_PAIR = re.compile(r"(?P<key>[A-Za-z][\w .-]{0,40}?)\s*:(?:\s+(?P<value>.*))?$")
_LISTED = re.compile(r"\s*-\s+(?P<value>\S.*)$")
#: Front matter is read by people; a longer block is none.
_MAX_CHARACTERS = 1 << 14


class FrontMatter(NamedTuple):
    """The pairs with their lines, keys in lower case, and the text with the block blanked."""

    pairs: dict[str, tuple[str, int]]
    rest: str


def split(text: str) -> FrontMatter:
    """The front matter of a text; no pairs when it has none.

    Only strings and lists of strings are read: a finding needs no more, and YAML can do too much.
    """
    start = _FENCE.match(text)
    end = _END.search(text, start.end(), _MAX_CHARACTERS) if start else None
    if start is None or end is None:
        return FrontMatter({}, text)
    pairs: dict[str, tuple[str, int]] = {}
    key = ""
    for number, line in enumerate(text[start.end() : end.start()].splitlines(), start=2):
        listed = _LISTED.match(line) if key else None
        if listed:
            before, at = pairs[key]
            pairs[key] = (f"{before}, {_bare(listed['value'])}" if before else _bare(listed["value"]), at)
        elif pair := _PAIR.match(line):
            key = pair["key"].casefold()
            pairs.setdefault(key, (_bare(pair["value"] or ""), number))
    if not pairs:
        return FrontMatter({}, text)
    blank = "\n" * (len(re.findall(r"\r\n|\n|\r", text[: end.end()])))
    return FrontMatter(pairs, blank + text[end.end() :])


def _bare(value: str) -> str:
    value = value.strip()
    if value[:1] == "[" and value[-1:] == "]":
        return ", ".join(_bare(each) for each in value[1:-1].split(","))
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
