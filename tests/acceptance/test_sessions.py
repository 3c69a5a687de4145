"""`polly sessions` and `polly session` as a user meets them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.conftest import Polly

import polly as package

RECORD = Path(package.__file__).parent / "hooks" / "record.py"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder of one test."""
    folder = tmp_path / "state"
    monkeypatch.setenv("POLLY_HOME", str(folder))
    return folder


def fire(cwd: Path, event: str, session: str = "sess-1", **payload: Any) -> None:
    """Call the recorder as an agent program does."""
    said = {"session_id": session, "hook_event_name": event, "cwd": str(cwd), "transcript_path": "/t/x.jsonl"}
    subprocess.run(
        [sys.executable, "-I", "-S", RECORD],
        input=json.dumps(said | payload).encode(),
        check=True,
        capture_output=True,
    )


def a_session(cwd: Path, target: str = "a.py", session: str = "sess-1") -> None:
    tool = {"tool_name": "Write", "tool_input": {"file_path": target}, "tool_use_id": "t1"}
    fire(cwd, "SessionStart", session, source="startup")
    fire(cwd, "PreToolUse", session, **tool)
    fire(cwd, "PostToolUse", session, **tool, duration_ms=12, tool_response={"ok": True})
    fire(cwd, "SessionEnd", session, reason="other")


def test_a_session_of_hooks_is_listed_and_shown_without_any_service(
    polly: Polly, home: Path, tmp_path: Path
) -> None:
    a_session(tmp_path)
    done = polly("sessions")
    assert done.returncode == 0
    head, row = done.stdout.splitlines()
    assert head.split()[:3] == ["session", "start", "end"]
    assert row.startswith("sess-1 ")
    assert "claude" in row
    assert "polly session sess-1" in done.stderr
    shown = polly("session", "sess")
    assert (shown.returncode, shown.stderr) == (0, "")
    for words in ("Session sess-1", "Timeline", "Write", "success", "12 ms", "Nothing was denied", "a.py"):
        assert words in shown.stdout


def test_how_many_secrets_were_kept_out_is_told_by_kind(polly: Polly, home: Path, tmp_path: Path) -> None:
    a_session(tmp_path)
    assert "Secrets kept out" not in polly("session", "sess-1").stdout
    key = "ghp_" + "a1B2" * 9
    fire(tmp_path, "UserPromptSubmit", prompt=f"use {key} and {key}")
    fire(tmp_path, "UserPromptSubmit", prompt="postgresql://me:Hunter2x@db/x")
    fire(tmp_path, "UserPromptSubmit", prompt=f"{key} " + "x" * 200_000)
    done = polly("session", "sess-1", "--format", "json")
    told = json.loads(done.stdout)["session"]["redactions"]
    assert told == {"github-token": 3, "url-password": 1}
    assert key not in done.stdout
    assert (
        "Secrets kept out of this record: 3 github-token, 1 url-password."
        in polly("session", "sess-1").stdout
    )
