"""Intake on one screen: load, recognise, read, build, merge."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from polly.errors import InputError, ToolError
from polly.intake.build import build
from polly.intake.document import Document, load, parse
from polly.intake.finding import Context, Reading
from polly.intake.merge import combine
from polly.intake.snapshot import Snapshot
from polly.intake.sources.format import Format
from polly.intake.sources.registry import FORMATS, recognise
from polly.work.issues import Inventory, Issue

#: Warnings after which "no finding" would not mean "nothing found".
_INCOMPLETE = frozenset({"tool_failed", "results_missing", "external_results", "unreadable"})


def read_sources(
    sources: Sequence[str | Path],
    *,
    snapshot: Snapshot,
    root: Path,
    severity_table: Mapping[str, str] | None = None,
    source_format: str | None = None,
) -> Inventory:
    """The merged inventory of all sources; "-" is standard input.

    Raises InputError, naming the source and the next step, when one of them cannot be read.
    """
    if not sources:
        raise InputError(
            "No source is named.", next_step="Name a report, for instance: polly issues findings.sarif"
        )
    context = Context(snapshot, severity_table or {})
    chosen = _format(source_format) if source_format else None
    built = []
    for source in sources:
        name = display_name(source, root)
        reading = _read(load(source, name=name), chosen, context)
        built.append(build(reading, name=name, snapshot=snapshot, root=root))
    return combine(built)


def read_findings(
    text: bytes,
    *,
    format: str,  # noqa: A002 - the settings call it so
    name: str,
    snapshot: Snapshot,
    root: Path,
    severity_table: Mapping[str, str] | None = None,
) -> tuple[Issue, ...]:
    """The issues in a scanner's fresh output; each fingerprint is that of the same finding at intake.

    Pass the severity table of the intake, or findings that only the table makes issues are missing.
    Raises InputError when the output cannot be read, ToolError when it says that the scanner did not finish.
    """
    reading = _read(parse(text, name), _format(format), Context(snapshot, severity_table or {}))
    for warning in reading.warnings:
        if warning.code in _INCOMPLETE:
            raise ToolError(f"The output of {name} is not complete: {warning.message}")
    return combine([build(reading, name=name, snapshot=snapshot, root=root)]).issues


def display_name(source: str | Path, root: Path) -> str:
    """How messages and references call a source; folders outside the repository are nobody's business."""
    if str(source) == "-":
        return "standard input"
    path = Path(source)
    if path.is_absolute():
        path = path.relative_to(root) if path.is_relative_to(root) else Path(path.name)
    # A name of bytes that are no text must not spoil the JSON that it ends up in.
    return path.as_posix().encode("utf-8", errors="replace").decode("utf-8")


def _read(document: Document, chosen: Format | None, context: Context) -> Reading:
    source_format = chosen or recognise(document)
    reading = source_format.read(document, context)
    return reading._replace(warnings=(*document.warnings, *reading.warnings))


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise InputError(f"There is no source format {name!r}.", next_step=f"Known: {', '.join(FORMATS)}.")
    return FORMATS[name]
