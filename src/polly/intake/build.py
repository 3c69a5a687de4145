"""Findings of one source become issues: paths judged, lines and fingerprints taken, secrets removed."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from polly.events.redaction import reasons_to_look, redact
from polly.intake.finding import Finding, Place, Reading
from polly.intake.fingerprint import Identity, PlaceKey, fingerprints, normal_message
from polly.intake.paths import Resolution, resolve
from polly.intake.policy import STRICT, Policy
from polly.intake.snapshot import FileLines, Snapshot
from polly.work.issues import Exclusion, Issue, Location, Warning

#: No file has more; a larger number is nonsense, and JSON readers could not hold it.
_MAX_LINE = 2**31 - 1
#: Letters of a path that a warning quotes.
_MOST_LETTERS = 200


class Candidate(NamedTuple):
    """An issue before sources are merged; its id is "" when the source gives none."""

    issue: Issue
    line_text: str


class Built(NamedTuple):
    """What one source contributes: candidates, what is left out, and what a reader should know.

    left_out: fingerprint → reason. former: fingerprint before a file was renamed → the one of now.
    """

    candidates: tuple[Candidate, ...]
    excluded: tuple[Exclusion, ...]
    warnings: tuple[Warning, ...]
    left_out: Mapping[str, str] = {}
    former: Mapping[str, str] = {}


class _Placed(NamedTuple):
    finding: Finding
    locations: tuple[Location, ...]
    creates: tuple[str, ...]
    key: PlaceKey
    left_out: str
    partly_outside: bool


def build(
    reading: Reading,
    *,
    name: str,
    snapshot: Snapshot,
    root: Path,
    policy: Policy = STRICT,
    renamed: Mapping[str, Collection[str]] | None = None,
) -> Built:
    """The issues of one source called `name`, and everything that is not one with its reason.

    renamed: path → the paths under which the file was known before.
    """
    known = snapshot.paths
    resolution = resolve(_written(reading.findings), root=root, known=known)
    placing = _Placing(resolution, FileLines(snapshot), policy, root)
    placed = [placing.place(finding) for finding in reading.findings]
    identities = [placing.identity(each) for each in placed]
    order = [_distinct(each, number) for number, each in enumerate(placed)]
    prints = fingerprints(identities, order)
    redaction = _Redaction(text for each in placed if not each.left_out for text in _texts(each.finding))
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
        {print_: each.left_out for each, print_ in zip(placed, prints, strict=True) if each.left_out},
        _former(identities, order, prints, renamed or {}),
    )


def _written(findings: Iterable[Finding]) -> Iterator[str]:
    for finding in findings:
        for place in finding.places:
            yield place.path
        yield from finding.creates


def _texts(finding: Finding) -> tuple[str, str, str]:
    return (finding.title, finding.problem, finding.suggestion)


def _former(
    identities: Sequence[Identity],
    order: Sequence[PlaceKey],
    prints: Sequence[str],
    renamed: Mapping[str, Collection[str]],
) -> dict[str, str]:
    moved = [
        (number, former)
        for number, identity in enumerate(identities)
        for former in renamed.get(identity.path, ())
    ]
    before = fingerprints(
        [identities[number]._replace(path=former) for number, former in moved],
        [order[number] for number, _ in moved],
    )
    return {former: prints[number] for (number, _), former in zip(moved, before, strict=True)}


def exclusions(left_out: Iterable[tuple[str, str]]) -> tuple[Exclusion, ...]:
    """One exclusion per reason, in the order in which the reasons first appear, from (reason, ref) pairs."""
    refs: dict[str, list[str]] = {}
    for reason, ref in left_out:
        refs.setdefault(reason, []).append(ref)
    return tuple(Exclusion(reason=reason, count=len(each), refs=tuple(each)) for reason, each in refs.items())


class _Placing:
    """Places of findings as the repository knows them; what is equal is worked out once."""

    def __init__(self, resolution: Resolution, lines: FileLines, policy: Policy, root: Path) -> None:
        self._paths = resolution.paths
        self._lines = lines
        self._policy = policy
        self._root = root.as_posix()
        self._messages: dict[str, str] = {}
        self._tools: dict[str | None, str] = {}

    def place(self, finding: Finding) -> _Placed:
        inside: list[tuple[Place, str]] = []
        outside = 0
        for place in finding.places:
            path = self._paths[place.path]
            if path:
                inside.append((place, path))
            outside += path is None
        creates: tuple[str, ...] = ()
        if finding.creates:
            creates = tuple(path for path in map(self._paths.__getitem__, finding.creates) if path)
            outside += len(finding.creates) - len(creates)
        left_out = finding.left_out
        if left_out:
            left_out = self._policy.reason_of((left_out, *finding.also_left_out))
        if not left_out and not inside and not creates:
            left_out = "outside_repository" if outside else self._policy.reason_of(("no_location",))
        locations = [self._location(place, path) for place, path in inside]
        return _Placed(
            finding,
            tuple(locations if len(locations) < 2 else dict.fromkeys(locations)),
            creates,
            tuple([_place_key(place, path) for place, path in inside]),
            left_out,
            bool(outside) and not left_out,
        )

    def identity(self, placed: _Placed) -> Identity:
        """What tells the finding from others."""
        finding = placed.finding
        first = placed.locations[0] if placed.locations else None
        message = finding.message
        if message not in self._messages:
            self._messages[message] = normal_message(message, self._root)
        tool = finding.source.tool
        if tool not in self._tools:
            self._tools[tool] = (tool or "").casefold()
        return Identity(
            self._tools[tool],
            finding.source.rule or "",
            first.path if first else "\0".join(placed.creates),
            self._messages[message],
            (self._lines.text_of(first.path, first.start_line) or "") if first else "",
        )

    def _location(self, place: Place, path: str) -> Location:
        start, end = place.start_line, place.end_line
        if start is None and place.offset is not None:
            start, end = _lines_of_offset(place, path, self._lines)
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
    start, end, offset = place.start_line, place.end_line, place.offset
    first, last = place.columns
    return (
        path,
        -1 if start is None else start,
        -1 if first is None else first,
        -1 if end is None else end,
        -1 if last is None else last,
        offset.start if offset is not None and start is None else -1,
    )


def _distinct(placed: _Placed, number: int) -> PlaceKey:
    # What a person gave an id of its own is never the same finding as its neighbour.
    return (*placed.key, ("", number, 0, 0, 0, 0)) if placed.finding.id else placed.key


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
    found += _outside(placed, name)
    for each in placed:
        if each.partly_outside:
            message = "Some places of this finding lie outside the repository; they were dropped."
            found.append(
                Warning(code="location_outside_repository", message=message, ref=each.finding.source.ref)
            )
    named = dict.fromkeys(location.path for candidate in candidates for location in candidate.issue.locations)
    for path in named:
        if path not in known:
            message = f"{path} does not exist at the base commit."
            found.append(Warning(code="file_not_found", message=message, ref=path))
    return found


def _outside(placed: Sequence[_Placed], name: str) -> Iterator[Warning]:
    """One warning about all findings that lie elsewhere: mostly the report is about another repository."""
    outside = [each.finding for each in placed if each.left_out == "outside_repository"]
    if outside:
        example = next(path for path in _written(outside) if path)[:_MOST_LETTERS]
        count = "1 finding names a file" if len(outside) == 1 else f"{len(outside)} findings name files"
        doubt = "" if any(each.locations for each in placed) else "; is it a report about this repository?"
        message = f"{name}: {count} outside the repository, such as {example}{doubt}"
        yield Warning(code="outside_repository", message=message, ref=name)


class _Redaction:
    """The one place in which secrets leave the text of findings; counts what it removed."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._known = dict.fromkeys(texts, "")
        self._counts: Counter[str] = Counter()
        words: set[str] = set()
        for text in self._known:
            words.update(text.split())
        # No reason to look has white space in it, so a text gives one only if one of its words does.
        reasons = reasons_to_look(" ".join(words))
        telling = {word for word in words if any(reason in word.lower() for reason in reasons)}
        for text in self._known:
            if telling.isdisjoint(text.split()):
                self._known[text] = text
            else:
                redacted = redact(text, reasons)
                self._known[text] = redacted.text
                self._counts.update(redacted.counts)

    def clean(self, text: str) -> str:
        """One of the texts without secrets; equal texts give the same object."""
        return self._known[text]

    def warnings(self, name: str) -> list[Warning]:
        total = sum(self._counts.values())
        if not total:
            return []
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(self._counts.items()))
        message = f"{name}: secrets removed from the texts of findings: {total} ({kinds})."
        return [Warning(code="secret_redacted", message=message, ref=name)]
