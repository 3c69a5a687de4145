"""Claims about the commits that a report names."""

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from polly.checking import crossing
from polly.checking.claims import Claim, Outcome, outcome_of
from polly.checking.document import Named, Report
from polly.checking.history import Commit, History
from polly.intake.finding import Finding
from polly.intake.sources.markdown.figures import line_of
from polly.work.issues import IssueStatus

_AT_THE_START = re.compile(r"^\W*$")
_FIXED_IN = re.compile(
    r"\b(?:commits?|fixed|resolved|done|landed|merged)\b[^\w]*(?:in|by|with)?\W*$", re.IGNORECASE
)
_LINES = re.compile(
    r"[(,]\s*[+~]?(?P<added>\d{1,6})\s*(?:ins(?:ertions?)?|added|\+)?\s*[,/]\s*-?(?P<removed>\d{1,6})\s*(?:del(?:etions?)?|removed)?\)",
)
_SHORT = 7
#: A finding that goes on longer than this names no commit of its own any more.
_MOST_LINES = 400


def claims(report: Report, history: History, findings: Sequence[tuple[Finding, int]]) -> Iterator[Claim]:
    """What the report says about commits. `findings` come with the line after their part of the document."""
    named = _by_commit(report)
    yield from _existence(report, history, named)
    yield from _subjects(report, history, named)
    yield from fixes(report, history, findings)
    yield from _line_counts(report, history, named)


def crossings(report: Report, history: History) -> Iterator[Claim]:
    """Whether the commits of each package, named by the report or found on the branch, stay in its files."""
    places = {package.id: report.ref(package.line) for package in report.packages.values()}
    commits: list[Commit] = []
    for each in report.commits():
        commit = history.commit(each.id)
        if commit:
            commits.append(commit)
            places.setdefault(commit.id, report.ref(each.line.number))
    commits += history.naming(report.packages)
    owned = {package.id: tuple(package.files) for package in report.packages.values()}
    yield from crossing.claims(commits, owned, places)


def _by_commit(report: Report) -> dict[str, list[Named]]:
    """All mentions by the first characters of the commit: people shorten ids to different lengths."""
    named: dict[str, list[Named]] = {}
    for each in report.commits():
        named.setdefault(each.id[:_SHORT], []).append(each)
    return named


def _existence(report: Report, history: History, named: Mapping[str, list[Named]]) -> Iterator[Claim]:
    for mentions in named.values():
        first = mentions[0]
        commit = history.commit(first.id)
        if commit:
            evidence = f"it is {commit.subject!r} of {commit.at:%Y-%m-%d}"
            evidence += "" if commit.on_branch else "; HEAD does not contain it"
        elif history.is_shallow:
            evidence = "this clone is shallow and may lack it"
        else:
            evidence = "this repository has no such commit"
        yield Claim(
            kind="commit",
            place=report.ref(first.line.number),
            says=f"there is a commit {first.id}",
            outcome=Outcome.HOLDS if commit else Outcome.UNKNOWN if history.is_shallow else Outcome.FAILS,
            evidence=evidence,
            places=tuple(dict.fromkeys(report.ref(each.line.number) for each in mentions[1:])),
        )


def _subjects(report: Report, history: History, named: Mapping[str, list[Named]]) -> Iterator[Claim]:
    """Lines that are a commit and its subject, as `git log --oneline` prints them."""
    for mentions in named.values():
        for each in mentions:
            commit = history.commit(each.id)
            before = each.line.text[: each.line.text.find(each.id)]
            if commit and _AT_THE_START.match(before) and " " in each.after:
                said, real = (" ".join(text.split()).casefold() for text in (each.after, commit.subject))
                yield Claim(
                    kind="subject",
                    place=report.ref(each.line.number),
                    says=f"{each.id} is {each.after[:120]!r}",
                    outcome=outcome_of(said.startswith(real) or real.startswith(said.rstrip("….`*"))),
                    evidence=f"git says {commit.subject!r}",
                )


def fixes(report: Report, history: History, findings: Sequence[tuple[Finding, int]]) -> Iterator[Claim]:
    """For each finding called fixed: the commit that is named with it changes its files."""
    by_line: dict[int, list[Named]] = {}
    for each in report.commits():
        by_line.setdefault(each.line.number, []).append(each)
    for finding, end in findings:
        if finding.status is not IssueStatus.FIXED:
            continue
        start = line_of(finding)
        lines = [line for line in range(start, min(end, start + _MOST_LINES)) if line in by_line]
        named = [each for line in lines for each in by_line[line] if _says_fixed(each)]
        if not named:
            yield _fix(report, finding, Outcome.UNKNOWN, "no commit is named that fixes it")
        for each in named[:1]:
            yield _fixed_in(report, history, finding, each)


def _says_fixed(named: Named) -> bool:
    before = named.line.text[: named.line.text.find(named.id)]
    return bool(_FIXED_IN.search(before.replace("*", "").replace("`", "").replace(":", " ")))


def _fixed_in(report: Report, history: History, finding: Finding, named: Named) -> Claim:
    commit = history.commit(named.id)
    paths = [path for place in finding.places if (path := report.known_path(place.path))]
    touched = [path for path in paths if commit and path in commit.changes]
    if commit is None:
        outcome = Outcome.UNKNOWN if history.is_shallow else Outcome.FAILS
        evidence = f"there is no commit {named.id}"
    elif not paths:
        outcome, evidence = Outcome.UNKNOWN, f"it names no file that {named.id} could change"
    elif touched:
        outcome = Outcome.HOLDS
        evidence = f"it changes {crossing.some(dict.fromkeys(touched))}; whether that fixes it is not shown"
    else:
        outcome = Outcome.FAILS
        evidence = f"it does not change {crossing.some(paths)}, but {crossing.some(commit.changes)}"
    claim = _fix(report, finding, outcome, evidence)
    return replace(claim, place=report.ref(named.line.number), says=f"{claim.says} in {named.id}")


def _fix(report: Report, finding: Finding, outcome: Outcome, evidence: str) -> Claim:
    return Claim(
        kind="fix",
        place=report.ref(line_of(finding)),
        says=f"{finding.id or finding.title[:60]} is fixed",
        outcome=outcome,
        evidence=evidence,
    )


def _line_counts(report: Report, history: History, named: Mapping[str, list[Named]]) -> Iterator[Claim]:
    """Figures such as "(60 ins, 13 del)" beside one file, against the one named commit that changes it."""
    known = [commit for mentions in named.values() if (commit := history.commit(mentions[0].id))]
    for line in report.lines:
        stated = None if line.in_code else _LINES.search(line.text)
        paths = {path for each in report.mentions(line) if stated and (path := report.known_path(each.path))}
        if stated is None or len(paths) != 1:
            continue
        path = paths.pop()
        changing = [commit for commit in known if path in commit.changes]
        says = f"{path} changed by +{stated['added']} -{stated['removed']} lines"
        agrees, evidence = None, "no commit, or more than one, that the document names changes it"
        if len(changing) == 1:
            lines = changing[0].changes[path]
            agrees = (lines.added, lines.removed) == (int(stated["added"]), int(stated["removed"]))
            evidence = f"{changing[0].short} changes it by +{lines.added} -{lines.removed}"
        yield Claim(
            kind="lines",
            place=report.ref(line.number),
            says=says,
            outcome=outcome_of(agrees),
            evidence=evidence,
        )
