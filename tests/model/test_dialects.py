"""One script is told to every program in the words of its own tools, and means the same to each."""

import subprocess
from pathlib import Path

import pytest
from tests.model.dialect import told_to
from tests.model.script import Action, Script, ScriptError, Subagent, load, save
from tests.model.scripted_model import call, edit, write

CLAUDE = {"Bash": "function", "Edit": "function", "Read": "function", "Agent": "function"}
CODEX = {"exec_command": "function", "apply_patch": "custom"}
OPENCODE = {"bash": "function", "edit": "function", "read": "function"}
MINI = {"bash": "function"}


def test_paths_of_file_tools_are_whole_where_the_program_wants_them() -> None:
    action = Action(read="src/a.py")
    assert told_to(CLAUDE, action, "/here").input == {"file_path": "/here/src/a.py"}
    assert told_to(OPENCODE, action, "/here").input == {"filePath": "/here/src/a.py"}
    assert told_to(CODEX, action, "/here").input == {"cmd": "cat 'src/a.py'"}
    assert told_to(CLAUDE, Action(read="/there/a.py"), "/here").input == {"file_path": "/there/a.py"}


def test_codex_edits_with_a_patch_through_its_own_tool_or_the_shell() -> None:
    patch = "*** Begin Patch\n*** Update File: a.py\n@@\n-one\n-two\n+three\n*** End Patch"
    action = edit("a.py", "one\ntwo", "three")
    assert told_to(CODEX, action, "/here").input == patch
    shell = told_to({"exec_command": "function"}, action, "/here")
    assert shell.input == {"cmd": f"apply_patch <<'PATCH'\n{patch}\nPATCH"}


@pytest.mark.parametrize(
    ("action", "expected"),
    [(edit("a.py", "one", "it's"), "it's\ntwo\n"), (write("a.py", "new\n"), "new\n")],
)
def test_an_agent_with_a_shell_only_edits_by_commands_that_work(
    tmp_path: Path, action: Action, expected: str
) -> None:
    (tmp_path / "a.py").write_text("one\ntwo\n", encoding="utf-8")
    told = told_to(MINI, action, str(tmp_path))
    assert isinstance(told.input, dict)
    subprocess.run(["/bin/sh", "-c", told.input["command"]], cwd=tmp_path, check=True)
    assert (tmp_path / "a.py").read_text(encoding="utf-8") == expected


def test_a_subagent_gets_a_prompt_that_names_its_script_and_is_waited_for() -> None:
    told = told_to(CLAUDE, Action(subagent=Subagent(script="part")), "/here")
    assert isinstance(told.input, dict)
    assert (told.name, told.input["run_in_background"]) == ("Agent", False)
    assert "[[script:part]]" in told.input["prompt"]
    with pytest.raises(ScriptError, match="no subagents"):
        told_to(MINI, Action(subagent=Subagent(script="part")), "/here")


def test_a_tool_by_its_own_name_goes_to_any_program_with_the_folder_filled_in() -> None:
    told = told_to({"x": "function"}, call("x", paths=["${cwd}/a"], deep={"b": "${cwd}"}), "/here")
    assert told.input == {"paths": ["/here/a"], "deep": {"b": "/here"}}
    with pytest.raises(ScriptError, match="no dialect"):
        told_to({"x": "function"}, Action(shell="ls"), "/here")


def test_scripts_of_the_suite_can_be_read_and_come_back_as_written(tmp_path: Path) -> None:
    folder = Path(__file__).with_name("scripts")
    names = [file.stem for file in folder.glob("*.yaml")]
    assert names
    for name in names:
        script = load([folder], name)
        save(tmp_path, name, script)
        assert load([tmp_path, folder], name) == script


@pytest.mark.parametrize(
    "text",
    [
        "steps: [{actions: [{read: a, shell: ls}]}]",
        "steps: [{actions: [{}]}]",
        "steps: [{tekst: hello}]",
        "steps: {",
        "- 1",
    ],
)
def test_a_script_that_is_not_one_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "odd.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ScriptError, match=r"odd\.yaml: "):
        load([tmp_path], "odd")


def test_a_script_without_steps_is_still_a_script(tmp_path: Path) -> None:
    save(tmp_path, "empty", Script(steps=()))
    assert load([tmp_path], "empty").steps == ()
