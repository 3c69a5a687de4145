"""A linter's report becomes findings, as the description of the tool says."""

from collections.abc import Iterator, Sequence

from polly.intake.document import Document
from polly.intake.finding import Context, Finding, Reading
from polly.intake.severity import scanner_severity
from polly.intake.sources.format import Format
from polly.intake.sources.linters.claims import contradictions, failures
from polly.intake.sources.linters.places import places_of
from polly.intake.sources.linters.selectors import Odd, Scope, holds, items, text_at
from polly.intake.sources.linters.shape import recognises, reports
from polly.intake.sources.linters.tool import Findings, Tool, alternatives
from polly.intake.sources.linters.words import problem_of, suggestion_of, title_of
from polly.work.issues import Severity, Source, Warning

#: A score at which a finding is critical.
_CRITICAL_SCORE = 9.0


def format_of(tool: Tool) -> Format:
    """The tool as a format of intake."""
    return Format(
        tool.name,
        tool.about,
        lambda document: recognises(tool, document),
        lambda document, context: read(tool, document, context),
        tool.silent_when_clean,
    )


def read(tool: Tool, document: Document, context: Context) -> Reading:
    """The findings of the tool's reports. Raises InputError when the document holds something else."""
    roots = reports(tool, document)
    reader = _Reader(tool, document.name, context)
    findings = tuple(finding for root in roots for finding in reader.findings(root))
    said = [
        warning
        for root in roots
        for about in (failures, contradictions)
        for warning in about(tool, root, document.name)
    ]
    return Reading(findings, (*reader.warnings(), *said), tools=tuple(_ran(tool, roots)))


def _ran(tool: Tool, roots: Sequence[Scope]) -> Iterator[str]:
    """The tools that the reports speak for, also when they found nothing."""
    if tool.tool is None:
        yield tool.name
    named = (text_at(root, alternatives(tool.ran)).strip() for root in roots)
    yield from dict.fromkeys(filter(None, named))


class _Reader:
    def __init__(self, tool: Tool, name: str, context: Context) -> None:
        self._tool = tool
        self._name = name
        self._table = context.severity_table
        self._levels = {word.casefold(): level for word, level in tool.severities.items()}
        self._unreadable: list[str] = []
        self._odd_words: dict[str, str] = {}

    def findings(self, root: Scope) -> Iterator[Finding]:
        is_list = isinstance(root.value, list)
        for shape in self._tool.findings:
            # Reports that are lists have paths of their own.
            for path in (each for each in alternatives(shape.at) if each.startswith("[]") is is_list):
                for scope in items(root, path):
                    yield from self._read(scope, shape)

    def warnings(self) -> Iterator[Warning]:
        if self._unreadable:
            count = len(self._unreadable)
            message = f"Malformed findings were left out: {count}; the first is {self._unreadable[0]}."
            yield Warning(code="unreadable", message=message, ref=self._name)
        for word, ref in self._odd_words.items():
            message = f"{self._tool.name} is not known to say {word[:40]!r}; it was taken as a warning."
            yield Warning(code="unknown_level", message=message, ref=ref)

    def _read(self, scope: Scope | Odd, shape: Findings) -> Iterator[Finding]:
        ref = f"{self._name}#{scope.ref}"
        if isinstance(scope, Odd) or not isinstance(scope.value, dict):
            reason = scope.reason if isinstance(scope, Odd) else "a finding is an object"
            self._unreadable.append(f"{ref}: {reason}")
            source = Source(format=self._tool.name, tool=self._tool.name, ref=ref)
            yield Finding(
                source=source, severity=Severity.NITPICK, title="", message="", left_out="unreadable"
            )
        elif holds(scope, shape.when):
            yield self._finding(scope, shape, ref)

    def _finding(self, scope: Scope, shape: Findings, ref: str) -> Finding:
        tool = self._tool
        rule = text_at(scope, alternatives(shape.rule)).strip() or None
        named = tool.name if tool.tool is None else text_at(scope, alternatives(tool.tool)).strip() or None
        source = Source(format=tool.name, tool=named, rule=rule, ref=ref)
        severity = self._severity(text_at(scope, alternatives(shape.severity)), source)
        message = text_at(scope, alternatives(shape.message)).strip() or rule or "The tool gives no message."
        reasons = [
            reason for reason, when in shape.leave_out.items() if any(holds(scope, each) for each in when)
        ]
        if severity is None:
            reasons.append("informational")
        return Finding(
            source=source,
            severity=severity or Severity.NITPICK,
            title=title_of(text_at(scope, alternatives(shape.title)) or message),
            message=message,
            places=tuple(places_of(scope, shape.places, tool)),
            problem=problem_of(scope, shape, message, tool),
            suggestion=suggestion_of(scope, shape, tool),
            left_out=reasons[0] if reasons else "",
            also_left_out=tuple(reasons[1:]),
        )

    def _severity(self, word: str, source: Source) -> Severity | None:
        """What the tool's word stands for; the table in the settings may name the word or its level."""
        level = self._levels.get(word.casefold()) if word else self._tool.default_level
        if level is None:
            level = "warning"
            if word not in self._table:
                self._odd_words.setdefault(word, source.ref or self._name)
        spoken = next((each for each in (word, word.casefold()) if each and each in self._table), level)
        critical = spoken == "critical" and spoken not in self._table
        return scanner_severity(
            level=spoken,
            tool=source.tool,
            rule=source.rule,
            security_severity=_CRITICAL_SCORE if critical else None,
            table=self._table,
        )
