"""Claims about when a document was written."""

import re
from collections.abc import Iterator
from datetime import timedelta

from polly.checking.claims import Claim, Outcome
from polly.checking.document import Report
from polly.checking.history import History
from polly.intake.sources.markdown.times import moment

_DATED = re.compile(r"^(?:date|created|generated|report date|last updated|updated)$", re.IGNORECASE)


def claims(report: Report, history: History) -> Iterator[Claim]:
    """A document names no commit that was made after it."""
    dated = next((key for key in report.outline.keys if _DATED.match(key.name)), None)
    written = moment(report.outline.lines[dated.line - 1]) if dated else None
    if dated is None or written is None:
        return
    place, says = report.ref(dated.line), f"the document is of {written:%Y-%m-%d}"
    known = {
        commit.id: (commit, each.line.number)
        for each in report.commits()
        if (commit := history.commit(each.id))
    }
    # A day of tolerance, since neither side says in which zone its day begins.
    last = written.date() + timedelta(days=1) if written.year < 9999 else written.date()
    later = [(commit, line) for commit, line in known.values() if commit.at.date() > last]
    for commit, line in later:
        yield Claim(
            kind="time",
            place=place,
            says=says,
            outcome=Outcome.FAILS,
            evidence=f"{commit.short}, which it names, was made on {commit.at:%Y-%m-%d}",
            places=(report.ref(line),),
        )
    if known and not later:
        evidence = f"none of the {len(known)} commits that it names is younger"
        yield Claim(kind="time", place=place, says=says, outcome=Outcome.HOLDS, evidence=evidence)
