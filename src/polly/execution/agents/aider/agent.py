"""aider, not interactive. It prints for people and its exit status is always 0: the tree says what it did."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polly.errors import SettingsError
from polly.execution.agents.aider.about import AIDER
from polly.execution.agents.aider.report import AiderListener
from polly.execution.agents.base import Assignment, Launch
from polly.execution.agents.listening import Listener
from polly.execution.agents.program import ProgramSettings, read_settings

_QUIET = (
    *("--yes-always", "--no-check-update", "--analytics-disable", "--no-show-model-warnings"),
    *("--no-show-release-notes", "--no-pretty", "--no-stream", "--no-gitignore", "--no-detect-urls"),
    # What the repository's own .aider.conf.yml may say: commands to run, and commits.
    *("--no-suggest-shell-commands", "--no-auto-lint", "--no-auto-test", "--no-auto-commits"),
    *("--no-dirty-commits", "--map-tokens", "0"),
)
_FORMATS = ("diff", "whole", "udiff", "diff-fenced", "editor-diff", "editor-whole")


@dataclass(frozen=True, kw_only=True)
class AiderAgent:
    """`aider --message-file`, with the owned files in its chat."""

    settings: ProgramSettings
    edit_format: str | None
    argument: str = ""
    name: str = AIDER.name

    @property
    def spec(self) -> str:
        return f"{self.name}:{self.argument}" if self.argument else self.name

    def launch(self, assignment: Assignment) -> Launch:
        """Histories and figures are written beside the workspace, so that they are nobody's changes."""
        home = (assignment.folder / "aider").absolute()
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        settings = self.settings
        command = [settings.program, *settings.args, "--model", settings.model or "", *_QUIET]
        command += ["--weak-model", settings.model or ""]
        command += ["--edit-format", self.edit_format] if self.edit_format else []
        command += ["--openai-api-base", settings.base_url] if settings.base_url else []
        for kind in ("llm-history", "chat-history", "input-history"):
            command += [f"--{kind}-file", str(home / f"{kind}.txt")]
        command += ["--analytics-log", str(home / "analytics.jsonl")]
        command += ["--message-file", str(assignment.prompt_file)]
        files = (path for path in assignment.package.files.modify if (assignment.workspace / path).is_file())
        for path in files:
            command += ["--file", path]
        return Launch(
            command=tuple(command),
            env={**settings.variables(), "LITELLM_LOCAL_MODEL_COST_MAP": "True", "AIDER_ANALYTICS": "false"},
        )

    def listener(self, folder: Path) -> Listener:
        """Reads the log for people, and the figures at the end."""
        return AiderListener(folder)


def open_aider(argument: str, options: Mapping[str, Any]) -> AiderAgent:
    """From `--agent aider:MODEL`, or `--agent aider` with a model in the settings."""
    settings = read_settings(AIDER, argument, options)
    edit_format = settings.more.get("edit_format")
    if edit_format is not None and edit_format not in _FORMATS:
        raise SettingsError(
            f"[agents.aider]: edit_format cannot be {edit_format!r}",
            next_step=f"It is one of {', '.join(_FORMATS)}.",
        )
    return AiderAgent(settings=settings, edit_format=edit_format, argument=argument)
