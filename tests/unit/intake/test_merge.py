import itertools
import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from polly.work.issues import Inventory, Severity

Take = Callable[..., Inventory]
Log = Callable[..., str]
Result = Callable[..., dict[str, Any]]

FILES = {"a.py": "import os\nnow()\nnow()\n"}
REVIEW = "## Critical\n### C1. Naive time\n**File**: `a.py:2`\n**Rule**: `lint:R1`\n"


def test_a_rule_that_a_person_names_takes_in_the_scanners_finding(
    take: Take, log: Log, result: Result
) -> None:
    scan = log(result(line=2), result(line=3), result(line=1, ruleId="R2"))
    alone = take({"x.sarif": scan}, FILES)
    merged = take({"x.sarif": scan, "review.md": REVIEW}, FILES)
    first = merged.issue("C1")
    assert first.severity is Severity.CRITICAL
    assert first.fingerprint == alone.issues[0].fingerprint
    assert [each.ref for each in first.also_reported_by] == ["x.sarif#/runs/0/results/0"]
    assert {issue.id for issue in merged.issues} == {"C1", "lint-2", "lint-3"}
    assert merged.counts.read == 4
    assert [(each.reason, each.refs) for each in merged.excluded] == [
        ("duplicate", ("x.sarif#/runs/0/results/0",))
    ]


def test_another_rule_or_line_text_is_another_issue(take: Take, log: Log, result: Result) -> None:
    scan = log(result(line=1), result(line=2, ruleId="R2"))
    assert take({"x.sarif": scan, "review.md": REVIEW}, FILES).counts.issues == 3


def test_the_same_report_twice_adds_duplicates_only(take: Take, log: Log, result: Result) -> None:
    scan = log(result(line=2), result(line=3))
    twice = take({"x.sarif": scan, "y.sarif": scan}, FILES)
    assert (twice.counts.read, twice.counts.issues, twice.counts.excluded) == (4, 2, 2)
    assert [each.ref for each in twice.issues[0].also_reported_by] == ["y.sarif#/runs/0/results/0"]


def test_scanner_ids_count_on_over_sources_and_leave_out_taken_ones(
    take: Take, log: Log, result: Result
) -> None:
    own = {"id": "lint-1", "severity": "major", "title": "t", "locations": [{"path": "a.py"}]}
    written = json.dumps({"inventory_version": 1, "issues": [own]})
    inventory = take(
        {"x.sarif": log(result(line=1)), "y.sarif": log(result(line=2)), "own.json": written}, FILES
    )
    assert [issue.id for issue in inventory.issues] == ["lint-2", "lint-3", "lint-1"]


def test_colliding_ids_of_two_sources_are_renamed_with_a_warning(take: Take) -> None:
    other = "## Minor\n### c1. Else\n**File**: `a.py`\n### C1. Other\n**File**: `a.py:1`\n"
    inventory = take({"one.md": REVIEW, "two.md": other}, FILES)
    assert [issue.id for issue in inventory.issues] == ["C1", "C1-2"]
    assert [warning.code for warning in inventory.warnings] == ["duplicate_id"]


RESULTS = st.lists(
    st.fixed_dictionaries(
        {
            "line": st.integers(1, 4),
            "rule": st.sampled_from(["R1", "R2"]),
            "level": st.sampled_from(["error", "note", "none"]),
            "kind": st.sampled_from(["fail", "fail", "pass"]),
        }
    ),
    max_size=5,
)


@given(reports=st.lists(RESULTS, min_size=1, max_size=2), with_review=st.booleans())
def test_counts_add_up_and_do_not_depend_on_the_order_of_sources(
    take: Take, log: Log, result: Result, reports: list[list[dict[str, Any]]], *, with_review: bool
) -> None:
    sources = {
        f"{number}.sarif": log(
            *(
                result(line=each["line"], ruleId=each["rule"], level=each["level"], kind=each["kind"])
                for each in report
            )
        )
        for number, report in enumerate(reports)
    }
    if with_review:
        sources["review.md"] = REVIEW
    read = [take(dict(order), FILES) for order in itertools.permutations(sources.items())]
    assert all(each.counts == read[0].counts for each in read)
    assert read[0].counts.read == sum(map(len, reports)) + with_review
    for each in read:
        assert each.counts.read == len(each.issues) + sum(exclusion.count for exclusion in each.excluded)
        assert all(exclusion.count == len(exclusion.refs) for exclusion in each.excluded)
        assert len({issue.id for issue in each.issues}) == len(each.issues)
        assert len({issue.fingerprint for issue in each.issues}) == len(each.issues)
