"""Plans of other tools, checked against a repository."""

import json
from collections.abc import Callable
from typing import Any

from polly.checking.claims import Check, Claim, Outcome

Claims = Callable[..., list[Claim]]


def plan(**more: Any) -> str:
    base = "/home/someone/checkout/"
    packages = [
        {"package_id": "WP1", "title": "a", "issues": ["C1"], "files_to_modify": [base + "lib/logger.py"]},
        {"package_id": "WP6", "title": "b", "issues": ["N4"], "files_to_modify": [base + "analyze.py"]},
        {
            "package_id": "WP7",
            "title": "c",
            "issues": ["N1"],
            "files_to_modify": [base + "cli/flags.py", base + "gone.py"],
            "files_to_create": [base + "new.py"],
            "dependencies": ["WP6"],
        },
    ]
    return json.dumps({"work_packages": packages, **more})


def test_commits_that_hold_the_files_of_another_package_are_found(claims: Claims) -> None:
    found = {claim.says.split("'")[1][4:7]: claim for claim in claims(plan(), "commit_files", "plan.json")}
    assert found["WP1"].outcome is Outcome.HOLDS
    assert found["WP7"].evidence == "analyze.py belongs to WP6"
    assert found["WP6"].evidence == "none of the files of WP6 is in it"
    assert found["WP6"].place == "plan.json#/work_packages/1"


def test_files_of_the_plan_are_looked_up_from_the_checkout_that_it_was_made_in(claims: Claims) -> None:
    found = {claim.says.rpartition("/")[2]: claim.outcome for claim in claims(plan(), "file", "plan.json")}
    assert found == {
        "logger.py": Outcome.HOLDS,
        "analyze.py": Outcome.HOLDS,
        "flags.py": Outcome.HOLDS,
        "gone.py": Outcome.FAILS,
        "new.py": Outcome.UNKNOWN,
    }


def test_counts_are_claims_that_hold_or_not(claims: Claims) -> None:
    found = claims(plan(total_work_packages=3, total_issues_addressed=15), "count", "plan.json")
    assert [(claim.place, claim.outcome) for claim in found] == [
        ("plan.json#/total_work_packages", Outcome.HOLDS),
        ("plan.json#/total_issues_addressed", Outcome.FAILS),
    ]


def test_a_plan_is_described_in_figures(checked: Callable[..., Check]) -> None:
    result = checked(plan(), "plan.json")
    assert (result.kind, result.subject) == (
        "plan",
        {"work_packages": 3, "issues": 3, "dependencies": 1, "files": 5},
    )


def test_a_plan_for_another_repository_is_not_held_against_packages_of_the_same_name(claims: Claims) -> None:
    text = json.dumps({"tasks": [{"id": "WP6", "title": "x", "files": ["/elsewhere/other.py"]}]})
    assert not claims(text, "commit_files", "plan.json")
