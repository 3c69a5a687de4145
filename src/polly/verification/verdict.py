"""From evidence to the outcome of one issue. Only what was executed, or a person, decides."""

from collections.abc import Sequence

from polly.events.redaction import redact
from polly.work.run import Claim, Evidence, EvidenceKind, EvidenceStatus, Verdict

_DECISIVE_KINDS = frozenset(
    {EvidenceKind.RESCAN, EvidenceKind.CHECK, EvidenceKind.REVERT, EvidenceKind.PERSON}
)
_DECISIVE = frozenset({EvidenceStatus.FIXED, EvidenceStatus.NOT_FIXED, EvidenceStatus.NEW_FINDING})

#: Of what an agent says about one issue.
_NOTE_LIMIT = 2_000

_CLAIMS = {
    EvidenceStatus.FIXED: ("fixed", "done", "resolved", "complete", "completed", "success"),
    EvidenceStatus.NOT_FIXED: ("notfixed", "failed", "open", "blocked", "skipped", "partly", "partial"),
    EvidenceStatus.DECLINED: (
        "declined", "decline", "rejected", "wontfix", "falsepositive", "wrongfinding", "notapplicable",
        "invalid",
    ),
}  # fmt: skip


def verdict(evidence: Sequence[Evidence], *, landable: bool) -> Verdict:
    """The outcome of one issue. `landable`: its package changed something and no gate is red.

    Decisive are `fixed`, `not_fixed` and `new_finding` of a rescan, a check, a revert or a person:

    | decisive evidence                          | landable     | not landable |
    |--------------------------------------------|--------------|--------------|
    | all `fixed`                                | fixed        | not_fixed    |
    | `fixed` or `new_finding`, and anything else | partly       | not_fixed    |
    | only `new_finding`                         | partly       | not_fixed    |
    | only `not_fixed`                           | not_fixed    | not_fixed    |
    | none, and the agent declined the issue     | declined     | declined     |
    | none, but something was tried in vain      | unverifiable | unverifiable |
    | none, and nothing was there to try         | unverifiable | not_fixed    |

    What does not land fixes nothing, whatever was seen on its tree. In the last row that is certain: the
    issue stays as it was. When something was tried (the scanner does not report the issue at the base, a
    check timed out), even that is not known.
    """
    decisive = {each.status for each in evidence if is_decisive(each)}
    if not decisive:
        return _undecided(evidence, landable=landable)
    if not landable or decisive == {EvidenceStatus.NOT_FIXED}:
        return Verdict.NOT_FIXED
    return Verdict.FIXED if decisive == {EvidenceStatus.FIXED} else Verdict.PARTLY


def is_decisive(evidence: Evidence) -> bool:
    """True when this alone says whether the issue is fixed; never true for a claim."""
    return evidence.kind in _DECISIVE_KINDS and evidence.status in _DECISIVE


def claim_evidence(claim: Claim) -> Evidence:
    """What the agent said, as evidence of kind `claim`, which decides nothing but a refusal."""
    word = "".join(letter for letter in claim.status.casefold() if letter.isalpha())
    status = next((known for known, words in _CLAIMS.items() if word in words), EvidenceStatus.INCONCLUSIVE)
    said = claim.status.strip()
    detail = f"{said}: {claim.note}" if said and claim.note else said or claim.note
    return Evidence(kind=EvidenceKind.CLAIM, status=status, detail=redact(detail[:_NOTE_LIMIT]).text)


def _undecided(evidence: Sequence[Evidence], *, landable: bool) -> Verdict:
    claims = [each for each in evidence if each.kind is EvidenceKind.CLAIM]
    if any(claim.status is EvidenceStatus.DECLINED for claim in claims):
        return Verdict.DECLINED
    tried = len(claims) < len(evidence)
    return Verdict.UNVERIFIABLE if landable or tried else Verdict.NOT_FIXED
