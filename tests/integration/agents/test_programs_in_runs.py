"""Agent programs as a run starts them and believes them: by their streams, never by an exit status alone."""

import contextlib
import json
import os
import shlex
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Polly = Callable[..., subprocess.CompletedProcess[str]]
Git = Callable[..., str]
Prepare = Callable[..., None]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")

_PATIENCE_SECONDS = 300.0
FIXED = "def add(a, b):\n    return a + b\n"
USAGE = {"m": {"inputTokens": 90, "outputTokens": 10, "cacheReadInputTokens": 5, "costUSD": 0.5}}
GOOD = {"type": "result", "subtype": "success", "is_error": False, "num_turns": 1, "modelUsage": USAGE}
GOOD |= {"total_cost_usd": 0.5}


def _tool(call: str) -> list[dict[str, Any]]:
    block = {"type": "tool_use", "id": call, "name": "Edit", "input": {"file_path": "calc.py"}}
    result = {"type": "tool_result", "tool_use_id": call, "content": "ok"}
    return [
        {"type": "assistant", "message": {"id": f"m-{call}", "content": [block]}},
        {"type": "user", "message": {"content": [result]}},
    ]


@pytest.fixture
def project(tmp_path: Path, git: Git) -> Path:
    """A repository in which add() subtracts, with a review that says so and a check that proves it."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "calc.py").write_text("def add(a, b):\n    return a - b\n", encoding="utf-8")
    (root / "REVIEW.md").write_text(
        "# Review\n\n### C1. add subtracts\n\n**File**: `calc.py:2`\n\n**Problem**: It subtracts.\n",
        encoding="utf-8",
    )
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message=first")
    return root


@pytest.fixture
def prepare(tmp_path: Path, project: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> Prepare:
    """`prepare(agent, **plan)`: the stand-in plays this plan as the program of that agent."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test-key")
    monkeypatch.setenv("CODEX_API_KEY", "test-key")
    monkeypatch.setenv("SECRET_OF_SOMEBODY", "keep out")
    stand_in = Path(__file__).with_name("stand_in.py")

    def make(agent: str, *, attempts: int = 1, **plan: Any) -> None:
        file = tmp_path / "plan.json"
        file.write_text(json.dumps(plan), encoding="utf-8")
        program = tmp_path / "program"
        command = shlex.join([sys.executable, "-I", str(stand_in), str(file)])
        program.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        check = f"{sys.executable} -c 'import calc; assert calc.add(1, 2) == 3'"
        (project / "polly.toml").write_text(
            f'[run]\nattempts = {attempts}\n[agents.{agent}]\nprogram = "{program}"\n'
            f'[[checks]]\nissues = ["C1"]\ncommand = "{check}"\n',
            encoding="utf-8",
        )
        git(project, "add", "polly.toml")
        git(project, "commit", "--quiet", "--message=settings")

    return make


def _report(polly: Polly, project: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(polly("report", "--format", "json", cwd=project).stdout)
    return told


def _events(project: Path, kind: str) -> list[dict[str, Any]]:
    (journal,) = (project / ".polly").glob("runs/*/journal.db")
    with contextlib.closing(sqlite3.connect(journal)) as connection:
        rows = connection.execute("SELECT data FROM events WHERE type = ? ORDER BY seq", (kind,)).fetchall()
    return [json.loads(data) for (data,) in rows]


def _actions(project: Path) -> list[tuple[str, str]]:
    rows = _events(project, "dev.polly.action.recorded.v1")
    return [(row["action"], row["action_type"]) for row in rows]


def _ended(project: Path) -> dict[str, Any]:
    (ended,) = _events(project, "dev.polly.attempt.ended.v1")
    return ended


def test_tools_tokens_and_cost_of_a_stream_are_in_the_records_and_the_report(
    polly: Polly, project: Path, prepare: Prepare
) -> None:
    prepare("claude", say=[*_tool("t1"), "{broken", *_tool("t2"), GOOD], edit={"calc.py": FIXED})
    done = polly("fix", "REVIEW.md", "--agent", "claude", cwd=project)
    assert done.returncode == 0, done.stderr
    assert _actions(project) == [
        ("t1", "tool_call"),
        ("t1", "success"),
        ("t2", "tool_call"),
        ("t2", "success"),
    ]
    figures = _report(polly, project)["figures"]
    assert (figures["tokens"], figures["cost_usd"]) == (105, 0.5)
    (completed,) = _events(project, "dev.polly.execution.completed.v1")
    assert completed["metadata"]["broken_lines"] == 1
    assert completed["metadata"]["tokens"] == {"input": 90, "output": 10, "cache_read": 5, "cache_write": 0}


def test_an_error_with_status_0_is_no_end_and_is_told_in_words(
    polly: Polly, project: Path, prepare: Prepare
) -> None:
    refused = {**GOOD, "is_error": True, "api_error_status": 401, "result": "invalid x-api-key"}
    prepare("claude", say=[refused], edit={"calc.py": FIXED})
    done = polly("fix", "REVIEW.md", "--agent", "claude", cwd=project)
    assert done.returncode == 1
    assert "the model refused the key (401): invalid x-api-key" in done.stderr
    assert (_ended(project)["outcome"], _ended(project)["exit_code"]) == ("crashed", 0)


def test_a_refused_key_is_not_tried_twice_and_the_run_goes_on_with_a_good_one(
    polly: Polly, project: Path, prepare: Prepare, tmp_path: Path
) -> None:
    never = str(tmp_path / "never")
    retry = {"type": "system", "subtype": "api_retry", "attempt": 1, "error_status": 401, "error": "no key"}
    prepare("claude", attempts=3, say=[retry], wait_for=never)
    done = polly("fix", "REVIEW.md", "--agent", "claude", cwd=project)
    assert done.returncode == 1
    assert done.stderr.count("the model refused the key (401)") == 1
    assert "Set ANTHROPIC_API_KEY or" in done.stderr
    assert "polly resume" in done.stderr
    assert (_ended(project)["outcome"], _ended(project)["key_refused"]) == ("crashed", True)
    assert _report(polly, project)["state"] == "interrupted"
    plan = {"say": [GOOD], "edit": {"calc.py": FIXED}}
    (tmp_path / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    again = polly("resume", cwd=project)
    assert again.returncode == 0, again.stderr
    assert len(_events(project, "dev.polly.attempt.ended.v1")) == 2


@pytest.mark.parametrize(
    ("agent", "say"),
    [
        ("claude", {**GOOD, "is_error": True, "api_error_status": 403, "result": "not yours"}),
        ("codex", {"type": "turn.failed", "error": {"message": "last status: 401 Unauthorized"}}),
    ],
)
def test_a_program_that_gives_up_by_itself_when_its_key_is_refused_is_not_started_again(
    polly: Polly, project: Path, prepare: Prepare, agent: str, say: dict[str, Any]
) -> None:
    prepare(agent, attempts=3, say=[say], exit=1)
    assert polly("fix", "REVIEW.md", "--agent", agent, cwd=project).returncode == 1
    assert _ended(project)["key_refused"]


def test_secrets_that_an_agent_is_told_or_prints_are_kept_out_and_counted(
    polly: Polly, project: Path, prepare: Prepare
) -> None:
    key = "ghp_" + "a1B2" * 9
    prepare("claude", say=[f"with {key}", *_tool("t1"), GOOD], edit={"calc.py": FIXED})
    with (project / "REVIEW.md").open("a", encoding="utf-8") as review:
        review.write(f"It even holds https://me:Hunter2x@example.org and {key}.\n")
    assert polly("fix", "REVIEW.md", "--agent", "claude", cwd=project).returncode == 0
    counted = {"github-token": 1}  # those of a finding are counted by a warning of the inventory
    assert _report(polly, project)["figures"]["redactions"] == counted
    assert "| Kept out of the records: github-token | — | 1 |" in polly("report", cwd=project).stdout
    session = _events(project, "dev.polly.execution.completed.v1")[0]["execution"]
    told = json.loads(polly("session", session, "--format", "json", cwd=project).stdout)
    assert told["session"]["redactions"] == counted
    (folder,) = (project / ".polly").glob("runs/*/packages/WP1")
    kept = b"".join(file.read_bytes() for file in folder.iterdir())
    assert key.encode() not in kept
    assert b"Hunter2x" not in kept
    assert key not in polly("plan", "REVIEW.md", "--prompts", cwd=project).stdout


def test_a_failed_turn_with_status_0_is_no_end(polly: Polly, project: Path, prepare: Prepare) -> None:
    failed = {"type": "turn.failed", "error": {"message": "last status: 529 Overloaded"}}
    prepare("codex", say=[{"type": "turn.started"}, failed], edit={"calc.py": FIXED})
    assert polly("fix", "REVIEW.md", "--agent", "codex", cwd=project).returncode == 1
    assert _ended(project)["outcome"] == "crashed"
    assert "overloaded (529)" in _ended(project)["detail"]


def test_a_bad_exit_status_beats_a_rosy_stream(polly: Polly, project: Path, prepare: Prepare) -> None:
    prepare("claude", say=[GOOD], edit={"calc.py": FIXED}, exit=7)
    assert polly("fix", "REVIEW.md", "--agent", "claude", cwd=project).returncode == 1
    assert (_ended(project)["outcome"], _ended(project)["detail"]) == ("crashed", "exit status 7")


def test_each_attempt_adds_its_own_figures(polly: Polly, project: Path, prepare: Prepare) -> None:
    prepare("claude", attempts=2, say=[*_tool("t1"), GOOD], edit={"calc.py": "def add(a, b): return 0\n"})
    assert polly("fix", "REVIEW.md", "--agent", "claude", cwd=project).returncode == 1
    figures = _report(polly, project)["figures"]
    assert (figures["tokens"], figures["cost_usd"]) == (210, 1.0)
    sessions = {row["execution"] for row in _events(project, "dev.polly.action.recorded.v1")}
    assert len(sessions) == 2


def test_claude_starts_alone_with_its_own_folders_and_the_guard_that_no_repository_can_switch_off(
    polly: Polly, project: Path, prepare: Prepare, tmp_path: Path
) -> None:
    prepare("claude", note=str(tmp_path / "given.json"), say=[GOOD], edit={"calc.py": FIXED})
    done = polly("fix", "REVIEW.md", "--agent", "claude:some-model", cwd=project)
    assert done.returncode == 0, done.stderr
    given = json.loads((tmp_path / "given.json").read_text(encoding="utf-8"))
    argv, env = given["argv"], given["env"]
    assert given["stdin"].startswith("# WP1: 1 issue, 1 file\n")
    assert argv[argv.index("--setting-sources") + 1] == "user"
    assert argv[argv.index("--model") + 1] == "some-model"
    assert argv[argv.index("--session-id") + 1] == env["POLLY_SESSION_ID"]
    assert argv[-2:] == ["--allowedTools", "Bash"]
    hooks = json.loads(argv[argv.index("--settings") + 1])["hooks"]
    (guard,) = hooks["PreToolUse"][0]["hooks"]
    assert guard["onFailure"] == "block"
    assert {"Write", "Edit", "Bash"} <= set(hooks["PreToolUse"][0]["matcher"].split("|"))
    assert "SubagentStop" in hooks
    attempt = Path(env["POLLY_PROMPT_FILE"]).parent
    assert Path(env["CLAUDE_CONFIG_DIR"]).parent == attempt
    assert env["TMPDIR"] != os.environ.get("TMPDIR", "/tmp")
    assert env["ANTHROPIC_API_KEY"] == "test-key"
    assert "SECRET_OF_SOMEBODY" not in env
    assert "CODEX_API_KEY" not in env


def test_codex_starts_alone_with_its_own_folder_hooks_and_sandbox(
    polly: Polly, project: Path, prepare: Prepare, tmp_path: Path
) -> None:
    end = {"type": "turn.completed", "usage": {"input_tokens": 5}}
    prepare("codex", note=str(tmp_path / "given.json"), say=[end], edit={"calc.py": FIXED})
    done = polly("fix", "REVIEW.md", "--agent", "codex", cwd=project)
    assert done.returncode == 0, done.stderr
    given = json.loads((tmp_path / "given.json").read_text(encoding="utf-8"))
    argv, env = given["argv"], given["env"]
    assert given["stdin"].startswith("# WP1: 1 issue, 1 file\n")
    assert argv[0] == "exec"
    assert argv[argv.index("-s") + 1] == "workspace-write"
    assert "--dangerously-bypass-hook-trust" in argv
    assert Path(env["CODEX_HOME"]).parent == Path(env["POLLY_PROMPT_FILE"]).parent
    assert env["CODEX_API_KEY"] == "test-key"
    assert "ANTHROPIC_API_KEY" not in env


def test_after_a_killed_polly_no_action_is_missing_and_none_is_there_twice(
    polly: Polly, project: Path, prepare: Prepare, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    prepare("claude", say=_tool("t1"), wait_for=str(go), then=[*_tool("t2"), GOOD], edit={"calc.py": FIXED})
    command = [sys.executable, "-m", "polly", "fix", "REVIEW.md", "--agent", "claude"]
    first = subprocess.Popen(command, cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not _told(project):
        assert time.monotonic() < deadline, "the first action was never recorded"
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.wait()
    go.touch()
    done = polly("resume", cwd=project)
    assert done.returncode == 0, done.stderr
    counted = Counter(_actions(project))
    assert counted == {(call, kind): 1 for call in ("t1", "t2") for kind in ("tool_call", "success")}
    assert _report(polly, project)["figures"]["cost_usd"] == 0.5


def _told(project: Path) -> bool:
    try:
        return ("t1", "success") in _actions(project)
    except (ValueError, sqlite3.Error):
        return False


def test_the_prompts_can_be_read_before_anything_runs(polly: Polly, project: Path, prepare: Prepare) -> None:
    prepare("claude")
    (project / ".polly" / "prompts").mkdir(parents=True)
    (project / ".polly" / "prompts" / "rules.md").write_text("## Rules\n\nOf this house.\n", encoding="utf-8")
    planned = polly("plan", "REVIEW.md", "--prompts", cwd=project)
    assert planned.returncode == 0, planned.stderr
    assert "# WP1: 1 issue, 1 file" in planned.stdout
    assert "Of this house." in planned.stdout
    assert "import calc" in planned.stdout  # the check that will be run
    again = polly("plan", "--prompts", "WP1", cwd=project)
    assert again.stdout == planned.stdout
    told = json.loads(polly("plan", "--prompts", "--format", "json", cwd=project).stdout)
    assert list(told) == ["WP1"]
    unknown = polly("plan", "--prompts", "WP9", cwd=project)
    assert unknown.returncode == 2
    assert "There is no package WP9" in unknown.stderr


def test_a_template_that_cannot_be_used_stops_a_run_before_it_begins(
    polly: Polly, project: Path, prepare: Prepare
) -> None:
    prepare("claude", say=[GOOD])
    (project / ".polly" / "prompts").mkdir(parents=True)
    (project / ".polly" / "prompts" / "rules.md").write_text("costs $ 5\n", encoding="utf-8")
    done = polly("fix", "REVIEW.md", "--agent", "claude", cwd=project)
    assert done.returncode == 2
    assert "rules.md line 1" in done.stderr
