"""The real programs with the recorder and the guard registered: what they did is what was recorded."""

import json
import os
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from tests.agents import direct
from tests.model.script import Action, Step, Subagent
from tests.model.scripted_model import ScriptedModel, call, edit, write

from polly.hooks.plugin import export_plugin
from polly.hooks.programs import fail_closed, guard_argv
from polly.hooks.registration import entries
from polly.sink.drain import drain
from polly.sink.spool import spool_files
from polly.store import schema
from polly.store.sqlite import SqliteStore

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the real programs are driven on POSIX")


@pytest.fixture
def project(repo: Path) -> Path:
    """A repository whose calc.py is to be mended."""
    (repo / "calc.py").write_text("def add(a, b):\n    return a - b\n", encoding="utf-8")
    return repo


def _actions(home: Path) -> list[dict[str, Any]]:
    return [data for data in _events(home) if "action_type" in data]


def _events(home: Path) -> list[dict[str, Any]]:
    lines = [line for path in spool_files(home / "spool") for line in path.read_bytes().splitlines()]
    return [msgspec.json.decode(line)["data"] for line in lines]


def _stored(home: Path, session: str) -> list[tuple[str, str]]:
    """The actions of the session in the database, once the spool was drained into it, twice."""
    table = schema.agent_actions
    query = sa.select(table.c.action, table.c.action_type).where(table.c.session_id == session)
    with SqliteStore.open(home / "polly.db") as store, store.engine.connect() as connection:
        drain(home / "spool", store)
        drain(home / "spool", store)
        return [(row.action, row.action_type) for row in connection.execute(query)]


def _with_hooks(start: direct.Start, home: Path, **variables: str) -> direct.Start:
    return direct.Start(command=start.command, env={**start.env, "POLLY_HOME": str(home), **variables})


def _claude_settings(*, guarded: bool) -> str:
    hooks: dict[str, list[Any]] = {event: [group] for event, group in entries("claude").items()}
    if guarded:
        program, *words = fail_closed((*guard_argv(), "claude"))
        handler = {"type": "command", "command": program, "args": words, "onFailure": "block"}
        hooks["PreToolUse"].append({"hooks": [handler]})
    return json.dumps({"hooks": hooks})


def test_claude_code_accepts_the_plugin(claude_program: Path, tmp_path: Path) -> None:
    export_plugin(tmp_path / "plugin")
    done = subprocess.run(
        [claude_program, "plugin", "validate", "--strict", tmp_path / "plugin"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DISABLE_AUTOUPDATER": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_tool_call_of_claude_code_is_recorded_once_with_its_outcome(
    claude_program: Path, model: ScriptedModel, project: Path, tmp_path: Path
) -> None:
    inner = model.add("inner", Step(actions=(Action(read="calc.py"),)), Step(text="Looked."))
    assert inner
    marker = model.add(
        "all_kinds",
        Step(actions=(Action(read="calc.py"), edit("calc.py", "    return a - b", "    return a + b"))),
        Step(actions=(edit("calc.py", "no such text", "x"), call("Bash", command="exit 3"))),
        Step(actions=(Action(subagent=Subagent(script="inner")),)),
        Step(text="Done."),
    )
    start = direct.claude(
        claude_program,
        model,
        tmp_path / "home",
        f"Go. {marker}",
        "--settings",
        _claude_settings(guarded=False),
    )
    ended = direct.run(_with_hooks(start, tmp_path / "polly"), project)
    assert not ended.result["is_error"]
    served = [asked.id for asked in model.calls()]
    outcomes = [each for each in _actions(tmp_path / "polly") if each["action_type"] != "tool_call"]
    assert Counter(each["action"] for each in outcomes) == Counter(served)
    begun = Counter(
        each["action"] for each in _actions(tmp_path / "polly") if each["action_type"] == "tool_call"
    )
    assert set(begun.values()) == {1}
    assert set(begun) <= set(served)
    failed = {each["action_name"] for each in outcomes if each["action_type"] == "error"}
    assert failed == {"Edit", "Bash"}
    assert {each["parent_action"] is not None for each in outcomes if each["action_name"] == "Read"} == {
        True,
        False,
    }
    spooled = [(each["action"], each["action_type"]) for each in _actions(tmp_path / "polly")]
    fired = {each["hook_source"] for each in _events(tmp_path / "polly") if "hook_source" in each}
    assert Counter(_stored(tmp_path / "polly", ended.result["session_id"])) == Counter(spooled)
    assert fired >= {
        "SessionStart",
        "UserPromptSubmit",
        "SubagentStart",
        "SubagentStop",
        "Stop",
        "SessionEnd",
    }


@pytest.fixture
def owned(project: Path, tmp_path: Path) -> dict[str, str]:
    """The variables of an agent that owns calc.py."""
    file = tmp_path / "owned.txt"
    file.write_text("calc.py\n")
    return {"POLLY_OWNED_FILES": str(file), "POLLY_WORKSPACE": str(project), "POLLY_RUN_ID": "run-1"}


def test_claude_code_writes_what_is_owned_and_nothing_else(
    claude_program: Path, model: ScriptedModel, project: Path, tmp_path: Path, owned: dict[str, str]
) -> None:
    marker = model.add(
        "beside",
        Step(actions=(write("calc.py.new", "x = 1\n"), call("Bash", command="echo x > stray.txt"))),
        Step(actions=(Action(read="calc.py"), edit("calc.py", "    return a - b", "    return a + b"))),
        Step(text="Done."),
    )
    start = direct.claude(
        claude_program,
        model,
        tmp_path / "home",
        f"Go. {marker}",
        "--settings",
        _claude_settings(guarded=True),
    )
    direct.run(_with_hooks(start, tmp_path / "polly", **owned), project)
    assert "a + b" in (project / "calc.py").read_text()
    assert not (project / "calc.py.new").exists()
    assert not (project / "stray.txt").exists()
    ended = [each for each in _actions(tmp_path / "polly") if each["action_type"] != "tool_call"]
    denied = [each for each in _events(tmp_path / "polly") if each.get("action") == "tool_denied"]
    assert sorted(each["resource_id"] for each in denied) == ["Bash", "Write"]
    assert {each["payload"]["tool_use_id"] for each in denied} <= {each["action"] for each in ended}
    assert set(Counter(each["action"] for each in ended).values()) == {1}


def test_codex_writes_what_is_owned_and_nothing_else(
    codex_program: Path, model: ScriptedModel, project: Path, tmp_path: Path, owned: dict[str, str]
) -> None:
    marker = model.add(
        "beside",
        Step(actions=(write("stray.py", "x = 1\n"),)),
        Step(actions=(edit("calc.py", "    return a - b", "    return a + b"),)),
        Step(text="Done."),
    )
    hooks: dict[str, list[Any]] = {event: [group] for event, group in entries("codex").items()}
    line = shlex.join(fail_closed((*guard_argv(), "codex")))
    hooks["PreToolUse"].append({"hooks": [{"type": "command", "command": line, "timeout": 10}]})
    start = direct.codex(
        codex_program, model, tmp_path / "home", f"Go. {marker}", settings=json.dumps({"hooks": hooks})
    )
    direct.run(_with_hooks(start, tmp_path / "polly", **owned), project)
    assert "a + b" in (project / "calc.py").read_text()
    assert not (project / "stray.py").exists()
    actions = _actions(tmp_path / "polly")
    assert [each["action_details"].get("denied_target") for each in actions if each["action_type"] == "error"]
    assert {each["agent_name"] for each in actions} == {"codex"}


def test_a_session_of_claude_code_outside_of_runs_is_recorded_by_the_plugin_alone(
    claude_program: Path, model: ScriptedModel, project: Path, tmp_path: Path
) -> None:
    export_plugin(tmp_path / "plugin")
    start = direct.claude(
        claude_program,
        model,
        tmp_path / "home",
        "Fix. [[script:fix_add]]",
        "--plugin-dir",
        str(tmp_path / "plugin"),
    )
    direct.run(_with_hooks(start, tmp_path / "polly"), project)
    outcomes = [each for each in _actions(tmp_path / "polly") if each["action_type"] != "tool_call"]
    assert Counter(each["action"] for each in outcomes) == Counter(asked.id for asked in model.calls())
