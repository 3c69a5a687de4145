"""Every fault of the sample is real, and every patch puts exactly its own right."""

import itertools
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from polly.demo import scanner
from polly.demo.sample import Sample, issue_ids
from polly.settings import GateSettings, load_settings

PACKAGES = (
    ("C1", "N3", "N10"),
    ("C2", "M6"),
    ("C3",),
    ("C4",),
    ("M7", "M8"),
    ("N4", "N9"),
    ("N1", "N5", "N14"),
)

#: What the check of each issue complains about while the issue is open.
COMPLAINTS = {
    "C1": "importing the module makes the folder",
    "C2": "of two good records around b'{not json', five rounds stored ['a']",
    "C3": "'ActivityClient' object has no attribute '_conn'",
    "C4": "without a session id, the hook records 'unknown'",
    "M6": "in the middle of an update, health says offset 1 but 0 handled",
    "M7": "001_project_context_down.sql does not exist",
    "M8": "no such column: actions.status",
    "N1": "with --debug false, the details are recorded all the same",
    "N3": "an execution that ended as failed is recorded as 'error'",
    "N4": "a report that should be 'failed' says 'error'",
    "N5": "log_action records 'ok' where 'success' is meant",
    "N9": "UTC says 19",
    "N10": "a progress of 150 percent was recorded",
    "N14": "without UTC",
}


def check(service: Path, *issues: str) -> subprocess.CompletedProcess[str]:
    """Runs the checks of these issues as a gate would."""
    command = [sys.executable, "checks/check.py", *issues]
    return subprocess.run(command, cwd=service, capture_output=True, encoding="utf-8", check=False)


def passes(service: Path, gate: GateSettings) -> bool:
    assert isinstance(gate.command, tuple)
    return subprocess.run(gate.command, cwd=service, capture_output=True, check=False).returncode == 0


@pytest.fixture
def fix(sample: Sample, service: Path, git: Callable[..., str]) -> Callable[..., None]:
    """`fix("C1", "N3")` applies the patches of these issues in this order."""

    def apply(*issues: str) -> None:
        for issue in issues:
            git(service, "apply", str(sample.patches / f"{issue}.patch"))

    return apply


@pytest.mark.parametrize("issue", COMPLAINTS)
def test_a_check_fails_for_its_reason_before_and_passes_with_its_patch_alone(
    issue: str, service: Path, fix: Callable[..., None]
) -> None:
    if issue == "C4" and shutil.which("bash") is None:
        pytest.skip("the hook needs bash")
    before = check(service, issue)
    assert before.returncode == 1, before.stderr
    assert before.stdout.startswith(f"{issue}: not fixed: ")
    assert COMPLAINTS[issue] in before.stdout

    fix(issue)

    after = check(service, issue)
    assert after.returncode == 0, after.stdout + after.stderr


@pytest.mark.parametrize("package", PACKAGES, ids="-".join)
def test_the_patches_of_a_package_apply_in_any_order_and_keep_the_package_gate_green(
    package: tuple[str, ...], service: Path, fix: Callable[..., None], git: Callable[..., str]
) -> None:
    trees = set()
    for order in itertools.permutations(package):
        git(service, "reset", "--quiet", "--hard")
        git(service, "clean", "--quiet", "--force")
        fix(*order)
        git(service, "add", "--all")
        trees.add(git(service, "write-tree"))
    assert len(trees) == 1

    (gate,) = load_settings(service).gates.package
    assert passes(service, gate)
    assert check(service, *package).returncode == 0


def test_with_all_patches_every_check_every_test_and_the_scanner_are_content(
    service: Path, fix: Callable[..., None], git: Callable[..., str]
) -> None:
    (gate,) = load_settings(service).gates.post
    assert not passes(service, gate)

    fix(*issue_ids())

    done = check(service, *issue_ids())
    assert done.returncode == 0, done.stdout
    assert passes(service, gate)
    found = scanner.find_scanner()
    if found is not None:
        assert '"results": []' in scanner.scan(found, service)
    changed = {line[3:] for line in git(service, "status", "--porcelain").splitlines()}
    assert len(changed) == 9, "tests and checks leave nothing behind"


def test_only_the_test_of_its_own_finding_is_red_before(service: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-B", "-m", "unittest", "discover", "-s", "tests"],
        cwd=service, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert "ERROR: test_close_lets_go_of_the_connection" in done.stderr
    assert "FAILED (errors=1)" in done.stderr
    (gate,) = load_settings(service).gates.package
    assert passes(service, gate)


def test_the_check_of_an_unknown_issue_is_refused(service: Path) -> None:
    done = check(service, "C9")
    assert done.returncode == 2
    assert "C14" not in done.stderr
    assert "C1, C2" in done.stderr
