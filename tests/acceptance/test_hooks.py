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


def test_suggesting_roles_is_asked_for_shown_and_taken_out_again(
    polly: Polly, env: Mapping[str, str], tmp_path: Path
) -> None:
    settings = tmp_path / "claude" / "settings.json"
    settings.parent.mkdir()
    others = [{"hooks": [{"type": "command", "command": "say hello"}]}]
    before = json.dumps({"hooks": {"UserPromptSubmit": others}})
    settings.write_text(before)

    def suggests() -> bool:
        shown = json.loads(polly("hooks", "status", "--format", "json", env=env).stdout)
        (claude,) = [each for each in shown if (each["agent"], each["scope"]) == ("claude", "user")]
        assert claude["state"] == "installed"
        told: bool = claude["suggests_roles"]
        return told

    assert polly("hooks", "install", env=env).returncode == 0
    assert not suggests()
    assert "role suggested" in polly("hooks", "install", "--suggest-roles", env=env).stderr
    assert suggests()
    written = settings.read_text()
    assert json.loads(written)["hooks"]["UserPromptSubmit"][0] == others[0]
    for again in ((), ("--suggest-roles",)):
        assert "claude: is recorded already" in polly("hooks", "install", *again, env=env).stderr
        assert settings.read_text() == written
    assert "polly.hooks.suggest" not in (tmp_path / "codex" / "hooks.json").read_text()
    elsewhere = polly("hooks", "install", "--project", "--suggest-roles", "--agent", "claude", env=env)
    assert "polly hooks install --suggest-roles" in elsewhere.stderr
    assert polly("hooks", "install", "--no-suggest-roles", env=env).returncode == 0
    assert not suggests()
    polly("hooks", "install", "--suggest-roles", env=env)
    assert polly("hooks", "uninstall", env=env).returncode == 0
    assert settings.read_text() == before


def test_roles_are_suggested_to_claude_code_only(polly: Polly, env: Mapping[str, str]) -> None:
    done = polly("hooks", "install", "--agent", "codex", "--suggest-roles", env=env)
    assert done.returncode == 2
    assert "Claude Code only" in done.stderr
