"""A scanner that was told to be quiet is no witness. Pure."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from polly.work.issues import Issue
from polly.work.run import Evidence, EvidenceKind, EvidenceStatus, Tampering


def silenced(
    said: Mapping[str, Sequence[Evidence]], issues: Mapping[str, Issue], tampering: Sequence[Tampering]
) -> dict[str, list[Evidence]]:
    """The evidence by issue, with rescans made inconclusive where the file got a new suppression.

    The finding may be gone because the code is better or because the scanner looks away, and nobody can
    tell from its silence. Checks stay as they are: they run the code.
    """
    quieter = {found.path for found in tampering if found.kind == "suppression"}
    return {
        issue: [
            _weighed(each, quieter & set(issues[issue].paths) if issue in issues else set()) for each in seen
        ]
        for issue, seen in said.items()
    }


def _weighed(evidence: Evidence, quieter: set[str]) -> Evidence:
    if not quieter or evidence.kind is not EvidenceKind.RESCAN or evidence.status is not EvidenceStatus.FIXED:
        return evidence
    return replace(
        evidence,
        status=EvidenceStatus.INCONCLUSIVE,
        detail=f"no longer reported, but {', '.join(sorted(quieter))} got a new suppression",
    )
