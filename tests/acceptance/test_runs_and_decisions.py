"""Runs that go wrong, are stopped, are shared or spoilt, and decisions that cannot be carried out."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.acceptance.conftest import (
    FIXER,
    Git,
    Polly,
    commit_all,
    fixed_sample,
    gates,
    is_refused,
    newest_run,
    settings,
)


def _agent(code: str) -> tuple[str, ...]:
    return "--agent", "command", "--", sys.executable, "-c", code


_BREAK = """
import os
for name in open(os.environ["POLLY_OWNED_FILES"]).read().splitlines():
    open(name, "a").write("def (")
"""
_SILENCE = """
import os
for name in open(os.environ["POLLY_OWNED_FILES"]).read().splitlines():
    open(name, "w").write("x = 1  # noqa: return 2\\n")
"""


def test_packages_that_break_the_syntax_cannot_be_approved(sample: Path, polly: Polly) -> None:
    done = polly("fix", "REVIEW.md", *_agent(_BREAK), cwd=sample)
    assert done.returncode == 1
    assert "the gate `syntax: python` (of WP1) failed" in done.stderr
    assert is_refused(polly("approve", "WP1", cwd=sample), "WP1 cannot land, it is red", "syntax")
    assert is_refused(polly("commit", cwd=sample), "There is nothing to commit: WP1 is red")


def test_an_agent_that_fails_or_does_nothing_leaves_nothing_to_commit(sample: Path, polly: Polly) -> None:
    failing = polly("fix", "REVIEW.md", *_agent("raise SystemExit(7)"), cwd=sample)
    assert failing.returncode == 1
    assert "exit status 7 (log: " in failing.stderr
    idle = polly("fix", "REVIEW.md", *_agent("pass"), cwd=sample)
    assert idle.returncode == 1
    assert is_refused(polly("commit", cwd=sample), "WP1 changed nothing")
    assert is_refused(polly("apply", cwd=sample), "No package is approved", "polly approve")
    assert is_refused(polly("undo", cwd=sample), "Nothing of this run has landed")


def test_strays_are_named_and_never_land(sample: Path, polly: Polly, git: Git) -> None:
    stray = "open('src/b.py', 'a').write('x = 1\\n'); open('src/a.py', 'a').write('y = 1\\n')"
    done = polly("fix", "REVIEW.md", "--only", "C1", *_agent(stray), cwd=sample)
    assert "WP1 wrote files of others: src/b.py" in done.stderr
    assert polly("commit", cwd=sample).returncode == 0
    assert git(sample, "show", "--format=", "--name-only").splitlines() == ["src/a.py"]


def test_a_suppression_is_not_success_and_needs_an_approval_of_its_own(sample: Path, polly: Polly) -> None:
    done = polly("fix", "REVIEW.md", "--only", "C1", *_agent(_SILENCE), cwd=sample)
    assert done.returncode == 1
    assert "WP1 made a check quieter: suppression at src/a.py:1" in done.stderr
    assert "polly approve WP1 --accept-tampering" in done.stderr
    assert is_refused(polly("commit", cwd=sample), "needs an approval of its own", "--accept-tampering")
    assert is_refused(polly("approve", "WP1", cwd=sample), "made a check quieter")
    assert polly("approve", "WP1", "--accept-tampering", cwd=sample).returncode == 0
    assert polly("commit", cwd=sample).returncode == 0


def test_a_pre_gate_that_fails_stops_before_any_agent(sample: Path, polly: Polly, git: Git) -> None:
    (sample / "polly.toml").write_text(settings(gates(pre="raise SystemExit(5)")), encoding="utf-8")
    commit_all(git, sample, "a gate")
    done = polly("fix", "REVIEW.md", *FIXER, cwd=sample)
    assert done.returncode == 1
    assert "The gate `pre` fails on the base commit, before any agent" in done.stderr
    assert "take it out of [gates] pre" in done.stderr
    assert not list(newest_run(sample).glob("packages/*"))


def test_gates_that_are_red_at_the_base_blame_nobody(sample: Path, polly: Polly, git: Git) -> None:
    both = gates(package="raise SystemExit(5)", post="raise SystemExit(6)")
    (sample / "polly.toml").write_text(settings(both), encoding="utf-8")
    commit_all(git, sample, "red gates")
    done = fixed_sample(polly, sample)
    for name in ("package", "post"):
        assert f"the gate `{name}` fails on the base commit too" in done.stderr
    assert polly("commit", cwd=sample).returncode == 0


def test_only_what_makes_the_combined_tree_red_is_dropped(sample: Path, polly: Polly, git: Git) -> None:
    code = 'raise SystemExit("return 2" in open("src/b.py").read())'
    (sample / "polly.toml").write_text(settings(gates(post=code)), encoding="utf-8")
    commit_all(git, sample, "a gate against b")
    done = polly("fix", "REVIEW.md", *FIXER, cwd=sample)
    assert done.returncode == 1
    report = json.loads(polly("report", "--format", "json", cwd=sample).stdout)
    states = {package["id"]: package["state"] for package in report["packages"]}
    assert sorted(states.values()) == ["dropped", "ready", "ready"]
    assert polly("commit", cwd=sample).returncode == 0
    assert "return 1" in (sample / "src/b.py").read_text(encoding="utf-8")


def test_unknown_packages_and_runs_are_named_with_what_there_is(sample: Path, polly: Polly) -> None:
    assert is_refused(polly("status", cwd=sample), "There is no run", "polly fix")
    assert is_refused(polly("resume", cwd=sample), "There is no run")
    fixed_sample(polly, sample)
    for command in ("approve", "reject", "diff", "apply", "commit", "undo"):
        done = polly(command, "WP1", "WP9", cwd=sample)
        assert is_refused(done, "WP9", "WP1, WP2, WP3")
    assert (
        json.loads(polly("status", "--format", "json", cwd=sample).stdout)["packages"][0]["decision"]
        == "open"
    )
    for command in ("status", "report", "diff", "commit", "resume"):
        assert is_refused(polly(command, "--run", "1999", cwd=sample), "'1999'", newest_run(sample).name)


def test_decisions_that_were_taken_are_not_taken_twice(sample: Path, polly: Polly) -> None:
    fixed_sample(polly, sample)
    assert polly("commit", "WP1", cwd=sample).returncode == 0
    for command in ("approve", "reject", "commit"):
        assert is_refused(polly(command, "WP1", cwd=sample), "WP1 is", "committed", "polly undo WP1")
    assert is_refused(polly("undo", "WP2", cwd=sample), "WP2 has not landed")
    assert polly("commit", cwd=sample).returncode == 0
    assert is_refused(polly("commit", cwd=sample), "WP2 is committed")


@pytest.mark.parametrize("works", [True, False])
def test_resume_of_a_finished_run_says_so_and_ends_like_it(sample: Path, polly: Polly, works: bool) -> None:
    first = polly("fix", "REVIEW.md", *(FIXER if works else _agent("pass")), cwd=sample)
    journal = (newest_run(sample) / "run.json").read_bytes()
    done = polly("resume", cwd=sample)
    assert done.returncode == first.returncode == (0 if works else 1)
    assert "is finished; there is nothing to go on with" in done.stderr
    assert done.stdout == first.stdout
    assert (newest_run(sample) / "run.json").read_bytes() == journal


@pytest.mark.skipif(sys.platform == "win32", reason="a console event would reach the test runner too")
def test_ctrl_c_keeps_what_is_done_and_resume_goes_on(sample: Path, polly: Polly) -> None:
    # The agents of b and c wait for a file that lies outside the repository; Ctrl-C comes while they do.
    gate = sample.parent / "go"
    code = (
        "import os, pathlib, time, runpy\n"
        "owned = pathlib.Path(os.environ['POLLY_OWNED_FILES']).read_text()\n"
        f"while 'src/a.py' not in owned and not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.05)\n"
        "runpy.run_path('tools/fix.py')\n"
    )
    command = [sys.executable, "-m", "polly", "fix", "REVIEW.md", *_agent(code)]
    with subprocess.Popen(command, cwd=sample, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        while not _is_ready(polly, sample, "WP1"):
            assert child.poll() is None
        for words in (["resume"], ["commit"], ["approve", "WP1"]):
            assert is_refused(polly(*words, cwd=sample), "Another Polly process is at work")
        assert "A Polly process is at work on it" in polly("status", cwd=sample).stderr
        child.send_signal(signal.SIGINT)
        _stdout, stderr = child.communicate()
    assert child.returncode == 130
    assert b"go on with: polly resume" in stderr
    assert b"Traceback" not in stderr
    assert "go on with: polly resume" in polly("status", cwd=sample).stderr

    gate.touch()
    done = polly("resume", cwd=sample)
    assert done.returncode == 0, done.stderr
    attempts = {
        package["id"]: package["attempts"]
        for package in json.loads(polly("report", "--format", "json", cwd=sample).stdout)["packages"]
    }
    assert attempts == {"WP1": 1, "WP2": 2, "WP3": 2}


def _is_ready(polly: Polly, root: Path, package: str) -> bool:
    done = polly("status", "--format", "json", cwd=root)
    if done.returncode:
        return False
    states = {each["id"]: each["state"] for each in json.loads(done.stdout)["packages"]}
    return bool(states[package] == "ready")


@pytest.mark.parametrize("how", ["gone", "rubbish"])
def test_a_run_that_somebody_spoilt_is_named_and_nothing_else_happens(
    sample: Path, polly: Polly, git: Git, how: str
) -> None:
    fixed_sample(polly, sample)
    folder = newest_run(sample)
    whole = shutil.copytree(folder, sample.parent / "whole")
    for name in ("journal.db", "plan.json", "inventory.json", "repo.git"):
        shutil.rmtree(folder)
        shutil.copytree(whole, folder)
        if (folder / name).is_dir():
            shutil.rmtree(folder / name)
        else:
            (folder / name).unlink()
        if how == "rubbish":
            (folder / name).write_text("rubbish {", encoding="utf-8")
        for words in (["diff", "WP1"], ["commit"]):
            assert is_refused(polly(*words, cwd=sample), folder.name, "--run")
    assert git(sample, "rev-list", "--count", "HEAD") == "1"
    assert fixed_sample(polly, sample).returncode == 0, "a new run is not hindered"
