"""A plan that is carried on."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest

from polly.planning.background import Background
from polly.planning.previous import previous_of
from polly.work.issues import Inventory, Issue
from polly.work.plan import Ownership, Plan, Why

MakeIssue = Callable[..., Issue]
NextPlan = Callable[..., Plan]


@pytest.fixture
def next_plan(plan_of: Callable[..., Plan], inventory: Callable[[Iterable[Issue]], Inventory]) -> NextPlan:
    """next_plan(before, old, new, …): the plan for the new issues, carrying on the one for the old."""

    def make(before: Plan, old: list[Issue], new: list[Issue], **fields: Any) -> Plan:
        known = Background(previous=previous_of(before, inventory(old)))
        return plan_of(new, background=known, **fields)

    return make


def where(plan: Plan) -> dict[str, tuple[str, ...]]:
    return {package.id: package.issues for package in plan.packages}


def singles(issue: MakeIssue, names: str) -> list[Issue]:
    return [issue(name, f"{name.lower()}.py") for name in names]


def test_a_new_issue_in_a_known_file_joins_its_package(
    issue: MakeIssue, plan_of: Callable[..., Plan], next_plan: NextPlan
) -> None:
    old = singles(issue, "ABC")
    plan = next_plan(plan_of(old), old, [issue("0", "b.py", minutes=90), *old])
    assert where(plan) == {"WP1": ("A",), "WP2": ("0", "B"), "WP3": ("C",)}


def test_a_new_issue_elsewhere_gets_a_package_of_its_own(
    issue: MakeIssue, plan_of: Callable[..., Plan], next_plan: NextPlan
) -> None:
    old = singles(issue, "ABC")
    plan = next_plan(plan_of(old), old, [issue("0", "0.py", minutes=90), *old])
    assert where(plan) == {"WP1": ("A",), "WP2": ("B",), "WP3": ("C",), "WP4": ("0",)}


def test_an_issue_that_would_weld_packages_waits_for_a_later_wave(
    issue: MakeIssue, plan_of: Callable[..., Plan], next_plan: NextPlan
) -> None:
    old = singles(issue, "ABC")
    plan = next_plan(plan_of(old), old, [*old, issue("wide", "a.py", "c.py")])
    assert where(plan) == {"WP1": ("A",), "WP2": ("B",), "WP3": ("C",), "WP4": ("wide",)}
    assert plan.package("WP4").wave == 2
    assert plan.package("WP4").depends_on == ("WP1", "WP3")


@pytest.mark.parametrize(("minutes", "joined"), [(10, "WP2"), (20, "WP3")])
def test_in_a_full_wave_a_new_issue_joins_its_folder_or_else_the_emptiest_package(
    minutes: int, joined: str, issue: MakeIssue, plan_of: Callable[..., Plan], next_plan: NextPlan
) -> None:
    old = [
        issue("A", "api/a.py", minutes=30),
        issue("B", "web/b.py", minutes=20),
        issue("C", "doc/c.py", minutes=5),
    ]
    new = [*old, issue("new", "web/n.py", minutes=minutes)]
    plan = next_plan(plan_of(old, agents=3), old, new, agents=3)
    assert [package.id for package in plan.packages if "new" in package.issues] == [joined]


def test_ids_of_packages_that_are_gone_are_not_given_to_others(
    issue: MakeIssue, plan_of: Callable[..., Plan], next_plan: NextPlan
) -> None:
    old = singles(issue, "ABC")
    plan = next_plan(plan_of(old), old, [old[0], old[1], issue("D", "d.py")])
    assert where(plan) == {"WP1": ("A",), "WP2": ("B",), "WP4": ("D",)}


def test_other_limits_make_a_new_plan_in_which_packages_keep_their_ids(
    issue: MakeIssue, plan_of: Callable[..., Plan], next_plan: NextPlan
) -> None:
    old = singles(issue, "ABC")
    before = plan_of(old, agents=3)
    plan = next_plan(before, old, [issue("0", "0.py", minutes=90), *old], agents=4)
    assert where(plan) == {"WP1": ("A",), "WP2": ("B",), "WP3": ("C",), "WP4": ("0",)}
    assert where(next_plan(before, old, old, agents=2)) == {"WP1": ("A", "C"), "WP2": ("B",)}


def test_a_plan_of_mostly_other_issues_is_a_new_plan(
    issue: MakeIssue, plan_of: Callable[..., Plan], next_plan: NextPlan
) -> None:
    old = singles(issue, "ABC")
    plan = next_plan(plan_of(old), old, [old[2], *singles(issue, "DEF")])
    assert where(plan) == {"WP1": ("D",), "WP2": ("E",), "WP3": ("C",), "WP4": ("F",)}


def test_an_issue_keeps_its_package_when_its_id_changes(
    issue: MakeIssue, plan_of: Callable[..., Plan], next_plan: NextPlan
) -> None:
    old = singles(issue, "ABC")
    new = [msgspec.structs.replace(each, id=f"Z{9 - n}") for n, each in enumerate(old)]
    assert where(next_plan(plan_of(old), old, new)) == {"WP1": ("Z9",), "WP2": ("Z8",), "WP3": ("Z7",)}


def test_what_a_person_moved_stays_where_it_was_put(
    issue: MakeIssue, plan_of: Callable[..., Plan], next_plan: NextPlan
) -> None:
    old = singles(issue, "ABC")
    first, second, third = plan_of(old).packages
    merged = msgspec.structs.replace(
        first,
        id="front",
        issues=("A", "B"),
        files=msgspec.structs.replace(first.files, modify=("a.py", "b.py")),
    )
    before = msgspec.structs.replace(
        plan_of(old),
        packages=(merged, third),
        ownership=tuple(
            Ownership(path=path, wave=1, package=package, why=Why.FINDING)
            for path, package in (("a.py", "front"), ("b.py", "front"), ("c.py", third.id))
        ),
    )
    assert second.id not in where(next_plan(before, old, old))
    assert where(next_plan(before, old, old)) == {"front": ("A", "B"), "WP3": ("C",)}


def test_a_kept_plan_that_is_clearly_longer_than_a_new_one_says_so(
    issue: MakeIssue, plan_of: Callable[..., Plan], next_plan: NextPlan
) -> None:
    old = singles(issue, "ABCD")
    before = plan_of(old, agents=2)
    together = [each for each in old if each.id in before.packages[0].issues]
    plan = next_plan(before, old, together, agents=2)
    assert len(plan.packages) == 1
    (warning,) = [each for each in plan.warnings if each.code == "anew_is_shorter"]
    assert warning.message.endswith("20 minutes; a new plan would take 10")
