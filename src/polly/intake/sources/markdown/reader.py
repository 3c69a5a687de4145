"""A Markdown document becomes findings: of its headings with an id, its tables, its lists, or as a whole."""

from collections.abc import Sequence
from typing import NamedTuple

from polly.errors import InputError
from polly.intake.document import Document
from polly.intake.finding import Context, Finding, Reading
from polly.intake.sources.format import Format, NoFindingError
from polly.intake.sources.markdown import efforts, figures, front_matter, times
from polly.intake.sources.markdown.described import Described
from polly.intake.sources.markdown.listed import Listed, Lists
from polly.intake.sources.markdown.outline import Outline, outline
from polly.intake.sources.markdown.places import Places
from polly.intake.sources.markdown.sections import Section, named_key, sections

#: A list that people can read is far smaller; a log of a build is not.
_MAX_CHARACTERS = 16 << 20
_MAX_LINES = 200_000

#: Keys that make the block at the head of a file the description of one finding.
_TELLING = frozenset({"file", "severity"})


class Parsed(NamedTuple):
    """Everything that a document says: findings, its figures recounted, and what a reader should know."""

    reading: Reading
    figures: tuple[figures.Figure, ...]
    outline: Outline
    parts: tuple[figures.Counted, ...]

    @property
    def findings_with_ends(self) -> tuple[tuple[Finding, int], ...]:
        """Each finding with the line after its part of the document."""
        ends = {part.line: part.end for part in self.parts}
        return tuple((each, ends.get(figures.line_of(each), 0)) for each in self.reading.findings)


def recognises(document: Document) -> bool:
    """True for every text that is not JSON: what it lacks, the reader says better."""
    return not document.is_json


def read(document: Document, context: Context) -> Reading:
    """The findings that the document describes, and the contradictions in what it says about itself."""
    parsed = parse(document, context)
    if not parsed.reading.findings:
        raise NoFindingError(
            f"{document.name} is text without any finding that Polly can read.",
            next_step="Looked for headings such as '### C1. Title' with lines such as "
            "'**File**: `src/a.py:10-12`', tables with columns such as Severity, File and Issue, and "
            "checklists that name places; docs/reference/sources.md describes the format.",
        )
    return parsed.reading


def parse(document: Document, context: Context) -> Parsed:
    """Like `read`, for a document that need not have findings. Raises InputError for too long a text."""
    for limit, size, unit in (
        (_MAX_CHARACTERS, len(document.text), "characters"),
        (_MAX_LINES, document.text.count("\n"), "lines"),
    ):
        if size > limit:
            raise InputError(
                f"{document.name} is text of more than {limit:,} {unit}.",
                next_step="Name a list of findings; for a log, let its tool write SARIF.",
            )
    front = front_matter.split(document.text)
    parsed = outline(front.rest)
    reader = Described(document.name, parsed, Places(context.snapshot.paths))
    is_one = not _TELLING.isdisjoint(map(named_key, front.pairs))
    found = () if is_one else sections(parsed)
    findings = [finding for section in found for finding in reader.findings(section)]
    lists = Lists(document.name, parsed, reader.places, reader.described)
    listed = () if is_one else lists.read([(each.heading.line, each.end) for each in found])
    findings += [each.finding for each in listed]
    reader.assumed += lists.assumed
    if not findings:
        findings += reader.whole(front.pairs)
    parts = _parts(found, reader, listed, lists.framing)
    own = [each for each in findings if not each.left_out]
    recounted = (
        *figures.figures(parsed, parts, own),
        *efforts.figures(parsed, parts, reader.efforts | _efforts_of(listed)),
        *times.figures(parsed, lists.tables),
    )
    findings.sort(key=figures.line_of)
    stated = figures.contradictions(document.name, recounted)
    warnings = (*reader.warnings(), *lists.warnings, *stated)
    return Parsed(Reading(tuple(findings), warnings), recounted, parsed, tuple(parts))


FORMAT = Format(
    "markdown",
    "headings such as `### C1. Title` with a line `**File**: …`, tables, checklists",
    recognises,
    read,
)


def _parts(
    found: Sequence[Section], reader: Described, listed: Sequence[Listed], framing: Sequence[int]
) -> list[figures.Counted]:
    parts = [figures.Counted(each.heading.line, each.end, len(reader.expanded(each)), each) for each in found]
    parts += [figures.Counted(each.line, each.end, 1) for each in listed]
    parts += [figures.Counted(line, line + 1, 0) for line in framing]
    return sorted(parts, key=lambda part: part.line)


def _efforts_of(listed: Sequence[Listed]) -> dict[str, efforts.Estimated]:
    return {
        each.finding.id or str(each.line): efforts.Estimated(each.line, each.effort)
        for each in listed
        if each.effort
    }
