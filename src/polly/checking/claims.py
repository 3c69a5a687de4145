"""Claims of a document, each with what speaks for or against it. The JSON is format "check_version 1"."""

import enum
from collections.abc import Iterable

import msgspec

from polly.work.issues import Warning


class Outcome(enum.StrEnum):
    """Whether a claim is true."""

    HOLDS = "holds"
    FAILS = "fails"
    UNKNOWN = "unknown"


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One statement of a document: where it stands, what it says, and the evidence.

    kind: a stable word for what it is about. places: the other places of the document that take part.
    """

    kind: str
    place: str
    says: str
    outcome: Outcome
    evidence: str
    places: tuple[str, ...] = ()


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many claims have which outcome."""

    holds: int
    fails: int
    unknown: int


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """The claims of one document in its order, checked at one commit of the repository.

    kind: `report` for text, `plan` for a plan document. subject: what the document is about, in figures.
    warnings: what had to be done to read it.
    """

    check_version: int = 1
    document: str
    kind: str
    commit: str
    subject: dict[str, int]
    counts: Counts
    claims: tuple[Claim, ...]
    warnings: tuple[Warning, ...] = ()


def outcome_of(agrees: bool | None) -> Outcome:
    """The outcome of a comparison; None where nothing could be compared."""
    if agrees is None:
        return Outcome.UNKNOWN
    return Outcome.HOLDS if agrees else Outcome.FAILS


def counts_of(claims: Iterable[Claim]) -> Counts:
    """The counts that belong to these claims."""
    outcomes = [claim.outcome for claim in claims]
    return Counts(
        holds=outcomes.count(Outcome.HOLDS),
        fails=outcomes.count(Outcome.FAILS),
        unknown=outcomes.count(Outcome.UNKNOWN),
    )
