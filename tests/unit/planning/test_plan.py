"""How issues become packages."""

from collections.abc import Callable

import pytest

from polly.errors import InputError
from polly.work.issues import Issue, IssueStatus, Severity
from polly.work.plan import GateCommand, Gates, Ownership, Plan, Why

MakeIssue = Callable[..., Issue]
PlanOf = Callable[..., Plan]


def contents(plan: Plan) -> list[tuple[str, ...]]:
    return [package.issues for package in plan.packages]


def test_issues_that_share_a_file_make_one_package(issue: MakeIssue, plan_of: PlanOf) -> None:
    plan = plan_of([issue("A", "a.py"), issue("B", "a.py", "b.py"), issue("C", "c.py")])
    assert contents(plan) == [("A", "B"), ("C",)]
    assert plan.packages[0].files.modify == ("a.py", "b.py")
    assert plan.packages[0].estimated_minutes == 20


def test_case_twins_make_one_package(issue: MakeIssue, plan_of: PlanOf) -> None:
    assert contents(plan_of([issue("A", "Read.py"), issue("B", "read.py")])) == [("A", "B")]


def test_issues_that_create_the_same_file_belong_together(issue: MakeIssue, plan_of: PlanOf) -> None:
    issues = [issue("A", "a.py", creates=("new.py",)), issue("B", "b.py", creates=("new.py",))]
    plan = plan_of(issues)
    assert contents(plan) == [("A", "B")]
    assert Ownership(path="new.py", wave=1, package="WP1", why=Why.CREATE) in plan.ownership


def test_a_new_file_below_another_new_file_belongs_to_it(issue: MakeIssue, plan_of: PlanOf) -> None:
    issues = [issue("A", "a.py", creates=("pkg",)), issue("B", "b.py", creates=("pkg/new.py",))]
    assert contents(plan_of(issues)) == [("A", "B")]


def test_a_file_to_create_that_exists_is_a_file_to_modify(issue: MakeIssue, plan_of: PlanOf) -> None:
    plan = plan_of([issue("A", creates=("new.py",))], paths=["new.py"])
    assert plan.packages[0].files.modify == ("new.py",)
    assert plan.packages[0].files.create == ()


@pytest.mark.parametrize(
    ("paths", "creates", "reason"),
    [
        ([], [], "no_location"),
        (["gone.py", "lost.py"], [], "file_not_in_base: gone.py, lost.py"),
        (["a.py", "../x.py"], [], "unsafe_path: '../x.py' leaves its folder with '..'"),
        (["a.py"], ["/tmp/new.py"], "unsafe_path: '/tmp/new.py' is absolute"),
        (["a.py"], ["**"], "unsafe_path: '**' is a glob, and a source may only name single files"),
        (["a.py"], ["a.py/new.py"], "unsafe_path: 'a.py/new.py' would stand where a file and a folder meet"),
        (["a.py"], ["src"], "unsafe_path: 'src' would stand where a file and a folder meet"),
    ],
)
def test_an_issue_that_cannot_be_planned_is_left_out_with_its_reason(
    paths: list[str], creates: list[str], reason: str, issue: MakeIssue, plan_of: PlanOf
) -> None:
    plan = plan_of([issue("A", *paths, creates=tuple(creates))], paths=["a.py", "src/b.py"])
    assert plan.packages == ()
    assert [(left.issue, left.reason) for left in plan.unplanned] == [("A", reason)]


def test_an_issue_with_one_missing_file_is_planned_with_the_others(issue: MakeIssue, plan_of: PlanOf) -> None:
    plan = plan_of([issue("A", "a.py", "gone.py")], paths=["a.py"])
    assert plan.packages[0].files.modify == ("a.py",)
    assert ("path_not_in_base", "A") in [(warning.code, warning.ref) for warning in plan.warnings]


def test_only_open_issues_are_planned(issue: MakeIssue, plan_of: PlanOf) -> None:
    issues = [issue(status.value, f"{status.value}.py", status=status) for status in IssueStatus]
    plan = plan_of(issues)
    assert sorted(contents(plan)) == [("open",), ("partly",)]
    assert plan.unplanned == ()


def test_packages_are_numbered_by_severity_then_length_then_path(issue: MakeIssue, plan_of: PlanOf) -> None:
    plan = plan_of(
        [
            issue("short", "z.py", minutes=5),
            issue("later", "y.py", minutes=20),
            issue("long", "x.py", minutes=20),
            issue("worst", "w.py", minutes=1, severity=Severity.CRITICAL),
        ]
    )
    assert contents(plan) == [("worst",), ("long",), ("later",), ("short",)]
    assert [package.id for package in plan.packages] == ["WP1", "WP2", "WP3", "WP4"]
    assert plan.packages[0].priority is Severity.CRITICAL


def test_the_title_names_the_file_the_worst_issue_and_how_many_more(
    issue: MakeIssue, plan_of: PlanOf
) -> None:
    worst = issue("C2", "app/consumer.py", title="poison message\nnever skipped", severity=Severity.CRITICAL)
    plan = plan_of([issue("C1", "app/consumer.py"), worst])
    assert plan.packages[0].title == "consumer.py: poison message never skipped (+1 more)"
    assert plan.packages[0].issues == ("C2", "C1")


def test_a_title_that_names_its_file_does_not_repeat_it(issue: MakeIssue, plan_of: PlanOf) -> None:
    plan = plan_of([issue("A", "a/run.sh", title="run.sh loses its exit code")])
    assert plan.packages[0].title == "run.sh loses its exit code"


def test_ids_sort_as_people_count(issue: MakeIssue, plan_of: PlanOf) -> None:
    plan = plan_of(issue(name, "a.py") for name in ("P10", "P9", "P1"))
    assert contents(plan) == [("P1", "P9", "P10")]


def test_efforts_that_are_missing_or_absurd_become_defaults_and_are_counted(
    issue: MakeIssue, plan_of: PlanOf
) -> None:
    efforts = {"none": None, "zero": 0, "endless": 10**30, "said": 7}
    issues = [
        issue(name, f"{name}.py", minutes=minutes, severity=Severity.MINOR)
        for name, minutes in efforts.items()
    ]
    plan = plan_of(issues)
    assert sorted(package.estimated_minutes for package in plan.packages) == [7, 15, 15, 15]
    assert plan.warnings[0].code == "default_effort"
    assert plan.warnings[0].message.startswith("3 of 4 issues")


def test_a_hub_file_waits_for_a_wave_of_its_own(issue: MakeIssue, plan_of: PlanOf) -> None:
    alone = [issue(f"A{n}", f"m{n}.py", minutes=30) for n in range(6)]
    hub = [issue(f"H{n}", "hub.py", f"m{n}.py", minutes=5) for n in range(6)]
    plan = plan_of([*alone, *hub])
    assert plan.waves == (1, 2)
    assert [package.issues for package in plan.in_wave(1)] == [(f"A{n}",) for n in range(6)]
    (last,) = plan.in_wave(2)
    assert set(last.issues) == {f"H{n}" for n in range(6)}
    assert set(last.files.modify) == {"hub.py", *(f"m{n}.py" for n in range(6))}
    assert last.depends_on == tuple(f"WP{n}" for n in range(1, 7))
    assert plan.forecast.parallel_minutes == 60
    assert ("hub_waits", "hub.py") in [(warning.code, warning.ref) for warning in plan.warnings]


def test_one_issue_in_many_files_waits_like_a_hub(issue: MakeIssue, plan_of: PlanOf) -> None:
    alone = [issue(f"A{n}", f"m{n}.py", minutes=30) for n in range(4)]
    plan = plan_of([*alone, issue("wide", *(f"m{n}.py" for n in range(4)), minutes=5)])
    assert [package.issues for package in plan.in_wave(2)] == [("wide",)]


def test_two_hubs_that_weld_only_together_wait_together(issue: MakeIssue, plan_of: PlanOf) -> None:
    alone = [issue(f"A{n}", f"m{n}.py", minutes=30) for n in range(6)]
    ties = [issue(f"{hub}{n}", f"{hub}.py", f"m{n}.py", minutes=1) for hub in "xy" for n in range(6)]
    plan = plan_of([*alone, *ties])
    assert len(plan.in_wave(1)) == 6
    assert plan.forecast.parallel_minutes == 30 + 12


@pytest.mark.parametrize("agents", [1, 8])
def test_nothing_waits_when_it_does_not_pay(agents: int, issue: MakeIssue, plan_of: PlanOf) -> None:
    issues = [issue("A", "a.py", minutes=5), issue("B", "b.py", minutes=5)]
    ties = [issue(f"H{n}", "hub.py", "a.py", "b.py", minutes=30) for n in range(3)]
    assert plan_of([*issues, *ties], agents=agents).waves == (1,)


def test_with_one_agent_a_hub_never_waits(issue: MakeIssue, plan_of: PlanOf) -> None:
    issues = [issue(f"A{n}", "hub.py", f"m{n}.py") for n in range(6)]
    alone = [issue(f"B{n}", f"m{n}.py") for n in range(6)]
    assert plan_of([*issues, *alone], agents=1).waves == (1,)


@pytest.mark.parametrize(("agents", "limit", "expected"), [(3, None, 3), (8, 2, 2), (2, 5, 5), (1, None, 1)])
def test_packages_are_at_most_max_packages_or_else_agents(
    agents: int, limit: int | None, expected: int, issue: MakeIssue, plan_of: PlanOf
) -> None:
    plan = plan_of((issue(f"A{n}", f"m{n}.py") for n in range(9)), agents=agents, max_packages=limit)
    assert len(plan.packages) == expected


def test_fewer_than_three_parts_are_said_not_to_pay(issue: MakeIssue, plan_of: PlanOf) -> None:
    two = plan_of([issue("A", "a.py"), issue("B", "b.py")])
    three = plan_of([issue("A", "a.py"), issue("B", "b.py"), issue("C", "c.py")], agents=2)
    assert [warning.code for warning in two.warnings] == ["little_parallelism"]
    assert three.warnings == ()


def test_gates_contracts_and_roles_are_the_given_ones(issue: MakeIssue, plan_of: PlanOf) -> None:
    gates = Gates(post=(GateCommand(command="pytest -q"),))
    plan = plan_of(
        [issue("A", "a.py")], gates=gates, contracts=("use the enum",), role_of=lambda issues, paths: paths[0]
    )
    assert (plan.gates, plan.contracts, plan.packages[0].role) == (gates, ("use the enum",), "a.py")


def test_no_issue_gives_an_empty_plan(plan_of: PlanOf) -> None:
    plan = plan_of([])
    assert (plan.packages, plan.unplanned, plan.warnings, plan.waves) == ((), (), (), ())


def test_two_issues_with_one_id_are_refused(issue: MakeIssue, plan_of: PlanOf) -> None:
    with pytest.raises(InputError, match='the id "A"'):
        plan_of([issue("A", "a.py"), issue("A", "b.py")])


@pytest.mark.parametrize(("agents", "limit"), [(0, None), (1, 0)])
def test_limits_below_one_are_refused(agents: int, limit: int | None, plan_of: PlanOf) -> None:
    with pytest.raises(InputError, match="at least"):
        plan_of([], agents=agents, max_packages=limit)


def test_the_review_of_nine_files_makes_seven_packages_side_by_side(
    issue: MakeIssue, plan_of: PlanOf
) -> None:
    parts = {
        "logger.py": "C1 N3 N10",
        "consumer.py": "C2 M6",
        "tests/test_client.py": "C3",
        "prompt.sh": "C4",
        "sql/001_context.sql": "M7 M8",
        "analyze.py": "N4 N9",
        "log_action.py": "N1 N5",
        "log_kafka.py": "N5 N14",
    }
    names = dict.fromkeys(" ".join(parts.values()).split())
    files = {name: [path for path, issues in parts.items() if name in issues.split()] for name in names}
    down = {"M7": ("sql/001_context_down.sql",)}
    plan = plan_of(issue(name, *paths, creates=down.get(name, ())) for name, paths in files.items())
    assert plan.waves == (1,)
    assert {" ".join(sorted(package.issues)) for package in plan.packages} == {
        *("C1 N10 N3", "C2 M6", "C3", "C4", "M7 M8", "N4 N9", "N1 N14 N5"),
    }
