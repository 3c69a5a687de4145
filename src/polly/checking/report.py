"""The claims of a report in Markdown."""

import re
from collections.abc import Callable, Iterator

from polly.checking import commits, files, statements, times
from polly.checking.claims import Claim, Outcome, outcome_of
from polly.checking.document import Report
from polly.checking.history import History
from polly.intake.sources.markdown import figures
from polly.intake.sources.markdown.places import Places
from polly.intake.sources.markdown.reader import Parsed

_GONE = re.compile(r"\b(?:deleted|removed|dropped|no longer exists?)\b", re.IGNORECASE)
_NOT_YET = re.compile(
    r"\b(?:will|to be created|should be created|would|todo|to do|proposed)\b", re.IGNORECASE
)


def claims(
    name: str,
    parsed: Parsed,
    *,
    paths: frozenset[str],
    history: History,
    lines_of: Callable[[str], int | None],
) -> tuple[dict[str, int], tuple[Claim, ...]]:
    """What the report is about, in figures, and its claims."""
    known = Places(paths)
    report = Report(name, parsed.outline, paths, known)
    findings = parsed.findings_with_ends
    crossed = tuple(commits.crossings(report, history))
    found = (
        *commits.claims(report, history, findings),
        *crossed,
        *statements.conflicts(report, crossed),
        *_recounted(report, parsed),
        *statements.claims(report, history),
        *times.claims(report, history),
        *files.claims(_mentions(report), known, paths, lines_of),
    )
    subject = {
        "findings": sum(not finding.left_out for finding, _ in findings),
        "packages": len(report.packages),
        "commits": len({each.id[:7] for each in report.commits()}),
    }
    return subject, tuple(sorted(found, key=_line_of))


def _line_of(claim: Claim) -> int:
    number = claim.place.rpartition(":")[2]
    return int(number) if number.isdecimal() else 0


def _recounted(report: Report, parsed: Parsed) -> Iterator[Claim]:
    """The figures that intake counts as well, and the contradictions that it sees."""
    for figure in parsed.figures:
        yield Claim(
            kind=figure.kind,
            place=report.ref(figure.line),
            says=figure.says,
            outcome=outcome_of(figure.agrees),
            evidence=figure.found,
            places=tuple(report.ref(line) for line in figure.places[:8]),
        )
    told = {each.message for each in figures.contradictions(report.name, parsed.figures)}
    for warning in parsed.reading.warnings:
        if warning.code == "contradiction" and warning.message not in told:
            yield Claim(
                kind="contradiction",
                place=warning.ref or report.name,
                says="its findings are described in one way only",
                outcome=Outcome.FAILS,
                evidence=warning.message,
            )


def _mentions(report: Report) -> Iterator[files.Mention]:
    for line in report.lines:
        if line.in_code or _NOT_YET.search(line.text):
            continue
        gone = bool(_GONE.search(line.text))
        for each in report.mentions(line):
            if not (gone and each.lines):
                yield files.Mention(each, report.ref(line.number), gone)
