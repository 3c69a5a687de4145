"""Findings of one source become issues: paths judged, lines and fingerprints taken, secrets removed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from polly.events.redaction import redact
from polly.intake.finding import Finding, Place, Reading
from polly.intake.fingerprint import Identity, PlaceKey, fingerprints, normal_message
from polly.intake.paths import Resolution, resolve
from polly.intake.snapshot import FileLines, Snapshot
from polly.work.issues import Exclusion, Issue, Location, Warning

#: No file has more; a larger number is nonsense, and JSON readers could not hold it.
_MAX_LINE = 2**31 - 1


class Candidate(NamedTuple):
    """An issue before sources are merged; its id is "" when the source gives none."""

    issue: Issue
    line_text: str


class Built(NamedTuple):
    """What one source contributes: candidates, what is left out, and what a reader should know."""

    candidates: tuple[Candidate, ...]
    excluded: tuple[Exclusion, ...]
    warnings: tuple[Warning, ...]


class _Placed(NamedTuple):
    finding: Finding
    locations: tuple[Location, ...]
    creates: tuple[str, ...]
    key: PlaceKey
    left_out: str
    partly_outside: bool


def build(reading: Reading, *, name: str, snapshot: Snapshot, root: Path) -> Built:
    """The issues of one source called `name`, and everything that is not one with its reason."""
    lines = FileLines(snapshot)
    written = [place.path for finding in reading.findings for place in finding.places]
    written += [path for finding in reading.findings for path in finding.creates]
    known = snapshot.paths
    resolution = resolve(written, root=root, known=known)
    placed = [_place(finding, resolution, lines) for finding in reading.findings]
    identities = [_identity(each, lines, root) for each in placed]
    prints = fingerprints(identities, [_distinct(each, number) for number, each in enumerate(placed)])
    redaction = _Redaction()
    candidates = tuple(
        Candidate(_issue(each, fingerprint, redaction), identity.line_text)
        for each, fingerprint, identity in zip(placed, prints, identities, strict=True)
        if not each.left_out
    )
    left_out = ((each.left_out, each.finding.source.ref or name) for each in placed if each.left_out)
    return Built(
        candidates,
        (*reading.excluded, *exclusions(left_out)),
        (
            *reading.warnings,
            *_path_warnings(placed, candidates, resolution, name, known),
            *redaction.warnings(name),
        ),
    )


def exclusions(left_out: Iterable[tuple[str, str]]) -> tuple[Exclusion, ...]:
    """One exclusion per reason, in the order in which the reasons first appear, from (reason, ref) pairs."""
    refs: dict[str, list[str]] = {}
    for reason, ref in left_out:
        refs.setdefault(reason, []).append(ref)
    return tuple(Exclusion(reason=reason, count=len(each), refs=tuple(each)) for reason, each in refs.items())


def _place(finding: Finding, resolution: Resolution, lines: FileLines) -> _Placed:
    resolved = [(place, resolution.paths[place.path]) for place in finding.places]
    inside = [(place, path) for place, path in resolved if path]
    locations = tuple(dict.fromkeys(_location(place, path, lines) for place, path in inside))
    creates = tuple(path for path in map(resolution.paths.__getitem__, finding.creates) if path)
    outside = sum(path is None for _, path in resolved) + len(finding.creates) - len(creates)
    left_out = finding.left_out
    if not left_out and not locations and not creates:
        left_out = "outside_repository" if outside else "no_location"
    key = tuple(_place_key(place, path) for place, path in inside)
    return _Placed(finding, locations, creates, key, left_out, bool(outside) and not left_out)


def _location(place: Place, path: str, lines: FileLines) -> Location:
    start, end = place.start_line, place.end_line
    if start is None and place.offset is not None:
        start, end = _lines_of_offset(place, path, lines)
    if start is None or not 1 <= start <= _MAX_LINE:
        return Location(path=path)
    last = end if end is not None and start <= end <= _MAX_LINE else start
    return Location(path=path, start_line=start, end_line=last)


def _lines_of_offset(place: Place, path: str, lines: FileLines) -> tuple[int | None, int | None]:
    offset = place.offset
    if offset is None or offset.start < 0:
        return None, None

    last = offset.start + max(offset.length - 1, 0)
    return lines.line_at(path, offset.start, offset.unit), lines.line_at(path, last, offset.unit)


def _place_key(place: Place, path: str) -> tuple[str, int, int, int, int, int]:
    def known(number: int | None) -> int:
        return -1 if number is None else number

    first, last = place.columns
    offset = place.offset.start if place.offset and place.start_line is None else None
    return (path, known(place.start_line), known(first), known(place.end_line), known(last), known(offset))


def _distinct(placed: _Placed, number: int) -> PlaceKey:
    # What a person gave an id of its own is never the same finding as its neighbour.
    return (*placed.key, ("", number, 0, 0, 0, 0)) if placed.finding.id else placed.key


def _identity(placed: _Placed, lines: FileLines, root: Path) -> Identity:
    finding = placed.finding
    first = placed.locations[0] if placed.locations else None
    path = first.path if first else "\0".join(placed.creates)
    return Identity(
        tool=(finding.source.tool or "").casefold(),
        rule=finding.source.rule or "",
        path=path,
        message=normal_message(finding.message, root.as_posix()),
        line_text=(lines.text_of(path, first.start_line) or "") if first else "",
    )


def _issue(placed: _Placed, fingerprint: str, redaction: "_Redaction") -> Issue:
    finding = placed.finding
    return Issue(
        id=finding.id,
        severity=finding.severity,
        title=redaction.clean(finding.title),
        status=finding.status,
        locations=placed.locations,
        problem=redaction.clean(finding.problem),
        suggestion=redaction.clean(finding.suggestion),
        effort_minutes=finding.effort_minutes,
        source=finding.source,
        fingerprint=finding.fingerprint or fingerprint,
        also_reported_by=finding.also_reported_by,
        creates=placed.creates,
    )


def _path_warnings(
    placed: Sequence[_Placed],
    candidates: Sequence[Candidate],
    resolution: Resolution,
    name: str,
    known: frozenset[str],
) -> list[Warning]:
    found: list[Warning] = []
    if resolution.rebased_from:
        message = f"{name} was written in {resolution.rebased_from}; its paths were taken from there to here."
        found.append(Warning(code="paths_rebased", message=message, ref=name))
    for each in placed:
        if each.partly_outside:
            message = "Some places of this finding lie outside the repository; they were dropped."
            found.append(
                Warning(code="location_outside_repository", message=message, ref=each.finding.source.ref)
            )
    named = dict.fromkeys(path for candidate in candidates for path in candidate.issue.paths)
    for path in named:
        if path not in known:
            message = f"{path} does not exist at the base commit."
            found.append(Warning(code="file_not_found", message=message, ref=path))
    return found


class _Redaction:
    """The one place in which secrets leave the text of findings; counts what it removed."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    def clean(self, text: str) -> str:
        if text not in self._known:
            redacted = redact(text)
            self._known[text] = redacted.text
            self._counts.update(redacted.counts)
        return self._known[text]

    def warnings(self, name: str) -> list[Warning]:
        total = sum(self._counts.values())
        if not total:
            return []
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(self._counts.items()))
        message = f"{name}: secrets removed from the texts of findings: {total} ({kinds})."
        return [Warning(code="secret_redacted", message=message, ref=name)]
