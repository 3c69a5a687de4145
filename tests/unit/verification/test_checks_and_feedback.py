import msgspec
import pytest

from polly.verification.checks import CheckRun, judge_check
from polly.verification.feedback import feedback
from polly.verification.gates import excuse
from polly.verification.verdict import verdict
from polly.work.run import (
    Evidence,
    EvidenceKind,
    EvidenceStatus,
    GateResult,
    GateScope,
    GateStatus,
    IssueOutcome,
    Verdict,
)


def run(status: GateStatus, output: str = "") -> CheckRun:
    told = {GateStatus.PASSED: True, GateStatus.FAILED: False}
    return CheckRun(
        command="check", tree="t", passed=told.get(status), status=status, seconds=0.1, output=output
    )


def gate(name: str, status: GateStatus, output: str = "") -> GateResult:
    return GateResult(name=name, scope=GateScope.PACKAGE, tree="t", status=status, seconds=0.1, output=output)


PASSED, FAILED = GateStatus.PASSED, GateStatus.FAILED
LATE, ERROR = GateStatus.TIMED_OUT, GateStatus.ERROR


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (FAILED, PASSED, EvidenceStatus.FIXED),
        (FAILED, FAILED, EvidenceStatus.NOT_FIXED),
        (PASSED, FAILED, EvidenceStatus.NOT_FIXED),
        (PASSED, PASSED, EvidenceStatus.INCONCLUSIVE),
        (LATE, PASSED, EvidenceStatus.INCONCLUSIVE),
        (ERROR, PASSED, EvidenceStatus.INCONCLUSIVE),
        (FAILED, LATE, EvidenceStatus.INCONCLUSIVE),
        (FAILED, ERROR, EvidenceStatus.INCONCLUSIVE),
    ],
)
def test_a_check_proves_only_by_failing_before_and_passing_now(
    before: GateStatus, after: GateStatus, expected: EvidenceStatus
) -> None:
    found = judge_check(run(before), run(after))
    assert (found.kind, found.status) == (EvidenceKind.CHECK, expected)


def test_a_check_that_always_passed_says_that_it_proves_nothing() -> None:
    assert "proves nothing" in judge_check(run(PASSED), run(PASSED)).detail


def test_a_gate_that_is_red_at_the_base_blames_nobody() -> None:
    before = [gate("a", FAILED), gate("b", FAILED), gate("c", PASSED), gate("d", LATE)]
    after = excuse(before, {"a", "c", "d"})
    assert [each.status for each in after] == [
        GateStatus.RED_BEFORE,
        FAILED,
        PASSED,
        GateStatus.RED_BEFORE,
    ]


def outcome(status: EvidenceStatus, kind: EvidenceKind = EvidenceKind.CHECK) -> IssueOutcome:
    evidence = (Evidence(kind=kind, status=status, command="check C1", detail="still wrong"),)
    return IssueOutcome(issue="C1", verdict=verdict(evidence, landable=True), evidence=evidence)


def test_feedback_holds_red_gates_and_unfixed_issues_with_their_details() -> None:
    text = feedback([gate("tests", FAILED, "1 failed")], [outcome(EvidenceStatus.NOT_FIXED)])
    assert text is not None
    assert "`tests` failed" in text
    assert "1 failed" in text
    assert "check `check C1`" in text
    assert "- C1: still wrong" in text


def test_issues_of_which_the_same_is_said_share_a_line() -> None:
    one = outcome(EvidenceStatus.NOT_FIXED)
    text = feedback([], [one, msgspec.structs.replace(one, issue="C2")])
    assert text is not None
    assert text.count("still wrong") == 1
    assert "C1, C2" in text


@pytest.mark.parametrize(
    ("gates", "outcomes"),
    [
        ([], []),
        ([gate("tests", PASSED)], [outcome(EvidenceStatus.FIXED)]),
        ([gate("tests", GateStatus.RED_BEFORE, "1 failed")], []),
        ([], [outcome(EvidenceStatus.INCONCLUSIVE)]),
        ([], [outcome(EvidenceStatus.DECLINED, EvidenceKind.CLAIM)]),
        ([], [outcome(EvidenceStatus.NOT_FIXED, EvidenceKind.CLAIM)]),
    ],
)
def test_there_is_no_feedback_when_a_next_attempt_could_do_nothing(
    gates: list[GateResult], outcomes: list[IssueOutcome]
) -> None:
    assert feedback(gates, outcomes) is None


def test_a_red_gate_is_not_repeated_for_every_fixed_issue() -> None:
    fixed = outcome(EvidenceStatus.FIXED)
    unlandable = IssueOutcome(issue="C1", verdict=Verdict.NOT_FIXED, evidence=fixed.evidence)
    text = feedback([gate("tests", LATE, "slow")], [unlandable])
    assert text is not None
    assert "C1" not in text
