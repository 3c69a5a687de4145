"""The report states nothing that a record does not prove."""

import json
from collections import Counter

import msgspec
from hypothesis import given

from polly.reporting.markdown import render
from polly.reporting.next_steps import left_over, next_commands
from polly.reporting.report import build
from polly.reporting.status import status_rows
from polly.work.run import Decision, PackageState, QualityChange, RunState, Verdict

from .conftest import Story, stories


def test_the_json_has_the_fields_of_the_format(told: Story) -> None:
    report = json.loads(msgspec.json.encode(build(*told)))
    assert report["report_version"] == 1
    assert set(report) >= {
        "report_version", "run", "base_commit", "state", "packages", "issues", "tampering", "figures",
        "warnings",
    }  # fmt: skip
    assert set(report["packages"][0]) == {
        "id", "state", "attempts", "agent", "tree", "owned_changed", "strays", "gates", "commit",
        "quality", "requests",
    }  # fmt: skip
    assert set(report["packages"][0]["gates"][0]) == {"name", "scope", "tree", "status", "seconds"}
    assert set(report["issues"][0]) == {"id", "verdict", "evidence", "package", "commit"}
    assert set(report["issues"][0]["evidence"][0]) == {"kind", "status", "command", "tree"}
    assert set(report["tampering"][0]) == {"package", "path", "line", "kind"}
    assert set(report["figures"]) == {
        "agent_seconds", "wall_seconds", "critical_path_seconds", "bound_seconds", "speedup", "efficiency",
        "overhead_seconds", "tokens", "cost_usd", "redactions",
    }  # fmt: skip


def test_issues_without_a_verdict_or_a_package_say_so(told: Story) -> None:
    issues = {issue.id: issue for issue in build(*told).issues}
    assert (issues["M1"].verdict, issues["M1"].package) == (None, "WP2")
    assert (issues["N1"].verdict, issues["N1"].package) == (None, None)
    assert issues["C1"].commit == "d" * 40
    text = render(build(*told), *told)
    assert "Verdict: **not judged**" in text
    assert "Verdict: **not planned**" in text


def test_a_proved_fix_in_a_package_that_cannot_land_is_pointed_out(told: Story) -> None:
    stuck = "Proved fixed, but in a package that is not ready: C1."
    assert stuck not in render(build(*told), *told)
    one, two = told.record.packages
    red = msgspec.structs.replace(one, state=PackageState.RED)
    record = msgspec.structs.replace(told.record, packages=(red, two))
    assert stuck in render(build(record, told.plan, told.inventory), record, told.plan, told.inventory)


def test_files_that_were_better_before_are_a_warning_beside_each_fix(told: Story) -> None:
    one, two = told.record.packages
    fell = QualityChange(before=0.9, after=0.6, is_clearly_worse=True, fell=("complexity 0.90 → 0.40",))
    grew = QualityChange(before=0.5, after=0.75)
    record = msgspec.structs.replace(
        told.record,
        packages=(msgspec.structs.replace(one, quality=fell), msgspec.structs.replace(two, quality=grew)),
    )
    report = build(record, told.plan, told.inventory)
    assert [(each.code, each.ref) for each in report.warnings if each.code == "quality-fell"] == [
        ("quality-fell", "WP1")
    ]
    text = render(report, record, told.plan, told.inventory)
    assert "0.90 → 0.60 (worse)" in text
    assert "0.50 → 0.75 |" in text
    sentence = "Warning: The files of WP1 were better before: quality 0.90, now 0.60 (complexity 0.90 → 0.40)"
    assert text.count(sentence) == len(told.plan.package("WP1").issues)


def test_a_claim_is_shown_as_a_claim(told: Story) -> None:
    text = render(build(*told), *told)
    assert "Evidence: claim, not proof says fixed" in text
    assert "The agent claims: plain" in text


def test_estimates_and_measurements_stand_in_columns_of_their_own(told: Story) -> None:
    text = render(build(*told), *told)
    assert "| Figure | Estimated by the plan | Measured |" in text
    assert "| Wall time | 5 min | 24.00 s |" in text
    assert "| Tokens | — | 100 |" in text


def test_the_exclusive_ownership_is_stated_only_when_it_holds(told: Story) -> None:
    assert "Files changed: 1; changed by two packages of one wave: none." in render(build(*told), *told)
    one, two = told.record.packages
    record = msgspec.structs.replace(
        told.record, packages=(one, msgspec.structs.replace(two, owned_changed=("plain",)))
    )
    plan = msgspec.structs.replace(
        told.plan, packages=tuple(msgspec.structs.replace(each, wave=1) for each in told.plan.packages)
    )
    broken = Story(record, plan, told.inventory)
    assert "Changed by two packages of one wave: `plain`." in render(build(*broken), *broken)


def test_what_is_left_names_every_issue_with_its_reason(told: Story) -> None:
    assert left_over(build(*told), told.record, told.plan) == (
        ("C2", "unverifiable"),
        ("M1", "its package WP2: failed"),
        ("N1", "not planned: plain"),
    )


def test_the_next_commands_fit_the_state(told: Story) -> None:
    assert next_commands(told.record) == ("polly undo WP1", "polly status")
    running = msgspec.structs.replace(told.record, state=RunState.INTERRUPTED)
    assert next_commands(running) == ("polly resume", "polly status")
    one, two = told.record.packages
    undecided = msgspec.structs.replace(one, decision=Decision.OPEN)
    ready = msgspec.structs.replace(told.record, packages=(undecided, two))
    assert next_commands(ready)[:2] == ("polly diff WP1", "polly approve WP1 --accept-tampering")


@given(stories())
def test_counts_of_any_report_are_those_of_the_records(any_story: Story) -> None:
    record, plan, _ = any_story
    report = build(*any_story)
    outcomes = [outcome for package in record.packages for outcome in package.outcomes]
    verdicts = Counter(issue.verdict for issue in report.issues if issue.verdict)
    assert verdicts == Counter(outcome.verdict for outcome in outcomes)
    assert [issue.id for issue in report.issues] == [
        issue for package in plan.packages for issue in package.issues
    ]
    rows = status_rows(record, plan)
    assert sum(row.verified for row in rows) == verdicts[Verdict.FIXED]
    assert sum(row.issues for row in rows) == len(report.issues)
    left = {issue for issue, _ in left_over(report, record, plan)}
    for issue in report.issues:
        if issue.id not in left:
            package = record.package(str(issue.package))
            assert issue.verdict is Verdict.FIXED
            assert package.state is PackageState.READY
            assert package.decision is Decision.COMMITTED
    text = render(report, *any_story)
    fixed = verdicts[Verdict.FIXED]
    assert ("fixed, proved by evidence" in text) == (fixed > 0)
    assert f"- {fixed} fixed, proved by evidence" in text or not fixed
