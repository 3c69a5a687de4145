"""`polly analyze` and `polly intelligence request` as a user meets them."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.acceptance.conftest import Polly, is_refused

import polly as package

BAD = (
    "import os\n\n\ndef add(one):\n    try:\n        return eval(one)\n    except Exception:\n        pass\n"
)


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A folder of sources."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "a.py").write_text(BAD, encoding="utf-8")
    (folder / "b.js").write_text("var x = eval(y);\n", encoding="utf-8")
    return folder


@pytest.fixture
def polly(polly: Polly, code: Path) -> Polly:
    """Runs in that folder."""
    return partial(polly, cwd=code)


def answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    value = json.loads(done.stdout)
    assert isinstance(value, dict)
    return value


def test_a_folder_is_analysed_and_shown(code: Path, polly: Polly) -> None:
    done = polly("analyze", ".")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[2].startswith("a.py")
    assert "swallowed-error" in done.stdout
    assert " UTC" in done.stderr
    assert "Worth most:" in done.stderr


def test_the_json_has_everything_with_times_in_utc(code: Path, polly: Polly) -> None:
    done = polly("analyze", "a.py", "--format", "json", "--output", "out.json")
    found = answer(done)
    assert json.loads((code / "out.json").read_text(encoding="utf-8")) == found
    for name in ("started_at", "finished_at"):
        offset = datetime.fromisoformat(found[name]).utcoffset()
        assert offset is not None
        assert not offset
    file = found["files"][0]
    assert 0 < file["quality"]["score"] < 0.6
    assert {each["name"] for each in file["patterns"]} == {"broad-catch", "swallowed-error"}
    assert found["tools"]["ruff"]


def test_every_failure_is_named_and_the_others_are_analysed(code: Path, polly: Polly) -> None:
    (code / "broken.py").write_text("def f(:\n", encoding="utf-8")
    (code / "binary.py").write_bytes(b"\0\1\2")
    done = polly("analyze", ".", "gone.py", "--format", "json")
    assert done.returncode == 1
    assert {(each["path"], each["code"]) for each in answer(done)["failures"]} == {
        ("broken.py", "unparsable"),
        ("binary.py", "binary"),
        ("gone.py", "file_not_found"),
    }
    assert len(answer(done)["files"]) == 3
    for path in ("broken.py", "binary.py", "gone.py"):
        assert f"Warning: {path}: " in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a file that may not be read needs modes")
def test_a_file_that_may_not_be_read_is_named(code: Path, without_override: Polly) -> None:
    (code / "a.py").chmod(0)
    done = without_override("analyze", ".", "--format", "json", cwd=code)
    assert done.returncode == 1
    assert answer(done)["failures"][0]["code"] == "not_readable"


def test_what_git_ignores_what_others_wrote_and_links_are_left_out_and_counted(
    code: Path, polly: Polly, git: Callable[..., str]
) -> None:
    git(code, "init", "--quiet")
    (code / ".gitignore").write_text("made/\nsecret.py\n", encoding="utf-8")
    for name in ("made/x.py", "secret.py", "node_modules/x/y.js", "notes.txt", "sub/c.go"):
        (code / name).parent.mkdir(parents=True, exist_ok=True)
        (code / name).write_text("package c\n", encoding="utf-8")
    outside = code.parent / "outside"
    outside.mkdir()
    (outside / "private.py").write_text("x = 1\n", encoding="utf-8")
    (code / "link").symlink_to(outside, target_is_directory=True)
    (code / "link.py").symlink_to(outside / "private.py")
    found = answer(polly("analyze", ".", "--format", "json"))
    assert [each["source_path"] for each in found["files"]] == ["a.py", "b.js", "sub/c.go"]
    assert found["left_out"] == {
        "a symbolic link": 2,
        "another language": 2,
        "ignored by git": 2,
        "vendored or generated": 1,
    }


def test_include_takes_only_what_matches(code: Path, polly: Polly) -> None:
    found = answer(polly("analyze", ".", "--include", "*.js", "--format", "json"))
    assert [each["source_path"] for each in found["files"]] == ["b.js"]
    assert found["left_out"] == {"not included": 1}


def test_odd_names_reach_no_shell_and_no_option(code: Path, polly: Polly) -> None:
    for name in ("$(touch pwned).py", "-rf.py", "--config=x.py", "a;touch pwned.sh", "`touch pwned`.sql"):
        (code / name).write_text("x = 1\n" if name.endswith(".py") else "select 1;\n", encoding="utf-8")
    done = polly("analyze", ".", "--format", "json")
    assert len(answer(done)["files"]) == 7
    assert not (code / "pwned").exists()


def test_what_steers_a_terminal_is_shown_harmless(code: Path, polly: Polly) -> None:
    (code / "c.py").write_text('x = eval("\x1b[31m")\nclass E\x1b: pass\n', encoding="utf-8")
    done = polly("analyze", ".")
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["empty"], "nothing to analyse in empty"),
        ([], "Missing argument"),
        (["a.py", "--operation", "magic"], "magic"),
        (["a.py", "--jobs", "0"], "jobs"),
        (["a.py", "--timeout", "soon"], "timeout"),
        (["a.py", "--output", "no/such/x.json"], "there is no such folder"),
        (["a.py", "--output", "empty"], "it is a folder"),
    ],
)
def test_wrong_use_is_refused(code: Path, polly: Polly, options: list[str], said: str) -> None:
    (code / "empty").mkdir()
    is_refused(polly("analyze", *options), said)


def test_own_patterns_of_a_repository_are_used_and_bad_ones_refused(code: Path, polly: Polly) -> None:
    own = code / ".polly" / "patterns"
    own.mkdir(parents=True)
    rule = (
        "rules:\n  - name: evaluation\n    category: house\n    why: we agreed to\n    confidence: 0.5\n"
        "    matches:\n      - languages: [python]\n        rule: {pattern: eval($A)}\n"
    )
    (own / "house.yaml").write_text(rule, encoding="utf-8")
    done = polly("analyze", "a.py", "--operation", "pattern-discovery", "--format", "json")
    patterns = answer(done)["files"][0]["patterns"]
    assert ("evaluation", 6) in {(each["name"], each["start_line"]) for each in patterns}
    (own / "house.yaml").write_text(rule.replace("pattern:", "patern:"), encoding="utf-8")
    is_refused(polly("analyze", "a.py"), "matches[0].rule")


def test_what_is_not_analysed_in_time_is_named(code: Path, polly: Polly) -> None:
    for number in range(40):
        (code / f"m{number}.py").write_text(BAD * 200, encoding="utf-8")
    done = polly("analyze", ".", "--timeout", "0.1", "--format", "json")
    assert done.returncode == 1
    assert {each["code"] for each in answer(done)["failures"]} == {"timeout"}


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent as a signal")
def test_ctrl_c_ends_the_workers(code: Path) -> None:
    for number in range(30):
        (code / f"m{number}.py").write_text(BAD * 3000, encoding="utf-8")
    command = [sys.executable, "-m", "polly", "analyze", ".", "--jobs", "2"]
    process = subprocess.Popen(command, cwd=code, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    watched = psutil.Process(process.pid)
    started: list[psutil.Process] = []
    until = time.monotonic() + 300
    while time.monotonic() < until and not any(is_worker(each) for each in started):
        started = watched.children(recursive=True)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 130, said
    gone, alive = psutil.wait_procs(started, timeout=60)
    assert gone
    assert not alive


def is_worker(process: psutil.Process) -> bool:
    try:
        return "polly.intelligence.worker" in process.cmdline()
    except psutil.Error:
        return False


def test_a_question_is_answered_as_json(code: Path, polly: Polly) -> None:
    done = polly(
        "intelligence", "request", "--operation", "quality-assessment", "--file", "a.py",
        "--correlation-id", "mine", "--include-metrics",
    )  # fmt: skip
    found = answer(done)
    assert (found["success"], found["operation"], found["correlation_id"]) == (
        True,
        "quality-assessment",
        "mine",
    )
    assert 0 < found["quality_score"] < 0.6
    assert found["metrics"]["answered_by"] == "in process"


def test_patterns_found_counts_patterns(code: Path, polly: Polly) -> None:
    found = answer(
        polly("intelligence", "request", "--operation", "pattern-discovery", "--source-path", "a.py")
    )
    assert found["patterns_found"] == len(found["patterns"]) == 2


def test_content_may_be_given_with_its_language(code: Path, polly: Polly) -> None:
    done = polly(
        "intelligence", "request", "--operation", "code-analysis", "--content", "eval(x)", "--language", "js"
    )
    assert answer(done)["language"] == "javascript"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--operation", "pattern-discovery", "--content", "x"], "refused"),
        (["--operation", "code-analysis"], "refused"),
        (["--operation", "code-analysis", "--file", "a.py", "--content", "x"], "refused"),
        (["--operation", "code-analysis", "--file", "gone.py"], "file_not_found"),
        (["--operation", "code-analysis", "--file", "a.py", "--language", "cobol"], "bad_request"),
        (["--operation", "code-analysis", "--file", "a.py", "--timeout-ms", "0"], "timeout"),
    ],
)
def test_a_question_without_an_answer_says_why(
    code: Path, polly: Polly, options: list[str], error: str
) -> None:
    done = polly("intelligence", "request", *options, "--correlation-id", "mine")
    found = answer(done)
    assert done.returncode == 1
    assert (found["success"], found["correlation_id"], found["error_type"]) == (False, "mine", error)
    assert found["error"]


def test_the_skill_names_only_options_that_exist(polly: Polly) -> None:
    skill = Path(package.__file__).parent / "plugin" / "skills" / "request-intelligence" / "SKILL.md"
    words = skill.read_text(encoding="utf-8").replace("`", " ").replace("(", " ").split()
    named = {word for word in words if word.startswith("--") and word.strip("-")}
    shown = polly("intelligence", "request", "--help").stdout
    assert named
    assert all(option in shown for option in named)
