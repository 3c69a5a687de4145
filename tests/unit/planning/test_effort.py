"""How many minutes an issue is estimated to take, and from what."""

from collections.abc import Callable
from typing import Any

import pytest

from polly.planning.background import Background
from polly.planning.effort import DEFAULT_MINUTES, MOST_CORRECTION, SAMPLES_NEEDED, Efforts
from polly.work.effort import EffortSample
from polly.work.issues import Issue, Severity, Source
from polly.work.plan import EffortFrom, Plan

MakeIssue = Callable[..., Issue]


def samples(minutes: float, count: int = SAMPLES_NEEDED, **fields: Any) -> list[EffortSample]:
    given: dict[str, Any] = {"severity": Severity.MAJOR, "tool": None, "rule": None, "agent": "claude"}
    return [EffortSample(**(given | fields), seconds=minutes * 60)] * count


def scanned(issue: MakeIssue, rule: str = "R1", **fields: Any) -> Issue:
    return issue("A", "a.py", minutes=None, source=Source(format="sarif", tool="t", rule=rule), **fields)


def test_a_stated_effort_is_taken_as_it_is(issue: MakeIssue) -> None:
    past = samples(1)
    assert Efforts({}, past).of(issue("A", "a.py", minutes=7), ["a.py"]) == (7, EffortFrom(stated=1))


@pytest.mark.parametrize("severity", Severity)
def test_without_a_stated_effort_the_severity_counts(severity: Severity, issue: MakeIssue) -> None:
    estimate = Efforts({}).of(issue("A", "a.py", minutes=None, severity=severity), ["a.py"])
    assert estimate == (DEFAULT_MINUTES[severity], EffortFrom(kind_and_size=1))


@pytest.mark.parametrize(
    ("rule", "minutes"),
    [("unused-import", 15), ("line-too-long", 15), ("sql-injection", 45), ("race-condition", 45), ("R1", 30)],
)
def test_mechanical_rules_take_less_and_difficult_ones_more(
    rule: str, minutes: int, issue: MakeIssue
) -> None:
    assert Efforts({}).of(scanned(issue, rule), ["a.py"]).minutes == minutes


def test_large_files_and_further_files_take_more(issue: MakeIssue) -> None:
    efforts = Efforts({"small.py": 300, "large.py": 200_000})
    estimates = [
        efforts.of(scanned(issue), files).minutes
        for files in (["small.py"], ["large.py"], ["small.py", "b.py"], [f"{n}.py" for n in range(50)])
    ]
    assert estimates == [30, 45, 38, 90]


def test_the_past_of_the_rule_corrects_before_that_of_the_severity(issue: MakeIssue) -> None:
    past = [*samples(20, tool="t", rule="R1"), *samples(60, count=20)]
    assert Efforts({}, past).of(scanned(issue), ["a.py"]) == (20, EffortFrom(history=1))
    assert Efforts({}, past).of(scanned(issue, "R2"), ["a.py"]) == (60, EffortFrom(history=1))


def test_few_samples_prove_nothing(issue: MakeIssue) -> None:
    past = samples(8, count=SAMPLES_NEEDED - 1)
    assert Efforts({}, past).of(scanned(issue), ["a.py"]).minutes == 30


@pytest.mark.parametrize(("taken", "minutes"), [(0.01, 30 / MOST_CORRECTION), (10_000, 30 * MOST_CORRECTION)])
def test_the_past_corrects_only_so_far(taken: float, minutes: float, issue: MakeIssue) -> None:
    assert Efforts({}, samples(taken)).of(scanned(issue), ["a.py"]).minutes == round(minutes)


def test_only_the_named_agent_counts_and_without_a_name_no_player(issue: MakeIssue) -> None:
    past = [*samples(10, agent="patch"), *samples(50, agent="codex")]
    assert Efforts({}, past).of(scanned(issue), ["a.py"]).minutes == 50
    assert Efforts({}, past, "patch").of(scanned(issue), ["a.py"]).minutes == 10
    assert Efforts({}, past, "aider").of(scanned(issue), ["a.py"]).minutes == 30


def test_the_plan_says_where_its_minutes_come_from(issue: MakeIssue, plan_of: Callable[..., Plan]) -> None:
    issues = [
        issue("stated", "a.py", minutes=5),
        issue("corrected", "a.py", minutes=None),
        issue("by kind", "a.py", minutes=None, severity=Severity.MINOR),
    ]
    plan = plan_of(issues, background=Background(efforts=tuple(samples(12))))
    assert plan.packages[0].effort_from == EffortFrom(stated=1, kind_and_size=1, history=1)
    assert plan.packages[0].estimated_minutes == 5 + 12 + 15
    (warning,) = [each for each in plan.warnings if each.code == "default_effort"]
    assert "1 of them corrected by what earlier runs took" in warning.message
