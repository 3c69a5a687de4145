"""A finding that vanished beside a new suppression is not proved fixed."""

import pytest

from polly.verification.silencing import silenced
from polly.work.issues import Issue, Location, Severity, Source
from polly.work.run import Evidence, EvidenceKind, EvidenceStatus, Tampering

ISSUE = Issue(
    id="C1",
    severity=Severity.MAJOR,
    title="t",
    locations=(Location(path="a.py", start_line=1),),
    source=Source(format="sarif", tool="ruff", rule="F401"),
    fingerprint="f",
)


def seen(kind: EvidenceKind, status: EvidenceStatus, *tampering: Tampering) -> EvidenceStatus:
    said = {"C1": [Evidence(kind=kind, status=status)]}
    return silenced(said, {"C1": ISSUE}, tampering)["C1"][0].status


def quieter(path: str, kind: str = "suppression") -> Tampering:
    return Tampering(package="WP1", path=path, line=1, kind=kind)


def test_silence_beside_a_new_suppression_proves_nothing() -> None:
    fixed = seen(EvidenceKind.RESCAN, EvidenceStatus.FIXED, quieter("a.py"))
    assert fixed is EvidenceStatus.INCONCLUSIVE


@pytest.mark.parametrize("tampering", [(), (quieter("b.py"),), (quieter("a.py", "skipped_test"),)])
def test_other_tampering_leaves_the_scanner_a_witness(tampering: tuple[Tampering, ...]) -> None:
    assert seen(EvidenceKind.RESCAN, EvidenceStatus.FIXED, *tampering) is EvidenceStatus.FIXED


def test_a_finding_that_is_still_reported_stays_unfixed() -> None:
    still = seen(EvidenceKind.RESCAN, EvidenceStatus.NOT_FIXED, quieter("a.py"))
    assert still is EvidenceStatus.NOT_FIXED


def test_a_check_runs_the_code_and_is_not_silenced() -> None:
    assert seen(EvidenceKind.CHECK, EvidenceStatus.FIXED, quieter("a.py")) is EvidenceStatus.FIXED
