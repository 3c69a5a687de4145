"""`polly issues SOURCE --since RUN` over real runs, and `--include`."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import commit_all, is_refused, newest_run, result, sarif

Git = Callable[..., str]
Polly = Callable[..., subprocess.CompletedProcess[str]]

_SCAN = """
import json, pathlib
found = [
    {"ruleId": word, "level": "warning", "message": {"text": f"{word} found"}, "locations": [
        {"physicalLocation": {"artifactLocation": {"uri": file.name}, "region": {"startLine": number}}}]}
    for file in sorted(pathlib.Path(".").glob("*.txt"))
    for number, word in enumerate(file.read_text(encoding="utf-8").split(), 1) if word.startswith("bad")
]
print(json.dumps({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "words"}}, "results": found}]}))
"""
_SETTINGS = f"""
[rescan.words]
command = ['{sys.executable}', 'scan.py']
format = 'sarif'
[run]
attempts = 1
"""


@pytest.fixture
def words(repo: Path, git: Git) -> Path:
    """A repository in which a scanner calls two words bad, and an agent that mends the first of them."""
    (repo / "a.txt").write_text("good\nbad1\nbad2\n")
    (repo / "scan.py").write_text(_SCAN)
    (repo / "fix.py").write_text(
        "import pathlib; f = pathlib.Path('a.txt'); f.write_text(f.read_text().replace('bad1', 'good1'))"
    )
    (repo / "polly.toml").write_text(_SETTINGS)
    commit_all(git, repo, "words")
    return repo


def scanned(folder: Path) -> Path:
    """What the scanner says about the folder now."""
    report = folder.parent / "words.sarif"
    done = subprocess.run([sys.executable, "scan.py"], cwd=folder, check=True, capture_output=True)
    report.write_bytes(done.stdout)
    return report


def compared(polly: Polly, folder: Path, run: str = "newest") -> dict[str, Any]:
    """The rounds that `--since` tells, with rules for ids."""
    done = polly("issues", scanned(folder), "--since", run, "--format", "json", cwd=folder)
    assert done.returncode == 0, done.stderr
    inventory = json.loads(done.stdout)
    rule = {issue["id"]: issue["source"]["rule"] for issue in inventory["issues"]}
    rounds: dict[str, Any] = inventory["rounds"]
    for state in ("new", "surviving", "reopened"):
        rounds[state] = [rule[each] for each in rounds[state]]
    return rounds


def fix(polly: Polly, folder: Path) -> None:
    """One round: the agent mends bad1, wherever it is, and nothing else."""
    polly("fix", scanned(folder), "--agent", "command", "--", sys.executable, "fix.py", cwd=folder)


def test_rounds_are_told_apart_over_real_runs(words: Path, polly: Polly, git: Git) -> None:
    fix(polly, words)
    assert compared(polly, words)["surviving"] == ["bad1", "bad2"], "nothing has landed yet"
    polly("approve", "WP1", cwd=words)
    assert polly("commit", cwd=words).returncode == 0
    landed = compared(polly, words)
    assert ([each["title"] for each in landed["fixed"]], landed["surviving"]) == (["bad1 found"], ["bad2"])

    git(words, "mv", "a.txt", "b.txt")
    (words / "b.txt").write_text("above\ngood\nbad1\nbad2\nbad3\n")
    commit_all(git, words, "renamed, moved, and one fault is back")
    back = compared(polly, words)
    assert (back["new"], back["surviving"], back["reopened"]) == (["bad3"], ["bad2"], ["bad1"])

    table = polly("issues", scanned(words), "--since", "newest", cwd=words)
    assert "re-opened" in table.stdout
    assert "1 new, 1 surviving, 1 re-opened, 0 fixed" in table.stderr


def test_an_issue_that_three_runs_did_not_fix_is_flagged(words: Path, polly: Polly) -> None:
    for _ in range(3):
        fix(polly, words)
    told = polly("issues", scanned(words), "--since", "newest", cwd=words)
    assert "words-2 does not converge: agents worked on it in 3 runs" in told.stderr
    assert "words-1 does not converge" not in told.stderr, "its fix only waits for a decision"
    again = polly("plan", scanned(words), cwd=words)
    assert "words-2: agents worked on this in 3 runs or more in vain" in again.stderr, "nobody had to ask"
    shutil.rmtree(newest_run(words) / "repo.git")
    first = min((words / ".polly" / "runs").iterdir()).name
    lost = polly("issues", scanned(words), "--since", first, cwd=words)
    assert lost.returncode == 0
    assert "is left out of the comparison" in lost.stderr
    assert "does not converge" not in lost.stderr


def test_a_run_that_does_not_exist_is_refused(words: Path, polly: Polly) -> None:
    assert is_refused(polly("issues", scanned(words), "--since", "newest", cwd=words), "no run")
    assert is_refused(polly("issues", scanned(words), "--since", "20200101", cwd=words), "no run")


@pytest.mark.parametrize("command", ["issues", "plan"])
def test_what_is_left_out_is_told_with_the_switch_that_takes_it_in(
    command: str, repo: Path, polly: Polly
) -> None:
    (repo / "x.sarif").write_text(sarif(result("README.md") | {"suppressions": [{"kind": "external"}]}))
    told = polly(command, "x.sarif", cwd=repo)
    assert "left out as suppressed: 1 (x.sarif#/runs/0/results/0)" in told.stderr
    assert "--include suppressed" in told.stderr
    taken = polly(command, "x.sarif", "--include", "suppressed", cwd=repo)
    assert "1 finding read, 1 issue in 1 file" in taken.stderr
    assert is_refused(
        polly(command, "x.sarif", "--include", "supressed", cwd=repo), "Did you mean suppressed?"
    )
