"""`polly agents` and `polly doctor` say what is there, and how to mend what is not."""

import json
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Polly = Callable[..., subprocess.CompletedProcess[str]]


def _found(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    findings: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    return {finding["what"]: finding for finding in findings}


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of this test alone."""
    monkeypatch.setenv("POLLY_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")
def test_agents_are_listed_with_version_abilities_and_what_is_missing(
    polly: Polly, tmp_path: Path, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "my-claude"
    program.write_text("#!/bin/sh\necho '9.8.7 (Claude Code)'\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (repo / "polly.toml").write_text(
        f'[agents.claude]\nprogram = "{program}"\n[agents.codex]\nprogram = "no-such-codex"\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test-key")
    told = json.loads(polly("agents", "--format", "json", cwd=repo).stdout)
    by_name = {agent["name"]: agent for agent in told["agents"]}
    assert list(by_name) == ["claude", "codex", "opencode", "aider", "mini"]
    assert told["built_in"] == ["command", "patch", "scripted"]
    claude = by_name["claude"]
    assert (claude["installed"], claude["version"], claude["path"]) == (True, "9.8.7", str(program))
    assert (claude["guard"], claude["hooks"], claude["resume"]) == ("hooks", True, True)
    assert (claude["keys"], claude["missing"]) == (["ANTHROPIC_API_KEY"], "")
    assert (by_name["codex"]["installed"], by_name["codex"]["tells_cost"]) == (False, False)
    assert "no-such-codex" in by_name["codex"]["missing"]
    table = polly("agents", cwd=repo)
    assert table.returncode == 0
    assert "9.8.7" in table.stdout
    assert "test-key" not in table.stdout + table.stderr


def test_a_healthy_place_has_nothing_to_mend(polly: Polly, repo: Path, state: Path) -> None:
    done = polly("doctor", "--format", "json", cwd=repo)
    found = _found(done)
    assert {what: each["status"] for what, each in found.items() if not what.startswith("agent")} == {
        "Python": "ok",
        "git": "ok",
        "repository": "ok",
        "hooks": "ok",
        "state folder": "ok",
        "spool": "ok",
        "store": "note",
        "Kafka": "ok",
        "quality": "ok",
    }
    assert done.returncode == 0
    assert not (state / "polly.db").exists()


def test_what_waits_in_the_spool_is_told_with_what_brings_it_on(
    polly: Polly, repo: Path, state: Path
) -> None:
    (state / "spool").mkdir(parents=True)
    line = '{"time": "2026-01-02T03:04:05Z"}\n'
    (state / "spool" / "a.jsonl").write_text(line * 3, encoding="utf-8")
    spool = _found(polly("doctor", "--format", "json", cwd=repo))["spool"]
    assert spool["status"] == "note"
    assert spool["found"] == "writable, 3 events in it since 2026-01-02 03:04 UTC"
    assert "polly drain" in spool["next_step"]


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ("[run]\nagent = 3\n", "settings"),
        ('[store]\nurl = "postgresql://nobody@127.0.0.1:1/none"\n', "store"),
        ('[agents.claude]\nprogram = "no-such-program"\n', "agent claude"),
    ],
)
def test_what_is_wrong_is_told_with_what_mends_it(
    polly: Polly, repo: Path, state: Path, settings: str, what: str
) -> None:
    (repo / "polly.toml").write_text(settings, encoding="utf-8")
    done = polly("doctor", "--format", "json", cwd=repo)
    assert done.returncode == 1
    assert _found(done)[what]["status"] == "wrong"
    assert _found(done)[what]["next_step"]
    assert "to mend" in polly("doctor", cwd=repo).stderr


def test_a_state_folder_that_is_a_file_is_told(polly: Polly, repo: Path, state: Path) -> None:
    state.write_text("", encoding="utf-8")
    done = polly("doctor", "--format", "json", cwd=repo)
    found = _found(done)
    assert done.returncode == 1
    assert (found["state folder"]["status"], found["spool"]["status"]) == ("wrong", "wrong")
    assert "POLLY_HOME" in found["state folder"]["next_step"]


def test_outside_of_a_repository_the_rest_is_looked_at_all_the_same(
    polly: Polly, tmp_path: Path, state: Path
) -> None:
    found = _found(polly("doctor", "--format", "json", cwd=tmp_path))
    assert found["repository"]["status"] == "note"
    assert found["git"]["status"] == "ok"
