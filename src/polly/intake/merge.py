"""Several sources become one inventory: the same finding once, every id once, every figure counted."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from polly.intake.build import Built, Candidate, exclusions
from polly.intake.policy import STRICT, Policy
from polly.work.issues import Exclusion, Inventory, Issue, Source, Warning, count

#: Formats written by people: their findings name rules, and keep their own id, severity and words.
_WRITTEN_BY_PEOPLE = frozenset({"markdown"})
_MAX_TOOL_LETTERS = 24


class Combined(NamedTuple):
    """The inventory of all sources. former: another fingerprint of an issue → its fingerprint."""

    inventory: Inventory
    former: Mapping[str, str]


def combine(sources: Sequence[Built], policy: Policy = STRICT) -> Combined:
    """The inventory of all sources. Its counts do not depend on their order."""
    candidates = [candidate for built in sources for candidate in built.candidates]
    ids = _numbered(candidates)
    merged = _Merged(candidates)
    if policy.keeps_out("duplicate"):
        merged.once_each()
        merged.join_scanners()
    issues, renamed = _with_ids(merged, ids)
    gone = (_ref(candidates[number].issue, ids[number]) for number in merged.gone)
    duplicates = exclusions(("duplicate", ref) for ref in gone)
    excluded = merge_exclusions([*(each for built in sources for each in built.excluded), *duplicates])
    warnings = [warning for built in sources for warning in built.warnings] + renamed
    inventory = Inventory(
        issues=issues,
        excluded=excluded,
        warnings=tuple(dict.fromkeys(warnings)),
        counts=count(issues, excluded),
        included=policy.included,
    )
    former = {before: now for built in sources for before, now in built.former.items()}
    return Combined(inventory, former | merged.former)


def merge_exclusions(excluded: Sequence[Exclusion]) -> tuple[Exclusion, ...]:
    """One exclusion per reason."""
    merged: dict[str, Exclusion] = {}
    for each in excluded:
        before = merged.get(each.reason, Exclusion(reason=each.reason, count=0))
        merged[each.reason] = Exclusion(
            reason=each.reason, count=before.count + each.count, refs=before.refs + each.refs
        )
    return tuple(merged.values())


def _numbered(candidates: Sequence[Candidate]) -> list[str]:
    """The id of each; without one of its own, the tool's name and its number among the tool's findings."""
    taken = {candidate.issue.id.casefold() for candidate in candidates}
    numbers: dict[str, int] = {}
    slugs: dict[str, str] = {}
    ids = []
    for candidate in candidates:
        issue = candidate.issue
        name = issue.id
        if not name:
            reporter = issue.source.tool or issue.source.format
            tool = slugs.get(reporter) or slugs.setdefault(reporter, _slug(reporter))
            number = numbers.get(tool, 0) + 1
            while (name := f"{tool}-{number}") in taken:
                number += 1
            numbers[tool] = number
        ids.append(name)
    return ids


def _slug(tool: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", tool.lower())[:_MAX_TOOL_LETTERS].strip("-") or "tool"


class _Merged:
    """Which candidates become one issue. Candidates are named by their number.

    kept: those that become issues; gone: those that another one replaces, in that order.
    """

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self._candidates = candidates
        self.kept: list[int] = list(range(len(candidates)))
        self.gone: list[int] = []
        self.former: dict[str, str] = {}
        self._others: dict[int, list[Issue]] = {}
        self._fingerprints: dict[int, str] = {}

    def issue(self, number: int, name: str) -> Issue:
        """The issue of a kept candidate, with everything that it took in."""
        issue = self._candidates[number].issue
        fingerprint = self._fingerprints.get(number, issue.fingerprint)
        sources = issue.also_reported_by
        if number in self._others:
            sources = _all_sources(issue, self._others[number])
        if (name, fingerprint, sources) == (issue.id, issue.fingerprint, issue.also_reported_by):
            return issue
        return replace(issue, id=name, fingerprint=fingerprint, also_reported_by=sources)

    def once_each(self) -> None:
        """Candidates with one fingerprint become one."""
        first: dict[str, int] = {}
        groups: dict[int, list[int]] = {}
        for number, candidate in enumerate(self._candidates):
            before = first.setdefault(candidate.issue.fingerprint, number)
            if before != number:
                groups.setdefault(before, [before]).append(number)
        if not groups:
            return
        best = {
            before: min(group, key=lambda number: _precedence(self._candidates[number]))
            for before, group in groups.items()
        }
        self.kept = [best.get(number, number) for number in first.values()]
        for before in (number for number in first.values() if number in groups):
            others = [number for number in groups[before] if number != best[before]]
            self._take_in(best[before], others)
            self.gone += others

    def join_scanners(self) -> None:
        """A person's finding that names tool and rule takes in the scanner's finding on the same line.

        It keeps its id and words and takes the scanner's fingerprint, by which a rescan finds it again.
        """
        wanted = {
            number: key
            for number in self.kept
            if self._is_written(number) and (key := _rule_place(self._candidates[number]))
        }
        if not wanted:
            return
        keys = set(wanted.values())
        scanned: dict[tuple[str, ...], list[int]] = {}
        for number in self.kept:
            if not self._is_written(number) and (key := _rule_place(self._candidates[number])) in keys:
                scanned.setdefault(key, []).append(number)
        joined = [
            group.pop(_nearest(self._line(number), [self._line(each) for each in group]))
            if (group := scanned.get(key))
            else None
            for number, key in wanted.items()
        ]
        for number, match in zip(wanted, joined, strict=True):
            if match is not None:
                self._join(number, match)
        gone = set(self.gone)
        self.kept = [number for number in self.kept if number not in gone]

    def _join(self, number: int, match: int) -> None:
        self._take_in(number, [match])
        scanners = self._candidates[match].issue.fingerprint
        self.former[self._candidates[number].issue.fingerprint] = scanners
        self._fingerprints[number] = scanners
        self.gone.append(match)

    def _take_in(self, number: int, others: Sequence[int]) -> None:
        taken = self._others.setdefault(number, [])
        for other in others:
            taken += [self._candidates[other].issue, *self._others.pop(other, ())]

    def _is_written(self, number: int) -> bool:
        return self._candidates[number].issue.source.format in _WRITTEN_BY_PEOPLE

    def _line(self, number: int) -> int:
        locations = self._candidates[number].issue.locations
        return (locations[0].start_line if locations else None) or 0


def _nearest(line: int, lines: Sequence[int]) -> int:
    return min(range(len(lines)), key=lambda index: abs(lines[index] - line))


def _precedence(candidate: Candidate) -> tuple[bool, int, bytes]:
    """What people wrote first, then the worst severity, then the content: never the order of the sources."""
    issue = candidate.issue
    source = replace(issue.source, ref=None)
    content = msgspec.json.encode(replace(issue, id="", source=source))
    return (issue.source.format not in _WRITTEN_BY_PEOPLE, issue.severity.rank, content)


def _all_sources(issue: Issue, others: Sequence[Issue]) -> tuple[Source, ...]:
    named = [source for other in others for source in (other.source, *other.also_reported_by)]
    return tuple(
        dict.fromkeys(source for source in (*issue.also_reported_by, *named) if source != issue.source)
    )


def _rule_place(candidate: Candidate) -> tuple[str, ...] | None:
    issue = candidate.issue
    if not issue.source.tool or not issue.source.rule or not issue.locations:
        return None
    line = candidate.line_text or f"\0{issue.locations[0].start_line}"
    return (issue.source.tool.casefold(), issue.source.rule, issue.locations[0].path, line)


def _with_ids(merged: _Merged, ids: Sequence[str]) -> tuple[tuple[Issue, ...], list[Warning]]:
    """The issues, each id used once, and a warning for every id that was used before."""
    taken = {ids[number].casefold() for number in merged.kept}
    if len(taken) == len(merged.kept):
        return tuple([merged.issue(number, ids[number]) for number in merged.kept]), []
    owner: dict[str, str] = {}
    last: dict[str, int] = {}
    done, warnings = [], []
    for kept in merged.kept:
        name, number = ids[kept], 1
        while name.casefold() in (owner if number == 1 else taken):
            # From where the last one ended: an id used ten thousand times must not be tried anew each time.
            number = last[ids[kept]] = last.get(ids[kept], 1) + 1
            name = f"{ids[kept]}-{number}"
        issue = merged.issue(kept, name)
        if number > 1:
            taken.add(name.casefold())
            first = owner[ids[kept].casefold()]
            message = f"The id {ids[kept]} is used at {first} and at {_ref(issue)}; this one is now {name}."
            warnings.append(Warning(code="duplicate_id", message=message, ref=_ref(issue)))
        owner.setdefault(name.casefold(), _ref(issue))
        done.append(issue)
    return tuple(done), warnings


def _ref(issue: Issue, name: str = "") -> str:
    return issue.source.ref or name or issue.id
