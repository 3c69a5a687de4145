"""Lists of findings: checkboxes, and bullets that name a place under a heading that names a severity."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from polly.intake.sources.markdown.fields import FileMention, mentioned_files, parse_severity
from polly.intake.sources.markdown.outline import Outline

_ITEM = re.compile(
    r"""^(?P<indent>[\s>]*)(?:[-*+]|\d{1,9}[.)])\s+
        (?:\[(?P<box>[ xX~/-]?)\]\s+)?
        (?P<text>\S.*)$""",
    re.VERBOSE,
)
_ID = re.compile(
    r"^[*_~`\[\s]*(?P<id>[A-Z]{1,6}-?\d{1,6}(?:-\d{1,6})?)\]?[*_`]*(?:\s*[:.)]|\s+[-\u2013\u2014])\s*"
)
_SIGN = re.compile(r"^[^\w`\[(*~]{1,4}\s+")
_SEVERITY = re.compile(
    r"^[*_\s]*[\[(]?(?P<word>[A-Za-z]{2,13}(?: priority)?)[\])]?[*_]*(?:\s*[:\u2013\u2014-]|(?<=[\])*_]))\s*"
)
_PLACE = re.compile(r"^[*_(\[]*`[^`]{1,400}`[*_)\]]*\s*[:\u2013\u2014-]\s*")


class Item(NamedTuple):
    """One item of a list. `box` is None without a checkbox, "" for an empty one, else its mark."""

    line: int
    end: int
    box: str | None
    id: str
    text: str
    files: tuple[FileMention, ...]


def items(document: Outline) -> Iterator[Item]:
    """The items of all lists of a document, each with the lines that belong to it (to before `end`)."""
    found = [
        (each, match)
        for each in document.statements
        if each.in_list and (match := _ITEM.match(each.text[:_LONGEST]))
    ]
    heads = {each.line for each, _ in found}
    last_of = _last_lines(document, heads)
    for statement, match in found:
        text = match["text"].strip()
        named = _ID.match(_SIGN.sub("", text))
        box = match["box"]
        yield Item(
            statement.line,
            last_of[statement.line] + 1,
            box.strip() if box is not None else None,
            named["id"] if named else "",
            text,
            mentioned_files(text),
        )


def leading_word(text: str) -> str:
    """The word in front of an item that may be a severity: of `[HIGH] …`, `**Major**: …`."""
    found = _SEVERITY.match(_SIGN.sub("", text))
    return found["word"] if found else ""


def plain(text: str) -> str:
    """The words of an item without the sign, severity, id and place in front of them."""
    bare = _SIGN.sub("", text).strip()
    ranked = _SEVERITY.match(bare)
    if ranked and parse_severity(ranked["word"]):
        bare = bare[ranked.end() :]
    named = _ID.match(bare)
    bare = bare[named.end() :] if named else bare
    bare = _PLACE.sub("", bare)
    return bare.strip() or text.strip()


#: No line that a person wrote as an item of a list is longer.
_LONGEST = 4096


def _last_lines(document: Outline, heads: set[int]) -> dict[int, int]:
    """The last line of each item: statements of the list that follow it line by line."""
    last: dict[int, int] = {}
    head = 0
    for statement in document.statements:
        if statement.line in heads:
            head = statement.line
            last[head] = head
        elif head and statement.in_list and statement.line == last[head] + 1:
            last[head] = statement.line
        else:
            head = 0
    return last
