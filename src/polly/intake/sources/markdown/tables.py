"""Tables of findings: which tables are one, what each column says, and their rows."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from polly.intake.sources.markdown.outline import Outline, Statement

_PIPE = re.compile(r"(?<!\\)\|")
_LEAD = re.compile(r"^[\s>]*(?:[-*+]\s+)?")
_MARKUP = re.compile(r"[*_`]")
_ID_LIST = re.compile(r"[A-Z]{1,6}-?\d{1,6}(?:\s*(?:,|and|&|\s|-|\u2013)\s*[A-Z]{0,6}-?\d{1,6})*")
#: A wider table is no table that a person reads, and its rows could not be told apart from noise.
_MAX_COLUMNS = 64

_COLUMNS = {
    "id": ("id", "#", "no", "no.", "nr", "nr.", "number", "issue id", "finding id", "issue #", "key"),
    "severity": ("severity", "sev", "sev.", "priority", "prio", "level", "risk", "criticality"),
    "file": (
        "file", "files", "path", "paths", "location", "locations", "where", "filename", "file name",
        "file path", "file(s)", "location(s)", "affected file", "affected files", "file:line", "file/line",
    ),
    "lines": ("lines",),
    "line": ("line", "line(s)", "line no", "line no.", "line number", "line numbers", "line #"),
    "title": ("title", "issue", "finding", "name", "summary", "message", "what", "bug", "error", "violation"),
    "problem": ("problem", "description", "details", "detail", "explanation", "impact", "notes", "comment"),
    "suggestion": (
        "fix", "suggestion", "recommendation", "suggested fix", "recommended fix", "action", "solution",
        "remediation", "resolution",
    ),
    "status": ("status", "state", "done", "fixed", "resolved"),
    "effort": ("effort", "estimate", "est", "est.", "time", "estimated time", "estimated effort"),
    "rule": ("rule", "rule id", "check", "code"),
    "tool": ("tool", "scanner", "linter", "source"),
    "package": ("wp", "package", "work package", "pkg", "task"),
    "role": ("agent", "role", "polly", "specialist"),
    "ids": ("issues", "issue ids", "findings", "fixes", "issues fixed"),
    "labels": ("label", "labels", "category", "type"),
}  # fmt: skip
_MEANING = {name: meaning for meaning, names in _COLUMNS.items() for name in names}


class Row(NamedTuple):
    """A row with its cells by what their column says; an absent column is an absent key."""

    line: int
    cells: Mapping[str, str]

    def cell(self, meaning: str) -> str:
        """The text of a cell, "" when the table has no such column."""
        return self.cells.get(meaning, "")


class Table(NamedTuple):
    """A table outside code, with the line of its header."""

    line: int
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def tables(document: Outline) -> Iterator[Table]:
    """The tables of a document in its order, whatever they are about."""
    statements = document.statements
    place = 0
    while place + 1 < len(statements):
        header, under = statements[place], statements[place + 1]
        if "|" not in header.text or under.line != header.line + 1 or not _is_delimiter(under.text):
            place += 1
            continue
        end = place + 2
        while end < len(statements) and _goes_on(statements[end - 1], statements[end]):
            end += 1
        yield _table(header, statements[place + 2 : end])
        place = end


def findings(table: Table) -> tuple[Row, ...]:
    """The rows of a table of findings; none for a table about something else."""
    columns = set(table.columns)
    told = columns & {"title", "problem", "rule"}
    judged = columns & {"severity", "id", "rule"}
    ranked = {"id", "severity"} <= columns
    placed = "file" in columns and (judged or any(_names_line(row) for row in table.rows))
    if not told or not (ranked or placed):
        return ()
    return tuple(row for row in table.rows if _says_something(row))


def cells(text: str) -> list[str]:
    """The cells of a row, without their frame."""
    inner = _LEAD.sub("", text).strip()
    if "|" not in inner:
        return [inner]
    parts = _PIPE.split(inner, maxsplit=_MAX_COLUMNS + 1)
    parts = parts[1:] if not parts[0].strip() else parts
    parts = parts[:-1] if parts and not parts[-1].strip() else parts
    return [part.replace("\\|", "|").strip() for part in parts]


def _is_delimiter(text: str) -> bool:
    inner = _LEAD.sub("", text)
    return "-" in inner and set(inner) <= set("|:- \t")


def _goes_on(before: Statement, statement: Statement) -> bool:
    return statement.line == before.line + 1 and "|" in statement.text


def _table(header: Statement, body: Sequence[Statement]) -> Table:
    names = [" ".join(_MARKUP.sub(" ", cell).casefold().split()) for cell in cells(header.text)]
    columns = tuple(_MEANING.get(name, "") for name in names[:_MAX_COLUMNS])
    rows = tuple(Row(each.line, _by_meaning(columns, cells(each.text))) for each in body)
    if rows and all(_ID_LIST.fullmatch(_MARKUP.sub("", row.cell("title")).strip()) for row in rows):
        # "Issues: C1, N3" in a table of packages names findings and tells none.
        columns = tuple("ids" if each == "title" else each for each in columns)
        rows = tuple(Row(each.line, _by_meaning(columns, cells(each.text))) for each in body)
    return Table(header.line, columns, rows)


def _by_meaning(columns: Sequence[str], texts: Sequence[str]) -> dict[str, str]:
    named: dict[str, str] = {}
    for column, text in zip(columns, texts, strict=False):
        if column and text:
            named[column] = f"{named[column]}\n{text}" if column in named else text
    return named


def _names_line(row: Row) -> bool:
    # A bare number under "Lines" may as well be how many there are.
    in_range = re.search(r"\d\s*[-\u2013,]\s*\d", row.cell("lines"))
    return bool(re.search(r":L?\d", row.cell("file")) or re.search(r"\d", row.cell("line")) or in_range)


def _says_something(row: Row) -> bool:
    first = _MARKUP.sub("", row.cell("id") or row.cell("severity") or row.cell("file")).strip().casefold()
    return any(row.cell(each) for each in ("title", "problem", "rule")) and first.rstrip(":") not in (
        "total",
        "sum",
        "totals",
    )
