"""A plan may be edited by hand; one that cannot be carried out is refused before anything runs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.conftest import FIXER, Git, Polly, commit_all, gates, is_refused, settings

Edit = Callable[[dict[str, Any]], object]

_EDITS: dict[str, tuple[Edit, str]] = {
    "overlap": (
        lambda plan: plan["packages"][1]["files"].update(modify=["src/a.py"]),
        "'src/a.py' is owned by WP1",
    ),
    "unknown issue": (lambda plan: plan["packages"][0]["issues"].append("Z9"), "Z9"),
    "issue twice": (lambda plan: plan["packages"][0].update(issues=["M2"]), "M2"),
    "lost issue": (lambda plan: plan["packages"].pop() and plan["ownership"].pop(), "N3"),
    "unknown field": (lambda plan: plan.update(colour="red"), "colour: unknown field"),
    "unknown field below": (lambda plan: plan["packages"][0].update(colour="red"), "packages[0].colour"),
    "other version": (lambda plan: plan.update(plan_version=2), "plan_version 2"),
    "absolute path": (
        lambda plan: plan["packages"][0]["files"].update(modify=["/etc/passwd"]),
        "is absolute",
    ),
    "path into git": (
        lambda plan: plan["packages"][0]["files"].update(modify=[".git/config"]),
        "git's own folder",
    ),
    "id that is a path": (lambda plan: plan["packages"][0].update(id="../../x"), "'../../x'"),
    "no such commit": (lambda plan: plan.update(base_commit="0" * 40), "is a plan for commit 000000000000"),
    "no commit id": (lambda plan: plan.update(base_commit="main; ls"), "is not a commit id"),
}


@pytest.mark.parametrize("name", _EDITS)
def test_an_edited_plan_that_cannot_be_carried_out_is_refused(sample: Path, polly: Polly, name: str) -> None:
    edit, said = _EDITS[name]
    plan = json.loads(polly("plan", "REVIEW.md", "--format", "json", cwd=sample).stdout)
    edit(plan)
    (sample / ".polly/plan.json").write_text(json.dumps(plan), encoding="utf-8")
    assert is_refused(polly("run", *FIXER, cwd=sample), said, "plan")
    assert not (sample / ".polly/runs").exists()


@pytest.mark.parametrize(("content", "said"), [("", "is empty"), ("{", "is not JSON"), ("[]", "plan.json")])
def test_a_plan_that_is_no_plan_is_refused(sample: Path, polly: Polly, content: str, said: str) -> None:
    assert polly("plan", "REVIEW.md", cwd=sample).returncode == 0
    (sample / ".polly/plan.json").write_text(content, encoding="utf-8")
    assert is_refused(polly("run", *FIXER, cwd=sample), said)


def test_without_a_plan_the_way_to_one_is_named(sample: Path, polly: Polly) -> None:
    assert is_refused(polly("run", *FIXER, cwd=sample), "There is no plan", "polly plan SOURCE")


def test_a_sensible_edit_is_carried_out(sample: Path, polly: Polly) -> None:
    plan = json.loads(polly("plan", "REVIEW.md", "--format", "json", cwd=sample).stdout)
    plan["packages"][2]["title"] = "a better title"
    (sample / ".polly/plan.json").write_text(json.dumps(plan), encoding="utf-8")
    done = polly("run", *FIXER, cwd=sample)
    assert done.returncode == 0
    assert "a better title" in done.stdout


def test_a_plan_of_another_commit_runs_from_there_and_says_so(sample: Path, polly: Polly, git: Git) -> None:
    assert polly("plan", "REVIEW.md", cwd=sample).returncode == 0
    base = git(sample, "rev-parse", "HEAD")
    commit_all(git, sample, "later")
    done = polly("run", *FIXER, cwd=sample)
    assert done.returncode == 0
    assert f"The plan was made for {base[:12]}" in done.stderr


def test_a_run_carries_out_the_gates_of_the_plan_and_says_when_the_settings_differ(
    sample: Path, polly: Polly
) -> None:
    assert polly("plan", "REVIEW.md", cwd=sample).returncode == 0
    (sample / "polly.toml").write_text(settings(gates(post="raise SystemExit(1)")), encoding="utf-8")
    done = polly("run", *FIXER, cwd=sample)
    assert done.returncode == 0, "the gate of the plan passes"
    assert "gates of the settings have changed since the plan was made" in done.stderr
    again = polly("fix", "REVIEW.md", *FIXER, cwd=sample)
    assert "have changed since" not in again.stderr
