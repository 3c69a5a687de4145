"""Parts of a document that describe a finding each: their keys and words become its fields."""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from polly.intake.finding import Finding
from polly.intake.sources.markdown import efforts
from polly.intake.sources.markdown.fields import (
    Effort,
    FileMention,
    RuleMention,
    mentioned_files,
    parse_effort,
    parse_files,
    parse_rule,
    parse_severity,
    parse_status,
)
from polly.intake.sources.markdown.outline import BOLD_LEVEL, Heading, Outline
from polly.intake.sources.markdown.places import Places
from polly.intake.sources.markdown.sections import (
    Section,
    is_answer,
    meaning,
    named_key,
    severity_above,
    split_id,
)
from polly.work.issues import IssueStatus, Severity, Source, Warning

#: More issues than any document describes one by one; a longer "range" is a mistake or a trap.
_MAX_RANGE = 500
_COUNTED_TITLE = re.compile(r"\(\d+\s+(?:issues?|findings?|items?)\)$", re.IGNORECASE)
_LIST_ITEM = re.compile(r"^\s{0,3}(?:[-*+]|\d{1,9}[.)])\s+(?P<text>.*)$")
_PARENTHESES = re.compile(r"\(([^()]*)\)")
_SHORT_VALUES = frozenset({"file", "status", "effort", "priority", "severity", "rule", "labels"})
#: A heading or title that says at its end how far its findings are: "Critical (4) - ALL FIXED ✅".
_DONE = re.compile(
    r"(?:^|[-\u2013\u2014:(]\s*)(?:all\s+|now\s+)?(?:fixed|resolved|done|closed|removed|implemented)"
    r"[\s)✅✔☑]*$",
    re.IGNORECASE,
)
#: Told apart from addresses: `127.0.0.1:8080` is no line of a file.
_SUFFIXED = re.compile(r"\.[A-Za-z]\w*$")
_STEM = re.compile(r"[^A-Za-z0-9._-]+")


class _Value(NamedTuple):
    name: str
    line: int
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
    effort: Effort | None


class Described:
    """Makes findings of the sections of a document, or of the whole of it.

    described: each finding by id with the line of its heading. efforts: the effort of each by id.
    assumed: the ids for which no severity is named.
    """

    def __init__(self, name: str, parsed: Outline, places: Places) -> None:
        self._name = name
        self._parsed = parsed
        self.places = places
        self.described: dict[str, tuple[Finding, int]] = {}
        self.efforts: dict[str, efforts.Estimated] = {}
        self.assumed: list[str] = []
        self._located: list[str] = []
        self._answered: dict[tuple[IssueStatus, IssueStatus], list[str]] = {}
        self._warnings: list[Warning] = []

    def findings(self, section: Section) -> Iterator[Finding]:
        """One finding, or one for each id of a range."""
        fields = self._fields(section)
        told = self.described.get(section.first_id)
        if told and is_answer(section):
            yield self._answer(section, fields, told)
            return
        judged = self._judged(section, fields)
        for finding in self._each(section, fields, judged):
            self.described.setdefault(finding.id, (finding, section.heading.line))
            yield finding

    def whole(self, pairs: dict[str, tuple[str, int]]) -> Iterator[Finding]:
        """The one finding that a file is about which says so in its head or in keys below its title."""
        values: dict[str, list[_Value]] = {}
        for key, (text, line) in pairs.items():
            values.setdefault(named_key(key), []).append(_Value(key, line, text))
        title = next((each for each in self._parsed.headings if each.level < BOLD_LEVEL), None)
        heading = title or Heading(1, PurePosixPath(self._name).stem, 1)
        keys = self._parsed.keys
        told = {meaning(key) for key in keys} | set(values)
        if not (told & {"file", "severity"}) or (title is None and not pairs):
            return
        stem = _STEM.sub("-", PurePosixPath(self._name).name.partition(".")[0]).strip("-._")
        named = next((text for key in ("id", "key", "number") if (text := pairs.get(key, ("", 0))[0])), stem)
        section = Section(
            heading=heading._replace(line=0 if title is None else heading.line),
            first_id=_STEM.sub("-", named).strip("-._")[:100],
            last_id="",
            title=pairs.get("title", (heading.text, 0))[0] or heading.text,
            end=len(self._parsed.lines) + 1,
            keys=keys,
            above=(),
        )
        fields = self._fields(section)
        for name, given in values.items():
            if name != "":
                fields.values[name] = [*given, *fields.values.get(name, [])]
        yield from self._each(section, fields, self._judged(section, fields))

    def _each(self, section: Section, fields: _Fields, judged: _Judged) -> Iterator[Finding]:
        ids = self.expanded(section)
        title = _COUNTED_TITLE.sub("", section.title).strip()
        items = self._items(section) if len(ids) > 1 else []
        for number, issue_id in enumerate(ids):
            own_title, own_files = title, judged.files
            if len(items) == len(ids):
                own_title, own_files = _title_and_files(items[number], judged.files)
            elif len(ids) > 1:
                own_title = f"{title} ({number + 1} of {len(ids)})"
            placed = self.places.place(own_files, self._ref(section))
            effort = judged.effort
            if effort:
                effort = Effort(effort.low / len(ids), effort.high / len(ids))
                self.efforts.setdefault(issue_id, efforts.Estimated(section.heading.line, effort))
            yield Finding(
                id=issue_id,
                severity=judged.severity,
                status=judged.status,
                title=own_title,
                message=own_title,
                places=placed.places,
                creates=placed.creates,
                problem=_problem(fields),
                suggestion=_joined(fields.values.get("suggestion", [])),
                effort_minutes=effort.middle if effort else None,
                source=self._source(section, judged.rule),
            )

    def _answer(self, section: Section, fields: _Fields, told: tuple[Finding, int]) -> Finding:
        """What stands in an answer to a finding; its word about the status is compared, not believed."""
        finding, line = told
        status = parse_status(fields.first("status")) or _status_said(section)
        if status is not None and status is not finding.status:
            self._answered.setdefault((status, finding.status), []).append(
                f"{section.first_id} (line {section.heading.line}, described at line {line})"
            )
        return Finding(
            id=section.first_id,
            severity=finding.severity,
            status=status or finding.status,
            title=section.title,
            message=section.title,
            source=self._source(section, None),
            left_out="answer",
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
        found = [*self._warnings, *self.places.warnings]
        for (said, known), ids in self._answered.items():
            message = (
                f"{self._name}: answered as {said}, but described as {known}, which is used: {_some(ids)}."
            )
            found.append(Warning(code="contradiction", message=message, ref=self._name))
        if self.assumed:
            message = f"{self._name}: no severity is named for {_some(self.assumed)}; taken as minor."
            found.append(Warning(code="severity_assumed", message=message, ref=self._name))
        if self._located:
            message = f"{self._name}: the places of {_some(self._located)} were taken from their text."
            found.append(Warning(code="location_from_text", message=message, ref=self._name))
        return list(dict.fromkeys(found))

    def _source(self, section: Section, rule: RuleMention | None) -> Source:
        return Source(
            format="markdown",
            tool=rule.tool if rule else None,
            rule=rule.rule if rule else None,
            ref=self._ref(section),
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
            values.setdefault(name, []).append(_Value(key.name, key.line, text.strip()))
        return _Fields(values, "\n\n".join(filter(None, body)))

    def _before_keys(self, section: Section, end: int) -> str:
        line = section.heading.line
        if section.heading.level < BOLD_LEVEL:
            return self._parsed.source(line + 1, max(end, line + 1)).strip()
        text = self._parsed.source(line, max(end, line + 1))
        return text.partition("**")[2].partition("**")[2].strip()

    def _judged(self, section: Section, fields: _Fields) -> _Judged:
        return _Judged(
            severity=self._severity(section, fields),
            status=self._status(section, fields),
            files=self._files(section, fields),
            rule=parse_rule(fields.first("rule")),
            effort=parse_effort(fields.first("effort")),
        )

    def _files(self, section: Section, fields: _Fields) -> tuple[FileMention, ...]:
        """The files named by a key, else in the title, else in the text: there only what must be a place."""
        told = [mention for value in fields.values.get("file", ()) for mention in parse_files(value.text)]
        lines = [mention._replace(lines=_lines_told(fields)) for mention in told[:1] if not mention.lines]
        if told:
            return tuple(lines if len(told) == 1 and lines and lines[0].lines else told)
        titled = [each for each in parse_files(section.title) if each.lines or self._is_known(each)]
        if titled:
            return tuple(titled)
        mentions = dict.fromkeys(
            mention for text in self._running_text(section) for mention in mentioned_files(text)
        )
        known = [each for each in mentions if self._is_known(each)]
        exact = (
            [each for each in known if each.lines]
            or known
            or [each for each in mentions if each.lines and _SUFFIXED.search(each.path)]
        )
        if exact and not section.last_id:
            self._located.append(section.first_id)
        return tuple(exact)

    def _is_known(self, mention: FileMention) -> bool:
        return bool(self.places.ending(mention.path))

    def _running_text(self, section: Section) -> Iterator[str]:
        return (each.text for each in self._parsed.between(section.heading.line + 1, section.end))

    def _severity(self, section: Section, fields: _Fields) -> Severity:
        stated = parse_severity(fields.first("severity"))
        heading = severity_above(section.above)
        implied = parse_severity(heading.text) if heading else None
        if stated and implied and stated is not implied and heading:
            line = fields.values["severity"][0].line
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
            self.assumed.append(section.first_id)
        return named or Severity.MINOR

    def _status(self, section: Section, fields: _Fields) -> IssueStatus:
        text = fields.first("status")
        if not text:
            return _status_said(section) or IssueStatus.OPEN
        status = parse_status(text)
        if status is None:
            message = f"{section.first_id}: the status {text[:60]!r} is not known; taken as open."
            self._warnings.append(Warning(code="unknown_status", message=message, ref=self._ref(section)))
        return status or IssueStatus.OPEN

    def _items(self, section: Section) -> list[str]:
        keys = {key.line for key in section.keys}
        inside = (
            _LIST_ITEM.match(each.text)
            for each in self._parsed.between(section.heading.line + 1, section.end)
            if each.in_list and each.line not in keys
        )
        return [item["text"].strip() for item in inside if item]

    def _ref(self, section: Section) -> str:
        return f"{self._name}:{max(section.heading.line, 1)}"


def _status_said(section: Section) -> IssueStatus | None:
    """What the title, or else the nearest heading above, says at its end about the status."""
    for text in (section.title, *(each.text for each in reversed(section.above) if each.level > 1)):
        if _DONE.search(text[-80:]):
            return IssueStatus.FIXED
    return None


def _lines_told(fields: _Fields) -> tuple[tuple[int, int], ...]:
    value = next((each for each in fields.values.get("lines", ())), None)
    numbers = parse_files(f"x.x:{value.text.strip()}") if value else ()
    return numbers[0].lines if numbers else ()


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
    others = [f"{value.name}: {value.text}" for value in fields.values.get("", ()) if value.text]
    return "\n\n".join(filter(None, [fields.body, told, *others]))


def _joined(values: list[_Value]) -> str:
    """The texts, each after the first under its own name."""
    texts = [value for value in values if value.text]
    return "\n\n".join(
        value.text if number == 0 else f"{value.name}: {value.text}" for number, value in enumerate(texts)
    )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:20])
    return shown if len(names) <= 20 else f"{shown} and {len(names) - 20} more"
