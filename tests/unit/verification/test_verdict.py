import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.verification.verdict import claim_evidence, verdict
from polly.work.run import Claim, Evidence, EvidenceKind, EvidenceStatus, Verdict

FIXED, NOT_FIXED = EvidenceStatus.FIXED, EvidenceStatus.NOT_FIXED
NEW, UNKNOWN, DECLINED = EvidenceStatus.NEW_FINDING, EvidenceStatus.INCONCLUSIVE, EvidenceStatus.DECLINED
RESCAN, CHECK, REVERT = EvidenceKind.RESCAN, EvidenceKind.CHECK, EvidenceKind.REVERT
PERSON, CLAIM = EvidenceKind.PERSON, EvidenceKind.CLAIM

#: Better to worse, for "never improves".
ORDER = (Verdict.FIXED, Verdict.PARTLY, Verdict.UNVERIFIABLE, Verdict.DECLINED, Verdict.NOT_FIXED)


def evidence(kind: EvidenceKind, status: EvidenceStatus) -> Evidence:
    return Evidence(kind=kind, status=status)


evidences = st.lists(st.builds(evidence, st.sampled_from(EvidenceKind), st.sampled_from(EvidenceStatus)))


@pytest.mark.parametrize(
    ("seen", "landable", "not_landable"),
    [
        ([(RESCAN, FIXED)], Verdict.FIXED, Verdict.NOT_FIXED),
        ([(CHECK, FIXED)], Verdict.FIXED, Verdict.NOT_FIXED),
        ([(REVERT, FIXED)], Verdict.FIXED, Verdict.NOT_FIXED),
        ([(PERSON, FIXED)], Verdict.FIXED, Verdict.NOT_FIXED),
        ([(RESCAN, FIXED), (CHECK, FIXED)], Verdict.FIXED, Verdict.NOT_FIXED),
        ([(RESCAN, FIXED), (CHECK, UNKNOWN)], Verdict.FIXED, Verdict.NOT_FIXED),
        ([(RESCAN, FIXED), (CHECK, NOT_FIXED)], Verdict.PARTLY, Verdict.NOT_FIXED),
        ([(RESCAN, NEW), (CHECK, FIXED)], Verdict.PARTLY, Verdict.NOT_FIXED),
        ([(RESCAN, NEW)], Verdict.PARTLY, Verdict.NOT_FIXED),
        ([(RESCAN, NEW), (CHECK, NOT_FIXED)], Verdict.PARTLY, Verdict.NOT_FIXED),
        ([(RESCAN, NOT_FIXED)], Verdict.NOT_FIXED, Verdict.NOT_FIXED),
        ([(RESCAN, NOT_FIXED), (CLAIM, FIXED)], Verdict.NOT_FIXED, Verdict.NOT_FIXED),
        ([(RESCAN, NOT_FIXED), (CLAIM, DECLINED)], Verdict.NOT_FIXED, Verdict.NOT_FIXED),
        ([(RESCAN, FIXED), (CLAIM, DECLINED)], Verdict.FIXED, Verdict.NOT_FIXED),
        ([(CLAIM, DECLINED)], Verdict.DECLINED, Verdict.DECLINED),
        ([(CHECK, UNKNOWN), (CLAIM, DECLINED)], Verdict.DECLINED, Verdict.DECLINED),
        ([(CHECK, UNKNOWN)], Verdict.UNVERIFIABLE, Verdict.UNVERIFIABLE),
        ([(CHECK, UNKNOWN), (CLAIM, FIXED)], Verdict.UNVERIFIABLE, Verdict.UNVERIFIABLE),
        ([(CLAIM, FIXED)], Verdict.UNVERIFIABLE, Verdict.NOT_FIXED),
        ([(CLAIM, NOT_FIXED)], Verdict.UNVERIFIABLE, Verdict.NOT_FIXED),
        ([], Verdict.UNVERIFIABLE, Verdict.NOT_FIXED),
    ],
)
def test_the_table_of_verdicts_holds(
    seen: list[tuple[EvidenceKind, EvidenceStatus]], landable: Verdict, not_landable: Verdict
) -> None:
    found = [evidence(kind, status) for kind, status in seen]
    assert verdict(found, landable=True) is landable
    assert verdict(found, landable=False) is not_landable


@given(st.lists(st.sampled_from(EvidenceStatus)), st.booleans())
def test_claims_alone_never_prove_anything(statuses: list[EvidenceStatus], landable: bool) -> None:
    reached = verdict([evidence(CLAIM, status) for status in statuses], landable=landable)
    assert reached not in (Verdict.FIXED, Verdict.PARTLY)


@given(evidences, st.booleans(), st.sampled_from([RESCAN, CHECK, REVERT, PERSON]))
def test_evidence_against_it_never_improves_a_verdict(
    seen: list[Evidence], landable: bool, kind: EvidenceKind
) -> None:
    before = verdict(seen, landable=landable)
    after = verdict([*seen, evidence(kind, NOT_FIXED)], landable=landable)
    assert ORDER.index(after) >= ORDER.index(before)


@given(evidences)
def test_what_does_not_land_fixes_nothing(seen: list[Evidence]) -> None:
    assert verdict(seen, landable=False) not in (Verdict.FIXED, Verdict.PARTLY)


@given(evidences, st.booleans())
def test_the_order_of_evidence_does_not_matter(seen: list[Evidence], landable: bool) -> None:
    assert verdict(seen, landable=landable) is verdict(seen[::-1], landable=landable)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("fixed", FIXED),
        (" Done ", FIXED),
        ("won't fix", DECLINED),
        ("declined", DECLINED),
        ("false_positive", DECLINED),
        ("not-fixed", NOT_FIXED),
        ("maybe", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_a_claim_is_read_from_the_agents_own_words(word: str, status: EvidenceStatus) -> None:
    assert claim_evidence(Claim(status=word)).status is status


def test_a_claim_keeps_word_and_note_but_no_secret() -> None:
    said = claim_evidence(Claim(status="fixed", note="used ghp_" + "a1B2" * 9)).detail
    assert said.startswith("fixed: used ")
    assert "a1B2a1B2" not in said
