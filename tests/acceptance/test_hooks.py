"""`polly hooks`, as a person uses it."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

Polly = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def env(tmp_path: Path) -> Mapping[str, str]:
    return {
        "CLAUDE_CONFIG_DIR": str(tmp_path / "claude"),
        "CODEX_HOME": str(tmp_path / "codex"),
        "POLLY_HOME": str(tmp_path / "home"),
    }


def _programs(polly: Polly) -> dict[str, list[str]]:
    shown: dict[str, list[str]] = json.loads(polly("hooks", "show", "--format", "json").stdout)
    return shown


def test_the_programs_are_shown_as_lists_of_words(polly: Polly) -> None:
    programs = _programs(polly)
    assert set(programs) == {"record", "guard"}
    for name, (python, *options, file) in programs.items():
        assert options == ["-I", "-S"]
        assert Path(python).exists()
        assert Path(file).name == f"{name}.py"


def test_a_session_is_recorded_and_drained_with_nothing_running(
    polly: Polly, env: Mapping[str, str], tmp_path: Path
) -> None:
    record = _programs(polly)["record"]
    payloads: list[dict[str, Any]] = [
        {"hook_event_name": "SessionStart", "source": "startup"},
        {"hook_event_name": "PreToolUse", "tool_name": "Read", "tool_input": {}, "tool_use_id": "t1"},
        {"hook_event_name": "PostToolUse", "tool_name": "Read", "tool_response": "", "tool_use_id": "t1"},
        {"hook_event_name": "SessionEnd", "reason": "other"},
    ]
    for payload in payloads:
        text = json.dumps({"session_id": "s-1", "cwd": str(tmp_path), **payload})
        subprocess.run(record, input=text, env={**os.environ, **env}, check=True, text=True)
    drained = json.loads(polly("drain", "--format", "json", env=env).stdout)
    assert (drained["stored"], drained["dead"], drained["files_deleted"]) == (4, 0, 1)
    assert not list((tmp_path / "home" / "spool").glob("*.jsonl"))


def test_what_is_installed_is_said_and_taken_out_again(
    polly: Polly, env: Mapping[str, str], tmp_path: Path
) -> None:
    (tmp_path / "claude").mkdir()
    settings = tmp_path / "claude" / "settings.json"
    before = '{\n  "model": "opus", "hooks": {"Stop": [ ]}}'
    settings.write_text(before)
    assert polly("hooks", "status", env=env).returncode == 1
    assert "recorded from now on" in polly("hooks", "install", env=env).stderr
    assert "is recorded already" in polly("hooks", "install", env=env).stderr
    states = {
        (each["agent"], each["scope"]): each["state"]
        for each in json.loads(polly("hooks", "status", "--format", "json", env=env).stdout)
    }
    assert states["claude", "user"] == states["codex", "user"] == "installed"
    assert states["claude", "project"] == "not installed"
    assert "twice would be once too much" in polly("hooks", "install", "--project", env=env).stderr
    assert polly("hooks", "status", env=env).returncode == 0
    assert polly("hooks", "uninstall", env=env).returncode == 0
    assert settings.read_text() == before
    assert not (tmp_path / "codex" / "hooks.json").exists()


def test_settings_with_comments_are_refused_with_the_place(
    polly: Polly, env: Mapping[str, str], tmp_path: Path
) -> None:
    (tmp_path / "claude").mkdir()
    (tmp_path / "claude" / "settings.json").write_text('{\n  // mine\n  "model": "opus"\n}\n')
    done = polly("hooks", "install", "--agent", "claude", env=env)
    assert done.returncode == 2
    assert "comments are no JSON" in done.stderr
    assert "line 2" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_plugin_is_written_into_a_folder_of_its_own(polly: Polly, tmp_path: Path) -> None:
    done = polly("hooks", "plugin", "out")
    assert done.returncode == 0
    assert ".claude-plugin/plugin.json" in done.stdout
    assert json.loads((tmp_path / "out" / ".claude-plugin" / "plugin.json").read_bytes())["name"] == "polly"
    (tmp_path / "out" / "mine.txt").write_text("")
    refused = polly("hooks", "plugin", "out")
    assert (refused.returncode, "not empty" in refused.stderr) == (2, True)
