"""The block structure of a Markdown text as far as findings need it: headings, keys, statements and lines.

Only what a Markdown parser calls a heading or a paragraph counts; the inside of code fences never does.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

_KEY = re.compile(
    r"""^(?P<lead>[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+)?)   # quote or list marker
        (?:\*\*|__)(?P<name>[^*_`:][^*`:]{0,60}?)(?P<inner>:?)\s*(?:\*\*|__)
        (?P<note>\s*\([^()]{0,80}\))?\s*(?P<outer>:?)""",
    re.VERBOSE,
)
_BOLD_TITLE = re.compile(r"^\s*\*\*(?P<title>(?:`[^`]*`|[^*`]|\*(?!\*))+)\*\*")


#: The level of a bold line that stands for a heading: below all real ones.
BOLD_LEVEL = 7


class Heading(NamedTuple):
    """A heading, or a bold line that stands for one. Lines count from 1."""

    level: int
    text: str
    line: int


class Key(NamedTuple):
    """A line such as `**File**: …`. `column` is where its value begins."""

    name: str
    line: int
    column: int
    in_list: bool


class Statement(NamedTuple):
    """One line of a paragraph, list item or table, outside code."""

    text: str
    line: int
    in_list: bool


class Outline(NamedTuple):
    """The structure of one text. `lines` holds its source lines; all tuples are in line order."""

    lines: tuple[str, ...]
    headings: tuple[Heading, ...]
    keys: tuple[Key, ...]
    statements: tuple[Statement, ...]

    def between(self, first: int, end: int) -> tuple[Statement, ...]:
        """The statements of the lines from `first` up to before `end`."""
        start = bisect_left(self.statements, first, key=_line_of)
        return self.statements[start : bisect_left(self.statements, end, key=_line_of)]

    def source(self, first: int, last: int, column: int = 0) -> str:
        """The source of the lines from `first` up to before `last`, without rules and space at its end."""
        chosen = list(self.lines[first - 1 : last - 1])
        if chosen:
            chosen[0] = chosen[0][column:]
        while chosen and re.fullmatch(r"\s*(?:[-*_]\s*){3,}|\s*", chosen[-1]):
            chosen.pop()
        return "\n".join(chosen).strip("\n").rstrip() if chosen else ""


def _line_of(statement: Statement) -> int:
    return statement.line


def outline(text: str) -> Outline:
    """The structure of a Markdown text."""
    lines = tuple(re.split(r"\r\n|\n|\r", text))
    # Blocks are all that is looked at; what stands inside a line is not worth parsing.
    parser = MarkdownIt("commonmark").disable(["inline", "text_join"])
    tokens = parser.parse("\n".join(lines))
    headings: list[Heading] = []
    keys: list[Key] = []
    statements: list[Statement] = []
    depth = 0
    for before, token in _with_previous(tokens):
        depth += token.nesting if token.type in ("bullet_list_open", "ordered_list_open") else 0
        depth -= token.type in ("bullet_list_close", "ordered_list_close")
        if token.type != "inline" or token.map is None:
            continue
        first = token.map[0] + 1
        if (
            before is not None
            and before.type == "heading_open"
            and not _is_paragraph_over_rule(before, token)
        ):
            headings.append(Heading(int(before.tag[1:]), token.content.strip(), first))
            continue
        title = _BOLD_TITLE.match(token.content) if depth == 0 else None
        if title:
            headings.append(Heading(BOLD_LEVEL, title["title"].strip(), first))
        for offset in range(token.content.count("\n") + 1):
            line = first + offset
            statements.append(Statement(_line(lines, line), line, depth > 0))
            key = _key(_line(lines, line), line, in_list=depth > 0)
            if key:
                keys.append(key)
    return Outline(lines, tuple(headings), tuple(keys), tuple(statements))


def _with_previous(tokens: Sequence[Token]) -> Iterator[tuple[Token | None, Token]]:
    before: Token | None = None
    for token in tokens:
        yield before, token
        before = token


def _is_paragraph_over_rule(heading: Token, inline: Token) -> bool:
    """True where a rule drawn right under a key line makes a heading of it by accident."""
    return heading.markup in ("-", "=") and ("\n" in inline.content or _KEY.match(inline.content) is not None)


def _line(lines: Sequence[str], number: int) -> str:
    return lines[number - 1] if number <= len(lines) else ""


def _key(text: str, line: int, *, in_list: bool) -> Key | None:
    found = _KEY.match(text)
    if found is None or not (found["inner"] or found["outer"]):
        return None
    return Key(found["name"].strip(), line, found.end(), in_list)
