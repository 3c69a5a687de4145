"""A hundred files with real findings of ruff, fixed by a program that calls ruff, one commit per package."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.acceptance.conftest import Git, Polly, commit_all, newest_run

_RULES = "F401,I001,UP006,UP035"
_SCAN = [
    sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--exit-zero", "--select", _RULES,
    "--output-format", "sarif",
]  # fmt: skip
_FIX = f"""
import os, pathlib, subprocess, sys
owned = pathlib.Path(os.environ["POLLY_OWNED_FILES"]).read_text(encoding="utf-8").splitlines()
files = [name for name in owned if pathlib.Path(name).is_file()]
sys.exit(subprocess.call([sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--quiet",
                          "--select", "{_RULES}", "--fix", *files]))
"""


@pytest.fixture
def project(tmp_path: Path, git: Git) -> Path:
    """app/ of 100 modules in ten folders, a third of them with findings, and unit tests of some."""
    root = tmp_path / "project"
    for number in range(100):
        module = root / "app" / f"part{number % 10}" / f"module{number}.py"
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text(_module(number), encoding="utf-8")
    (root / "tests").mkdir()
    for folder in (root / "tests", root / "app", *(root / "app").iterdir()):
        (folder / "__init__.py").write_text("", encoding="utf-8")
    for number in (0, 3, 6):
        (root / "tests" / f"test_module{number}.py").write_text(
            "import unittest\n\n"
            f"from app.part{number % 10}.module{number} import work\n\n\n"
            "class Works(unittest.TestCase):\n    def test_it(self) -> None:\n"
            f"        self.assertEqual(work(1), [{number}, 1])\n",
            encoding="utf-8",
        )
    (root / "fix.py").write_text(_FIX, encoding="utf-8")
    (root / ".gitignore").write_text("__pycache__/\nfindings.sarif\n", encoding="utf-8")
    (root / "polly.toml").write_text(
        f"[rescan.ruff]\ncommand = {_SCAN}\n[gates]\npost = [{_tests()}]\n", encoding="utf-8"
    )
    git(root, "init", "--quiet")
    commit_all(git, root, "first")
    return root


def _module(number: int) -> str:
    if number % 3:
        return f"def work(value: int) -> list[int]:\n    return [{number}, value]\n"
    return (
        "import sys\nimport os\nfrom typing import List\n\n\n"
        f"def work(value: int) -> List[int]:\n    return [{number}, value]\n"
    )


def _tests() -> list[str]:
    return [sys.executable, "-m", "unittest", "discover", "--start-directory", "tests", "--top-level", "."]


def test_findings_of_ruff_are_fixed_proved_and_committed_per_package(
    project: Path, polly: Polly, git: Git
) -> None:
    base = git(project, "rev-parse", "HEAD")
    found = subprocess.run(_SCAN, cwd=project, check=True, capture_output=True).stdout
    (project / "findings.sarif").write_bytes(found)
    issues = len(json.loads(found)["runs"][0]["results"])
    assert issues > 100

    done = polly("fix", "findings.sarif", "--agent", "command", "--", sys.executable, "fix.py", cwd=project)
    assert done.returncode == 0, done.stderr
    assert f"{issues} of {issues} issues proved fixed" in done.stderr

    assert polly("commit", cwd=project).returncode == 0
    run = json.loads((newest_run(project) / "run.json").read_bytes())
    assert [gate["status"] for gate in run["gates"]] == ["passed"]
    plan = json.loads((newest_run(project) / "plan.json").read_bytes())
    owned = {
        package["id"]: {*package["files"]["modify"], *package["files"]["create"]}
        for package in plan["packages"]
    }
    commits = git(project, "rev-list", "--reverse", f"{base}..HEAD").splitlines()
    assert [package["landed_commit"] for package in run["packages"]] == commits
    for package, commit in zip(run["packages"], commits, strict=True):
        assert git(project, "log", "-1", "--format=%s", commit).startswith(f"fix({package['id']}): ")
        assert f"Polly-Package: {package['id']}" in git(project, "log", "-1", "--format=%b", commit)
        changed = set(git(project, "show", "--format=", "--name-only", commit).splitlines())
        assert changed
        assert changed <= owned[package["id"]]

    assert git(project, "status", "--porcelain") == ""
    after = subprocess.run(_SCAN, cwd=project, check=True, capture_output=True).stdout
    assert json.loads(after)["runs"][0]["results"] == []
    subprocess.run(_tests(), cwd=project, check=True, capture_output=True)


def test_a_fixer_that_only_silences_the_scanner_is_not_believed(
    project: Path, polly: Polly, git: Git
) -> None:
    (project / "findings.sarif").write_bytes(
        subprocess.run(_SCAN, cwd=project, check=True, capture_output=True).stdout
    )
    (project / "silence.py").write_text(
        "import os, pathlib\n"
        "for name in pathlib.Path(os.environ['POLLY_OWNED_FILES']).read_text().splitlines():\n"
        "    file = pathlib.Path(name)\n"
        "    if file.is_file():\n"
        "        file.write_text('# ruff: noqa\\n' + file.read_text())\n",
        encoding="utf-8",
    )
    commit_all(git, project, "a bad fixer")
    done = polly(
        "fix", "findings.sarif", "--path", "app/part0/*", "--agent", "command", "--", sys.executable,
        "silence.py", cwd=project,
    )  # fmt: skip
    assert done.returncode == 1
    assert "made a check quieter" in done.stderr
    assert "polly approve WP1 --accept-tampering" in done.stderr
    refused = polly("commit", cwd=project)
    assert refused.returncode == 2
    assert "needs an approval of its own" in refused.stderr
