"""Which other files a fix will want to touch."""

from collections.abc import Callable, Iterable, Mapping

import pytest

from polly.planning.company import Company
from polly.planning.import_graph import read_imports
from polly.planning.neighbours import MOST_NEIGHBOURS, Neighbourhood, down_migrations
from polly.work.issues import Issue
from polly.work.plan import Ownership, Plan, Why


def found(path: str, *paths: str) -> list[str]:
    """The neighbours of a path among these, by names alone."""
    return [each.path for each in Neighbourhood(frozenset(paths)).of(path)]


@pytest.mark.parametrize(
    ("source", "test"),
    [
        ("src/pkg/plan.py", "tests/test_plan.py"),
        ("src/pkg/plan.py", "tests/unit/pkg/test_plan.py"),
        ("src/pkg/plan.py", "src/pkg/plan_test.py"),
        ("cmd/serve.go", "cmd/serve_test.go"),
        ("web/App.tsx", "web/App.test.tsx"),
        ("web/App.tsx", "web/__tests__/App.spec.ts"),
        ("src/main/java/org/Fleet.java", "src/test/java/org/FleetTest.java"),
        ("lib/plan.rb", "spec/plan_spec.rb"),
        ("hooks/start.sh", "tests/start.bats"),
        ("src/core/ring.cc", "src/core/ring_unittest.cc"),
    ],
)
def test_a_source_file_brings_its_test(source: str, test: str) -> None:
    assert found(source, source, test, "tests/test_other.py") == [test]


@pytest.mark.parametrize(
    ("source", "other"),
    [
        ("src/pkg/plan.py", "tests/unit/routing/test_plan.py"),
        ("src/pkg/plan.py", "tests/test_planning.py"),
        ("src/pkg/plan.py", "web/plan.test.ts"),
        ("src/pkg/test.py", "src/pkg/latest.py"),
        ("tests/test_plan.py", "src/pkg/plan.py"),
    ],
)
def test_a_file_of_another_subject_is_no_neighbour(source: str, other: str) -> None:
    assert found(source, source, other) == []


def test_of_several_tests_the_nearest_count() -> None:
    tests = ("tests/test_plan.py", "tests/unit/api/test_plan.py", "tests/integration/api/test_plan.py")
    assert found("src/api/plan.py", *tests) == [
        "tests/integration/api/test_plan.py",
        "tests/unit/api/test_plan.py",
    ]


@pytest.mark.parametrize(
    ("up", "down"),
    [
        ("sql/migrations/001_users.sql", "sql/migrations/001_users_down.sql"),
        ("migrations/001_users.up.sql", "migrations/001_users.down.sql"),
        ("migrations/001_users_up.sql", "migrations/001_users_down.sql"),
        ("migrations/2024-01/up.sql", "migrations/2024-01/down.sql"),
        ("db/V2__users.sql", "db/U2__users.sql"),
    ],
)
def test_an_up_migration_has_a_way_down_by_name(up: str, down: str) -> None:
    assert down_migrations(up)[0] == down
    assert found(up, up, down) == [down]
    assert down_migrations(down) == ()


@pytest.mark.parametrize("path", ["reports/001_users.sql", "sql/queries.sql", "migrations/001_users.py"])
def test_a_file_that_is_no_sql_migration_has_no_way_down(path: str) -> None:
    assert down_migrations(path) == ()


def rows(plan: Plan, why: Why) -> list[Ownership]:
    return [row for row in plan.ownership if row.why is why]


def test_a_missing_way_down_is_created_only_for_an_issue_about_it(
    issue: Callable[..., Issue], plan_of: Callable[..., Plan]
) -> None:
    up = "sql/migrations/001_users.sql"
    about = issue("M1", up, title="the migration cannot be rolled back")
    other = issue("M1", up, title="the index has a wrong name")
    assert [row.path for row in rows(plan_of([about]), Why.CREATE)] == ["sql/migrations/001_users_down.sql"]
    assert rows(plan_of([other]), Why.CREATE) == []


def test_a_way_down_that_the_issue_itself_names_is_not_created_twice(
    issue: Callable[..., Issue], plan_of: Callable[..., Plan]
) -> None:
    named = "sql/migrations/001_users.down.sql"
    about = issue("M1", "sql/migrations/001_users.sql", title="no way down", creates=(named,))
    assert [row.path for row in rows(plan_of([about]), Why.CREATE)] == [named]


def test_a_neighbour_stays_with_the_package_that_has_a_finding_in_it(
    issue: Callable[..., Issue], plan_of: Callable[..., Plan]
) -> None:
    plan = plan_of([issue("A", "src/x.py"), issue("B", "tests/test_x.py")])
    assert len(plan.packages) == 2
    assert rows(plan, Why.NEIGHBOUR) == []


def test_of_two_claimants_the_first_package_gets_the_neighbour(
    issue: Callable[..., Issue], plan_of: Callable[..., Plan]
) -> None:
    issues = [issue("A", "a/x.py", minutes=5), issue("B", "b/x.py", minutes=50)]
    plan = plan_of(issues, paths=["a/x.py", "b/x.py", "tests/test_x.py"])
    assert plan.packages[0].issues == ("B",)
    assert [(row.path, row.package) for row in rows(plan, Why.NEIGHBOUR)] == [("tests/test_x.py", "WP1")]


def known(path: str, files: Mapping[str, str], changes: Iterable[Iterable[str]] = ()) -> dict[str, str]:
    """The neighbours of a path with their reasons, given the texts of all files and the history."""
    paths = frozenset(files)
    graph = read_imports(paths, frozenset(), frozenset(), lambda each: files[each].encode())
    neighbourhood = Neighbourhood(paths, graph, Company(changes, paths))
    return {each.path: each.reason for each in neighbourhood.of(path)}


def test_a_test_that_imports_little_else_is_a_neighbour_by_whatever_name() -> None:
    files = {"app/store.py": "", "tests/test_saving.py": "from app.store import save"}
    assert known("app/store.py", files) == {"tests/test_saving.py": "tests app/store.py, which it imports"}


def test_a_test_that_imports_half_the_project_is_no_neighbour() -> None:
    modules = {f"app/{name}.py": "" for name in "abcd"}
    everything = "\n".join(f"import app.{name}" for name in "abcd")
    assert known("app/a.py", {**modules, "tests/test_all.py": everything}) == {}


def test_a_file_that_only_uses_it_is_no_neighbour() -> None:
    assert known("app/store.py", {"app/store.py": "", "app/main.py": "import app.store"}) == {}


def test_the_barrel_that_exports_a_file_is_a_neighbour() -> None:
    files = {"web/store.ts": "", "web/index.ts": "export * from './store'", "web/app.ts": ""}
    assert known("web/store.ts", files) == {"web/index.ts": "exports web/store.ts"}
    assert known("web/app.ts", files) == {}


def test_where_a_file_is_created_barrel_and_registry_go_with_it() -> None:
    parts = {f"app/parts/{name}.py": "" for name in "abcde"}
    registry = "\n".join(f"from app.parts import {name}" for name in "abcde")
    files = {**parts, "app/parts/__init__.py": "from .a import A", "app/registry.py": registry}
    assert set(known("app/parts/new.py", files)) == {"app/parts/__init__.py", "app/registry.py"}
    assert set(known("app/parts/b.py", files)) == set()


def history(*commits: tuple[int, tuple[str, ...]]) -> list[tuple[str, ...]]:
    others = [(f"other{number}.md",) for number in range(20)]
    return [*others, *(paths for times, paths in commits for _ in range(times))]


def test_a_file_that_mostly_changed_together_is_a_neighbour() -> None:
    files = dict.fromkeys(("a.py", "schema.json", "README.md"), "")
    changes = history((4, ("a.py", "schema.json")), (1, ("a.py", "README.md")))
    assert known("a.py", files, changes) == {"schema.json": "changed in 4 of the 5 commits that changed a.py"}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(history((2, ("a.py", "b.py"))), id="too seldom"),
        pytest.param(history((3, ("a.py", "b.py")), (4, ("a.py",))), id="mostly alone"),
        pytest.param(
            history((5, ("a.py", *(f"{n}.py" for n in range(30)), "b.py"))), id="in commits of everything"
        ),
        pytest.param(history((4, ("a.py", "b.py")), (30, ("b.py",))), id="with everything"),
        pytest.param(history((4, ("a.py", "gone.py"))), id="a file that is gone"),
    ],
)
def test_weak_company_is_none(changes: list[tuple[str, ...]]) -> None:
    assert known("a.py", {"a.py": "", "b.py": ""}, changes) == {}


def test_a_file_has_only_so_many_neighbours_the_test_by_name_first() -> None:
    tests = {f"tests/test_{n}.py": "import app.store" for n in range(20)}
    found = known("app/store.py", {"app/store.py": "", "tests/test_store.py": "", **tests})
    assert len(found) == MOST_NEIGHBOURS
    assert next(iter(found)) == "tests/test_store.py"


def test_each_neighbour_of_the_plan_states_its_reason(
    issue: Callable[..., Issue], plan_of: Callable[..., Plan]
) -> None:
    plan = plan_of([issue("A", "src/x.py")], paths=["src/x.py", "tests/test_x.py"])
    assert [row.reason for row in rows(plan, Why.NEIGHBOUR)] == ["tests src/x.py, by its name"]
