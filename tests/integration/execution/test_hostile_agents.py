"""Agents that do what they must not: it is said, what is good is kept, and the repository stays as it was."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polly.process.identity import start_identity

GOOD = "for name in owned: pathlib.Path(name).write_text('value = 0\\n')\n"
PRELUDE = """
import os, pathlib, shutil, signal, subprocess, sys, time
owned = pathlib.Path(os.environ["POLLY_OWNED_FILES"]).read_text().splitlines()
package = os.environ["POLLY_PACKAGE_ID"]
"""


class Outcome:
    """How a run of two packages ended, in which WP1's agent misbehaved and WP2's did not."""

    def __init__(self, code: int, told: str, report: dict[str, Any], folder: Path) -> None:
        self.code = code
        self.told = told
        self.report = report
        self.records = folder / "packages" / "WP1"
        self.bad, self.good = report["packages"]


Run = Callable[..., Outcome]


@pytest.fixture
def hostile(repo: Path, git: Callable[..., str], tmp_path: Path) -> Run:
    """`hostile(code, settings)` runs `code` as WP1's agent; WP2's does its work."""
    for name in ("a.py", "b.py"):
        (repo / name).write_text("value = 1\n")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "files")
    issues = "".join(
        f"### C{number}. Value\n\n**File**: `{name}`\n\n**Problem**: x\n\n"
        for number, name in enumerate(("a.py", "b.py"), 1)
    )
    (tmp_path / "issues.md").write_text(f"# Findings\n\n{issues}")

    def run(code: str, settings: str = "") -> Outcome:
        (tmp_path / "agent.py").write_text(
            f"{PRELUDE}\nif package == 'WP2':\n    {GOOD}    sys.exit()\n{code}"
        )
        # Settings come from the environment, so that the repository itself can be compared as a whole.
        env = os.environ | {"POLLY_HOME": str(tmp_path / "home"), "POLLY_RUN__ATTEMPTS": "1"}
        env |= dict(line.split("=", 1) for line in settings.split())
        before = fingerprint(repo)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "polly", "fix", str(tmp_path / "issues.md"), "--max-packages", "2"),
                *("--agent", "command", "--", sys.executable, str(tmp_path / "agent.py")),
            ],
            cwd=repo,
            env=env,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=600,
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert fingerprint(repo) == before
        report = subprocess.run(
            [sys.executable, "-m", "polly", "report", "--format", "json"],
            cwd=repo,
            env=env,
            capture_output=True,
            check=True,
        )
        folder = next((repo / ".polly" / "runs").iterdir())
        outcome = Outcome(done.returncode, done.stderr, json.loads(report.stdout), folder)
        assert outcome.good["state"] == "ready", "one bad agent cost its neighbour"
        assert outcome.good["owned_changed"] == ["b.py"]
        assert list((tmp_path / "home" / "workspaces").glob("*/*")) == [], "a workspace was left behind"
        return outcome

    return run


def fingerprint(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".polly" not in path.relative_to(root).parts
    }


def test_one_that_crashes_after_editing_fails_and_its_edits_are_kept(hostile: Run) -> None:
    outcome = hostile(GOOD + "sys.exit('gave up')\n")
    assert outcome.code == 1
    assert outcome.bad["state"] == "failed"
    assert "WP1: the agent crashed" in outcome.told
    assert "gave up" in (outcome.records / "log.txt").read_text()
    assert "+value = 0" in (outcome.records / "changes.patch").read_text()


def test_one_that_hangs_is_stopped_at_its_time_limit(hostile: Run) -> None:
    outcome = hostile(
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(60)\n",
        # The other agent has no more time than that either.
        "POLLY_RUN__TIMEOUT_MINUTES=0.1",
    )
    assert outcome.bad["state"] == "failed"
    assert "timed out" in outcome.told


def test_one_that_prints_without_end_keeps_a_bounded_log(hostile: Run) -> None:
    outcome = hostile(GOOD + "for _ in range(300): print('x' * 100_000)\n", "POLLY_RUN__MAX_OUTPUT_MB=1")
    assert outcome.bad["state"] == "ready"
    assert (outcome.records / "log.txt").stat().st_size < 1_200_000


def test_one_that_writes_elsewhere_lands_only_what_it_owns(hostile: Run) -> None:
    outcome = hostile(
        GOOD + "pathlib.Path('b.py').write_text('mine')\npathlib.Path('new.txt').write_text('new')\n"
        "pathlib.Path('../outside.txt').write_text('outside')\n"
    )
    assert outcome.bad["owned_changed"] == ["a.py"]
    assert outcome.bad["strays"] == ["b.py", "new.txt"]
    assert "WP1 wrote files" in outcome.told
    assert "+mine" in (outcome.records / "quarantine-1.patch").read_text()


def test_one_that_deletes_its_workspace_fails_alone(hostile: Run) -> None:
    outcome = hostile("shutil.rmtree(os.getcwd())\n")
    assert outcome.bad["state"] == "failed"
    assert "deleted its workspace" in outcome.told


def test_one_that_leaves_children_behind_takes_them_along(hostile: Run, tmp_path: Path) -> None:
    outcome = hostile(
        GOOD + "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],"
        f" start_new_session=True)\npathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(child.pid))\n"
    )
    assert outcome.bad["state"] == "ready"
    assert start_identity(int((tmp_path / "pid").read_text())) is None


def test_one_that_fills_the_disk_is_stopped(hostile: Run) -> None:
    outcome = hostile(
        "with open('big', 'wb') as big:\n    while True: big.write(b'x' * 1_000_000) and big.flush()\n",
        "POLLY_RUN__MAX_DISK_MB=30",
    )
    assert outcome.bad["state"] == "failed"
    assert "disk" in outcome.told


def test_one_that_commits_by_itself_is_read_by_its_tree(hostile: Run) -> None:
    outcome = hostile(
        GOOD + "git = ['git', '-c', 'user.name=a', '-c', 'user.email=a@a']\n"
        "pathlib.Path('b.py').write_text('mine')\n"
        "subprocess.run([*git, 'commit', '-qam', 'mine'], check=True)\n"
        "subprocess.run([*git, 'checkout', '-q', '--orphan', 'elsewhere'], check=True)\n"
    )
    assert outcome.bad["owned_changed"] == ["a.py"]
    assert outcome.bad["strays"] == ["b.py"]


def test_one_that_claims_success_and_does_nothing_is_not_believed(hostile: Run) -> None:
    outcome = hostile(
        "pathlib.Path(os.environ['POLLY_RESULT_FILE']).write_text("
        """'{"issues": {"C1": {"status": "fixed", "note": "trust me"}}}')\n"""
    )
    assert outcome.bad["state"] == "unchanged"
    verdicts = {issue["id"]: issue["verdict"] for issue in outcome.report["issues"]}
    assert verdicts["C1"] != "fixed"


def test_one_that_breaks_the_syntax_is_red(hostile: Run) -> None:
    outcome = hostile("pathlib.Path('a.py').write_text('def broken(:\\n')\n")
    assert outcome.bad["state"] == "red"
    assert "syntax: python" in outcome.told


def test_a_program_that_is_missing_is_said_before_anything_runs(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "issues.md").write_text("### C1. Value\n\n**File**: `README.md`\n\n**Problem**: x\n")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "polly",
            "fix",
            str(tmp_path / "issues.md"),
            "--agent",
            "command",
            "--",
            "no-such",
        ],
        cwd=repo,
        env=os.environ | {"POLLY_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "no-such" in done.stderr
    assert not (repo / ".polly" / "runs").exists()
