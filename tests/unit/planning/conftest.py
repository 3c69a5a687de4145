"""Small inventories and plans, so that a test shows only what it is about."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from polly.planning.plan import make_plan
from polly.routing.library import load_roles
from polly.routing.router import Router
from polly.work.issues import Inventory, Issue, Location, Severity, Source, count
from polly.work.plan import Gates, Plan

BASE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

ROUTER = Router(load_roles())


@pytest.fixture(scope="session")
def issue() -> Callable[..., Issue]:
    """issue("C1", "a.py", "b.py", minutes=15): a major issue in these files."""

    def make(issue_id: str, *paths: str, minutes: int | None = 10, **fields: Any) -> Issue:
        given: dict[str, Any] = {
            "severity": Severity.MAJOR,
            "title": f"fault {issue_id}",
            "locations": tuple(Location(path=path) for path in paths),
            "effort_minutes": minutes,
            "source": Source(format="test"),
            "fingerprint": issue_id,
        }
        return Issue(id=issue_id, **(given | fields))

    return make


@pytest.fixture(scope="session")
def inventory() -> Callable[[Iterable[Issue]], Inventory]:
    def make(issues: Iterable[Issue]) -> Inventory:
        issues = tuple(issues)
        return Inventory(issues=issues, counts=count(issues, ()))

    return make


@pytest.fixture(scope="session")
def plan_of(inventory: Callable[[Iterable[Issue]], Inventory]) -> Callable[..., Plan]:
    """The plan for these issues; without `paths` every file that they name exists."""

    def make(
        issues: Iterable[Issue],
        *,
        paths: Iterable[str] | None = None,
        agents: int = 8,
        max_packages: int | None = None,
        **fields: Any,
    ) -> Plan:
        issues = tuple(issues)
        named = {path for each in issues for path in each.paths}
        return make_plan(
            inventory(issues),
            base_commit=BASE,
            paths=frozenset(named if paths is None else paths),
            agents=agents,
            max_packages=max_packages,
            gates=fields.get("gates", Gates()),
            contracts=fields.get("contracts", ()),
            role_of=fields.get("role_of", ROUTER.choose_role),
            background=fields.get("background"),
        )

    return make
