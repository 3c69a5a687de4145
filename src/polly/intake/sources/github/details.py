"""The foldable blocks of a comment: `<details>` with their summary, as a tree over the text.

Time grows with the length of the text, whatever it holds; what is not closed ends with the text.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

#: No reviewer nests deeper; below, the tags stay text.
_MAX_DEPTH = 30

_TAG = re.compile(r"<(/?)(details|summary)\b[^<>]*>", re.IGNORECASE)
_FENCE = re.compile(r"[ \t>]*(`{3,}|~{3,})([^`]*)$")


class Block(NamedTuple):
    """One foldable block: `text[start:end]` with its tags, `text[inner_start:inner_end]` without."""

    summary: str
    start: int
    inner_start: int
    inner_end: int
    end: int
    blocks: tuple["Block", ...]


class Line(NamedTuple):
    """A line with its offset; `fence` is the info string of the code block around it, None outside."""

    text: str
    offset: int
    fence: str | None
    is_fence: bool


def lines_of(text: str) -> Iterator[Line]:
    """The lines without their ends. Lines that open or close a code block are fences of that block."""
    mark, info, offset = "", "", 0
    for raw in text.split("\n"):
        found = _FENCE.match(raw.rstrip()) if "```" in raw or "~~~" in raw else None
        if not mark and found:
            mark, info = found[1], found[2].strip()
            yield Line(raw, offset, info, True)
        elif mark and found and found[1].startswith(mark) and not found[2].strip():
            mark = ""
            yield Line(raw, offset, info, True)
        else:
            yield Line(raw, offset, info if mark else None, False)
        offset += len(raw) + 1


def blocks_of(text: str) -> tuple[Block, ...]:
    """The outermost blocks of the text in their order."""
    if "<details" not in text.lower():
        return ()
    open_: list[_Open] = []
    done: list[Block] = []
    summary: _Tag | None = None
    for tag in _tags(text):
        if tag.name == "summary":
            if tag.closes and summary is not None and open_:
                open_[-1].summary = open_[-1].summary or text[summary.end : tag.start].strip()
                open_[-1].inner_start = tag.end
            summary = None if tag.closes else tag
        elif not tag.closes:
            if len(open_) < _MAX_DEPTH:
                open_.append(_Open(tag))
        elif open_:
            _close(open_, done, tag.start, tag.end)
    while open_:
        _close(open_, done, len(text), len(text))
    return tuple(done)


class _Tag(NamedTuple):
    name: str
    closes: bool
    start: int
    end: int


class _Open:
    def __init__(self, tag: _Tag) -> None:
        self.start = tag.start
        self.inner_start = tag.end
        self.summary = ""
        self.blocks: list[Block] = []


def _close(open_: list[_Open], done: list[Block], inner_end: int, end: int) -> None:
    each = open_.pop()
    start = min(each.inner_start, inner_end)
    block = Block(each.summary, each.start, start, inner_end, end, tuple(each.blocks))
    (open_[-1].blocks if open_ else done).append(block)


def _tags(text: str) -> Iterator[_Tag]:
    for line in lines_of(text):
        if line.fence is not None or "<" not in line.text:
            continue
        for found in _outside_code(line.text):
            start, end = line.offset + found.start(), line.offset + found.end()
            yield _Tag(found[2].lower(), bool(found[1]), start, end)


def _outside_code(line: str) -> Iterator[re.Match[str]]:
    ticks = 0
    counted = 0
    for found in _TAG.finditer(line):
        ticks += line.count("`", counted, found.start())
        counted = found.start()
        if ticks % 2 == 0:
            yield found


def without(text: str, blocks: Sequence[Block]) -> str:
    """The text with these blocks taken out."""
    pieces, position = [], 0
    for block in blocks:
        pieces.append(text[position : block.start])
        position = max(position, block.end)
    return "".join((*pieces, text[position:]))
