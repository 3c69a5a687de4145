"""A Markdown inventory becomes findings: one per heading with an id, several for a range of ids."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from polly.errors import InputError
from polly.intake.document import Document
from polly.intake.finding import Context, Finding, Place, Reading
from polly.intake.globs import is_pattern, matches
from polly.intake.sources.format import Format
from polly.intake.sources.markdown import figures
from polly.intake.sources.markdown.fields import (
    FileMention,
    RuleMention,
    parse_effort,
    parse_files,
    parse_rule,
    parse_severity,
    parse_status,
)
from polly.intake.sources.markdown.outline import BOLD_LEVEL, Key, Outline, outline
from polly.intake.sources.markdown.sections import Section, meaning, sections, split_id
from polly.work.issues import IssueStatus, Severity, Source, Warning

#: More issues than any document describes one by one; a longer "range" is a mistake or a trap.
_MAX_RANGE = 500
#: A list that people can read is far smaller; a log of a build is not.
_MAX_CHARACTERS = 16 << 20
_COUNTED_TITLE = re.compile(r"\(\d+\s+(?:issues?|findings?|items?)\)$", re.IGNORECASE)
_LIST_ITEM = re.compile(r"^\s{0,3}(?:[-*+]|\d{1,9}[.)])\s+(?P<text>.*)$")
_PARENTHESES = re.compile(r"\(([^()]*)\)")
_SHORT_VALUES = frozenset({"file", "status", "effort", "priority", "severity", "rule", "labels"})


def recognises(document: Document) -> bool:
    """True for every text that is not JSON: what it lacks, the reader says better."""
    return not document.is_json


def read(document: Document, context: Context) -> Reading:
    """The findings that the document describes, and the contradictions in what it says about itself."""
    if len(document.text) > _MAX_CHARACTERS:
        raise InputError(
            f"{document.name} is text of more than {_MAX_CHARACTERS >> 20} million characters.",
            next_step="Name a list of findings; for a log, let its tool write SARIF.",
        )
    parsed = outline(document.text)
    found = sections(parsed)
    if not found:
        raise InputError(
            f"{document.name} is text without any finding that Polly can read.",
            next_step="Looked for headings such as '### C1. Title' with lines such as "
            "'**File**: `src/a.py:10-12`'; docs/reference/sources.md describes the format.",
        )
    reader = _Reader(document.name, parsed, context)
    findings = [finding for section in found for finding in reader.findings(section)]
    stated = figures.contradictions(
        document.name,
        parsed,
        [figures.Counted(section, len(reader.expanded(section))) for section in found],
        findings,
    )
    return Reading(tuple(findings), (*reader.warnings(), *stated))


FORMAT = Format("markdown", "headings such as `### C1. Title` with a line `**File**: …`", recognises, read)


class _Value(NamedTuple):
    key: Key
    text: str


class _Fields(NamedTuple):
    """The values of one section by meaning, and the text that belongs to none."""

    values: dict[str, list[_Value]]
    body: str

    def first(self, name: str) -> str:
        return self.values[name][0].text if self.values.get(name) else ""


class _Judged(NamedTuple):
    severity: Severity
    status: IssueStatus
    files: tuple[FileMention, ...]
    rule: RuleMention | None
    effort_minutes: int | None


class _Reader:
    def __init__(self, name: str, parsed: Outline, context: Context) -> None:
        self._name = name
        self._parsed = parsed
        self._known = context.snapshot.paths
        self._assumed: list[str] = []
        self._warnings: list[Warning] = []

    def findings(self, section: Section) -> Iterator[Finding]:
        """One finding, or one for each id of a range."""
        fields = self._fields(section)
        judged = self._judged(section, fields)
        ids = self.expanded(section)
        title = _COUNTED_TITLE.sub("", section.title).strip()
        items = self._items(section) if len(ids) > 1 else []
        for number, issue_id in enumerate(ids):
            own_title, own_files = title, judged.files
            if len(items) == len(ids):
                own_title, own_files = _title_and_files(items[number], judged.files)
            elif len(ids) > 1:
                own_title = f"{title} ({number + 1} of {len(ids)})"
            effort = judged.effort_minutes
            yield Finding(
                id=issue_id,
                severity=judged.severity,
                status=judged.status,
                title=own_title,
                message=own_title,
                places=tuple(self._places(own_files, section)),
                creates=tuple(each.path for each in own_files if self._is_new(each)),
                problem=_problem(fields),
                suggestion=_joined(fields.values.get("suggestion", [])),
                effort_minutes=effort if effort is None else max(1, round(effort / len(ids))),
                source=self._source(section, judged.rule),
            )

    def expanded(self, section: Section) -> tuple[str, ...]:
        """The ids that a heading stands for."""
        letters, low = split_id(section.first_id)
        last_letters, high = split_id(section.last_id) if section.last_id else (letters, low)
        if last_letters not in ("", letters) or not 0 <= high - low < _MAX_RANGE:
            return (section.first_id,)
        return (
            tuple(f"{letters}{number}" for number in range(low, high + 1))
            if high > low
            else (section.first_id,)
        )

    def warnings(self) -> list[Warning]:
        """What a reader of the findings should know."""
        if self._assumed:
            message = f"{self._name}: no severity is named for {', '.join(self._assumed)}; taken as minor."
            self._warnings.append(Warning(code="severity_assumed", message=message, ref=self._name))
            self._assumed = []
        return list(dict.fromkeys(self._warnings))

    def _source(self, section: Section, rule: RuleMention | None) -> Source:
        ref = f"{self._name}:{section.heading.line}"
        return Source(
            format=FORMAT.name, tool=rule.tool if rule else None, rule=rule.rule if rule else None, ref=ref
        )

    def _fields(self, section: Section) -> _Fields:
        keys = [key for key in section.keys if not key.in_list or meaning(key)]
        ends = [*(key.line for key in keys[1:]), section.end]
        values: dict[str, list[_Value]] = {}
        body = [self._before_keys(section, keys[0].line if keys else section.end)]
        for key, end in zip(keys, ends, strict=False):  # without keys there is still one end
            text = self._parsed.source(key.line, end, key.column).strip()
            name = meaning(key)
            if name in _SHORT_VALUES:
                text, _, rest = text.partition("\n\n")
                body.append(rest.strip())
            values.setdefault(name, []).append(_Value(key, text.strip()))
        return _Fields(values, "\n\n".join(filter(None, body)))

    def _before_keys(self, section: Section, end: int) -> str:
        line = section.heading.line
        if section.heading.level < BOLD_LEVEL:
            return self._parsed.source(line + 1, max(end, line + 1)).strip()
        text = self._parsed.source(line, max(end, line + 1))
        return text.partition("**")[2].partition("**")[2].strip()

    def _judged(self, section: Section, fields: _Fields) -> _Judged:
        files = tuple(
            mention for value in fields.values.get("file", ()) for mention in parse_files(value.text)
        )
        if not files:
            files = tuple(
                each for each in parse_files(section.title) if each.lines or each.path in self._known
            )
        return _Judged(
            severity=self._severity(section, fields),
            status=self._status(section, fields),
            files=files,
            rule=parse_rule(fields.first("rule")),
            effort_minutes=parse_effort(fields.first("effort")),
        )

    def _severity(self, section: Section, fields: _Fields) -> Severity:
        stated = parse_severity(fields.first("severity"))
        heading = next(
            (each for each in reversed(section.above) if each.level > 1 and parse_severity(each.text)), None
        )
        implied = parse_severity(heading.text) if heading else None
        if stated and implied and stated is not implied and heading:
            line = fields.values["severity"][0].key.line
            message = (
                f"{section.first_id} is called {stated} at line {line}, but stands under "
                f"{heading.text!r} at line {heading.line}; {stated} is used."
            )
            self._warnings.append(Warning(code="contradiction", message=message, ref=self._ref(section)))
        document_title = next((each.text for each in section.above if each.level == 1), "")
        named = (
            stated
            or implied
            or parse_severity(fields.first("priority"))
            or parse_severity(fields.first("labels"))
            or parse_severity(document_title)
        )
        if named is None:
            self._assumed.append(section.first_id)
        return named or Severity.MINOR

    def _status(self, section: Section, fields: _Fields) -> IssueStatus:
        text = fields.first("status")
        status = parse_status(text) if text else IssueStatus.OPEN
        if status is None:
            message = f"{section.first_id}: the status {text[:60]!r} is not known; taken as open."
            self._warnings.append(Warning(code="unknown_status", message=message, ref=self._ref(section)))
        return status or IssueStatus.OPEN

    def _is_new(self, mention: FileMention) -> bool:
        return mention.is_new and mention.path not in self._known

    def _places(self, files: tuple[FileMention, ...], section: Section) -> Iterator[Place]:
        for mention in files:
            if self._is_new(mention):
                continue
            if is_pattern(mention.path) and mention.path not in self._known:
                yield from self._matching(mention, section)
            elif mention.lines:
                for first, last in mention.lines:
                    yield Place(path=mention.path, start_line=first, end_line=last)
            else:
                yield Place(path=mention.path)

    def _matching(self, mention: FileMention, section: Section) -> Iterator[Place]:
        found = sorted(path for path in self._known if matches(path, mention.path))
        if not found:
            message = f"{section.first_id}: no file matches {mention.path!r}."
            self._warnings.append(
                Warning(code="pattern_without_match", message=message, ref=self._ref(section))
            )
        yield from (Place(path=path) for path in found)

    def _items(self, section: Section) -> list[str]:
        keys = {key.line for key in section.keys}
        inside = (
            _LIST_ITEM.match(each.text)
            for each in self._parsed.statements
            if each.in_list and section.heading.line < each.line < section.end and each.line not in keys
        )
        return [item["text"].strip() for item in inside if item]

    def _ref(self, section: Section) -> str:
        return f"{self._name}:{section.heading.line}"


def _title_and_files(item: str, default: tuple[FileMention, ...]) -> tuple[str, tuple[FileMention, ...]]:
    """What one item of a range says: its words, and the files that it names itself."""
    bare = " ".join(_PARENTHESES.findall(item))
    files = tuple(
        each for each in parse_files(item if "`" in item else bare) if each.lines or "." in each.path
    )
    title = _PARENTHESES.sub("", item) if files and "`" not in item else item
    return title.replace("**", "").strip(" :.-\u2013\u2014"), files or default


def _problem(fields: _Fields) -> str:
    told = _joined(fields.values.get("problem", []))
    others = [f"{value.key.name}: {value.text}" for value in fields.values.get("", ()) if value.text]
    return "\n\n".join(filter(None, [fields.body, told, *others]))


def _joined(values: list[_Value]) -> str:
    """The texts, each after the first under its own name."""
    texts = [value for value in values if value.text]
    return "\n\n".join(
        value.text if number == 0 else f"{value.key.name}: {value.text}" for number, value in enumerate(texts)
    )
