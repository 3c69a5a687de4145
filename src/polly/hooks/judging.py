"""What the guard decides: may this tool call run, given the files of the agent?"""

import os

from polly.hooks.patch_text import paths_in_patch
from polly.hooks.shell_rules import shell_refusal
from polly.hooks.unknown_tools import command_of, written_by

TYPE_CHECKING = False  # the name is what type checkers know; `typing` would be slow to load
if TYPE_CHECKING:
    from polly.hooks.facts import Payload
    from polly.hooks.ownership import Owned

#: Tools that write the file that this field of their input names.
_WRITERS = {
    "Write": "file_path",
    "Edit": "file_path",
    "MultiEdit": "file_path",
    "NotebookEdit": "notebook_path",
}
SHELLS = ("Bash", "PowerShell", "shell", "exec_command", "local_shell")
_PATCHERS = ("apply_patch",)
#: Tools of agent programs that write no file, whatever their names say.
_HARMLESS = frozenset(
    "TodoWrite TaskCreate TaskUpdate TaskStop BashOutput KillShell KillBash NotebookRead EnterPlanMode"
    " ExitPlanMode update_plan".split()
)


class Refusal:
    """Why a tool call is denied. target: the path that it is about, "" when it is about git."""

    __slots__ = ("reason", "target")

    def __init__(self, reason: str, target: str) -> None:
        self.reason = reason
        self.target = target


def judge(payload: "Payload", owned: "Owned") -> Refusal | None:
    """None when the call may run. Raises ValueError for a call that cannot be judged."""
    tool = payload.get("tool_name")
    tool_input = payload.get("tool_input")
    if not isinstance(tool, str) or not tool:
        raise ValueError("the call names no tool")
    folder = payload.get("cwd")
    here = folder if isinstance(folder, str) and folder else os.getcwd()
    if tool in SHELLS:
        return _judged_script(_script(tool_input), here, owned)
    if _is_unknown(tool) and isinstance(tool_input, dict):
        command = command_of(tool, tool_input)
        if command is not None:
            return _judged_script(_script({"command": command}), here, owned)
    for path in _paths(tool, tool_input):
        why = owned.refusal(path, here)
        if why:
            return Refusal(f"{why} {owned.advice(path)}", path)
    return None


def _judged_script(script: str, here: str, owned: "Owned") -> Refusal | None:
    found = shell_refusal(script, here, owned.refusal)
    if found is None:
        return None
    why, path = found
    return Refusal(f"{why} {owned.advice(path)}" if path else why, path)


def _script(tool_input: object) -> str:
    command = tool_input.get("command", tool_input.get("cmd")) if isinstance(tool_input, dict) else None
    if isinstance(command, list) and all(isinstance(word, str) for word in command):
        return " ".join("'" + word.replace("'", "'\\''") + "'" for word in command)
    if not isinstance(command, str):
        raise ValueError("the shell call names no command")  # noqa: TRY004 - of what is told, not of our code
    return command


def _paths(tool: str, tool_input: object) -> list[str]:
    """The paths that the call writes. Raises ValueError when a tool that writes does not say where."""
    fields = tool_input if isinstance(tool_input, dict) else {}
    if tool in _WRITERS:
        path = fields.get(_WRITERS[tool])
        if not isinstance(path, str) or not path:
            raise ValueError(f"{tool} names no file")
        return [path]
    if tool in _PATCHERS:
        return _patched(tool_input, fields)
    return written_by(tool, fields) if _is_unknown(tool) else []


def _is_unknown(tool: str) -> bool:
    return tool not in _WRITERS and tool not in _PATCHERS and tool not in _HARMLESS


def _patched(tool_input: object, fields: "dict[str, object]") -> list[str]:
    texts = [tool_input, *(fields.get(name) for name in ("command", "input", "patch"))]
    lists = [each for each in texts if isinstance(each, list)]
    found = []
    for text in [*texts, *(word for each in lists for word in each)]:
        if isinstance(text, str):
            found += paths_in_patch(text)
    if not found:
        raise ValueError("the patch names no file")
    return found
