"""Several sources become one inventory: the same finding once, every id once, every figure counted."""

import re
from collections.abc import Sequence

import msgspec

from polly.intake.build import Built, Candidate, exclusions
from polly.work.issues import (
    Exclusion,
    Inventory,
    Issue,
    Warning,
    count,
)

#: Formats written by people: their findings name rules, and keep their own id, severity and words.
_WRITTEN_BY_PEOPLE = frozenset({"markdown"})
_MAX_TOOL_LETTERS = 24


def combine(sources: Sequence[Built]) -> Inventory:
    """The inventory of all sources. Its counts do not depend on their order."""
    candidates = _numbered([candidate for built in sources for candidate in built.candidates])
    kept, repeated = _once_each(candidates)
    kept, matched = _joined_with_scanners(kept)
    issues, renamed = _unique_ids([candidate.issue for candidate in kept])
    duplicates = exclusions(("duplicate", _ref(candidate.issue)) for candidate in (*repeated, *matched))
    excluded = merge_exclusions([*(each for built in sources for each in built.excluded), *duplicates])
    warnings = [warning for built in sources for warning in built.warnings] + renamed
    return Inventory(
        issues=tuple(issues),
        excluded=excluded,
        warnings=tuple(dict.fromkeys(warnings)),
        counts=count(tuple(issues), excluded),
    )


def merge_exclusions(excluded: Sequence[Exclusion]) -> tuple[Exclusion, ...]:
    """One exclusion per reason."""
    merged: dict[str, Exclusion] = {}
    for each in excluded:
        before = merged.get(each.reason, Exclusion(reason=each.reason, count=0))
        merged[each.reason] = Exclusion(
            reason=each.reason, count=before.count + each.count, refs=before.refs + each.refs
        )
    return tuple(merged.values())


def _numbered(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Findings without an id get one: the tool's name and their number among the tool's findings."""
    taken = {candidate.issue.id.casefold() for candidate in candidates}
    numbers: dict[str, int] = {}
    done = []
    for candidate in candidates:
        issue = candidate.issue
        if not issue.id:
            tool = _slug(issue.source.tool or issue.source.format)
            number = numbers.get(tool, 0) + 1
            while f"{tool}-{number}" in taken:
                number += 1
            numbers[tool] = number
            issue = msgspec.structs.replace(issue, id=f"{tool}-{number}")
        done.append(Candidate(issue, candidate.line_text))
    return done


def _slug(tool: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", tool.lower())[:_MAX_TOOL_LETTERS].strip("-") or "tool"


def _once_each(candidates: Sequence[Candidate]) -> tuple[list[Candidate], list[Candidate]]:
    """Candidates with one fingerprint become one, with all its sources; and those that it replaces."""
    groups: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        groups.setdefault(candidate.issue.fingerprint, []).append(candidate)
    kept, repeated = [], []
    for group in groups.values():
        best = min(group, key=_precedence) if len(group) > 1 else group[0]
        others = [each for each in group if each is not best]
        kept.append(best._replace(issue=_with_sources(best.issue, [each.issue for each in others])))
        repeated += others
    return kept, repeated


def _precedence(candidate: Candidate) -> tuple[bool, int, bytes]:
    """What people wrote first, then the worst severity, then the content: never the order of the sources."""
    issue = candidate.issue
    source = msgspec.structs.replace(issue.source, ref=None)
    content = msgspec.json.encode(msgspec.structs.replace(issue, id="", source=source))
    return (issue.source.format not in _WRITTEN_BY_PEOPLE, issue.severity.rank, content)


def _with_sources(issue: Issue, others: Sequence[Issue]) -> Issue:
    named = [source for other in others for source in (other.source, *other.also_reported_by)]
    sources = tuple(
        dict.fromkeys(source for source in (*issue.also_reported_by, *named) if source != issue.source)
    )
    return (
        issue
        if sources == issue.also_reported_by
        else msgspec.structs.replace(issue, also_reported_by=sources)
    )


def _joined_with_scanners(candidates: Sequence[Candidate]) -> tuple[list[Candidate], list[Candidate]]:
    """A person's finding that names tool and rule takes in the scanner's finding on the same line.

    It keeps its id and words and takes the scanner's fingerprint, by which a rescan finds it again.
    """
    scanned: dict[tuple[str, ...], list[Candidate]] = {}
    for candidate in candidates:
        if candidate.issue.source.format not in _WRITTEN_BY_PEOPLE and (key := _rule_place(candidate)):
            scanned.setdefault(key, []).append(candidate)
    taken: dict[str, Candidate] = {}
    kept = []
    for candidate in candidates:
        issue = candidate.issue
        key = _rule_place(candidate) if issue.source.format in _WRITTEN_BY_PEOPLE else None
        group = scanned.get(key, []) if key else []
        if group:
            match = min(group, key=lambda other: abs(_line(other.issue) - _line(issue)))
            group.remove(match)
            taken[match.issue.fingerprint] = match
            issue = _with_sources(issue, [match.issue])
            issue = msgspec.structs.replace(issue, fingerprint=match.issue.fingerprint)
        kept.append(candidate._replace(issue=issue))
    gone = {id(match) for match in taken.values()}
    rest = [after for before, after in zip(candidates, kept, strict=True) if id(before) not in gone]
    return rest, list(taken.values())


def _rule_place(candidate: Candidate) -> tuple[str, ...] | None:
    issue = candidate.issue
    if not issue.source.tool or not issue.source.rule or not issue.locations:
        return None
    line = candidate.line_text or f"\0{issue.locations[0].start_line}"
    return (issue.source.tool.casefold(), issue.source.rule, issue.locations[0].path, line)


def _line(issue: Issue) -> int:
    return issue.locations[0].start_line or 0


def _unique_ids(issues: Sequence[Issue]) -> tuple[list[Issue], list[Warning]]:
    owner: dict[str, str] = {}
    taken = {issue.id.casefold() for issue in issues}
    done, warnings = [], []
    for issue in issues:
        name, number = issue.id, 1
        while name.casefold() in (owner if number == 1 else taken):
            number += 1
            name = f"{issue.id}-{number}"
        taken.add(name.casefold())
        if name != issue.id:
            first = owner[issue.id.casefold()]
            message = f"The id {issue.id} is used at {first} and at {_ref(issue)}; this one is now {name}."
            warnings.append(Warning(code="duplicate_id", message=message, ref=_ref(issue)))
        owner.setdefault(name.casefold(), _ref(issue))
        done.append(issue if name == issue.id else msgspec.structs.replace(issue, id=name))
    return done, warnings


def _ref(issue: Issue) -> str:
    return issue.source.ref or issue.id
