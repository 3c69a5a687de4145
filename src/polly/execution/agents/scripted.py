"""Plays a script of edits, delays and failures: for demonstrations and tests without a model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polly.errors import InputError
from polly.execution.agents.base import Assignment, Launch
from polly.execution.agents.listening import Listener, Silent
from polly.execution.agents.options import absolute, check_names
from polly.execution.agents.playing import play
from polly.execution.agents.script import Script, read_script


@dataclass(frozen=True, kw_only=True)
class ScriptedAgent:
    """Does what the script in `file` says for each package, issue and attempt."""

    file: Path
    script: Script
    name: str = "scripted"

    @property
    def spec(self) -> str:
        return f"{self.name}:{self.file}"

    def launch(self, assignment: Assignment) -> Launch:
        """The player with the steps of this package and attempt."""
        package = assignment.package
        return play(assignment, self.script.steps(package.id, package.issues, assignment.attempt))

    def listener(self, folder: Path) -> Listener:  # noqa: ARG002 - the port's signature
        """Its output is for people."""
        return Silent()


def open_scripted(argument: str, options: Mapping[str, Any]) -> ScriptedAgent:
    """From `--agent scripted:FILE`."""
    if not argument:
        raise InputError("the agent `scripted` needs a script", next_step="Write `--agent scripted:FILE`.")
    check_names("scripted", options, [])
    file = absolute(argument)
    return ScriptedAgent(file=file, script=read_script(file))
