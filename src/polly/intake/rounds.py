"""New, surviving, re-opened, fixed: the findings of today against those of earlier runs. Pure.

A finding is recognised by its fingerprint. What a run says it has fixed counts only once it has landed.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec

from polly.intake.read import Taken
from polly.work.issues import Inventory, Issue, IssueStatus
from polly.work.rounds import Gone, Recurring, Rounds

#: So many runs in vain say that another one of the same kind will not help.
ROUNDS_IN_VAIN = 3


class Past(NamedTuple):
    """An issue in an earlier run. tried: an agent worked on it; landed: its package is in the repository."""

    issue: Issue
    tried: bool = False
    fixed: bool = False
    landed: bool = False

    @property
    def is_closed(self) -> bool:
        """True when nothing was left to do: its source said so, or its fix landed."""
        return not self.issue.status.is_open or (self.fixed and self.landed)

    @property
    def was_in_vain(self) -> bool:
        """True when an agent worked on it, unless a fix waits for a decision."""
        return self.tried and (self.landed or not self.fixed)


class Round(NamedTuple):
    """One earlier run: its issues by fingerprint."""

    run: str
    issues: Mapping[str, Past]


def compare(taken: Taken, rounds: Sequence[Round], since: str) -> Rounds:
    """The issues of today against the run `since`, which is one of the rounds (oldest first)."""
    place = next(number for number, each in enumerate(rounds) if each.run == since)
    reference, earlier = rounds[place], rounds[:place]
    prints = _known_as(taken)
    reporters = {each for past in reference.issues.values() for each in _reporters(past)}
    states: dict[str, list[str]] = {"new": [], "surviving": [], "reopened": []}
    for issue in _open(taken.inventory):
        states[_state(prints[issue.id], reference, earlier, reporters)].append(issue.id)
    gone = _gone(taken, reference, {each for issue in _open(taken.inventory) for each in prints[issue.id]})
    return Rounds(
        since=since,
        new=tuple(states["new"]),
        surviving=tuple(states["surviving"]),
        reopened=tuple(states["reopened"]),
        fixed=tuple(each for kind, each in gone if kind == "fixed"),
        left_out=tuple(each for kind, each in gone if kind == "left_out"),
        unknown=tuple(each for kind, each in gone if kind == "unknown"),
        not_converging=not_converging(taken, rounds),
    )


def not_converging(taken: Taken, rounds: Sequence[Round]) -> tuple[Recurring, ...]:
    """The open issues that agents have worked on in vain in ROUNDS_IN_VAIN runs or more."""
    prints = _known_as(taken)
    recurring = []
    for issue in _open(taken.inventory):
        runs = tuple(
            each.run for each in rounds if (past := _past(each, prints[issue.id])) and past.was_in_vain
        )
        if len(runs) >= ROUNDS_IN_VAIN:
            recurring.append(Recurring(issue=issue.id, runs=runs))
    return tuple(recurring)


def only_about(rounds: Rounds, ids: Collection[str]) -> Rounds:
    """The same without the issues of today that are not among `ids`."""
    return msgspec.structs.replace(
        rounds,
        new=tuple(each for each in rounds.new if each in ids),
        surviving=tuple(each for each in rounds.surviving if each in ids),
        reopened=tuple(each for each in rounds.reopened if each in ids),
        not_converging=tuple(each for each in rounds.not_converging if each.issue in ids),
    )


def _open(inventory: Inventory) -> list[Issue]:
    return [issue for issue in inventory.issues if issue.status.is_open]


def _known_as(taken: Taken) -> dict[str, list[str]]:
    """The fingerprints under which each issue, by its id, may have been known; today's first."""
    owners: dict[str, list[str]] = {}
    known: dict[str, list[str]] = {}
    for issue in taken.inventory.issues:
        known[issue.id] = [issue.fingerprint]
        owners.setdefault(issue.fingerprint, []).append(issue.id)
    for before, now in taken.former.items():
        for owner in owners.get(now, ()):
            known[owner].append(before)
    return known


def _past(each: Round, prints: Sequence[str]) -> Past | None:
    return next((each.issues[print_] for print_ in prints if print_ in each.issues), None)


def _state(
    prints: Sequence[str], reference: Round, earlier: Sequence[Round], reporters: Collection[str]
) -> str:
    past = _past(reference, prints)
    if past is not None:
        return "reopened" if past.is_closed else "surviving"
    before = next((found for each in reversed(earlier) if (found := _past(each, prints))), None)
    if before is None:
        return "new"
    # It is no news, and had gone by the run `since` if that run read the same tool and did not see it.
    return "surviving" if not before.is_closed and _reporters(before).isdisjoint(reporters) else "reopened"


def _gone(taken: Taken, reference: Round, present: Collection[str]) -> list[tuple[str, Gone]]:
    reasons = dict(taken.left_out)
    for issue in taken.inventory.issues:
        if not issue.status.is_open:
            reasons[issue.fingerprint] = issue.status.value
    reasons |= {before: reasons[now] for before, now in taken.former.items() if now in reasons}
    gone = []
    for print_, past in reference.issues.items():
        if print_ in present or not past.issue.status.is_open:
            continue
        reason = reasons.get(print_, "")
        if reason == IssueStatus.FIXED.value:
            kind, reason = "fixed", ""
        elif reason:
            kind = "left_out"
        else:
            kind = "unknown" if _reporters(past).isdisjoint(taken.reporters) else "fixed"
        issue = past.issue
        gone.append((kind, Gone(id=issue.id, title=issue.title, fingerprint=print_, reason=reason)))
    return gone


def _reporters(past: Past) -> set[str]:
    sources = (past.issue.source, *past.issue.also_reported_by)
    return {(source.tool or source.format).casefold() for source in sources}
