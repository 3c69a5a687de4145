"""Review and scan together become the fourteen issues and seven packages that the sample stands for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from polly.demo.sample import Sample, issue_ids
from polly.intake.read import take
from polly.planning.plan import make_plan
from polly.routing.library import load_roles
from polly.routing.router import Router
from polly.settings import load_settings, plan_gates
from polly.work.issues import Inventory


@dataclass(frozen=True)
class Files:
    """The committed files of the sample."""

    root: Path
    paths: frozenset[str]

    def read(self, path: str) -> bytes | None:
        return (self.root / path).read_bytes() if path in self.paths else None


@pytest.fixture(scope="module")
def inventory(sample: Sample) -> Inventory:
    committed = (file.relative_to(sample.root) for file in sample.root.rglob("*") if file.is_file())
    paths = frozenset(path.as_posix() for path in committed if path.parts[0] != ".git")
    files = Files(sample.root, paths)
    return take([sample.review, sample.findings], snapshot=files, root=sample.root).inventory


def test_intake_has_nothing_to_complain_about(inventory: Inventory) -> None:
    assert inventory.warnings == ()
    assert {issue.id for issue in inventory.issues} == set(issue_ids())


def test_each_finding_of_the_scan_is_one_that_the_review_has(inventory: Inventory) -> None:
    assert [exclusion.reason for exclusion in inventory.excluded] == ["duplicate"]
    twice = {issue.id for issue in inventory.issues if issue.also_reported_by}
    assert twice == {"C1", "C3", "N9", "N14"}


def test_the_plan_has_seven_packages_at_once_over_nine_files(
    inventory: Inventory, sample: Sample, git: Callable[..., str]
) -> None:
    settings = load_settings(sample.root)
    plan = make_plan(
        inventory,
        base_commit=git(sample.root, "rev-parse", "HEAD"),
        paths=frozenset(git(sample.root, "ls-files").splitlines()),
        agents=settings.run.agents,
        max_packages=settings.plan.max_packages,
        gates=plan_gates(settings),
        contracts=settings.plan.contracts,
        role_of=Router(load_roles()).choose_role,
    )
    assert {frozenset(package.issues) for package in plan.packages} == {
        frozenset(issues.split())
        for issues in ("C1 N3 N10", "C2 M6", "C3", "C4", "M7 M8", "N4 N9", "N1 N5 N14")
    }
    assert plan.waves == (1,)
    assert len(plan.ownership) == 9
    assert plan.unplanned == ()
