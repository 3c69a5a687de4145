"""Any program as an agent: it gets its work through the POLLY_* variables."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polly.errors import InputError
from polly.execution.agents.base import Assignment, Launch
from polly.execution.agents.listening import Listener, Silent
from polly.execution.agents.options import absolute, check_names, env_names
from polly.process import small_environment

#: Beginnings of variables that Polly sets itself.
_POLLYS_OWN = ("POLLY_", "GIT_")

EXAMPLE = "For example: `polly fix findings.sarif --agent command -- python fix.py`."


@dataclass(frozen=True, kw_only=True)
class CommandAgent:
    """Starts `command` in the workspace, with these variables of ours besides the small environment."""

    command: tuple[str, ...]
    env_names: tuple[str, ...] = ()
    name: str = "command"

    @property
    def spec(self) -> str:
        return f"{self.name}:{json.dumps(self.command)}"

    def launch(self, assignment: Assignment) -> Launch:  # noqa: ARG002 - it is the same for every package
        """The program as it was given."""
        given = small_environment()
        return Launch(
            command=self.command,
            env={
                name: os.environ[name] for name in self.env_names if name in os.environ and name not in given
            },
        )

    def listener(self, folder: Path) -> Listener:  # noqa: ARG002 - the port's signature
        """Its output is for people."""
        return Silent()


def open_command(argument: str, argv: Sequence[str], options: Mapping[str, Any]) -> CommandAgent:
    """From `--agent command -- PROGRAM ARG…` or the stored `command:["PROGRAM", …]`.

    The program is looked for from the folder in which Polly was started, and on PATH.
    """
    command = tuple(argv) or _stored(argument)
    if not command or not command[0]:
        raise InputError("the agent `command` needs a program after `--`", next_step=EXAMPLE)
    check_names("command", options, ["env"])
    return CommandAgent(
        command=(_program(command[0]), *command[1:]), env_names=env_names("command", options, _POLLYS_OWN)
    )


def _stored(argument: str) -> tuple[str, ...]:
    if not argument:
        return ()
    try:
        value = json.loads(argument)
    except ValueError:
        value = None
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise InputError(
            f"`--agent command:{argument}` is not understood: the program stands after `--`",
            next_step=EXAMPLE,
        )
    return tuple(value)


def _program(name: str) -> str:
    """The full path: the agent works in another folder, and a resumed run may have another PATH."""
    has_folder = os.sep in name or (os.altsep is not None and os.altsep in name)
    path = absolute(name) if has_folder else None
    found = shutil.which(str(path) if path else name)
    if found:
        return str(absolute(found))
    if path is None:
        raise InputError(
            f"the agent's program {name!r} was not found on PATH",
            next_step="Install it, or give its path, such as ./fix.py.",
        )
    if path.is_file():
        raise InputError(
            f"the agent's program {path} is not executable",
            next_step=f"`chmod +x {name}`, or start it with its interpreter: `-- python {name}`.",
        )
    raise InputError(f"the agent's program {path} does not exist", next_step="Correct the path after `--`.")
