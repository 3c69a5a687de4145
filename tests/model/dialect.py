"""An action in the words of the program that is asked to do it: what its tools are called and take."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from tests.model.script import Action, Edit, ScriptError, ToolCall, Write


def told_to(tools: Mapping[str, str], action: Action, folder: str) -> ToolCall:
    """The call of one of `tools` that does it; `${cwd}` in a script becomes the agent's folder."""
    if action.tool is not None:
        return ToolCall(name=action.tool.name, input=_filled(action.tool.input, folder))
    if "Bash" in tools:
        return _claude(action, folder)
    if "exec_command" in tools:
        return _codex(action, tools, folder)
    if "bash" in tools and "edit" in tools:
        return _opencode(action, folder)
    if "bash" in tools:
        return ToolCall(name="bash", input={"command": _shell_line(action, folder)})
    raise ScriptError(f"no dialect for an agent with the tools {sorted(tools)}")


def _claude(action: Action, folder: str) -> ToolCall:
    if action.read is not None:
        return ToolCall(name="Read", input={"file_path": _whole(action.read, folder)})
    if action.edit is not None:
        edit = action.edit
        given = {"file_path": _whole(edit.path, folder), "old_string": edit.old, "new_string": edit.new}
        return ToolCall(name="Edit", input=given)
    if action.write is not None:
        path = _whole(action.write.path, folder)
        return ToolCall(name="Write", input={"file_path": path, "content": action.write.text})
    if action.subagent is not None:
        marker = f"[[script:{action.subagent.script}]]"
        return ToolCall(
            name="Agent",
            input={
                "description": f"plays {action.subagent.script}",
                "prompt": f"Do your part. {marker}",
                "subagent_type": "general-purpose",
                "run_in_background": False,
            },
        )
    command = _filled(action.shell, folder)
    return ToolCall(name="Bash", input={"command": command, "description": "Run a command"})


def _codex(action: Action, tools: Mapping[str, str], folder: str) -> ToolCall:
    if action.edit is not None or action.write is not None:
        patch = _patch(action.edit, action.write, folder)
        if tools.get("apply_patch") == "custom":
            return ToolCall(name="apply_patch", input=patch)
        return ToolCall(name="exec_command", input={"cmd": f"apply_patch <<'PATCH'\n{patch}\nPATCH"})
    return ToolCall(name="exec_command", input={"cmd": _shell_line(action, folder)})


def _opencode(action: Action, folder: str) -> ToolCall:
    if action.read is not None:
        return ToolCall(name="read", input={"filePath": _whole(action.read, folder)})
    if action.edit is not None:
        edit = action.edit
        given = {"filePath": _whole(edit.path, folder), "oldString": edit.old, "newString": edit.new}
        return ToolCall(name="edit", input=given)
    if action.write is not None:
        path = _whole(action.write.path, folder)
        return ToolCall(name="write", input={"filePath": path, "content": action.write.text})
    command = _shell_line(action, folder)
    return ToolCall(name="bash", input={"command": command, "description": "Run a command"})


def _shell_line(action: Action, folder: str) -> str:
    if action.read is not None:
        return f"cat '{_filled(action.read, folder)}'"
    if action.write is not None:
        return f"cat > '{_filled(action.write.path, folder)}' <<'TEXT'\n{action.write.text.rstrip()}\nTEXT"
    if action.edit is not None:
        edit = action.edit
        program = f"import pathlib; f = pathlib.Path({edit.path!r}); t = f.read_text(); "
        program += f"f.write_text(t.replace({edit.old!r}, {edit.new!r}))"
        return f"python3 - <<'PROGRAM'\n{program}\nPROGRAM"
    if action.shell is not None:
        return str(_filled(action.shell, folder))
    raise ScriptError("this program has no subagents that a script could start")


def _patch(edit: Edit | None, write: Write | None, folder: str) -> str:
    lines = ["*** Begin Patch"]
    if edit is not None:
        lines += [f"*** Update File: {_filled(edit.path, folder)}", "@@"]
        lines += [f"-{line}" for line in edit.old.splitlines()]
        lines += [f"+{line}" for line in edit.new.splitlines()]
    if write is not None:
        lines.append(f"*** Add File: {_filled(write.path, folder)}")
        lines += [f"+{line}" for line in write.text.splitlines()]
    return "\n".join((*lines, "*** End Patch"))


def _whole(path: str, folder: str) -> str:
    filled = str(_filled(path, folder))
    return filled if PurePath(filled).is_absolute() else str(PurePath(folder) / filled)


def _filled(value: Any, folder: str) -> Any:
    if isinstance(value, str):
        return value.replace("${cwd}", folder)
    if isinstance(value, dict):
        return {name: _filled(part, folder) for name, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, folder) for part in value]
    return value
