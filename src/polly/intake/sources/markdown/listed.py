"""Rows of tables and items of lists become findings, unless they repeat a finding described elsewhere."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from polly.intake.finding import Finding
from polly.intake.sources.markdown import items, tables
from polly.intake.sources.markdown.fields import (
    Effort,
    FileMention,
    mentioned_files,
    parse_effort,
    parse_files,
    parse_lines,
    parse_rule,
    parse_severity,
    parse_status,
)
from polly.intake.sources.markdown.outline import Heading, Outline
from polly.intake.sources.markdown.places import Places
from polly.intake.sources.markdown.sections import Above, Spans, severity_above
from polly.work.issues import IssueStatus, Severity, Source, Warning

_ID = re.compile(r"#?(?P<id>[A-Za-z0-9][A-Za-z0-9._-]{0,99})")
_MARKUP = re.compile(r"[*_`\[\]~]|\([^()\s]*\)")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s")
_MAX_TITLE = 200
_BOXES = {"": IssueStatus.OPEN, "x": IssueStatus.FIXED, "X": IssueStatus.FIXED, "-": IssueStatus.DECLINED}


class Listed(NamedTuple):
    """A finding of a table or list, with its lines; `effort` when it states one."""

    finding: Finding
    line: int
    end: int
    effort: Effort | None = None


class Lists:
    """Reads tables and lists outside the sections of a document.

    `described` are the findings of its sections by id: a row or item that names one of them is held
    against it and is no finding of its own.
    """

    def __init__(
        self, name: str, document: Outline, places: Places, described: dict[str, tuple[Finding, int]]
    ) -> None:
        self._name = name
        self._document = document
        self._places = places
        self._described = described
        self.tables = tuple(tables.tables(document))
        self.assumed: list[str] = []
        self.framing: list[int] = []  # lines of tables of findings that tell none: headers, sums
        self.warnings: list[Warning] = []

    def read(self, inside: Sequence[tuple[int, int]]) -> tuple[Listed, ...]:
        """The findings in line order. `inside` are the lines of sections, which are read already."""
        busy = list(inside)
        found: list[Listed] = []
        above = Above(self._document)
        sections = Spans(inside)
        for table in self.tables:
            if not sections.hold(table.line):
                found += self._rows(table, severity_above(above.at(table.line)))
                busy.append((table.line, table.line + 2 + len(table.rows)))
        found += self._items(Spans(busy), strict=bool(found or inside))
        return tuple(sorted(found, key=lambda each: each.line))

    def _rows(self, table: tables.Table, heading: Heading | None) -> Iterator[Listed]:
        rows = tables.findings(table)
        known = dict(self._described)
        if rows:
            told = {row.line for row in rows}
            lines = range(table.line, table.line + 2 + len(table.rows))
            self.framing += [line for line in lines if line not in told]
        for row in rows or table.rows:
            issue_id = _id_of(row.cell("id"))
            first = known.get(issue_id) if issue_id else None
            if first and _is_same(first[0], row, issue_id):
                self._compare(first, issue_id, row.line, _severity_of(row), _status_of(row))
                self.framing.append(row.line)
            elif rows:
                listed = self._row(row, issue_id, heading)
                self._described.setdefault(listed.finding.id, (listed.finding, row.line))
                yield listed

    def _row(self, row: tables.Row, issue_id: str, heading: Heading | None) -> Listed:
        ref = f"{self._name}:{row.line}"
        title = row.cell("title") or row.cell("problem") or row.cell("rule")
        mentions = _mentions(row)
        placed = self._places.place(mentions, ref)
        severity = _severity_of(row) or (parse_severity(heading.text) if heading else None)
        severity = (
            severity or parse_severity(row.cell("labels")) or self._assume(issue_id or f"line {row.line}")
        )
        rule = parse_rule(row.cell("rule"))
        effort = parse_effort(row.cell("effort"))
        finding = Finding(
            id=issue_id,
            severity=severity,
            status=_status_of(row) or IssueStatus.OPEN,
            title=_title(title),
            message=_title(title),
            places=placed.places,
            creates=placed.creates,
            problem="\n\n".join(
                dict.fromkeys(
                    each for each in (_long(title), row.cell("problem")) if each and each != _title(title)
                )
            ),
            suggestion=row.cell("suggestion"),
            effort_minutes=effort.middle if effort else None,
            source=Source(
                format="markdown",
                tool=rule.tool if rule and rule.tool else row.cell("tool") or None,
                rule=rule.rule if rule else None,
                ref=ref,
            ),
        )
        return Listed(finding, row.line, row.line + 1, effort)

    def _items(self, busy: Spans, *, strict: bool) -> Iterator[Listed]:
        above = Above(self._document)
        for item in items.items(self._document):
            if busy.hold(item.line):
                continue
            told = self._described.get(item.id) if item.id else None
            if told:
                status = _BOXES.get(item.box) if item.box is not None else None
                self._compare(told, item.id, item.line, None, status)
                continue
            heading = severity_above(above.at(item.line))
            severity = parse_severity(items.leading_word(item.text)) or parse_severity(
                heading.text if heading else item.text[:4]
            )
            if self._is_finding(item, strict=strict, judged=severity is not None):
                yield self._item(item, severity)

    def _is_finding(self, item: items.Item, *, strict: bool, judged: bool) -> bool:
        """Whether an item tells a finding: lists are also written about tests, steps and changes."""
        if item.id and judged:
            return True
        exact = any(each.lines for each in item.files)
        if item.box is not None and not strict:
            return exact or any(self._places.ending(each.path) for each in item.files)
        return exact and (judged or item.box is not None)

    def _item(self, item: items.Item, severity: Severity | None) -> Listed:
        ref = f"{self._name}:{item.line}"
        mentions = [each for each in item.files if each.lines or self._places.ending(each.path)]
        placed = self._places.place(mentions, ref)
        text = items.plain(item.text)
        rest = self._document.source(item.line + 1, item.end).strip() if item.end > item.line + 1 else ""
        done = item.text.startswith("~~") and item.text.endswith("~~")
        status = IssueStatus.FIXED if done else _BOXES.get(item.box or "", IssueStatus.PARTLY)
        finding = Finding(
            id=item.id,
            severity=severity or self._assume(item.id or f"line {item.line}"),
            status=status,
            title=_title(text),
            message=_title(text),
            places=placed.places,
            creates=placed.creates,
            problem="\n\n".join(filter(None, [_long(text), rest])),
            source=Source(format="markdown", ref=ref),
        )
        self._described.setdefault(finding.id, (finding, item.line))
        return Listed(finding, item.line, item.end)

    def _assume(self, what: str) -> Severity:
        self.assumed.append(what)
        return Severity.MINOR

    def _compare(
        self,
        told: tuple[Finding, int],
        issue_id: str,
        line: int,
        severity: Severity | None,
        status: IssueStatus | None,
    ) -> None:
        finding, described = told
        for said, known in ((severity, finding.severity), (status, finding.status)):
            if said is not None and said is not known:
                message = (
                    f"{self._name}: {issue_id} is called {said} at line {line}, but {known} at line "
                    f"{described}; {known} is used."
                )
                ref = f"{self._name}:{line}"
                self.warnings.append(Warning(code="contradiction", message=message, ref=ref))


def _id_of(cell: str) -> str:
    found = _ID.fullmatch(_MARKUP.sub("", cell).strip().rstrip("."))
    return found["id"] if found else ""


def _is_same(finding: Finding, row: tables.Row, issue_id: str) -> bool:
    """Whether a row is about a finding with its id: bare numbers begin anew in every table."""
    title = _title(row.cell("title") or row.cell("problem")).casefold()
    known = finding.title.casefold()
    return not issue_id.isdigit() or not title or title in known or known in title


def _severity_of(row: tables.Row) -> Severity | None:
    return parse_severity(row.cell("severity"))


def _status_of(row: tables.Row) -> IssueStatus | None:
    cell = row.cell("status").strip().casefold()
    if cell in ("yes", "y", "[x]"):
        return IssueStatus.FIXED
    return IssueStatus.OPEN if cell in ("no", "n", "[ ]") else parse_status(cell)


def _mentions(row: tables.Row) -> tuple[FileMention, ...]:
    files = parse_files(row.cell("file"))
    lines = parse_lines(_MARKUP.sub("", row.cell("line") or row.cell("lines")).strip())
    if len(files) == 1 and lines and not files[0].lines:
        return (files[0]._replace(lines=lines),)
    if files or "file" in row.cells:
        return files
    return tuple(
        each for each in mentioned_files(row.cell("title") + "\n" + row.cell("problem")) if each.lines
    )


def _title(text: str) -> str:
    words = " ".join(text.split())
    if len(words) <= _MAX_TITLE:
        return words
    return _SENTENCE_END.split(words, maxsplit=1)[0][:_MAX_TITLE]


def _long(text: str) -> str:
    return text.strip() if len(" ".join(text.split())) > _MAX_TITLE else ""
