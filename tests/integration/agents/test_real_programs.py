"""The real programs at work for Polly: what the scripted model served is what the records say."""

import contextlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.model.script import Action, Script, Step, Usage, save
from tests.model.scripted_model import ScriptedModel, edit, write

Polly = Callable[..., subprocess.CompletedProcess[str]]
Git = Callable[..., str]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its settings are written for POSIX shells")

_MEND = edit("calc.py", "    return a - b", "    return a + b")
_CLAIM = 'printf %s \'{"issues":{"C1":{"status":"fixed","note":"added"}}}\' > "$POLLY_RESULT_FILE"'
_STEPS = (
    Step(actions=(Action(read="calc.py"),), usage=Usage(input=1000, output=40, cache_read=10)),
    Step(actions=(_MEND,), usage=Usage(input=200, output=41)),
    Step(actions=(write("other.py", "NAME = 'stolen'\n"),), usage=Usage(input=300, output=42)),
    Step(actions=(Action(shell=_CLAIM),), usage=Usage(input=310, output=43)),
    Step(text="It adds now.", usage=Usage(input=320, output=9)),
)


@pytest.fixture
def project(tmp_path: Path, git: Git) -> Path:
    """A repository in which add() subtracts, and whose own settings would switch off every hook."""
    root = tmp_path / "project"
    files = {
        "calc.py": "def add(a, b):\n    return a - b\n",
        "other.py": "NAME = 'other'\n",
        "REVIEW.md": "# Review\n\n### C1. add subtracts\n\n**File**: `calc.py:2`\n\n**Problem**: Wrong.\n",
        ".claude/settings.json": '{"disableAllHooks": true, "permissions": {"deny": ["Edit", "Bash"]}}\n',
        ".codex/config.toml": 'sandbox_mode = "read-only"\n[features]\nhooks = false\n',
        ".codex/hooks.json": '{"hooks": {}}\n',
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message=first")
    return root


@pytest.fixture
def fix(project: Path, polly: Polly, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`fix(agent, settings)` runs `polly fix` with these settings of the agent, and expects a proved fix."""
    for name in ("ANTHROPIC_API_KEY", "CODEX_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "test-key")

    def run(agent: str, **settings: object) -> None:
        check = f"{sys.executable} -c 'import calc; assert calc.add(1, 2) == 3'"
        given = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
        checks = f'[[checks]]\nissues = ["C1"]\ncommand = {json.dumps(check)}\n'
        text = f"[run]\nattempts = 1\n[agents.{agent}]\n{given}{checks}"
        (project / "polly.toml").write_text(text, encoding="utf-8")
        done = polly("fix", "REVIEW.md", "--agent", agent, cwd=project)
        assert done.returncode == 0, done.stderr

    return run


def _events(project: Path, kind: str) -> list[dict[str, Any]]:
    (journal,) = (project / ".polly").glob("runs/*/journal.db")
    with contextlib.closing(sqlite3.connect(journal)) as connection:
        rows = connection.execute("SELECT data FROM events WHERE type = ? ORDER BY seq", (kind,)).fetchall()
    return [json.loads(data) for (data,) in rows]


def _ended(project: Path) -> dict[str, Any]:
    (ended,) = _events(project, "dev.polly.attempt.ended.v1")
    return ended


def _actions(project: Path, kind: str) -> list[dict[str, Any]]:
    rows = _events(project, "dev.polly.action.recorded.v1")
    return [row for row in rows if row["action_type"] == kind]


def _total(usage: Usage) -> int:
    return usage.input + usage.output + usage.cache_read + usage.cache_write


def test_claude_is_kept_to_its_files_and_its_records_are_what_the_model_served(
    claude_program: Path, model: ScriptedModel, project: Path, fix: Callable[..., None]
) -> None:
    save(model.scripts, "wp1", Script(steps=_STEPS, when="^# WP1:"))
    fix("claude", program=str(claude_program), base_url=model.url, max_retries=1)
    calls = [(row["action"], row["action_name"]) for row in _actions(project, "tool_call")]
    assert calls == [(call.id, call.name) for call in model.calls()]
    ends = [row["action"] for row in (*_actions(project, "success"), *_actions(project, "error"))]
    assert sorted(ends) == sorted(call.id for call in model.calls())
    (denied,) = _actions(project, "error")
    assert (denied["action_details"]["target"], denied["action_details"]["outcome"]) == ("other.py", "denied")
    ended = _ended(project)
    assert ended["tokens"] == _total(model.usage())
    assert ended["cost_usd"] > 0
    assert ended["claims"] == {"C1": {"status": "fixed", "note": "added"}}
    (captured,) = _events(project, "dev.polly.changes.captured.v1")
    assert (captured["owned_changed"], captured["strays"]) == (["calc.py"], [])


def test_codex_is_kept_to_its_files_and_its_records_are_what_the_model_served(
    codex_program: Path, model: ScriptedModel, project: Path, fix: Callable[..., None]
) -> None:
    save(model.scripts, "wp1", Script(steps=_STEPS, when="^# WP1:"))
    fix("codex", program=str(codex_program), base_url=f"{model.url}/v1", model="gpt-5.5", max_retries=1)
    # A patch that a hook has denied is not in the stream; the guard records it.
    assert [row["action_name"] for row in _actions(project, "tool_call")] == ["shell", "file_change", "shell"]
    assert _actions(project, "error") == []
    ended = _ended(project)
    assert ended["tokens"] == _total(model.usage())
    assert ended["cost_usd"] is None
    assert ended["claims"] == {"C1": {"status": "fixed", "note": "added"}}
    (captured,) = _events(project, "dev.polly.changes.captured.v1")
    assert (captured["owned_changed"], captured["strays"]) == (["calc.py"], [])


_DEMAND = (
    Step(actions=(_MEND,)),
    Step(actions=(Action(shell='polly request-file other.py --reason "the name is wrong as well"'),)),
    Step(
        actions=(write("new.py", "NAME = 'not mine'\n"), edit("other.py", "NAME = 'other'", "NAME = 'mine'"))
    ),
    Step(text="It adds now."),
)


@pytest.mark.parametrize("agent", ["claude", "codex"])
def test_a_file_is_asked_for_in_the_shell_of_the_agent_and_then_its_own(
    request: pytest.FixtureRequest,
    model: ScriptedModel,
    project: Path,
    fix: Callable[..., None],
    agent: str,
) -> None:
    program = request.getfixturevalue(f"{agent}_program")
    save(model.scripts, "wp1", Script(steps=_DEMAND, when="^# WP1:"))
    settings: dict[str, Any] = {
        "claude": {"base_url": model.url, "allowed_tools": ["Bash(true *)"]},
        "codex": {"base_url": f"{model.url}/v1", "model": "gpt-5.5"},
    }
    fix(agent, program=str(program), max_retries=1, **settings[agent])
    (asked,) = _events(project, "dev.polly.file.requested.v1")
    assert (asked["request"]["path"], asked["request"]["answer"]) == ("other.py", "granted")
    (captured,) = _events(project, "dev.polly.changes.captured.v1")
    assert (captured["owned_changed"], captured["strays"]) == (["calc.py", "other.py"], [])


def test_mini_is_judged_by_its_trajectory_and_what_it_wrote_elsewhere_is_set_aside(
    mini_program: Path, project: Path, fix: Callable[..., None], tmp_path: Path
) -> None:
    commands = [
        "sed -i 's/a - b/a + b/' calc.py",
        "echo x > stray.txt",
        "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT",
    ]
    outputs = [
        {"role": "assistant", "content": "x", "extra": {"actions": [{"command": command}], "cost": 0.25}}
        for command in commands
    ]
    config = tmp_path / "mini.yaml"
    value = {"model": {"model_class": "deterministic", "model_name": "scripted", "outputs": outputs}}
    config.write_text(json.dumps(value), encoding="utf-8")
    fix("mini", program=str(mini_program), config=str(config), max_turns=10)
    assert [row["action_details"]["target"] for row in _actions(project, "tool_call")] == commands
    assert len(_actions(project, "success")) == 3
    assert _ended(project)["cost_usd"] == 0.75
    (captured,) = _events(project, "dev.polly.changes.captured.v1")
    assert (captured["owned_changed"], captured["strays"]) == (["calc.py"], ["stray.txt"])


def test_opencode_is_kept_to_its_files_by_its_own_rules(
    opencode_program: Path, model: ScriptedModel, project: Path, fix: Callable[..., None]
) -> None:
    save(model.scripts, "wp1", Script(steps=_STEPS, when="^# WP1:"))
    settings = {"base_url": f"{model.url}/v1", "model": "x/scripted"}
    fix("opencode", program=str(opencode_program), **settings)
    (denied,) = _actions(project, "error")
    assert (denied["action_details"]["target"], denied["action_details"]["outcome"]) == ("other.py", "denied")
    ended = _ended(project)
    assert (ended["tokens"], ended["cost_usd"]) == (
        sum(_total(step.usage or Usage()) for step in _STEPS),
        None,
    )
    (captured,) = _events(project, "dev.polly.changes.captured.v1")
    assert (captured["owned_changed"], captured["strays"]) == (["calc.py"], [])


def test_aider_mends_the_file_in_its_chat(
    aider_program: Path, model: ScriptedModel, project: Path, fix: Callable[..., None]
) -> None:
    lines = ["calc.py", "```", "<<<<<<< SEARCH", "    return a - b", "=======", "    return a + b"]
    answer = Step(text="\n".join([*lines, ">>>>>>> REPLACE", "```", ""]), usage=Usage(input=300, output=40))
    # Its examples are turns of the conversation too.
    model.add("wp1", *([answer] * 8), when="WP1: ", without_tools=True)
    settings = {"base_url": f"{model.url}/v1", "model": "openai/scripted", "edit_format": "diff"}
    fix("aider", program=str(aider_program), **settings)
    assert [row["action_details"]["target"] for row in _actions(project, "success")] == ["calc.py"]
    assert _ended(project)["tokens"] == _total(model.usage())
