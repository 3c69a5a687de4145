"""Polly's own inventory JSON, as `polly issues --format json` writes it, or as another program does."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec

from polly.errors import InputError
from polly.intake import json_text
from polly.intake.document import Document
from polly.intake.finding import Context, Finding, Place, Reading
from polly.intake.sources.format import Format
from polly.work.issues import (
    Exclusion,
    Inventory,
    Issue,
    Location,
    Severity,
    Source,
    Warning,
)

_VERSION = 1
#: Ids become file names and commit trailers.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


_LARGEST = 2**31 - 1


class _Issue(Issue, frozen=True, kw_only=True):
    """An issue as another program may write it: fingerprint and source can be left to Polly."""

    effort_minutes: Annotated[int, msgspec.Meta(ge=0, le=_LARGEST)] | None = None
    source: Source = Source(format="inventory")
    fingerprint: str = ""


class _Exclusion(msgspec.Struct, frozen=True, kw_only=True):
    reason: str
    count: Annotated[int, msgspec.Meta(ge=0, le=_LARGEST)]
    refs: tuple[str, ...] = ()


class _Counts(msgspec.Struct, frozen=True, kw_only=True):
    read: int | None = None
    issues: int | None = None
    excluded: int | None = None
    by_severity: dict[str, int] = {}
    files: int | None = None


class _Inventory(msgspec.Struct, frozen=True, kw_only=True):
    inventory_version: int
    issues: tuple[_Issue, ...]
    excluded: tuple[_Exclusion, ...] = ()
    warnings: tuple[Warning, ...] = ()
    counts: _Counts = _Counts()


def recognises(document: Document) -> bool:
    """True for a JSON object that says which inventory version it is."""
    return document.object_members is not None and "inventory_version" in document.object_members


def read(document: Document, context: Context) -> Reading:  # noqa: ARG001 - the signature of every format
    """The issues as they stand in the file."""
    _check_version(document)
    data = document.text.encode("utf-8", errors="replace")
    try:
        inventory = json_text.decode(data, msgspec.json.Decoder(_Inventory))
    except msgspec.DecodeError as error:
        raise InputError(
            f"{document.name} is not an inventory that Polly can use: {error}.",
            next_step="Correct that place; docs/reference/sources.md describes the format.",
        ) from error
    findings = tuple(_finding(issue, number, document.name) for number, issue in enumerate(inventory.issues))
    warnings = (*inventory.warnings, *_unknown_fields(document, data), *_contradictions(document, inventory))
    excluded = (Exclusion(reason=e.reason, count=e.count, refs=e.refs) for e in inventory.excluded)
    return Reading(findings, warnings, tuple(excluded))


FORMAT = Format("inventory", "Polly's inventory JSON with `inventory_version`", recognises, read)


def _check_version(document: Document) -> None:
    version = bytes((document.object_members or {}).get("inventory_version", b"")).decode(errors="replace")
    if version != str(_VERSION):
        shown = version[:40] or "missing"
        raise InputError(
            f"{document.name} is an inventory of version {shown}; this Polly reads version {_VERSION}.",
            next_step="Write it again with this version of Polly: polly issues SOURCE --format json",
        )


def _finding(issue: _Issue, number: int, name: str) -> Finding:
    ref = f"{name}#/issues/{number}"
    if not _ID.fullmatch(issue.id):
        raise InputError(
            f"{ref}: {issue.id[:60]!r} cannot be the id of an issue.",
            next_step="Use letters, digits, '.', '_' and '-', at most 100, and begin with a letter or digit.",
        )
    return Finding(
        id=issue.id,
        severity=issue.severity,
        title=issue.title,
        message=issue.title,
        status=issue.status,
        places=tuple(
            Place(path=each.path, start_line=each.start_line, end_line=each.end_line)
            for each in issue.locations
        ),
        creates=issue.creates,
        problem=issue.problem,
        suggestion=issue.suggestion,
        effort_minutes=issue.effort_minutes,
        source=msgspec.structs.replace(issue.source, ref=issue.source.ref or ref),
        fingerprint=issue.fingerprint,
        also_reported_by=issue.also_reported_by,
    )


def _unknown_fields(document: Document, data: bytes) -> Iterator[Warning]:
    raw = json_text.decode(data, msgspec.json.Decoder(dict[str, Any]))
    unknown = dict.fromkeys(_unknown_in(raw, Inventory, ""))
    for field in unknown:
        message = f"{document.name}: the field {field} is not part of the format; it was not read."
        yield Warning(code="unknown_field", message=message, ref=document.name)


def _unknown_in(raw: Mapping[str, Any], shape: type[msgspec.Struct], place: str) -> Iterator[str]:
    inner: dict[str, type[msgspec.Struct]] = {
        "issues": Issue,
        "locations": Location,
        "source": Source,
        "also_reported_by": Source,
        "excluded": Exclusion,
        "warnings": Warning,
    }
    for key, value in raw.items():
        if key not in shape.__struct_fields__:
            yield f"{place}{key}"[:80]
        elif key in inner and not (shape is not Inventory and key in ("issues", "excluded", "warnings")):
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, dict):
                    yield from _unknown_in(each, inner[key], f"{place}{key}.")


def _contradictions(document: Document, inventory: _Inventory) -> Iterator[Warning]:
    stated = inventory.counts
    excluded = sum(each.count for each in inventory.excluded)
    issues = len(inventory.issues)
    facts: dict[str, tuple[int | None, int]] = {
        "counts.read": (stated.read, issues + excluded),
        "counts.issues": (stated.issues, issues),
        "counts.excluded": (stated.excluded, excluded),
        "counts.files": (
            stated.files,
            len({each.path for issue in inventory.issues for each in issue.locations}),
        ),
    }
    for severity in Severity:
        found = sum(issue.severity is severity for issue in inventory.issues)
        facts[f"counts.by_severity.{severity}"] = (stated.by_severity.get(severity), found)
    for field, (said, found) in facts.items():
        if said is not None and said != found:
            message = f"{document.name}: {field} says {said}, but the file holds {found}."
            yield Warning(
                code="contradiction", message=message, ref=f"{document.name}#/{field.replace('.', '/')}"
            )
