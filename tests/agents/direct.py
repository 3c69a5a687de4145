"""Starts the real programs as their own manuals say, without Polly in between."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

#: A run takes a second or two; a machine with much to do many times that.
_RUN_SECONDS = 600.0
#: How often Claude Code tries again, where ten times would take minutes.
CLAUDE_RETRIES = 2


class Model(Protocol):
    """Where a model listens."""

    @property
    def url(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Start:
    """How to start a program in a project."""

    command: tuple[str, ...]
    env: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How it ended. lines: its standard output where that is JSON, line by line."""

    code: int
    lines: list[dict[str, Any]]
    stderr: str

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The lines of this type."""
        return [line for line in self.lines if line["type"] == kind]

    @property
    def result(self) -> dict[str, Any]:
        """The one line with which Claude Code sums up."""
        (line,) = self.of_type("result")
        return line


def claude(program: Path, model: Model, home: Path, prompt: str | None, *options: str) -> Start:
    """Claude Code that edits and runs what it likes in its folder, with everything of its own in `home`.

    Without a prompt it reads one from its standard input.
    """
    command = [str(program), "-p", *([] if prompt is None else [prompt])]
    command += ["--output-format", "stream-json", "--verbose"]
    command += ["--permission-mode", "acceptEdits", "--setting-sources", "user", *options]
    env = {
        "CLAUDE_CONFIG_DIR": str(_folder(home / "claude")),
        "ANTHROPIC_BASE_URL": model.url,
        "ANTHROPIC_API_KEY": "test-key",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_TELEMETRY": "1",
        "DISABLE_ERROR_REPORTING": "1",
        "DISABLE_AUTOUPDATER": "1",
        "CLAUDE_CODE_MAX_RETRIES": str(CLAUDE_RETRIES),
    }
    return Start(command=(*command, "--allowedTools", "Bash"), env={**_environment(home), **env})


_CODEX_CONFIGURATION = """\
model = "gpt-5.5"
model_provider = "polly"
check_for_update_on_startup = false
[model_providers.polly]
name = "polly"
base_url = "{url}/v1"
wire_api = "responses"
env_key = "POLLY_KEY"
request_max_retries = 1
stream_max_retries = 1
[analytics]
enabled = false
"""


def codex(
    program: Path, model: Model, home: Path, prompt: str, *options: str, settings: str | None = None
) -> Start:
    """Codex in its sandbox for a workspace, with everything of its own in `home`; settings: its hooks."""
    place = _folder(home / "codex")
    (place / "config.toml").write_text(_CODEX_CONFIGURATION.format(url=model.url), encoding="utf-8")
    command = [str(program), "exec", "--json", "--disable", "plugins", "-s", "workspace-write"]
    if settings is not None:
        (place / "hooks.json").write_text(settings, encoding="utf-8")
        command.append("--dangerously-bypass-hook-trust")
    return Start(
        command=(*command, *options, prompt),
        env={**_environment(home), "CODEX_HOME": str(place), "POLLY_KEY": "test-key"},
    )


def hooks(event: str, command: str, *, on_failure: str | None = None) -> str:
    """Settings that run the command at this event: what both Claude Code and Codex read."""
    hook = {"type": "command", "command": command, **({"onFailure": on_failure} if on_failure else {})}
    return json.dumps({"hooks": {event: [{"matcher": "*", "hooks": [hook]}]}})


def mini(program: Path, home: Path, outputs: list[dict[str, Any]], *options: str) -> Start:
    """mini-swe-agent that plays these outputs of its deterministic model; `home` gets trajectory.json."""
    script = _folder(home / "mini") / "script.yaml"
    model = {"model_class": "deterministic", "model_name": "scripted", "outputs": outputs}
    script.write_text(json.dumps({"model": model}), encoding="utf-8")  # JSON is YAML
    command = (str(program), "-y", "--exit-immediately", "-t", "Fix.", "-o", str(home / "trajectory.json"))
    env = {
        "MSWEA_CONFIGURED": "true",
        "MSWEA_SILENT_STARTUP": "1",
        "MSWEA_GLOBAL_CONFIG_DIR": str(home / "mini"),
    }
    return Start(
        command=(*command, "-c", "mini.yaml", "-c", str(script), *options), env={**_environment(home), **env}
    )


def opencode(program: Path, model: Model, home: Path, prompt: str, *options: str) -> Start:
    """opencode that edits and runs what it likes, with everything of its own in `home`."""
    told = _folder(home / "opencode") / "opencode.json"
    price = {"input": 3, "output": 15}
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "options": {"baseURL": f"{model.url}/v1", "apiKey": "test-key"},
        "models": {
            "scripted": {"tool_call": True, "limit": {"context": 200_000, "output": 8000}, "cost": price},
            "scripted-weak": {"name": "weak"},
        },
    }
    settings = {
        "autoupdate": False,
        "share": "disabled",
        "model": "polly/scripted",
        "small_model": "polly/scripted-weak",
        "enabled_providers": ["polly"],
        "permission": {"edit": "allow", "bash": "allow", "webfetch": "deny"},
        "lsp": False,
        "formatter": False,
        "provider": {"polly": provider},
    }
    told.write_text(json.dumps(settings), encoding="utf-8")
    switched_off = ("AUTOUPDATE", "MODELS_FETCH", "LSP_DOWNLOAD", "DEFAULT_PLUGINS")
    env = {"OPENCODE_CONFIG": str(told), **{f"OPENCODE_DISABLE_{name}": "1" for name in switched_off}}
    command = (str(program), "run", "--format", "json", *options, prompt)
    return Start(command=command, env={**_environment(home), **env})


def aider(program: Path, model: Model, home: Path, prompt: str, *files: str) -> Start:
    """aider on these files, with everything of its own in `home`: figures are in analytics.jsonl there."""
    # fmt: off
    command = (
        str(program), "--model", "openai/scripted", "--weak-model", "openai/scripted-weak",
        "--edit-format", "diff", "--message", prompt, "--yes-always", "--no-check-update",
        "--analytics-disable", "--no-show-model-warnings", "--no-show-release-notes", "--no-pretty",
        "--no-stream", "--no-gitignore", "--no-suggest-shell-commands", "--map-tokens", "0",
        "--no-detect-urls", "--no-auto-commits", "--no-dirty-commits",
        "--chat-history-file", str(_folder(home) / "chat.md"), "--input-history-file", str(home / "input"),
        "--analytics-log", str(home / "analytics.jsonl"),
    )
    # fmt: on
    env = {
        "OPENAI_API_KEY": "test-key",
        "OPENAI_API_BASE": f"{model.url}/v1",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    return Start(command=(*command, *files), env={**_environment(home), **env})


def run(start: Start, project: Path) -> Ended:
    """Run it to its end."""
    with begun(start, project) as process:
        output, errors = process.communicate(timeout=_RUN_SECONDS)
    return Ended(code=process.returncode, lines=json_lines(output), stderr=errors)


def json_lines(output: str) -> list[dict[str, Any]]:
    """The lines of an output that are JSON records."""
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def begun(start: Start, project: Path) -> "subprocess.Popen[str]":
    """Start it and do not wait."""
    return subprocess.Popen(
        start.command,
        cwd=project,
        env=dict(start.env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def _environment(home: Path) -> dict[str, str]:
    folders = {"HOME": home, "TMPDIR": home / "tmp"}
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return {
        **kept,
        **{name: str(_folder(folder)) for name, folder in folders.items()},
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "GIT_CONFIG_NOSYSTEM": "1",
    }


def _folder(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
