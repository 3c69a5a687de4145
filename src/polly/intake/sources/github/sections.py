"""Findings that stand only in the body of a review: sections with a count, files, and lines in them."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from polly.intake.sources.github.details import Block, Line, blocks_of, lines_of, without
from polly.intake.sources.github.markup import plain, without_comments, without_quote_marks
from polly.work.issues import Severity


class Section(NamedTuple):
    """What stands in a section. left_out: the reason for which none of it is work.

    repeats: the findings may stand under a line of the change as well.
    """

    severity: Severity
    left_out: str = ""
    repeats: bool = False


#: By a word of the heading; the first that fits.
_SECTIONS = (
    ("nitpick", Section(Severity.NITPICK)),
    ("outside diff", Section(Severity.MINOR)),
    ("duplicate", Section(Severity.MINOR, repeats=True)),
    ("failed to post", Section(Severity.MINOR)),
    ("suppressed", Section(Severity.NITPICK)),
    ("low confidence", Section(Severity.NITPICK)),
    ("previously missed", Section(Severity.MINOR)),
    ("additional comments", Section(Severity.NITPICK, left_out="informational")),
)
_COUNT = re.compile(r"\((\d{1,6})\)\s*$")
_HEADING = re.compile(r"#{1,6}\s+(.*)")
#: "`79-90`: **Title**" under the name of a file
_LINES = re.compile(r"\s{0,3}`(\d{1,9})(?:\s*[-\u2013]\s*(\d{1,9}))?`\s*:\s*(.*)")
#: "**src/app.ts:42**" with its text below
_PLACE = re.compile(r"\s{0,3}\*\*`?([^*`\s][^*`]{0,400}?):(\d{1,9})(?:-(\d{1,9}))?`?\*\*\s*:?\s*(.*)")
#: What a review says about the comments that it comes with.
_STATED = re.compile(
    r"actionable comments posted:\W*(\d{1,6})"
    r"|found (\d{1,6}) potential issue|generated (\d{1,6}) (?:new )?comments?\b",
    re.IGNORECASE,
)


class SectionFinding(NamedTuple):
    """One finding of a section, its words still as they were written."""

    section: Section
    path: str
    start_line: int | None
    end_line: int | None
    text: str


class Miscount(NamedTuple):
    """A heading that states another number of findings than stand below it."""

    heading: str
    stated: int
    found: int


class ReviewBody(NamedTuple):
    """What a review says beside its comments. comments: how many comments it says it came with."""

    findings: tuple[SectionFinding, ...]
    miscounts: tuple[Miscount, ...]
    comments: int | None


class _Region(NamedTuple):
    """A section with its heading and the text below it."""

    heading: str
    section: Section
    text: str


def read_review(text: str) -> ReviewBody:
    """The findings in the body of a review, and what it says about itself."""
    visible = without_quote_marks(without_comments(text.replace("\r\n", "\n")))
    findings: list[SectionFinding] = []
    miscounts: list[Miscount] = []
    for region in _regions(visible):
        found = _findings_of(region)
        findings += found
        stated = _COUNT.search(region.heading)
        if stated and int(stated[1]) != len(found):
            miscounts.append(Miscount(region.heading, int(stated[1]), len(found)))
    said = _STATED.search(visible)
    count = int(said[1] or said[2] or said[3]) if said else None
    return ReviewBody(tuple(findings), tuple(miscounts), count)


def _regions(text: str) -> Iterator[_Region]:
    blocks = blocks_of(text)
    yield from _folded(text, blocks)
    heading, collected = "", list[str]()
    for line in (*lines_of(without(text, blocks)), Line("# ", 0, None, is_fence=False)):
        found = _HEADING.match(line.text) if line.fence is None else None
        if not found:
            collected.append(line.text)
            continue
        section = _section(heading)
        if section:
            yield _Region(heading, section, "\n".join(collected))
        heading, collected = plain(found[1]), []


def _folded(text: str, blocks: tuple[Block, ...]) -> Iterator[_Region]:
    for block in blocks:
        heading = plain(block.summary)
        section = _section(heading)
        if section:
            yield _Region(heading, section, text[block.inner_start : block.inner_end])
        else:
            yield from _folded(text, block.blocks)


def _section(heading: str) -> Section | None:
    lowered = heading.lower()
    counted = _COUNT.search(heading) is not None
    return next((section for word, section in _SECTIONS if counted and word in lowered), None)


def _findings_of(region: _Region) -> list[SectionFinding]:
    """The findings under the files of a section, or under places that name the file themselves."""
    text = region.text
    files = [block for block in blocks_of(text) if _COUNT.search(block.summary)]
    if not files:
        return list(_items(text, region.section, ""))
    found: list[SectionFinding] = []
    for block in files:
        path = _COUNT.sub("", plain(block.summary)).strip()
        found += _items(text[block.inner_start : block.inner_end], region.section, path)
    return found


def _items(text: str, section: Section, path: str) -> Iterator[SectionFinding]:
    begun: re.Match[str] | None = None
    collected: list[str] = []
    for line in lines_of(text):
        found = (_LINES if path else _PLACE).match(line.text) if line.fence is None else None
        if found is None:
            collected.append(line.text)
            continue
        if begun:
            yield _item(begun, collected, section, path)
        begun, collected = found, []
    if begun:
        yield _item(begun, collected, section, path)
    elif path and plain("\n".join(collected)):
        # A comment on the whole file names no lines.
        yield SectionFinding(section, path, None, None, "\n".join(collected))


def _item(begun: re.Match[str], lines: list[str], section: Section, path: str) -> SectionFinding:
    *place, first, last, rest = begun.groups()
    text = "\n".join((rest, *lines)).strip()
    while text.endswith("---"):
        text = text.removesuffix("---").rstrip()
    return SectionFinding(section, path or place[0], int(first), int(last or first), text)
