"""What a role brings into a run: its words, its gates, its agent; and the quality of what came out."""

import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import FIXER, Done, Git, Polly, commit_all, is_refused, newest_run

_ROLE = """
name: careful
title: Careful hand
purpose: Changes one number and nothing else.
instructions: |
  First: read the whole function. Done: the number is right, and so is every caller of it.
gates:
  - name: only two
    command: ["{python}", "-c", "import pathlib; assert 'return 2' in pathlib.Path('src/b.py').read_text()"]
agent: "{agent}"
"""
_PATCH = """\
--- a/src/b.py
+++ b/src/b.py
@@ -1,2 +1,2 @@
 def b():
-    return 1
+    return 2
"""


def with_role(sample: Path, git: Git, agent: str) -> None:
    """The sample with a role of its own, and settings that let a role choose who works."""
    (sample / ".polly/roles").mkdir(parents=True)
    role = _ROLE.format(python=sys.executable, agent=agent)
    (sample / ".polly/roles/careful.yaml").write_text(role, encoding="utf-8")
    with (sample / "polly.toml").open("a", encoding="utf-8") as file:
        file.write("\n[run]\nrole_agents = true\nattempts = 1\n")
    commit_all(git, sample, "role")


def planned(sample: Path, polly: Polly, role: str) -> str:
    """Plan, and give the package of M2 a role by hand; its id."""
    assert polly("plan", "REVIEW.md", cwd=sample).returncode == 0
    file = sample / ".polly/plan.json"
    plan: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    package = next(each for each in plan["packages"] if "M2" in each["issues"])
    package["role"] = role
    file.write_text(json.dumps(plan), encoding="utf-8")
    return str(package["id"])


def told(done: Done) -> dict[str, Any]:
    """The report that a run printed as JSON."""
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.fixture
def patches(tmp_path: Path) -> Path:
    """The patch of the agent that the role prefers."""
    folder = tmp_path / "patches"
    folder.mkdir()
    (folder / "M2.patch").write_text(_PATCH, encoding="utf-8")
    return folder


def test_a_role_brings_its_words_its_gates_and_its_agent(
    sample: Path, git: Git, polly: Polly, patches: Path
) -> None:
    with_role(sample, git, f"patch:{patches}")
    package = planned(sample, polly, "careful")
    shown = polly("plan", "--prompts", package, cwd=sample).stdout
    assert "read the whole function" in shown
    assert "src/b.py').read_text()" in shown

    report = told(polly("run", *FIXER[:2], "--format", "json", *FIXER[2:], cwd=sample))
    packages = {each["id"]: each for each in report["packages"]}
    ours = packages.pop(package)
    assert ours["agent"] == "patch"
    assert "only two" in [gate["name"] for gate in ours["gates"]]
    assert {each["agent"] for each in packages.values()} == {"command"}
    assert not any("only two" in [gate["name"] for gate in each["gates"]] for each in packages.values())
    assert {issue["id"]: issue["verdict"] for issue in report["issues"]} == {
        "C1": "fixed",
        "M2": "fixed",
        "N3": "fixed",
    }
    prompt = newest_run(sample) / "packages" / package / "prompt.md"
    assert "read the whole function" in prompt.read_text(encoding="utf-8")


def test_the_quality_of_what_changed_is_in_report_and_store(
    sample: Path, polly: Polly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLLY_HOME", str(tmp_path / "state"))
    worse = (
        "import os, pathlib\n"
        "for name in pathlib.Path(os.environ['POLLY_OWNED_FILES']).read_text().splitlines():\n"
        "    text = pathlib.Path(name).read_text().replace('return 1', 'return 2')\n"
        "    bad = ''.join(f'\\ntry:\\n    eval(\"{n}\")\\nexcept:\\n    pass\\n' for n in range(20))\n"
        "    pathlib.Path(name).write_text(text + bad)\n"
    )
    (tmp_path / "worse.py").write_text(worse, encoding="utf-8")
    done = polly(
        "fix",
        "REVIEW.md",
        *("--only", "C1", "--format", "json", "--agent", "command"),
        *("--", sys.executable, tmp_path / "worse.py"),
        cwd=sample,
    )
    report = told(done)
    (package,) = report["packages"]
    quality = package["quality"]
    assert quality["is_clearly_worse"]
    assert quality["after"] < quality["before"]
    assert quality["fell"]
    assert [each["ref"] for each in report["warnings"] if each["code"] == "quality-fell"] == [package["id"]]
    database = sqlite3.connect(tmp_path / "state" / "polly.db")
    ((score,),) = database.execute("SELECT quality_score FROM agent_execution_logs").fetchall()
    database.close()
    assert score == quality["after"]


def test_a_role_that_nobody_defines_and_an_agent_that_nobody_knows_cost_no_run(
    sample: Path, git: Git, polly: Polly
) -> None:
    with_role(sample, git, "nobody")
    planned(sample, polly, "carefull")
    is_refused(polly("run", *FIXER, cwd=sample), "carefull", "careful")
    planned(sample, polly, "careful")
    is_refused(polly("run", *FIXER, cwd=sample), "no agent 'nobody'")
    assert not list((sample / ".polly").glob("runs/*"))


@pytest.mark.parametrize("words", [("approve", "WP1"), ("reject", "WP1"), ("apply",), ("commit",), ("undo",)])
def test_an_agent_at_work_decides_nothing(
    sample: Path, polly: Polly, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("POLLY_PACKAGE_ID", "WP2")
    assert is_refused(polly(*words, cwd=sample), "decided by a person", "WP2")
