"""What one package reads and another writes, and who therefore waits."""

from collections.abc import Callable, Mapping

import pytest

from polly.planning import couplings as couplings_module
from polly.planning.background import Background
from polly.planning.couplings import CERTAIN, TEST_APART
from polly.planning.drafts import Draft
from polly.planning.ordering import put_in_order
from polly.work.issues import Issue
from polly.work.plan import Coupling, Plan

MakeIssue = Callable[..., Issue]
PlanOf = Callable[..., Plan]


def reading(files: Mapping[str, str]) -> Background:
    return Background(read=lambda path: files[path].encode())


def told(plan: Plan) -> list[tuple[str, str, float, tuple[str, ...]]]:
    return [(each.package, each.on, each.risk, each.paths) for each in plan.couplings]


def test_an_import_across_packages_is_a_coupling_of_the_reader(issue: MakeIssue, plan_of: PlanOf) -> None:
    files = {"a.py": "import b", "b.py": ""}
    plan = plan_of([issue("A", "a.py", minutes=20), issue("B", "b.py")], background=reading(files))
    assert told(plan) == [("WP1", "WP2", 0.5, ("b.py",))]
    assert plan.couplings[0].reason == "a.py imports b.py"
    assert plan.waves == (1,)


def test_a_test_apart_from_what_it_tests_is_a_high_coupling(issue: MakeIssue, plan_of: PlanOf) -> None:
    files = {"a.py": "", "test_a.py": "import a"}
    plan = plan_of([issue("A", "a.py", minutes=20), issue("B", "test_a.py")], background=reading(files))
    assert told(plan) == [("WP1", "WP2", TEST_APART, ("test_a.py",)), ("WP2", "WP1", TEST_APART, ("a.py",))]
    assert plan.waves == (1,)  # a wave of its own would make the whole longer


def test_a_shared_test_couples_those_whose_files_it_reads(issue: MakeIssue, plan_of: PlanOf) -> None:
    files = {"a.py": "", "b.py": "", "c.py": "", "d.py": "", "test_all.py": "import a, b, c, d"}
    plan = plan_of(
        [issue("A", "a.py", minutes=20), issue("B", "b.py")], paths=files, background=reading(files)
    )
    assert told(plan) == [("WP1", "WP2", 0.4, ("b.py",)), ("WP2", "WP1", 0.4, ("a.py",))]
    assert plan.couplings[0].reason == "test_all.py tests a.py and imports b.py"


def test_a_file_owned_without_a_finding_is_half_a_risk(issue: MakeIssue, plan_of: PlanOf) -> None:
    files = {"a.py": "", "test_a.py": "import a", "b.py": "import test_a"}
    plan = plan_of(
        [issue("A", "a.py", minutes=20), issue("B", "b.py")], paths=files, background=reading(files)
    )
    assert told(plan) == [("WP2", "WP1", 0.25, ("test_a.py",))]


def test_who_reads_a_file_that_another_package_creates_waits_for_it(
    issue: MakeIssue, plan_of: PlanOf
) -> None:
    files = {"a.py": "from new import thing", "b.py": "", "c.py": ""}
    issues = [issue("A", "a.py", minutes=60), issue("B", "b.py", creates=("new.py",)), issue("C", "c.py")]
    plan = plan_of(issues, paths=files, background=reading(files))
    assert [(package.id, package.issues, package.wave) for package in plan.packages] == [
        ("WP1", ("B",), 1),
        ("WP2", ("C",), 1),
        ("WP3", ("A",), 2),
    ]
    assert plan.packages[2].depends_on == ("WP1",)
    assert told(plan) == [("WP3", "WP1", CERTAIN, ("new.py",))]


def test_two_that_create_what_the_other_reads_do_not_both_wait(issue: MakeIssue, plan_of: PlanOf) -> None:
    files = {"a.py": "import new_b", "b.py": "import new_a"}
    issues = [issue("A", "a.py", creates=("new_a.py",)), issue("B", "b.py", creates=("new_b.py",))]
    plan = plan_of(issues, paths=files, background=reading(files))
    assert [package.wave for package in plan.packages] == [1, 2]


def test_only_the_highest_couplings_are_kept(
    issue: MakeIssue, plan_of: PlanOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(couplings_module, "MOST_COUPLINGS", 2)
    files = {"a.py": "import b, c", "b.py": "", "c.py": "", "test_c.py": "import c"}
    plan = plan_of([issue(path, path) for path in files], background=reading(files))
    assert [each.risk for each in plan.couplings] == [TEST_APART, TEST_APART]


def draft(name: str, minutes: int, wave: int = 1, *keys: str) -> Draft:
    return Draft(
        id=name, wave=wave, tasks=(), modify=(), create=(), keys=frozenset(keys or {name}), minutes=minutes
    )


def order(
    *drafts: Draft, needs: Mapping[str, str], risk: float, agents: int = 4, max_packages: int = 4
) -> dict[str, int]:
    """The wave of each draft, given who needs whom."""
    coupled = [
        Coupling(package=reader, on=writer, risk=risk, paths=("x",), reason="")
        for reader, writer in needs.items()
    ]
    movable = {each.id for each in drafts}
    ordered = put_in_order(drafts, coupled, agents=agents, max_packages=max_packages, movable=movable)
    return {each.id: each.wave for each in ordered}


def test_a_high_dependant_goes_where_a_later_wave_has_time_for_it() -> None:
    drafts = (draft("a", 30), draft("b", 10), draft("hub", 20, 2))
    assert order(*drafts, needs={"b": "a"}, risk=TEST_APART) == {"a": 1, "b": 2, "hub": 2}
    assert order(*drafts, needs={"b": "a"}, risk=TEST_APART, agents=1)["b"] == 2
    assert order(draft("a", 30), draft("b", 30), draft("hub", 20, 2), needs={"b": "a"}, risk=0.7)["b"] == 1


def test_a_dependant_goes_into_no_wave_that_is_full_or_owns_its_files() -> None:
    a, b = draft("a", 30), draft("b", 10, 1, "shared")
    assert order(a, b, draft("hub", 20, 2, "shared"), needs={"b": "a"}, risk=CERTAIN)["b"] == 3
    full = (a, b, draft("x", 20, 2), draft("y", 20, 2))
    assert order(*full, needs={"b": "a"}, risk=CERTAIN, max_packages=2)["b"] == 3


def test_a_chain_of_certain_dependants_stands_in_a_row() -> None:
    drafts = (draft("c", 1), draft("b", 1), draft("a", 1))
    assert order(*drafts, needs={"c": "b", "b": "a"}, risk=CERTAIN) == {"a": 1, "b": 2, "c": 3}


def test_a_circle_is_cut_once() -> None:
    drafts = (draft("a", 1), draft("b", 1), draft("c", 1))
    waves = order(*drafts, needs={"a": "b", "b": "c", "c": "a"}, risk=CERTAIN)
    assert sorted(waves.values()) == [1, 2, 3]
