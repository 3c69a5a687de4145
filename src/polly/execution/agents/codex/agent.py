"""Codex, not interactive, with a configuration of its own for each attempt."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polly.errors import SettingsError
from polly.execution.agents.base import Assignment, Launch
from polly.execution.agents.codex.about import CODEX
from polly.execution.agents.codex.stream import CodexStream
from polly.execution.agents.hook_programs import HookPrograms, codex_hooks
from polly.execution.agents.listening import Listener
from polly.execution.agents.log_lines import LogListener
from polly.execution.agents.program import ProgramSettings, fed, read_settings

_ADDRESS = "https://api.openai.com/v1"
_RETRIES = 5
_SANDBOXES = ("workspace-write", "danger-full-access")


@dataclass(frozen=True, kw_only=True)
class CodexAgent:
    """`codex exec` in its own sandbox, which keeps `.git` read-only."""

    settings: ProgramSettings
    sandbox: str
    hooks: HookPrograms | None
    argument: str = ""
    name: str = CODEX.name

    @property
    def spec(self) -> str:
        return f"{self.name}:{self.argument}" if self.argument else self.name

    def launch(self, assignment: Assignment) -> Launch:
        """The prompt comes on standard input; configuration and hooks lie in a CODEX_HOME of the attempt."""
        home = (assignment.folder / "codex").absolute()
        home.mkdir(parents=True, exist_ok=True)
        _write(home / "config.toml", self._configuration(assignment))
        if self.hooks:
            _write(home / "hooks.json", json.dumps({"hooks": codex_hooks(self.hooks)}, indent=1) + "\n")
        command = [self.settings.program, "exec", "--json", "--disable", "plugins", "-s", self.sandbox]
        if self.hooks:
            # The hooks are Polly's own; nobody is there to be asked whether they are trusted.
            command += ["--dangerously-bypass-hook-trust"]
        return Launch(
            command=fed(str(assignment.prompt_file), *command, *self.settings.args, "-"),
            env={**self.settings.variables(), "CODEX_HOME": str(home)},
        )

    def listener(self, folder: Path) -> Listener:
        """Reads the stream of JSON records."""
        return LogListener(folder / "log.txt", CodexStream())

    def _configuration(self, assignment: Assignment) -> str:
        retries = _RETRIES if self.settings.max_retries is None else self.settings.max_retries
        key = next((name for name in CODEX.keys if name in self.settings.env), None) or self.settings.env[0]
        lines = [
            *([f"model = {_toml(self.settings.model)}"] if self.settings.model else []),
            'model_provider = "polly"',
            'approval_policy = "never"',
            # The files of a login shell set a PATH of their own, in which there may be no Polly.
            "allow_login_shell = false",
            "check_for_update_on_startup = false",
            "[analytics]",
            "enabled = false",
            "[model_providers.polly]",
            'name = "polly"',
            f"base_url = {_toml(self.settings.base_url or _ADDRESS)}",
            'wire_api = "responses"',
            f"env_key = {_toml(key)}",
            f"request_max_retries = {retries}",
            f"stream_max_retries = {retries}",
            "[sandbox_workspace_write]",
            f"writable_roots = [{_toml(str(assignment.result_file.parent))}]",
            # What the repository configures for Codex does not count.
            f"[projects.{_toml(str(assignment.workspace.resolve()))}]",
            'trust_level = "untrusted"',
        ]
        return "\n".join(lines) + "\n"


def open_codex(argument: str, options: Mapping[str, Any], hooks: HookPrograms | None) -> CodexAgent:
    """From `--agent codex` or `--agent codex:MODEL`."""
    settings = read_settings(CODEX, argument, options)
    sandbox = settings.more.get("sandbox", _SANDBOXES[0])
    if sandbox not in _SANDBOXES:
        raise SettingsError(
            f"[agents.codex]: sandbox cannot be {sandbox!r}", next_step=f"It is {' or '.join(_SANDBOXES)}."
        )
    return CodexAgent(settings=settings, sandbox=sandbox, hooks=hooks, argument=argument)


def _toml(text: str | None) -> str:
    # A JSON text without \u escapes of halves of characters is a TOML text.
    return json.dumps(text or "", ensure_ascii=False).replace("\x7f", "\\u007f")


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", newline="\n")
