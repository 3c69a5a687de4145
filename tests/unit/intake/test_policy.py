"""What stays out of the work list, and what `--include` brings back."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.errors import InputError
from polly.intake.policy import ALL, FIXED, RULES, STRICT, policy, rule_of
from polly.work.issues import Inventory, Severity

Take = Callable[..., Inventory]
Log = Callable[..., str]
Result = Callable[..., dict[str, Any]]

FILES = {"a.py": "a\nb\nc\n"}
NOWHERE: list[dict[str, Any]] = []


def excluded(inventory: Inventory) -> dict[str, int]:
    return {each.reason: each.count for each in inventory.excluded}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("suppressed", {"suppressions": [{"kind": "inSource"}]}),
        ("baseline", {"baselineState": "unchanged"}),
        ("baseline", {"baselineState": "absent"}),
        ("informational", {"level": "none"}),
        ("not_a_failure", {"kind": "pass"}),
        ("no_location", {"locations": NOWHERE}),
    ],
)
def test_each_rule_can_be_switched_off_alone(
    take: Take, log: Log, result: Result, rule: str, said: dict[str, Any]
) -> None:
    report = {"x.sarif": log(result(), result(line=2, **said))}
    assert take(report, FILES).counts.issues == 1
    others = [name for name in RULES if name != rule]
    assert take(report, FILES, include=others).counts.issues == 1
    switched = take(report, FILES, include=[rule])
    assert (switched.counts.issues, switched.counts.excluded, switched.included) == (2, 0, (rule,))


def test_a_finding_stays_out_while_one_of_its_reasons_holds(take: Take, log: Log, result: Result) -> None:
    said = {"kind": "pass", "suppressions": [{"kind": "inSource"}], "level": "none", "locations": NOWHERE}
    report = {"x.sarif": log(result(**said))}
    include: list[str] = []
    for reason in ("not_a_failure", "suppressed", "informational", "no_location"):
        assert excluded(take(report, FILES, include=include)) == {reason: 1}
        include.append(reason)
    assert take(report, FILES, include=include).issues[0].severity is Severity.NITPICK


def test_duplicates_can_be_kept_as_issues_of_their_own(take: Take, log: Log, result: Result) -> None:
    inventory = take({"x.sarif": log(result(), result())}, FILES, include=["duplicate"])
    assert [issue.id for issue in inventory.issues] == ["lint-1", "lint-2"]
    assert len({issue.fingerprint for issue in inventory.issues}) == 1


def test_nothing_brings_in_what_lies_outside_or_cannot_be_read(take: Take, log: Log, result: Result) -> None:
    report = {"x.sarif": log(result("../x"), {"level": 7})}
    assert excluded(take(report, FILES, include=[ALL])) == {"outside_repository": 1, "unreadable": 1}


def test_a_rescan_takes_in_the_same_as_the_intake(
    take: Take, rescan: Callable[..., Any], log: Log, result: Result
) -> None:
    report = log(result(suppressions=[{"kind": "inSource"}]))
    issues = take({"x.sarif": report}, FILES, include=["suppressed"]).issues
    found = rescan(report, FILES, include=["suppressed"])
    assert [each.fingerprint for each in issues] == [each.fingerprint for each in found]
    assert rescan(report, FILES) == ()


def test_rules_are_named_in_any_spelling() -> None:
    assert policy(["No-Location, suppressed", "BASELINE"]).included == (
        "suppressed",
        "baseline",
        "no_location",
    )
    assert policy([ALL]).included == tuple(RULES)
    assert policy([]) == STRICT


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("supressed", "Did you mean suppressed?"),
        ("baseline_absent", "Did you mean baseline?"),
        ("outside_repository", "files of the repository only"),
        ("x", "Rules: suppressed, baseline"),
    ],
)
def test_an_unknown_rule_is_refused_with_the_nearest_one(name: str, words: str) -> None:
    with pytest.raises(InputError) as refused:
        policy([name])
    assert name in refused.value.what
    assert words in (refused.value.next_step or "")


def test_every_reason_belongs_to_one_rule_or_to_none() -> None:
    reasons = [reason for rule in RULES.values() for reason in rule.reasons]
    assert len(reasons) == len(set(reasons))
    assert not set(reasons) & set(FIXED)
    assert all(rule_of(reason) in RULES for reason in reasons)
    assert all(rule_of(reason) is None for reason in FIXED)


SAID = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from(["fail", "pass", "review"]),
        "level": st.sampled_from(["error", "none"]),
        "baselineState": st.sampled_from(["new", "unchanged", "absent"]),
        "suppressions": st.just([{"kind": "inSource"}]),
        "locations": st.just(NOWHERE),
    },
)


@given(
    said=st.lists(SAID, max_size=6),
    include=st.sets(st.sampled_from([*RULES])),
    more=st.sampled_from([*RULES]),
)
def test_switching_a_rule_off_loses_nothing_and_takes_no_issue_away(
    take: Take, log: Log, result: Result, said: list[dict[str, Any]], include: set[str], more: str
) -> None:
    report = {"x.sarif": log(*(result(line=number % 3 + 1, **each) for number, each in enumerate(said)))}
    before = take(report, FILES, include=sorted(include))
    after = take(report, FILES, include=sorted({*include, more}))
    assert before.counts.read == after.counts.read == len(said)
    reported = [
        {source.ref for issue in inventory.issues for source in (issue.source, *issue.also_reported_by)}
        for inventory in (before, after)
    ]
    assert reported[0] <= reported[1]
    assert not set(RULES[more].reasons) & set(excluded(after))
