from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.verification.rescan import Scan
from polly.verification.rescan_evidence import belongs, judge_rescan, matches
from polly.work.issues import Issue, Location, Severity, Source
from polly.work.run import EvidenceKind, EvidenceStatus

FIXED, NOT_FIXED = EvidenceStatus.FIXED, EvidenceStatus.NOT_FIXED
NEW, UNKNOWN = EvidenceStatus.NEW_FINDING, EvidenceStatus.INCONCLUSIVE


def finding(
    mark: str,
    line: int | None = 1,
    *,
    rule: str = "E1",
    path: str = "a.py",
    title: str = "bad",
    tool: str = "ruff",
) -> Issue:
    return Issue(
        id=mark,
        severity=Severity.MINOR,
        title=title,
        locations=(Location(path=path, start_line=line),),
        source=Source(format="sarif", tool=tool, rule=rule),
        fingerprint=mark,
    )


def review(*places: tuple[str, int], rule: str | None = "E1") -> Issue:
    """An issue of a review that a scanner's finding was merged into."""
    return Issue(
        id="C1",
        severity=Severity.MAJOR,
        title="said in a review",
        locations=tuple(Location(path=path, start_line=line, end_line=line + 2) for path, line in places),
        source=Source(format="markdown"),
        also_reported_by=(Source(format="sarif", tool="Ruff 0.15", rule=rule),),
        fingerprint="of the review",
    )


def scan(
    findings: Sequence[Issue], *, exit_code: int | None = 1, error: str | None = None, **lines: str
) -> Scan:
    return Scan(
        tool="ruff",
        commit="c",
        tree="t",
        command="ruff check",
        findings={each.fingerprint: each for each in findings},
        lines=lines,
        exit_code=exit_code,
        error=error,
    )


def status(issue: Issue, before: Scan, after: Scan, changed: Sequence[str] = ("a.py",)) -> EvidenceStatus:
    found = judge_rescan([issue], before, after, changed)[issue.id]
    assert (found.kind, found.command, found.tree) == (EvidenceKind.RESCAN, "ruff check", "t")
    assert found.detail
    return found.status


def test_a_finding_that_is_gone_is_fixed() -> None:
    assert status(finding("f"), scan([finding("f")]), scan([])) is FIXED


def test_a_finding_that_is_still_reported_is_not_fixed() -> None:
    assert status(finding("f"), scan([finding("f")]), scan([finding("f", 9)])) is NOT_FIXED


def test_a_finding_that_the_base_does_not_have_proves_nothing() -> None:
    assert status(finding("f"), scan([finding("g", 70)]), scan([])) is UNKNOWN


@pytest.mark.parametrize(("before", "after"), [("broke", None), (None, "broke")])
def test_a_scan_without_an_answer_proves_nothing(before: str | None, after: str | None) -> None:
    found = [finding("f")]
    assert status(finding("f"), scan([] if before else found, error=before), scan([], error=after)) is UNKNOWN


def test_something_new_in_the_changed_files_is_said() -> None:
    before, after = scan([finding("f")]), scan([finding("n", rule="E2", title="worse")])
    assert status(finding("f"), before, after) is NEW
    assert "E2 worse" in judge_rescan([finding("f")], before, after, ["a.py"])["f"].detail


def test_something_new_in_other_files_is_not_the_packages() -> None:
    after = scan([finding("n", rule="E2", path="b.py")])
    assert status(finding("f"), scan([finding("f")]), after) is FIXED


def test_an_edited_line_with_the_same_fault_is_not_fixed() -> None:
    before, after = scan([finding("f")], f="x = now()"), scan([finding("n")], n="y = now()")
    assert status(finding("f"), before, after) is NOT_FIXED


def test_of_two_faults_the_edited_line_is_told_from_the_cured_one() -> None:
    before = scan([finding("f", 1), finding("g", 2)], f="started = now()", g="print(later, now())")
    after = scan([finding("n", 2)], n="print(sooner, now())")
    found = judge_rescan([finding("f", 1), finding("g", 2)], before, after, ["a.py"])
    assert (found["f"].status, found["g"].status) == (FIXED, NOT_FIXED)


def test_of_two_equal_faults_on_equal_lines_one_left_means_neither_is_proved() -> None:
    before = scan([finding("f", 1), finding("g", 9)], f="return now()", g="return now()")
    after = scan([finding("f", 9)], f="return now()")
    found = judge_rescan([finding("f", 1), finding("g", 9)], before, after, ["a.py"])
    assert {each.status for each in found.values()} == {NOT_FIXED}


def test_findings_with_and_without_lines_are_told_together() -> None:
    both = [finding("f", 3), finding("g", None)]
    evidence = judge_rescan([review(("a.py", 2))], scan(both), scan(both), ["a.py"])["C1"]
    assert "a.py:3 E1 bad; " in f"{evidence.detail}; "
    assert "a.py E1 bad" in evidence.detail


def test_very_many_edited_faults_count_as_still_there() -> None:
    before = scan([finding(f"f{number}", number) for number in range(1, 61)])
    after = scan([finding(f"n{number}", number) for number in range(1, 51)])
    evidence = judge_rescan(list(before.findings.values()), before, after, ["a.py"])
    assert {each.status for each in evidence.values()} == {NOT_FIXED}


def test_a_message_that_only_counts_otherwise_is_the_same_fault() -> None:
    before = scan([finding("f", title="too complex (14 > 10)")])
    after = scan([finding("n", title="too complex (12 > 10)")])
    assert status(finding("f"), before, after) is NOT_FIXED


@pytest.mark.parametrize(
    ("exit_before", "exit_after", "expected"),
    [(1, 0, FIXED), (0, 1, FIXED), (28, 20, FIXED), (2, 2, FIXED), (1, 2, UNKNOWN), (1, None, UNKNOWN)],
)
def test_a_scanner_that_ended_worse_than_at_the_base_proves_nothing(
    exit_before: int, exit_after: int | None, expected: EvidenceStatus
) -> None:
    before, after = scan([finding("f")], exit_code=exit_before), scan([], exit_code=exit_after)
    assert status(finding("f"), before, after) is expected


def test_a_review_is_proved_by_the_finding_at_its_lines() -> None:
    issue = review(("a.py", 10))
    before = scan([finding("f", 11), finding("far", 60)])
    assert status(issue, before, scan([finding("far", 58)])) is FIXED
    assert status(issue, before, scan([finding("f", 11)])) is NOT_FIXED


def test_a_review_of_two_places_is_fixed_when_both_are() -> None:
    issue = review(("a.py", 10), ("b.py", 5))
    before = scan([finding("f", 10), finding("g", 5, path="b.py")])
    assert status(issue, before, scan([finding("g", 5, path="b.py")])) is NOT_FIXED
    assert status(issue, before, scan([])) is FIXED


def test_issues_of_other_tools_get_no_evidence() -> None:
    assert judge_rescan([finding("f", tool="bandit")], scan([finding("f")]), scan([]), []) == {}


@pytest.mark.parametrize(
    ("tool", "expected"), [("ruff", True), ("RUFF 1.2", True), ("ruffian", False), ("", False)]
)
def test_a_tool_is_known_by_its_first_word(tool: str, expected: bool) -> None:
    assert belongs(review(("a.py", 1)), tool) is expected


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (finding("x", 11), True),
        (finding("x", 20), True),
        (finding("x", None), True),
        (finding("x", 40), False),
        (finding("x", 11, rule="e1"), True),
        (finding("x", 11, rule="E2"), False),
        (finding("of the review", 90, rule="E2"), True),
        (finding("x", 11, path="b.py"), False),
    ],
)
def test_a_finding_matches_by_rule_path_and_nearness(other: Issue, expected: bool) -> None:
    assert matches(review(("a.py", 10)), other, "ruff") is expected


@pytest.mark.parametrize(("line", "expected"), [(12, True), (13, False)])
def test_without_a_rule_the_lines_must_overlap(line: int, expected: bool) -> None:
    assert matches(review(("a.py", 10), rule=None), finding("x", line), "ruff") is expected


def _some_finding(letter: str, line: int, rule: str, path: str) -> Issue:
    # A real fingerprint is made of rule and path, too.
    return finding(f"{rule} {path} {letter}", line, rule=rule, path=path)


findings = st.lists(
    st.builds(
        _some_finding,
        st.sampled_from("abcd"),
        st.integers(1, 30),
        st.sampled_from(["E1", "E2"]),
        st.sampled_from(["a.py", "b.py"]),
    ),
    max_size=6,
    unique_by=lambda each: each.fingerprint,
)


@given(findings, findings)
def test_no_finding_is_fixed_while_it_is_reported(before: list[Issue], after: list[Issue]) -> None:
    evidence = judge_rescan(before, scan(before), scan(after), ["a.py", "b.py"])
    left = {each.fingerprint for each in after}
    for issue in before:
        assert (evidence[issue.id].status is NOT_FIXED) or issue.fingerprint not in left


@given(findings)
def test_when_nothing_changed_nothing_is_fixed(before: list[Issue]) -> None:
    evidence = judge_rescan(before, scan(before), scan(before), ["a.py"])
    assert all(each.status is NOT_FIXED for each in evidence.values())


@given(findings, findings)
def test_at_most_as_many_are_fixed_as_findings_went_away(before: list[Issue], after: list[Issue]) -> None:
    def count(some: list[Issue], path: str, rule: str) -> int:
        return sum(each.paths == (path,) and each.source.rule == rule for each in some)

    evidence = judge_rescan(before, scan(before), scan(after), ["a.py", "b.py"])
    for path in ("a.py", "b.py"):
        for rule in ("E1", "E2"):
            ours = [each for each in before if each.paths == (path,) and each.source.rule == rule]
            gone = [each for each in ours if evidence[each.id].status is not NOT_FIXED]
            assert len(gone) <= max(0, count(before, path, rule) - count(after, path, rule))
