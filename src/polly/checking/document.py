"""A report taken apart for checking: its lines, its packages with their files, and the commits it names."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from polly.checking.history import MAX_COMMITS
from polly.intake.sources.markdown import tables
from polly.intake.sources.markdown.fields import FileMention, mentioned_files, parse_files
from polly.intake.sources.markdown.items import items
from polly.intake.sources.markdown.outline import Outline
from polly.intake.sources.markdown.places import Places

#: What lies beyond is no line that a person wrote.
_LONGEST = 2000
PACKAGE = re.compile(r"\bWP-?\d{1,4}\b")
_PACKAGE_ID = re.compile(r"[A-Za-z]{1,12}[ -]?\d{1,4}")
_COMMIT = re.compile(r"(?<![\w/.#-])(?P<id>(?=[0-9a-f]*\d)[0-9a-f]{7,40})(?![\w/-]|\.\w)")
_ALL_DIGITS = re.compile(r"\d+")
_COMMIT_WORD = re.compile(r"\b(?:commits?|fixed in|sha|revision|landed in|merged in)\b", re.IGNORECASE)


class Line(NamedTuple):
    """A line with its number, and whether it stands in a block of code."""

    number: int
    text: str
    in_code: bool


class Named(NamedTuple):
    """A commit as a document names it, the text behind it on its line, and the line."""

    id: str
    after: str
    line: Line


class Package(NamedTuple):
    """A work package of a report: its line, and its files (path → the line that says so)."""

    id: str
    line: int
    files: Mapping[str, int]


class Report:
    """A text as checking needs it. Paths are those of the repository, as far as they are known there."""

    def __init__(self, name: str, outline: Outline, paths: frozenset[str], known: Places) -> None:
        self.name = name
        self.outline = outline
        self.paths = paths
        self.places = known
        told = {each.line for each in outline.statements} | {each.line for each in outline.headings}
        self.lines = tuple(
            Line(number, text[:_LONGEST], bool(text.strip()) and number not in told)
            for number, text in enumerate(outline.lines, start=1)
        )
        self.tables = tuple(tables.tables(outline))
        self.packages = {package.id: package for package in self._packages()}

    def ref(self, line: int) -> str:
        """A line of the document for people and programs."""
        return f"{self.name}:{line}"

    def known_path(self, path: str) -> str | None:
        """The one file of the repository that a path means; None for none or several."""
        found = self.places.ending(path)
        return found[0] if len(found) == 1 else None

    def mentions(self, line: Line) -> tuple[FileMention, ...]:
        """The paths that a line names."""
        return mentioned_files(line.text)

    def commits(self) -> Iterator[Named]:
        """The commits that the document names, in its order, up to the first that is one too many.

        Numbers alone need a word such as "commit" before them.
        """
        seen: set[str] = set()
        for line in self.lines:
            for found in _COMMIT.finditer(line.text):
                if _ALL_DIGITS.fullmatch(found["id"]) and not _COMMIT_WORD.search(line.text[: found.start()]):
                    continue
                if found["id"] not in seen and len(seen) >= MAX_COMMITS:
                    return
                seen.add(found["id"])
                yield Named(found["id"], line.text[found.end() :].strip("`*_ :\t-"), line)

    def _packages(self) -> Iterator[Package]:
        """Packages of tables with files, and of lines and headings that begin with the id of one."""
        found: dict[str, tuple[int, dict[str, int]]] = {}
        for table in self.tables:
            if "package" not in table.columns:
                continue
            for row in table.rows:
                name = re.sub(r"[*_`\[\]]", "", row.cell("package")).strip()
                if _PACKAGE_ID.fullmatch(name):
                    files = self._files(parse_files(row.cell("file")))
                    found[name] = (row.line, dict.fromkeys(files, row.line))
        for name, line, mentions in self._named_in_lines():
            entry = found.setdefault(name, (line, {}))
            for path in self._files(mentions):
                entry[1].setdefault(path, line)
        for name, (line, owned) in found.items():
            yield Package(name, line, owned)

    def _named_in_lines(self) -> Iterator[tuple[str, int, tuple[FileMention, ...]]]:
        """`- WP1: file` and `1. file … - WP1`: the id of one package beside files."""
        rows = {row.line for table in self.tables for row in table.rows}
        lists = {item.line for item in items(self.outline)}
        for line in self.lines:
            named = set(PACKAGE.findall(line.text)) if not line.in_code and line.number not in rows else set()
            if len(named) == 1 and (line.number in lists or line.text.lstrip().startswith(("**WP", "#"))):
                yield named.pop(), line.number, self.mentions(line)

    def _files(self, mentions: tuple[FileMention, ...]) -> list[str]:
        return [path for each in mentions if (path := self.known_path(each.path))]
