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
from polly.intake.sources.sarif.log import Log, Result, Run
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
    data = document.text.encode("utf-8", errors="replace")
    try:
        log = json_text.decode(data, msgspec.json.Decoder(Log, strict=False))
    except msgspec.DecodeError as error:
        raise InputError(
            f"{document.name} is not valid SARIF: {error}.",
            next_step="Have the tool write it again; docs/reference/sources.md says what Polly reads.",
        ) from error
    findings: list[Finding] = []
    for number, run in enumerate(log.runs):
        reader = _RunReader(run, f"{document.name}#/runs/{number}", context)
        findings += reader.findings()
        warnings += reader.warnings()
    return Reading(tuple(findings), tuple(warnings))


FORMAT = Format("sarif", "SARIF 2.1.0, JSON with `version` and `runs`", recognises, read)


class _RunReader:
    def __init__(self, run: Run, ref: str, context: Context) -> None:
        self._run = run
        self._ref = ref
        self._table = context.severity_table
        self._book = RuleBook(run)
        self._places = Places(run, context.snapshot.paths)
        self._unreadable: list[str] = []
        self._odd_levels: dict[str, str] = {}

    def findings(self) -> Iterator[Finding]:
        decoder = msgspec.json.Decoder(Result, strict=False)
        for number, raw in enumerate(self._run.results or ()):
            ref = f"{self._ref}/results/{number}"
            try:
                result = json_text.decode(raw, decoder)
            except msgspec.DecodeError as error:
                self._unreadable.append(f"{ref}: {error}")
                yield _left_out(self._source(None, ref), "unreadable")
            else:
                yield self._finding(result, ref)

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
        yield from self._completeness()

    def _finding(self, result: Result, ref: str) -> Finding:
        rule = self._book.rule_of(result)
        rule_id = self._book.rule_id(result, rule)
        level = self._book.level_of(result, rule)
        if level not in _LEVELS and level not in self._table:
            self._odd_levels.setdefault(level, ref)
        severity = scanner_severity(
            level=level,
            tool=self._book.tool,
            rule=rule_id,
            security_severity=security_severity(result, rule),
            table=self._table,
        )
        places = tuple(filter(None, map(self._places.of_location, result.locations or ())))
        message = message_text(result, rule, self._book.driver)
        return Finding(
            source=self._source(rule_id, ref),
            severity=severity or Severity.NITPICK,
            title=title_of(message, rule),
            message=message,
            places=places,
            problem=message,
            suggestion=suggestion_of(result, _primary_uri(result)),
            left_out=_reason_to_leave_out(result) or ("" if severity else "informational"),
        )

    def _source(self, rule_id: str | None, ref: str) -> Source:
        return Source(format=FORMAT.name, tool=self._book.tool, rule=rule_id, ref=ref)

    def _completeness(self) -> Iterator[Warning]:
        """What keeps "no results" from meaning "nothing found"."""
        external = self._run.external_property_file_references
        if external is not None and external.results:
            message = "Results stand in other files that the log refers to; they were not read."
            yield Warning(code="external_results", message=message, ref=self._ref)
        failures = list(_failures(self._run))
        tool = self._book.tool or "The tool"
        if failures:
            message = f"{tool} reports that it did not finish: {'; '.join(failures)}"
            yield Warning(code="tool_failed", message=message, ref=self._ref)
        elif self._run.results is None and not (external and external.results):
            message = f"{tool} gives no list of results, which is not the same as finding nothing."
            yield Warning(code="results_missing", message=message, ref=self._ref)


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


def _failures(run: Run) -> Iterator[str]:
    for invocation in run.invocations or ():
        if invocation.execution_successful is not False:
            continue
        notifications = (
            *(invocation.tool_execution_notifications or ()),
            *(invocation.tool_configuration_notifications or ()),
        )
        errors = [note.message.text for note in notifications if note.level == "error" and note.message]
        yield from (text[:200] for text in errors if text)
        if not any(errors):
            yield "executionSuccessful is false."


def _reason_to_leave_out(result: Result) -> str:
    if result.kind not in (None, "", "fail"):
        return "not_a_failure"
    # §3.27.23: suppressed when there are suppressions and none is rejected or under review.
    statuses = [each.status or "accepted" for each in result.suppressions or ()]
    if statuses and all(status == "accepted" for status in statuses):
        return "suppressed"
    return _BASELINES.get(result.baseline_state or "", "")


def _primary_uri(result: Result) -> str | None:
    for location in result.locations or ():
        physical = location.physical_location
        if physical and physical.artifact_location:
            return physical.artifact_location.uri
    return None


def _left_out(source: Source, reason: str) -> Finding:
    return Finding(source=source, severity=Severity.NITPICK, title="", message="", left_out=reason)
