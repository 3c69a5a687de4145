"""What became of each finding between two scans. Pure.

A fingerprint changes when the line it stands on is edited, and equal findings on equal lines are told apart
by counting; so a fingerprint that is gone does not say yet that the fault is gone.
"""

import difflib
import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from polly.verification.rescan import Scan
from polly.work.issues import Issue

#: Pairs of equal findings that are compared line by line; beyond that, all count as still there.
_PAIRS_COMPARED = 2_500

#: Of two lines that are compared.
_LINE_LIMIT = 200

_Group = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class ScanDifference:
    """What became of the findings of the base, by fingerprint, and what the package brought.

    `still`: reported as this finding now. `twins`: gone, but this equal one is left on an equal line.
    """

    still: dict[str, Issue]
    twins: dict[str, Issue]
    new: tuple[Issue, ...]


def difference(before: Scan, after: Scan, changed: Collection[str]) -> ScanDifference:
    """Compare two scans that both gave an answer. `changed`: the files in which something new counts."""
    old_groups, new_groups = _groups(before), _groups(after)
    still = {mark: finding for mark, finding in after.findings.items() if mark in before.findings}
    twins: dict[str, Issue] = {}
    new: list[Issue] = []
    for group in old_groups.keys() | new_groups.keys():
        old, now = old_groups.get(group, []), new_groups.get(group, [])
        gone = [each for each in old if each.fingerprint not in after.findings]
        came = [each for each in now if each.fingerprint not in before.findings]
        again = _pair(gone, came, before, after)
        still |= again
        twins |= _twins(gone, now, before, after)
        taken = {each.fingerprint for each in again.values()}
        new += [
            each for each in came if each.fingerprint not in taken and not set(each.paths).isdisjoint(changed)
        ]
    return ScanDifference(still=still, twins=twins, new=tuple(new))


def _groups(scan: Scan) -> dict[_Group, list[Issue]]:
    """Findings that say the same about the same file; numbers in a message may change with its lines."""
    groups: dict[_Group, list[Issue]] = defaultdict(list)
    for finding in scan.findings.values():
        message = re.sub(r"\d+", "#", " ".join(finding.title.split()))
        path = finding.paths[0] if finding.paths else ""
        groups[(finding.source.rule or "").casefold(), path, message].append(finding)
    return groups


def _pair(gone: Sequence[Issue], came: Sequence[Issue], before: Scan, after: Scan) -> dict[str, Issue]:
    """Findings whose line was edited without curing it have a new fingerprint: most alike lines first."""
    if len(gone) * len(came) > _PAIRS_COMPARED:
        return {each.fingerprint: came[min(place, len(came) - 1)] for place, each in enumerate(gone)}
    ranked = sorted(
        (
            (-_likeness(old, new, before, after), _line_gap(old, new), old.fingerprint, new.fingerprint)
            for old in gone
            for new in came
        ),
    )
    pairs: dict[str, str] = {}
    for _unlike, _gap, old_mark, new_mark in ranked:
        if old_mark not in pairs and new_mark not in pairs.values():
            pairs[old_mark] = new_mark
    return {old_mark: after.findings[new_mark] for old_mark, new_mark in pairs.items()}


def _twins(gone: Sequence[Issue], now: Sequence[Issue], before: Scan, after: Scan) -> dict[str, Issue]:
    """Equal findings on equal lines are told apart only by counting, so which one is left is unknown."""
    left = {after.lines[each.fingerprint]: each for each in now if each.fingerprint in after.lines}
    found = {}
    for each in gone:
        line = before.lines.get(each.fingerprint)
        if line is not None and line in left:
            found[each.fingerprint] = left[line]
    return found


def _likeness(old: Issue, new: Issue, before: Scan, after: Scan) -> float:
    left, right = before.lines.get(old.fingerprint, ""), after.lines.get(new.fingerprint, "")
    return difflib.SequenceMatcher(None, left[:_LINE_LIMIT], right[:_LINE_LIMIT], autojunk=False).ratio()


def _line_gap(old: Issue, new: Issue) -> int:
    return abs(first_line(old) - first_line(new))


def first_line(finding: Issue) -> int:
    """The line that a finding starts at, 0 when it has none."""
    return (finding.locations[0].start_line or 0) if finding.locations else 0
