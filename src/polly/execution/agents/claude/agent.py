"""Claude Code, not interactive, with a configuration of its own for each attempt."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polly.execution.agents.base import Assignment, Launch
from polly.execution.agents.claude.about import CLAUDE
from polly.execution.agents.claude.stream import ClaudeStream
from polly.execution.agents.hook_programs import HookPrograms, claude_hooks
from polly.execution.agents.listening import Listener
from polly.execution.agents.log_lines import LogListener
from polly.execution.agents.options import texts
from polly.execution.agents.program import ProgramSettings, fed, read_settings

#: A wrong key is tried again like an overloaded server; ten times, as by default, take minutes.
_RETRIES = 5

#: Whatever else a user allows: without it, an agent could never get a file beyond the plan's.
_ASKING = "Bash(polly request-file *)"

#: In a private copy, with the guard asked before each command and the tree judged afterwards.
_ALLOWED = ("Bash",)

_QUIET = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_AUTOUPDATER": "1",
}


@dataclass(frozen=True, kw_only=True)
class ClaudeAgent:
    """`claude -p`: edits are accepted, the guard is asked, nobody else is."""

    settings: ProgramSettings
    allowed_tools: tuple[str, ...]
    hooks: HookPrograms | None
    argument: str = ""
    name: str = CLAUDE.name

    @property
    def spec(self) -> str:
        return f"{self.name}:{self.argument}" if self.argument else self.name

    def launch(self, assignment: Assignment) -> Launch:
        """The prompt comes on standard input; hooks come on the command line, where nobody can edit them."""
        home = assignment.folder / "claude"
        home.mkdir(parents=True, exist_ok=True)
        return Launch(
            command=fed(str(assignment.prompt_file), self.settings.program, *self._arguments(assignment)),
            env={
                **self.settings.variables(),
                **_QUIET,
                "CLAUDE_CONFIG_DIR": str(home.absolute()),
                "CLAUDE_CODE_MAX_RETRIES": str(
                    _RETRIES if self.settings.max_retries is None else self.settings.max_retries
                ),
                **({"ANTHROPIC_BASE_URL": self.settings.base_url} if self.settings.base_url else {}),
            },
        )

    def listener(self, folder: Path) -> Listener:
        """Reads the stream of JSON records."""
        return LogListener(folder / "log.txt", ClaudeStream())

    def _arguments(self, assignment: Assignment) -> tuple[str, ...]:
        settings: dict[str, Any] = {"hooks": claude_hooks(self.hooks)} if self.hooks else {}
        arguments = [
            *("-p", "--output-format", "stream-json", "--verbose", "--permission-mode", "acceptEdits"),
            # The repository's own settings could switch all hooks off.
            *("--setting-sources", "user", "--settings", json.dumps(settings), "--strict-mcp-config"),
            *("--session-id", assignment.session),
        ]
        if self.settings.model:
            arguments += ["--model", self.settings.model]
        if self.settings.max_turns is not None:
            arguments += ["--max-turns", str(self.settings.max_turns)]
        arguments += [*self.settings.args, "--add-dir", str(assignment.result_file.parent)]
        return (*arguments, "--allowedTools", *self.allowed_tools)


def open_claude(argument: str, options: Mapping[str, Any], hooks: HookPrograms | None) -> ClaudeAgent:
    """From `--agent claude` or `--agent claude:MODEL`."""
    settings = read_settings(CLAUDE, argument, options)
    allowed = texts(CLAUDE.name, options, "allowed_tools", '["Bash(pytest *)"]')
    return ClaudeAgent(
        settings=settings,
        allowed_tools=(*allowed, _ASKING) if "allowed_tools" in options else _ALLOWED,
        hooks=hooks,
        argument=argument,
    )
