"""What reaches a terminal, a pipe and a program."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.acceptance.conftest import FIXER, Git, Polly, commit_all, fixed_sample, result, sarif

#: Clears the screen, sets the window's title, turns the text around; and an odd file name.
_HOSTILE = "\x1b[2J\x1b]0;owned\x07 \u202egnp.exe \x9b31m"


@pytest.fixture
def hostile(sample: Path, git: Git) -> Path:
    """The sample with a scanner, a rule, a message and a file whose names would steer a terminal."""
    name = "a\x1b[31m\u202eb.py" if sys.platform != "win32" else "a\u202eb.py"
    (sample / "src" / name).write_text("x = 1\n", encoding="utf-8")
    log = sarif(result(f"src/{name}", _HOSTILE), result("src/a.py", _HOSTILE), tool=f"lint{_HOSTILE}")
    (sample / "hostile.sarif").write_text(log, encoding="utf-8")
    commit_all(git, sample, "hostile")
    return sample


def _steers(text: str) -> bool:
    return any(character in text for character in "\x1b\x07\x9b\u202e")


def test_nothing_of_a_finding_steers_the_terminal(hostile: Path, polly: Polly) -> None:
    for words in (
        ("issues", "hostile.sarif"),
        ("issues", "hostile.sarif", "--format", "json"),
        ("issues", "hostile.sarif", "--format", "markdown"),
        ("plan", "hostile.sarif"),
        ("fix", "hostile.sarif", *FIXER),
        ("status",),
        ("report",),
        ("runs",),
    ):
        done = polly(*words, cwd=hostile)
        assert done.returncode in (0, 1), done.stderr
        assert not _steers(done.stdout), words
        assert not _steers(done.stderr), words


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pseudo-terminal to read from")
def test_nothing_of_a_finding_steers_a_real_terminal(hostile: Path) -> None:
    printed = "".join(
        _on_a_terminal(hostile, *words)
        for words in (("fix", "hostile.sarif", *FIXER), ("issues", "hostile.sarif"), ("diff",))
    )
    assert "\\x1b[2J" in printed, "it is shown as text"
    for bad in ("\x1b[2J", "\x1b]0;", "\u202e", "\x9b", "\x07"):
        assert bad not in printed


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pseudo-terminal to read from")
def test_a_terminal_shows_live_rows_and_a_pipe_does_not(sample: Path, polly: Polly) -> None:
    slow = (*FIXER[:4], "-c", "import time, runpy; time.sleep(0.5); runpy.run_path('tools/fix.py')")
    assert "of 3 packages done" in _on_a_terminal(sample, "fix", "REVIEW.md", *slow)
    assert "packages done" not in fixed_sample(polly, sample).stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pseudo-terminal to read from")
def test_a_terminal_too_narrow_for_columns_gets_one_line_per_cell(sample: Path, polly: Polly) -> None:
    fixed_sample(polly, sample)
    printed = _on_a_terminal(sample, "status", COLUMNS="40", NO_COLOR="1")
    lines = re.sub(r"\x1b\[[0-9;]*m", "", printed).splitlines()
    assert "state: ready" in lines
    assert max(map(len, lines)) <= 40


def _on_a_terminal(cwd: Path, *words: str, **variables: str) -> str:
    import pty

    master, slave = pty.openpty()
    command = [sys.executable, "-m", "polly", *words]
    env = os.environ | {"TERM": "xterm-256color", "COLUMNS": "100"} | variables
    with subprocess.Popen(command, cwd=cwd, env=env, stdin=slave, stdout=slave, stderr=slave):
        os.close(slave)
        chunks = []
        try:
            while chunk := os.read(master, 65536):
                chunks.append(chunk)
        except OSError:  # Linux says so when the other side is closed
            pass
    os.close(master)
    return b"".join(chunks).decode("utf-8")


def test_json_on_stdout_is_only_json(sample: Path, polly: Polly) -> None:
    for words in (
        ("issues", "REVIEW.md"),
        ("plan", "REVIEW.md"),
        ("run", *FIXER),
        ("resume",),
        ("status",),
        ("report",),
        ("runs",),
        ("version",),
    ):
        command, *rest = words
        done = polly(command, "--format", "json", *rest, cwd=sample)
        assert done.returncode == 0, (words, done.stderr)
        json.loads(done.stdout)


def test_a_reader_that_takes_one_line_is_no_error(sample: Path) -> None:
    log = sarif(*(result("src/a.py", "x" * 2000, f"R{number}") for number in range(200)))
    (sample / "many.sarif").write_text(log, encoding="utf-8")
    command = [sys.executable, "-m", "polly", "issues", "many.sarif"]
    with subprocess.Popen(command, cwd=sample, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stderr
        assert child.stdout.readline().startswith(b"id ")
        child.stdout.close()
        assert b"Traceback" not in child.stderr.read()
    assert child.returncode == 141


def test_a_table_in_a_pipe_has_one_line_per_row(sample: Path, polly: Polly) -> None:
    done = polly("issues", "REVIEW.md", cwd=sample, env={"COLUMNS": "20"})
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["id", "C1", "M2", "N3"]


def test_runs_of_other_repositories_are_listed_only_when_asked(
    sample: Path, repo: Path, polly: Polly
) -> None:
    fixed_sample(polly, sample)
    assert json.loads(polly("runs", "--format", "json", cwd=repo).stdout) == []
    listed = json.loads(polly("runs", "--all", "--format", "json", cwd=repo).stdout)
    assert str(sample) in {run["project_path"] for run in listed}


def test_warnings_of_one_kind_are_told_a_few_times_and_counted(sample: Path, polly: Polly) -> None:
    log = sarif(*(result(f"gone/{number}.py", "x") for number in range(9)), result("/elsewhere/b.py", "y"))
    (sample / "gone.sarif").write_text(log, encoding="utf-8")
    told = polly("issues", "gone.sarif", cwd=sample).stderr
    assert told.count("does not exist at the base commit") == 5
    assert "More of the like: 4 file not found; `polly issues --format json` has every one" in told
    assert "1 finding names a file outside the repository, such as /elsewhere/b.py" in told
    complete = json.loads(polly("issues", "gone.sarif", "--format", "json", cwd=sample).stdout)
    assert [each["code"] for each in complete["warnings"]].count("file_not_found") == 9


def test_references_of_what_was_left_out_do_not_repeat_their_beginning(sample: Path, polly: Polly) -> None:
    log = sarif(*({**result("src/a.py"), "kind": "pass"} for _ in range(5)))
    (sample / "passed.sarif").write_text(log, encoding="utf-8")
    assert (
        "(passed.sarif#/runs/0/results/0, …/1, …/2, …)" in polly("issues", "passed.sarif", cwd=sample).stderr
    )
