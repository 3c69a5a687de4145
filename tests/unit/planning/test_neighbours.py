"""Which other files a fix will want to touch."""

from collections.abc import Callable

import pytest

from polly.planning.neighbours import Neighbourhood, down_migrations
from polly.work.issues import Issue
from polly.work.plan import Ownership, Plan, Why


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
    assert Neighbourhood(frozenset({source, test, "tests/test_other.py"})).of(source) == (test,)


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
    assert Neighbourhood(frozenset({source, other})).of(source) == ()


def test_of_several_tests_the_nearest_count() -> None:
    tests = {"tests/test_plan.py", "tests/unit/api/test_plan.py", "tests/integration/api/test_plan.py"}
    found = Neighbourhood(frozenset(tests)).of("src/api/plan.py")
    assert found == ("tests/integration/api/test_plan.py", "tests/unit/api/test_plan.py")


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
    assert Neighbourhood(frozenset({up, down})).of(up) == (down,)
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
