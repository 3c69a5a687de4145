"""Intake on one screen: load, recognise, read, build, merge."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from polly.errors import InputError, ToolError
from polly.garbage import collected_later
from polly.intake.build import Built, build
from polly.intake.document import Document, Fetch, load, parse
from polly.intake.finding import Context, Reading
from polly.intake.merge import combine
from polly.intake.policy import policy
from polly.intake.snapshot import Snapshot
from polly.intake.sources.folder import Part, readings
from polly.intake.sources.format import Format
from polly.intake.sources.linters.tool import Tool
from polly.intake.sources.registry import format_named, recognise
from polly.work.issues import Inventory, Issue

#: A source that is fetched from elsewhere.
_ADDRESS = re.compile(r"(?:github:|https?://)")
#: Warnings after which "no finding" would not mean "nothing found".
_INCOMPLETE = frozenset(
    {"tool_failed", "results_missing", "external_results", "unreadable", "comments_missing"}
)


class Taken(NamedTuple):
    """An inventory, and what a comparison with an earlier one needs beside it.

    left_out: fingerprint of an excluded finding → its reason. former: another fingerprint under which an
    issue may have been known → its own. reporters: the tools and formats that were read, in lower case; those
    that did not finish are not among them.
    """

    inventory: Inventory
    left_out: Mapping[str, str]
    former: Mapping[str, str]
    reporters: frozenset[str]


def take(
    sources: Sequence[str | Path],
    *,
    snapshot: Snapshot,
    root: Path,
    severity_table: Mapping[str, str] | None = None,
    source_format: str | None = None,
    fetch: Fetch | None = None,
    include: Collection[str] = (),
    renamed: Mapping[str, Collection[str]] | None = None,
    linters: Sequence[Tool] = (),
) -> Taken:
    """The merged inventory of all sources; "-" is standard input, and `fetch` gets what is no file.

    include: rules of polly.intake.policy that are switched off. renamed: path → its paths in earlier rounds.
    linters: further linters, described by the user.
    Raises InputError, naming the source and the next step, when one of the sources cannot be read.
    """
    if not sources:
        raise InputError(
            "No source is named.", next_step="Name a report, for instance: polly issues findings.sarif"
        )
    context = Context(snapshot, severity_table or {})
    chosen = format_named(source_format, linters) if source_format else None
    rules = policy(include)
    built: list[Built] = []
    reporters: set[str] = set()
    unfinished: set[str] = set()

    def read_part(part: Part) -> Reading:
        document = load(part.path, name=part.name, fetch=fetch)
        return _read(document, chosen or recognise(document, linters), context)

    with collected_later():
        for source in sources:
            for part, reading in readings(source, display_name(source, root), read_part):
                each = build(
                    reading, name=part.name, snapshot=snapshot, root=root, policy=rules, renamed=renamed
                )
                built.append(each)
                (reporters if _is_complete(reading) else unfinished).update(_reporters(reading))
        inventory, former = combine(built, rules)
    left_out = {print_: reason for each in built for print_, reason in each.left_out.items()}
    return Taken(inventory, left_out, former, frozenset(reporters - unfinished))


def read_findings(
    text: bytes,
    *,
    format: str,  # noqa: A002 - the settings call it so
    name: str,
    snapshot: Snapshot,
    root: Path,
    severity_table: Mapping[str, str] | None = None,
    include: Collection[str] = (),
    linters: Sequence[Tool] = (),
) -> tuple[Issue, ...]:
    """The issues in a scanner's fresh output; each fingerprint is that of the same finding at intake.

    Pass severity table and `include` of the intake, or findings that are issues only by them are missing.
    Raises InputError when the output cannot be read, ToolError when it says that the scanner did not finish.
    """
    chosen = format_named(format, linters)
    if chosen.silent_when_clean and not text.strip():
        return ()
    reading = _read(parse(text, name), chosen, Context(snapshot, severity_table or {}))
    for warning in reading.warnings:
        if warning.code in _INCOMPLETE:
            raise ToolError(f"The output of {name} is not complete: {warning.message}")
    built = build(reading, name=name, snapshot=snapshot, root=root, policy=policy(include))
    return combine([built]).inventory.issues


def display_name(source: str | Path, root: Path) -> str:
    """How messages and references call a source; folders outside the repository are nobody's business."""
    if str(source) == "-":
        return "standard input"
    if _ADDRESS.match(str(source)):
        return str(source)
    path = Path(source)
    if path.is_absolute():
        path = path.relative_to(root) if path.is_relative_to(root) else Path(path.name)
    # A name of bytes that are no text must not spoil the JSON that it ends up in.
    return path.as_posix().encode("utf-8", errors="replace").decode("utf-8")


def _read(document: Document, source_format: Format, context: Context) -> Reading:
    reading = source_format.read(document, context)
    return reading._replace(warnings=(*document.warnings, *reading.warnings))


def _is_complete(reading: Reading) -> bool:
    return all(warning.code not in _INCOMPLETE for warning in reading.warnings)


def _reporters(reading: Reading) -> Iterator[str]:
    yield from map(str.casefold, reading.tools)
    for source in {finding.source.tool or finding.source.format for finding in reading.findings}:
        yield source.casefold()
