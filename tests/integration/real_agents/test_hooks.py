"""What a guard may rely on: when the real programs ask a hook, and what they make of its answer."""

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.agents import direct
from tests.agents.direct import Ended
from tests.model.script import Action, Step, Subagent
from tests.model.scripted_model import ScriptedModel, write

Run = Callable[..., Ended]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its hooks are lines of a POSIX shell")

_REASON = "other.py belongs to WP2"
_DENIAL = json.dumps(
    {
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": _REASON,
        }
    }
)
#: Notes what it is asked about, and says no to everything in which other.py is named.
_GUARD = """
import json, sys
asked = json.load(sys.stdin)
with open({noted!r}, "a") as file:
    file.write(json.dumps(asked) + "\\n")
if "other.py" in json.dumps(asked["tool_input"]):
    {no}
"""
_NO = {
    "by JSON": f"print({_DENIAL!r})",
    "by exit status 2": f"sys.exit(sys.stderr.write({_REASON!r}) and 2)",
}


@pytest.fixture
def guard(tmp_path: Path) -> Callable[[str], str]:
    """`guard(no)` is the command of a hook that says no in this way."""

    def make(no: str) -> str:
        file = tmp_path / "guard.py"
        file.write_text(_GUARD.format(noted=str(tmp_path / "asked.jsonl"), no=no), encoding="utf-8")
        return shlex.join([sys.executable, "-I", "-S", str(file)])

    return make


@pytest.fixture
def marker(model: ScriptedModel) -> str:
    """Writes two files, of which other.py is not the agent's."""
    return model.add(
        "two_files",
        Step(actions=(write("mine.py", "MINE = 1\n"), write("other.py.new", "STOLEN = 1\n"))),
        Step(text="Done."),
    )


def _is_denied(project: Path, model: ScriptedModel) -> bool:
    """Was one file written, the other not, and was the model told the reason?"""
    assert (project / "mine.py").exists()
    told = [result.text for request in model.requests() for result in request.results]
    return not (project / "other.py.new").exists() and any(_REASON in text for text in told)


@pytest.mark.parametrize("no", _NO.values(), ids=_NO)
def test_claude_does_not_run_a_tool_that_a_hook_denies(
    claude: Run,
    project: Path,
    model: ScriptedModel,
    marker: str,
    guard: Callable[[str], str],
    no: str,
) -> None:
    ended = claude(f"Write. {marker}", "--settings", direct.hooks("PreToolUse", guard(no)))
    assert _is_denied(project, model)
    assert [denied["tool_name"] for denied in ended.result["permission_denials"]] == ["Write"]


@pytest.mark.parametrize("no", _NO.values(), ids=_NO)
def test_codex_does_not_run_a_tool_that_a_hook_denies(
    codex: Run, project: Path, model: ScriptedModel, marker: str, guard: Callable[[str], str], no: str
) -> None:
    codex(f"Write. {marker}", settings=direct.hooks("PreToolUse", guard(no)))
    assert _is_denied(project, model)


def test_a_subagent_of_claude_is_asked_about_too_and_named(
    claude: Run, project: Path, model: ScriptedModel, marker: str, guard: Callable[[str], str], tmp_path: Path
) -> None:
    assert marker == "[[script:two_files]]"
    chief = model.add(
        "chief", Step(actions=(Action(subagent=Subagent(script="two_files")),)), Step(text="Ok.")
    )
    claude(f"Let. {chief}", "--settings", direct.hooks("PreToolUse", guard(_NO["by JSON"])))
    assert _is_denied(project, model)
    asked = [json.loads(line) for line in (tmp_path / "asked.jsonl").read_text().splitlines()]
    assert [(hook["tool_name"], "agent_id" in hook) for hook in asked] == [
        ("Agent", False),
        ("Write", True),
        ("Write", True),
    ]
    assert [hook["tool_use_id"] for hook in asked] == [call.id for call in model.calls()]


def test_settings_of_the_reviewed_project_cannot_switch_the_hooks_of_claude_off(
    claude: Run, project: Path, model: ScriptedModel, marker: str, guard: Callable[[str], str]
) -> None:
    (project / ".claude").mkdir()
    (project / ".claude" / "settings.json").write_text('{"disableAllHooks": true}', encoding="utf-8")
    claude(f"Write. {marker}", "--settings", direct.hooks("PreToolUse", guard(_NO["by JSON"])))
    assert _is_denied(project, model)


@pytest.mark.parametrize(("on_failure", "written"), [(None, True), ("block", False)])
def test_a_hook_of_claude_that_crashes_denies_only_where_its_settings_say_so(
    claude: Run, project: Path, marker: str, on_failure: str | None, *, written: bool
) -> None:
    claude(f"Write. {marker}", "--settings", direct.hooks("PreToolUse", "exit 1", on_failure=on_failure))
    assert (project / "other.py.new").exists() is written
