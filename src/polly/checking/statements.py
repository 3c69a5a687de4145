"""Claims in words: that all is done, that nothing conflicts, that there are so many of something."""

import re
from collections.abc import Iterator, Sequence

from polly.checking.claims import Claim, Outcome, outcome_of
from polly.checking.crossing import some
from polly.checking.document import PACKAGE, Line, Report
from polly.checking.history import History
from polly.intake.sources.markdown.figures import ids_in
from polly.intake.sources.markdown.outline import Statement

_MARKUP = re.compile(r"[*_`|>#]")
_ALL_DONE = re.compile(
    r"\b(?:all|every|each)\b[^.;:]{0,60}\b(?:complete[d]?|done|finished|fixed|resolved|implemented)\b",
    re.IGNORECASE,
)
_ALL_COMMITTED = re.compile(r"\b(?:all|every|each)\b[^.;:]{0,60}\b(?:committed|commits?)\b", re.IGNORECASE)
_NOT = re.compile(
    r"\b(?:not(?:\s+yet)?(?:\s+been)?|un)[\s-]?(?P<verb>committed|fixed|done|completed?|finished|merged|implemented"
    r"|resolved|started)\b|\b(?P<waiting>pending|outstanding|blocked|to do|todo)\b",
    re.IGNORECASE,
)
_NO_CONFLICT = re.compile(r"\b(?:zero|no)\b[^.;:]{0,20}\bconflicts?\b|\bconflict-free\b", re.IGNORECASE)
_UNPROVEN = re.compile(
    r"(?:\ball\b|\bevery\b|\bzero\b|\bno\b|\d+/\d+)[^.;:]{0,60}\b(?:tests?|checks?|hooks?|lint\w*|regressions?|warnings?)\b"
    r"|\b(?:tests?|checks?|hooks?|suite)\b[^.;:]{0,30}\bpass(?:es|ed|ing)?\b"
    r"|\bproduction[- ]ready\b|\b(?:tested|validated|verified)\b",
    re.IGNORECASE,
)
_LIST_OF = re.compile(
    r"^\W*(?P<number>\d{1,5})\s+(?:\w+\s+){0,2}(?:files?|packages?|commits?|issues?|changes?|tests?)\b[^.]{0,60}:\s*$",
    re.IGNORECASE,
)
_PACKAGES = re.compile(
    r"\b(?P<number>\d{1,4})\s+(?:independent\s+|separate\s+|parallel\s+)?(?:work\s+)?packages\b",
    re.IGNORECASE,
)
_ISSUES_OF = re.compile(
    r"\b(?P<number>\d{1,5})\s+issues?\b[^()\d]{0,20}\((?P<ids>[A-Z]{1,6}-?\d[^()]{0,400})\)", re.IGNORECASE
)
_ITEM = re.compile(r"^(?:[-*+]|(?P<number>\d{1,9})[.)])\s")
#: Whoever writes a number above a list can count it.
_LONGEST_LIST = 1000
#: More statements of one kind would only repeat each other.
_MOST = 50


def claims(report: Report, history: History) -> Iterator[Claim]:
    """What the report says in words."""
    lines = [each for each in report.lines if each.text.strip()]
    yield from _all_done(report, lines)
    yield from _not_committed(report, lines, history)
    yield from _lists(report)
    yield from _counts(report, lines)
    yield from _unproven(report, lines)


def conflicts(report: Report, crossed: Sequence[Claim]) -> Iterator[Claim]:
    """Whether no two packages meet in a file: neither as owners, nor in their commits (`crossed`)."""
    said = [each for each in report.lines if not each.in_code and _NO_CONFLICT.search(_plain(each))]
    shared = list(_shared(report))
    yield from shared
    if not said:
        return
    evidence = [claim.evidence for claim in (*shared, *crossed) if claim.outcome is Outcome.FAILS]
    held = any(claim.outcome is Outcome.HOLDS for claim in crossed)
    outcome = Outcome.FAILS if evidence else Outcome.HOLDS if held else Outcome.UNKNOWN
    yield Claim(
        kind="conflict",
        place=report.ref(said[0].number),
        says=repr(_plain(said[0])[:160]),
        outcome=outcome,
        evidence=some(evidence)
        or ("no commit crosses packages" if held else "no commit of a package was found"),
        places=tuple(report.ref(each.number) for each in said[1:8]),
    )


def _shared(report: Report) -> Iterator[Claim]:
    owner: dict[str, str] = {}
    for package in report.packages.values():
        for path, line in package.files.items():
            first = owner.setdefault(path, package.id)
            if first != package.id:
                yield Claim(
                    kind="owner",
                    place=report.ref(line),
                    says=f"{path} belongs to {package.id}",
                    outcome=Outcome.FAILS,
                    evidence=f"{path} belongs to {first} as well",
                    places=(report.ref(report.packages[first].files[path]),),
                )


def _plain(line: Line) -> str:
    return " ".join(_MARKUP.sub(" ", line.text[:600]).split())


def _all_done(report: Report, lines: Sequence[Line]) -> Iterator[Claim]:
    """Lines that say that all is done (or committed) beside lines that name what is not."""
    plain = [(each, _plain(each)) for each in lines if not each.in_code]
    missing = [(each, found, text) for each, text in plain if (found := _NOT.search(text)) and _names(text)]
    for pattern, committed in ((_ALL_COMMITTED, True), (_ALL_DONE, False)):
        against = [
            (each, text)
            for each, found, text in missing
            if ((found["verb"] or "").casefold() == "committed") is committed
        ]
        claiming = [(each, text) for each, text in plain if pattern.search(text) and not _NOT.search(text)]
        for each, text in claiming[:_MOST]:
            others = [(line, words) for line, words in against[:_MOST] if line.number != each.number]
            if others:
                yield Claim(
                    kind="status",
                    place=report.ref(each.number),
                    says=repr(text[:160]),
                    outcome=Outcome.FAILS,
                    evidence=f"line {others[0][0].number} says {others[0][1][:160]!r}",
                    places=tuple(report.ref(line.number) for line, _ in others[:8]),
                )


def _names(text: str) -> bool:
    return bool(PACKAGE.search(text) or ids_in(text))


def _not_committed(report: Report, lines: Sequence[Line], history: History) -> Iterator[Claim]:
    """Packages of which a line says that they are not committed, against the commits of the branch."""
    said: dict[str, int] = {}
    for line in lines:
        text = _plain(line)
        found = _NOT.search(text)
        if not line.in_code and found and (found["verb"] or "").casefold() == "committed":
            for package in PACKAGE.findall(text):
                said.setdefault(package, line.number)
    for package, number in list(said.items())[:_MOST]:
        commits = history.naming([package])
        named = f"{commits[-1].short} {commits[-1].subject!r} is on the branch" if commits else ""
        yield Claim(
            kind="status",
            place=report.ref(number),
            says=f"{package} is not committed",
            outcome=Outcome.FAILS if commits else Outcome.UNKNOWN,
            evidence=named or f"no commit of the branch names {package}",
        )


def _lists(report: Report) -> Iterator[Claim]:
    """Lines such as "9 files changed:" and the list below them."""
    listed = [each for each in report.outline.statements if each.text.strip()]
    for number, statement in enumerate(listed):
        stated = _LIST_OF.match(_MARKUP.sub("", statement.text[:400]))
        if not stated or statement.in_list:
            continue
        items = _items_below(listed, number + 1)
        if items:
            agrees = items == int(stated["number"])
            yield _count(report, statement.line, statement.text, f"the list below has {items}", agrees=agrees)


def _items_below(statements: Sequence[Statement], first: int) -> int:
    """The items of the list that begins at a statement; a list of another kind is another list."""
    items, numbered = 0, None
    for each in statements[first : first + _LONGEST_LIST]:
        marker = _ITEM.match(each.text)
        if not each.in_list or (marker and numbered not in (None, marker["number"] is not None)):
            break
        if marker:
            numbered = marker["number"] is not None
            items += 1
    return items


def _counts(report: Report, lines: Sequence[Line]) -> Iterator[Claim]:
    """Numbers of packages, and of ids that are written out behind the number."""
    for line in lines:
        text = _plain(line)
        packages, issues = _PACKAGES.search(text), _ISSUES_OF.search(text)
        if issues:
            found = len(set(ids_in(issues["ids"])))
            agrees = found == int(issues["number"])
            yield _count(report, line.number, text, f"{found} ids are written out", agrees=agrees)
        if packages and len(report.packages) > 1 and not line.in_code:
            agrees = len(report.packages) == int(packages["number"])
            yield _count(report, line.number, text, f"{len(report.packages)} are described", agrees=agrees)


def _count(report: Report, line: int, text: str, found: str, *, agrees: bool) -> Claim:
    return Claim(
        kind="count",
        place=report.ref(line),
        says=repr(" ".join(text.split())[:160]),
        outcome=outcome_of(agrees),
        evidence=found,
    )


def _unproven(report: Report, lines: Sequence[Line]) -> Iterator[Claim]:
    """Statements about tests and checks, which no repository can show afterwards."""
    seen: set[str] = set()
    for line in lines:
        text = _plain(line)
        if line.in_code or not _UNPROVEN.search(text) or text in seen or len(seen) >= _MOST:
            continue
        seen.add(text)
        yield Claim(
            kind="unproven",
            place=report.ref(line.number),
            says=repr(text[:160]),
            outcome=Outcome.UNKNOWN,
            evidence="the repository does not show it; run the check again",
        )
