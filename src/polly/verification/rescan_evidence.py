"""What two scans, at the base and after a package, say about its issues. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from polly.events.redaction import redact
from polly.verification.rescan import Scan
from polly.verification.scan_difference import ScanDifference, difference, first_line
from polly.work.issues import Issue, Location, Source
from polly.work.run import Evidence, EvidenceKind, EvidenceStatus

#: Two sources may point at slightly different lines of the same thing (a decorator, a header).
NEAR_LINES = 10

_DETAILS_SHOWN = 5


def belongs(issue: Issue, tool: str) -> bool:
    """True when one of the issue's sources is this tool; `ruff 0.1` and `Ruff` are the same."""
    return bool(_sources(issue, tool))


def matches(issue: Issue, finding: Issue, tool: str) -> bool:
    """True when the finding of the tool is what the issue is about.

    That is the same fingerprint, or the same rule and path at overlapping or near lines. Without a rule, the
    lines must overlap. A side without lines means the whole file.
    """
    if issue.fingerprint == finding.fingerprint:
        return belongs(issue, tool)
    sources = _sources(issue, tool)
    distance = _distance(issue.locations, finding)
    if not sources or distance is None:
        return False
    rules = {source.rule.casefold() for source in sources if source.rule}
    if rules:
        return (finding.source.rule or "").casefold() in rules and distance <= NEAR_LINES
    return distance == 0


def judge_rescan(
    issues: Sequence[Issue], before: Scan, after: Scan, changed: Collection[str]
) -> dict[str, Evidence]:
    """Evidence by issue id for the issues that belong to the tool. `changed`: the package's changed files."""
    ours = [issue for issue in issues if belongs(issue, before.tool)]
    found = None if before.error or after.error else difference(before, after, changed)
    by_path: dict[str, list[Issue]] = defaultdict(list)
    for finding in before.findings.values():
        for path in finding.paths:
            by_path[path].append(finding)
    evidence = {}
    for issue in ours:
        if found is None:
            status, detail = EvidenceStatus.INCONCLUSIVE, _why_no_answer(before, after)
        else:
            status, detail = _judge(_targets(issue, before, by_path), before, after, found)
        evidence[issue.id] = Evidence(
            kind=EvidenceKind.RESCAN,
            status=status,
            command=after.command,
            tree=after.tree,
            detail=redact(detail).text,
        )
    return evidence


def _why_no_answer(before: Scan, after: Scan) -> str:
    where, error = ("at the base", before.error) if before.error else ("on the changed tree", after.error)
    return f"{before.tool} gave no answer {where}: {error}"


def _judge(
    targets: Sequence[Issue], before: Scan, after: Scan, found: ScanDifference
) -> tuple[EvidenceStatus, str]:
    marks = [target.fingerprint for target in targets]
    still = [found.still[mark] for mark in marks if mark in found.still]
    twins = [found.twins[mark] for mark in marks if mark in found.twins]
    tool, gone = before.tool, f"{before.tool} does not report it any more"
    if not targets:
        proof = f"{tool} does not report it at the base, so its absence proves nothing"
        return EvidenceStatus.INCONCLUSIVE, proof
    if still:
        return EvidenceStatus.NOT_FIXED, f"{tool} still reports {_listed(still)}"
    if twins:
        doubt = "on an equal line, so which of them was fixed is unknown"
        return EvidenceStatus.NOT_FIXED, f"{tool} still reports the same {doubt}: {_listed(twins)}"
    worse = _worse_end(before, after)
    if worse:
        return EvidenceStatus.INCONCLUSIVE, f"{gone}, but ended with {worse}, unlike at the base"
    if found.new:
        return EvidenceStatus.NEW_FINDING, f"{gone}, but something new: {_listed(found.new)}"
    return EvidenceStatus.FIXED, f"{tool} reported it at the base and does not any more"


def _worse_end(before: Scan, after: Scan) -> str | None:
    """How the scanner broke off, if it did: then it reports less, too. 0 and 1 are how scanners end."""
    if after.exit_code is None:
        return "a signal"
    return f"status {after.exit_code}" if after.exit_code > max(before.exit_code or 0, 1) else None


def _listed(findings: Iterable[Issue]) -> str:
    texts = [
        " ".join(
            [str(location) for location in finding.locations[:1]]
            + [part for part in (finding.source.rule, finding.title) if part]
        )
        for finding in sorted(findings, key=lambda each: (each.paths, first_line(each), each.fingerprint))
    ]
    rest = len(texts) - _DETAILS_SHOWN
    return "; ".join(texts[:_DETAILS_SHOWN]) + (f"; and {rest} more" if rest > 0 else "")


def _targets(issue: Issue, before: Scan, by_path: dict[str, list[Issue]]) -> list[Issue]:
    """The findings at the base that the issue stands for: its own, else the nearest to each location."""
    own = before.findings.get(issue.fingerprint)
    if own is not None:
        return [own]
    found: dict[str, Issue] = {}
    for location in issue.locations:
        near = [each for each in by_path.get(location.path, []) if matches(issue, each, before.tool)]
        ranked = sorted((_distance((location,), each) or 0, each.fingerprint) for each in near)
        best = ranked[0][0] if ranked else 0
        if best > NEAR_LINES:
            continue  # it lies near another location of the issue
        found |= {mark: before.findings[mark] for distance, mark in ranked if distance == best}
    return list(found.values())


def _sources(issue: Issue, tool: str) -> list[Source]:
    wanted = _first_word(tool)
    sources = (issue.source, *issue.also_reported_by)
    return [source for source in sources if source.tool and _first_word(source.tool) == wanted]


def _first_word(tool: str) -> str:
    return (tool.split() or [""])[0].casefold()


def _distance(places: Iterable[Location], finding: Issue) -> int | None:
    """Lines between the nearest two places in the same file; 0 when they overlap, None in different files."""
    gaps = [_gap(place, other) for place in places for other in finding.locations if place.path == other.path]
    return min(gaps, default=None)


def _gap(left: Location, right: Location) -> int:
    if left.start_line is None or right.start_line is None:
        return 0
    left_end, right_end = left.end_line or left.start_line, right.end_line or right.start_line
    return max(0, left.start_line - right_end, right.start_line - left_end)
