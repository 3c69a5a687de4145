"""Plans of other tools: their issues, and every contradiction that such a plan can hold."""

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.errors import InputError
from polly.work.issues import Inventory, Severity

Take = Callable[..., Inventory]

FILES = {"src/log.py": "a\n", "src/view.sql": "b\n"}


def package(name: str, *paths: str, **more: Any) -> dict[str, Any]:
    files = [f"/home/someone/checkout/{path}" for path in paths]
    return {"package_id": name, "title": f"Work {name}", "files_to_modify": files, **more}


def plan(*packages: dict[str, Any], **more: Any) -> str:
    return json.dumps({"work_packages": packages, **more})


ONE = package(
    "WP1",
    "src/log.py",
    priority="critical",
    estimated_hours=2.5,
    issues_fixed=["C1", "N3"],
    issue_details={"C1": {"severity": "critical", "description": "Folder", "impact": "breaks"}},
    key_changes=[{"change_id": "C1-fix", "description": "use tempfile", "specific_steps": ["import it"]}],
)
TWO = package("WP2", "src/view.sql", priority="major", estimated_hours=4.0, issues_fixed=["M8"])


def contradictions(inventory: Inventory) -> list[str]:
    return [warning.message for warning in inventory.warnings if warning.code == "contradiction"]


def test_the_issues_of_a_package_are_in_its_files(take: Take) -> None:
    inventory = take({"plan.json": plan(ONE, TWO)}, FILES)
    first = inventory.issues[0]
    assert [issue.id for issue in inventory.issues] == ["C1", "N3", "M8"]
    assert (first.title, first.severity, first.paths) == ("Folder", Severity.CRITICAL, ("src/log.py",))
    assert first.problem.startswith("breaks")
    assert first.suggestion == "use tempfile\n- import it"
    assert first.effort_minutes == 75
    assert first.source.ref == "plan.json#/work_packages/0/issue_details/C1"
    assert not contradictions(inventory)


def test_tasks_without_issues_are_issues_themselves(take: Take) -> None:
    task = {
        "task_id": "cache node",
        "agent": "coder",
        "description": "Write a cache",
        "input_data": {"context_files": ["src/log.py"], "output_path": "src/cache.py"},
        "dependencies": ["other"],
    }
    other = {"task_id": "other", "description": "Look", "input_data": {"affected_files": ["src/view.sql"]}}
    inventory = take({"tasks.json": json.dumps({"tasks": [task, other]})}, FILES)
    issue = inventory.issue("cache-node")
    assert (issue.creates, issue.paths, issue.problem) == (("src/cache.py",), (), "After: other")
    assert inventory.issue("other").paths == ("src/view.sql",)


def test_a_plan_of_polly_tells_no_issues(take: Take) -> None:
    with pytest.raises(InputError):
        take({"plan.json": plan(ONE, base_commit="abc")}, FILES)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"total_work_packages": 7}, "total_work_packages 7, but 2 packages are described"),
        ({"total_issues_addressed": 15}, "but 3 different issues stand in the packages"),
        ({"total_unique_files": 9}, "but 2 different files are named"),
        ({"estimated_total_hours_sequential": 10.5}, "but the packages add up to 6.5 h"),
        ({"estimated_total_hours_parallel": 1}, "but the longest chain of packages takes 4 h"),
        ({"estimated_total_hours_parallel": 9}, "all together 6.5 h"),
        ({"notes": {"sum": "10.5 hours (2.5 + 4.0)"}}, "but the sum is 6.5"),
        ({"metrics": {"minor_fixed": "N1, N3-N5 (7 issues)"}}, "but it names 4"),
        ({"gates": ["All 15 issues verified fixed"]}, "but 3 different issues"),
        ({"order": {"phase_1": {"packages": ["WP1", "WP9"]}}}, "'WP9', but there is no such package"),
        ({"file_ownership_matrix": {"WP1_owns": ["src/view.sql"]}}, "WP2 writes"),
        (
            {"started_at": "2025-10-25T08:00:00Z", "finished_at": "2025-10-25T07:00:00Z"},
            "finished_at 2025-10-25T07",
        ),
    ],
)
def test_what_a_plan_says_wrong_about_itself_is_named(take: Take, more: dict[str, Any], words: str) -> None:
    found = contradictions(take({"plan.json": plan(ONE, TWO, **more)}, FILES))
    assert any(words in message for message in found)


@pytest.mark.parametrize(
    "more",
    [
        {"total_work_packages": 2, "total_issues_addressed": 3, "estimated_total_hours_sequential": 6.5},
        {"estimated_total_hours_parallel": 4.75, "notes": {"sum": "4.75 hours (4.0 + 0.5 + 0.25)"}},
        {
            "file_ownership_matrix": {
                "WP1_owns": ["src/log.py"],
                "WP2_owns": ["src/view.sql"],
                "total_unique_files": 2,
            }
        },
        {"started_at": "2025-10-25T08:00:00Z", "finished_at": "2025-10-25T09:00:00Z"},
    ],
)
def test_what_a_plan_says_rightly_raises_no_warning(take: Take, more: dict[str, Any]) -> None:
    assert not contradictions(take({"plan.json": plan(ONE, TWO, **more)}, FILES))


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (package("WP1", "src/view.sql"), "package WP1, but /work_packages/0 has the same id"),
        (package("WP2", "src/view.sql", issues_fixed=["C1"]), "WP2 fixes C1, but WP1 fixes it too"),
        (package("WP2", "src/log.py"), "src/log.py, but WP1 writes it too, and neither waits for the other"),
        (package("WP2", "src/view.sql", dependencies=["WP9"]), "waits for WP9, but there is no such package"),
        (package("WP2", "src/view.sql", dependencies=["WP2"]), "but they wait for it in turn"),
        (
            package("WP2", "src/view.sql", priority="minor", issue_details={"X1": {"severity": "critical"}}),
            "WP2 is minor, but the worst of its issues is critical",
        ),
        (package("WP2", "src/view.sql", status="done", dependencies=["WP1"]), "'pending'"),
    ],
)
def test_packages_that_do_not_fit_together_are_named(take: Take, other: dict[str, Any], words: str) -> None:
    first = {**ONE, "status": "pending"}
    found = contradictions(take({"plan.json": plan(first, other)}, FILES))
    assert any(words in message for message in found)


def test_two_writers_of_a_file_may_follow_each_other(take: Take) -> None:
    chain = [
        package("A", "src/log.py"),
        package("B", "src/view.sql", dependencies=["A"]),
        package("C", "src/log.py", dependencies=["B"]),
    ]
    assert not contradictions(take({"plan.json": plan(*chain)}, FILES))


def test_roles_that_meet_in_a_file_are_named(take: Take) -> None:
    first, second = package("A", "src/log.py", role="tester"), package("B", "src/log.py", role="writer")
    found = contradictions(take({"plan.json": plan(first, second)}, FILES))
    assert "as writer and tester" in found[0]


IDS = st.sampled_from(["A", "B", "C", "a b", "", "WP1"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10**9) | st.floats() | st.text(max_size=8) | IDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(IDS, inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    [
        *("package_id", "title", "issues", "issue_details", "files", "files_to_create", "dependencies"),
        *("status", "estimated_hours", "priority", "role", "key_changes", "input_data", "total_issues"),
        *("owners", "started_at"),
    ]
)


@given(
    packages=st.lists(
        st.dictionaries(KEYS, VALUES, max_size=6).map(lambda entry: {"id": "x", "title": "y", **entry}),
        min_size=1,
        max_size=4,
    ),
    more=st.dictionaries(KEYS, VALUES, max_size=4),
)
def test_whatever_a_plan_holds_the_figures_of_its_inventory_add_up(
    take: Take, packages: list[dict[str, Any]], more: dict[str, Any]
) -> None:
    plan = json.dumps({"tasks": packages, **more})
    inventory = None
    with contextlib.suppress(InputError):
        inventory = take({"plan.json": plan}, FILES, source_format="tasks")
    assert inventory is None or inventory.counts.read == inventory.counts.issues + inventory.counts.excluded


@pytest.mark.parametrize("figure", ["-1" + "0" * 400, "1e300", "true"])
def test_a_number_that_is_no_figure_is_passed_over(take: Take, figure: str) -> None:
    told = plan(package("WP1", "a.py"))
    inventory = take({"plan.json": told.replace("{", f'{{"total_work_packages": {figure}, ', 1)}, FILES)
    assert contradictions(inventory) == []
