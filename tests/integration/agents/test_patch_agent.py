"""The patch agent applies what there is for a package, once, or says what git says."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polly.execution.agents.base import Agent, Assignment
from polly.execution.agents.patch import patch_name
from polly.execution.agents.registry import resolve
from polly.process import Report
from polly.work.run import AttemptOutcome

Assign = Callable[..., Assignment]
Work = Callable[[Agent, Assignment], tuple[Report, str]]


@pytest.fixture
def patches(tmp_path: Path, workspace: Path) -> Path:
    """C1 changes the first line, C2 the third, WP1 adds a file, BAD fits nowhere."""
    folder = tmp_path / "patches"
    folder.mkdir()
    greeting = workspace / "greeting.txt"
    original = greeting.read_text()
    for name, text in (
        ("C1", original.replace("hello", "good day")),
        ("C2", original.replace("bye", "farewell")),
    ):
        greeting.write_text(text)
        (folder / f"{name}.patch").write_bytes(_git(workspace, "diff"))
        greeting.write_text(original)
    (workspace / "new.txt").write_text("new\n")
    _git(workspace, "add", "-N", "new.txt")
    (folder / "WP1.patch").write_bytes(_git(workspace, "diff"))
    _git(workspace, "rm", "-q", "-f", "new.txt")
    (folder / "BAD.patch").write_text((folder / "C1.patch").read_text().replace("-hello", "-no such line"))
    (folder / "EMPTY.patch").write_text("\n")
    return folder


def _git(workspace: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=workspace, check=True, capture_output=True).stdout


def test_the_patches_of_package_and_issues_are_applied_in_order(
    assign: Assign, work: Work, workspace: Path, patches: Path
) -> None:
    report, log = work(resolve(f"patch:{patches}"), assign("C2", "C7", "C1", "EMPTY"))
    assert report.outcome is AttemptOutcome.FINISHED
    assert log == "applied WP1.patch\napplied C2.patch\napplied C1.patch\nEMPTY.patch is empty\n"
    assert (workspace / "greeting.txt").read_text() == "good day\n" + "world\n" * 8 + "farewell\n"
    assert (workspace / "new.txt").read_text() == "new\n"


def test_a_patch_that_is_in_the_tree_already_is_skipped(
    assign: Assign, work: Work, workspace: Path, patches: Path
) -> None:
    agent = resolve(f"patch:{patches}")
    work(agent, assign("C1"))
    report, log = work(agent, assign("C1"))
    assert report.outcome is AttemptOutcome.FINISHED
    assert log == "WP1.patch is applied already\nC1.patch is applied already\n"
    assert (workspace / "greeting.txt").read_text() == "good day\n" + "world\n" * 8 + "bye\n"


def test_a_patch_that_does_not_fit_fails_with_the_words_of_git(
    assign: Assign, work: Work, workspace: Path, patches: Path
) -> None:
    report, log = work(resolve(f"patch:{patches}"), assign("BAD"))
    assert (report.outcome, report.exit_code) == (AttemptOutcome.CRASHED, 1)
    assert "patch: BAD.patch does not apply:\nerror: patch failed: greeting.txt:1" in log
    assert (workspace / "greeting.txt").read_text() == "hello\n" + "world\n" * 8 + "bye\n"


def test_a_patch_never_writes_outside_the_workspace(
    assign: Assign, work: Work, workspace: Path, patches: Path, tmp_path: Path
) -> None:
    escape = (patches / "WP1.patch").read_text().replace("new.txt", "../escaped.txt")
    (patches / "OUT.patch").write_text(escape)
    report, log = work(resolve(f"patch:{patches}"), assign("OUT"))
    assert report.outcome is AttemptOutcome.CRASHED
    assert "invalid path '../escaped.txt'" in log
    assert not (tmp_path / "escaped.txt").exists()


def test_a_package_without_a_patch_finishes_unchanged(
    assign: Assign, work: Work, workspace: Path, patches: Path
) -> None:
    (patches / "WP1.patch").unlink()
    report, log = work(resolve(f"patch:{patches}"), assign("C7"))
    assert (report.outcome, log) == (AttemptOutcome.FINISHED, "")
    assert _git(workspace, "status", "--porcelain") == b""


@pytest.mark.parametrize(
    ("delay", "sleeps"),
    [
        (0.2, [0.2]),
        ({"WP1": 0.1, "C2": 0.3, "C9": 5}, [0.1, 0.3]),
        ({}, []),
        (0, []),
    ],
)
def test_delays_are_for_all_or_by_package_and_issue(
    assign: Assign, patches: Path, tmp_path: Path, delay: Any, sleeps: list[float]
) -> None:
    import json

    agent = resolve(f"patch:{patches}", (), {"delay_seconds": delay})
    agent.launch(assign("C1", "C2"))
    steps = json.loads((tmp_path / "attempt" / "steps.json").read_text())
    assert [step["seconds"] for step in steps if step["do"] == "sleep"] == sleeps


def test_the_id_of_an_issue_is_never_a_path() -> None:
    assert patch_name("../../etc/passwd") == "..-..-etc-passwd.patch"
    assert patch_name("ruff:F401 a/b.py\0") == "ruff-F401-a-b.py-.patch"
    assert patch_name("N10") == "N10.patch"
