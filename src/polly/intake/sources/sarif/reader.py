"""A SARIF 2.1.0 log becomes findings: every result is one, also where its tool asks for no fix."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from polly.errors import InputError
from polly.intake import json_text
from polly.intake.document import Document
from polly.intake.finding import Context, Finding, Reading
from polly.intake.severity import scanner_severity
from polly.intake.sources.format import Format
from polly.intake.sources.sarif.completeness import completeness, staleness
from polly.intake.sources.sarif.details import Details
from polly.intake.sources.sarif.log import Result, Rule, Run
from polly.intake.sources.sarif.messages import message_text, suggestion_of, title_of
from polly.intake.sources.sarif.places import Places
from polly.intake.sources.sarif.rules import RuleBook, security_severity
from polly.work.issues import Severity, Source, Warning

_VERSION = "2.1.0"
_LEVELS = frozenset({"none", "note", "warning", "error"})
_BASELINES = {"absent": "baseline_absent", "unchanged": "baseline_unchanged"}


def recognises(document: Document) -> bool:
    """True for a JSON object with runs or SARIF's schema, of any version: old ones get their own answer."""
    members = document.object_members
    if members is None:
        return False
    return "runs" in members or b"sarif" in bytes(members.get("$schema", b"")).lower()


def read(document: Document, context: Context) -> Reading:
    """The findings of all runs of the log."""
    warnings = list(_check_version(document))
    findings: list[Finding] = []
    tools: list[str] = []
    for number, run in enumerate(_runs(document)):
        reader = _RunReader(run, f"{document.name}#/runs/{number}", context)
        findings += reader.findings()
        warnings += reader.warnings()
        tools += [reader.tool] if reader.tool else []
    warnings += _inline_external(document)
    return Reading(tuple(findings), tuple(warnings), tools=tuple(dict.fromkeys(tools)))


FORMAT = Format("sarif", "SARIF 2.1.0, JSON with `version` and `runs`", recognises, read)


def _runs(document: Document) -> list[Run]:
    """The runs, their results undecoded. Raises InputError for what is no list of runs."""
    raw = (document.object_members or {}).get("runs")
    problem = "Object missing required field `runs`"
    if raw is not None:
        try:
            return json_text.decode(raw, msgspec.json.Decoder(list[Run], strict=False))
        except msgspec.DecodeError as error:
            problem = str(error).replace("`$", "`$.runs", 1)
            if isinstance(error, msgspec.ValidationError) and "`$" not in problem:
                problem += " - at `$.runs`"
    raise InputError(
        f"{document.name} is not valid SARIF: {problem}.",
        next_step="Have the tool write it again; docs/reference/sources.md says what Polly reads.",
    )


class _RuleFacts(NamedTuple):
    """What results of one rule and level have in common. severity: None for the merely informational."""

    rule: Rule | None
    rule_id: str | None
    severity: Severity | None


class _RunReader:
    def __init__(self, run: Run, ref: str, context: Context) -> None:
        self._run = run
        self._ref = ref
        self._table = context.severity_table
        self._snapshot = context.snapshot
        self._book = RuleBook(run)
        self._places = Places(run, context.snapshot.paths)
        self._details = Details(run, self._places)
        self._facts: dict[tuple[object, ...], _RuleFacts] = {}
        self._unreadable: list[str] = []
        self._odd_levels: dict[str, str] = {}
        self.tool = self._book.tool

    def findings(self) -> Iterator[Finding]:
        decoder = msgspec.json.Decoder(Result, strict=False)
        for number, raw in enumerate(self._run.results or ()):
            ref = f"{self._ref}/results/{number}"
            try:
                result = json_text.decode(raw, decoder)
            except msgspec.DecodeError as error:
                self._unreadable.append(f"{ref}: {error}")
                source = Source(format="sarif", tool=self.tool, ref=ref)
                yield Finding(
                    source=source, severity=Severity.NITPICK, title="", message="", left_out="unreadable"
                )
            else:
                yield self._finding(result, raw, ref)

    def warnings(self) -> Iterator[Warning]:
        if self._unreadable:
            count = len(self._unreadable)
            message = f"Malformed results were left out: {count}; the first is {self._unreadable[0]}."
            yield Warning(code="unreadable", message=message, ref=self._ref)
        for level, ref in self._odd_levels.items():
            message = f"SARIF has no level {level!r}; it was taken as warning."
            yield Warning(code="unknown_level", message=message, ref=ref)
        for complaint in self._places.complaints:
            yield Warning(code="base_id_broken", message=f"originalUriBaseIds: {complaint}.", ref=self._ref)
        yield from completeness(self._run, self.tool or "The tool", self._ref)
        yield from staleness(self._run, self._places, self._snapshot, self._ref)

    def _finding(self, result: Result, raw: msgspec.Raw, ref: str) -> Finding:
        facts = self._facts_of(result, ref)
        message = message_text(result, facts.rule, self._book.driver)
        details = self._details.of_result(result, raw)
        reasons = _reasons_to_leave_out(result, facts.severity)
        places = [self._places.of_location(each) for each in result.locations or ()]
        return Finding(
            source=Source(format="sarif", tool=self.tool, rule=facts.rule_id, ref=ref),
            severity=facts.severity or Severity.NITPICK,
            title=title_of(message, facts.rule),
            message=message,
            places=tuple([place for place in places if place is not None]),
            problem=f"{message}\n\n{details}" if details else message,
            suggestion=suggestion_of(result, _primary_uri(result)) if result.fixes else "",
            left_out=reasons[0] if reasons else "",
            also_left_out=reasons[1:],
        )

    def _facts_of(self, result: Result, ref: str) -> _RuleFacts:
        score = result.properties.security_severity if result.properties else None
        if result.rule or result.provenance or isinstance(score, list | dict):
            return self._looked_up(result, ref)
        key = (result.rule_id, result.rule_index, result.level, type(score), score)
        facts = self._facts.get(key)
        if facts is None:
            facts = self._facts[key] = self._looked_up(result, ref)
        return facts

    def _looked_up(self, result: Result, ref: str) -> _RuleFacts:
        rule = self._book.rule_of(result)
        rule_id = self._book.rule_id(result, rule)
        level = self._book.level_of(result, rule)
        if level not in _LEVELS and level not in self._table:
            self._odd_levels.setdefault(level, ref)
        severity = scanner_severity(
            level=level,
            tool=self.tool,
            rule=rule_id,
            security_severity=security_severity(result, rule),
            table=self._table,
        )
        return _RuleFacts(rule, rule_id, severity)


class _Version(NamedTuple):
    stated: str
    schema: str


def _check_version(document: Document) -> Iterator[Warning]:
    version = _version(document)
    if version.stated == _VERSION:
        return
    if not version.stated and "2.1.0" in version.schema:
        message = f"{document.name} does not say its version; its schema is that of {_VERSION}."
        yield Warning(code="version_missing", message=message, ref=document.name)
        return
    if not version.stated:
        raise InputError(
            f"{document.name} looks like SARIF but does not say its version.",
            next_step=f'Polly reads SARIF {_VERSION}; a log of that version has "version": "{_VERSION}".',
        )
    raise InputError(
        f"{document.name} is SARIF {version.stated[:40]}; Polly reads SARIF {_VERSION}.",
        next_step="Let the tool write 2.1.0, or convert the file with `transform` of the SARIF Multitool.",
    )


def _version(document: Document) -> _Version:
    members = document.object_members or {}

    def text(key: str) -> str:
        try:
            value = json_text.decode(members.get(key, msgspec.Raw(b'""')), msgspec.json.Decoder())
        except msgspec.DecodeError:
            return ""
        return value if isinstance(value, str) else str(value or "")

    return _Version(text("version"), text("$schema"))


def _inline_external(document: Document) -> Iterator[Warning]:
    raw = (document.object_members or {}).get("inlineExternalProperties")
    if raw is not None and b'"results"' in bytes(raw):
        message = "Results stand in inlineExternalProperties of the log; they were not read."
        yield Warning(code="external_results", message=message, ref=document.name)


def _reasons_to_leave_out(result: Result, severity: Severity | None) -> tuple[str, ...]:
    if not (result.kind or result.suppressions or result.baseline_state or severity is None):
        return ()
    reasons: list[str] = []
    if result.kind not in (None, "", "fail"):
        reasons.append("not_a_failure")
    # §3.27.23: suppressed when there are suppressions and none is rejected or under review.
    if result.suppressions and all(each.status in (None, "", "accepted") for each in result.suppressions):
        reasons.append("suppressed")
    if result.baseline_state in _BASELINES:
        reasons.append(_BASELINES[result.baseline_state])
    if severity is None:
        reasons.append("informational")
    return tuple(reasons)


def _primary_uri(result: Result) -> str | None:
    for location in result.locations or ():
        physical = location.physical_location
        if physical and physical.artifact_location:
            return physical.artifact_location.uri
    return None
