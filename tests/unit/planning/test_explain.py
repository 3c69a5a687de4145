"""Why a package is as it is."""

from collections.abc import Callable, Iterable

import msgspec
import pytest

from polly.errors import InputError
from polly.planning.background import Background
from polly.planning.explain import Explanation, explain
from polly.work.issues import Inventory, Issue
from polly.work.plan import Plan, Why

MakeIssue = Callable[..., Issue]
Explained = Callable[..., Explanation]


@pytest.fixture
def explained(
    plan_of: Callable[..., Plan], inventory: Callable[[Iterable[Issue]], Inventory]
) -> Callable[..., Explanation]:
    """explained("WP1", issues, …): the reasons for a package of the plan for these issues."""

    def make(package: str, issues: list[Issue], **fields: object) -> Explanation:
        return explain(plan_of(issues, **fields), inventory(issues), package)

    return make


def test_issues_are_together_by_the_files_that_they_share(issue: MakeIssue, explained: Explained) -> None:
    told = explained("WP1", [issue("A", "a.py", "b.py"), issue("B", "b.py"), issue("C", "c.py", minutes=5)])
    assert [(group.issues, group.reason) for group in told.groups] == [(("A", "B"), "share b.py")]
    assert told.together.startswith("One file must have one owner")


def test_independent_groups_are_together_by_packing(issue: MakeIssue, explained: Explained) -> None:
    told = explained("WP1", [issue(name, f"{name}.py") for name in "abc"], agents=1)
    assert [group.reason for group in told.groups] == [f"stands alone, in {name}.py" for name in "abc"]
    assert "at most 1 packages" not in told.together
    assert "at most 1 package" in told.together


def test_each_file_has_its_reason(issue: MakeIssue, explained: Explained) -> None:
    told = explained(
        "WP1", [issue("A", "x.py", creates=("new.py",))], paths=["x.py", "test_x.py"], background=Background()
    )
    assert [(file.path, file.why, file.reason) for file in told.files] == [
        ("new.py", Why.CREATE, "is to be created by A"),
        ("test_x.py", Why.NEIGHBOUR, "tests x.py, by its name"),
        ("x.py", Why.FINDING, "is named by A"),
    ]


def test_a_hub_says_why_it_waits(issue: MakeIssue, explained: Explained) -> None:
    alone = [issue(f"A{n}", f"m{n}.py", minutes=30) for n in range(3)]
    hub = [issue(f"H{n}", "hub.py", f"m{n}.py", minutes=5) for n in range(3)]
    told = explained("WP4", [*alone, *hub])
    assert told.wave == 2
    assert told.wave_reasons == (
        "WP1 changes m0.py in wave 1, and this package after it",
        "WP2 changes m1.py in wave 1, and this package after it",
        "WP3 changes m2.py in wave 1, and this package after it",
        "hub.py ties many files together; its issues wait for wave 2",
    )


def test_a_package_that_waits_for_a_new_file_says_so(issue: MakeIssue, explained: Explained) -> None:
    files = {"a.py": "import new", "b.py": ""}
    issues = [issue("A", "a.py"), issue("B", "b.py", creates=("new.py",))]
    told = explained(
        "WP2", issues, paths=files, background=Background(read=lambda path: files[path].encode())
    )
    assert told.wave_reasons == ("WP1 has to come first: a.py imports new.py (risk 1)",)


def test_a_package_of_the_first_wave_starts_at_once(issue: MakeIssue, explained: Explained) -> None:
    (reason,) = explained("WP1", [issue("A", "a.py")]).wave_reasons
    assert "starts at once" in reason


def test_an_edited_plan_is_explained_by_what_it_says_now(
    issue: MakeIssue, plan_of: Callable[..., Plan], inventory: Callable[[Iterable[Issue]], Inventory]
) -> None:
    issues = [issue("A", "a.py"), issue("B", "b.py")]
    plan = plan_of(issues)
    first, second = plan.packages
    moved = msgspec.structs.replace(first, issues=("A", "B"), wave=2)
    edited = msgspec.structs.replace(plan, packages=(moved, second))
    told = explain(edited, inventory(issues), "WP1")
    assert [group.reason for group in told.groups] == [
        "stands alone, in a.py",
        "names no file of this package",
    ]
    assert "edited or carried on" in told.together
    assert "by hand" in told.wave_reasons[0]


def test_the_case_of_an_id_does_not_matter(issue: MakeIssue, explained: Explained) -> None:
    assert explained("wp1", [issue("A", "a.py")]).package == "WP1"


def test_an_unknown_package_is_refused_with_those_that_there_are(
    issue: MakeIssue, explained: Explained
) -> None:
    with pytest.raises(InputError, match="no package 'WP7'") as refused:
        explained("WP7", [issue("A", "a.py")])
    assert refused.value.next_step == "Packages of this plan: WP1."
    with pytest.raises(InputError) as refused:
        explained("WP1", [])
    assert refused.value.next_step == "The plan has no package at all."
