"""opencode, not interactive. It has no hooks here; its permission rules keep its tools to the owned files."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polly.errors import SettingsError
from polly.execution.agents.base import Assignment, Launch
from polly.execution.agents.listening import Listener
from polly.execution.agents.log_lines import LogListener
from polly.execution.agents.opencode.about import OPENCODE
from polly.execution.agents.opencode.stream import OpencodeStream
from polly.execution.agents.program import ProgramSettings, fed, read_settings
from polly.work.plan import Files

_OWN = {
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
    "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
    "OPENCODE_DISABLE_CLAUDE_CODE": "1",
    # What the repository configures would be laid over the rules below; its plugins would run.
    "OPENCODE_DISABLE_PROJECT_CONFIG": "1",
    "OPENCODE_PURE": "1",
}


@dataclass(frozen=True, kw_only=True)
class OpencodeAgent:
    """`opencode run`. Nothing asks a person: a question that nobody answers would end the run, with status 0.

    prices: USD per million tokens, `input` and `output`, of a model behind `base_url`.
    """

    settings: ProgramSettings
    prices: Mapping[str, float]
    argument: str = ""
    name: str = OPENCODE.name

    @property
    def spec(self) -> str:
        return f"{self.name}:{self.argument}" if self.argument else self.name

    def launch(self, assignment: Assignment) -> Launch:
        """The prompt comes on standard input, the whole configuration in a variable."""
        home = (assignment.folder / "opencode").absolute()
        folders = {f"XDG_{name}_HOME": home / name.lower() for name in ("CONFIG", "DATA", "STATE")}
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        configuration = json.dumps(self._configuration(assignment))
        file = home / "opencode.json"
        file.write_text(configuration + "\n", encoding="utf-8", newline="\n")
        return Launch(
            command=fed(
                str(assignment.prompt_file),
                *(self.settings.program, "run", "--format", "json", *self.settings.args),
            ),
            env={
                **self.settings.variables(),
                **_OWN,
                **({"OPENCODE_DISABLE_MODELS_FETCH": "1"} if self.settings.base_url else {}),
                **{name: str(folder) for name, folder in folders.items()},
                "OPENCODE_CONFIG": str(file),
                "OPENCODE_CONFIG_CONTENT": configuration,
            },
        )

    def listener(self, folder: Path) -> Listener:
        """Reads the stream of JSON records."""
        return LogListener(folder / "log.txt", OpencodeStream())

    def _configuration(self, assignment: Assignment) -> dict[str, Any]:
        model = self.settings.model or ""
        common: dict[str, Any] = {
            "autoupdate": False,
            "share": "disabled",
            "lsp": False,
            "formatter": False,
            "permission": permissions(assignment.package.files),
        }
        if not self.settings.base_url:
            return {**common, "model": model}
        name = model.rpartition("/")[2]
        key = self.settings.env[0]
        known: dict[str, Any] = {"tool_call": True}
        if self.prices:
            known["cost"] = dict(self.prices)
        provider = {
            "npm": "@ai-sdk/openai-compatible",
            "options": {"baseURL": self.settings.base_url, "apiKey": f"{{env:{key}}}"},
            "models": {name: known},
        }
        return {
            **common,
            "model": f"polly/{name}",
            "small_model": f"polly/{name}",
            "enabled_providers": ["polly"],
            "provider": {"polly": provider},
        }


def permissions(files: Files) -> dict[str, Any]:
    """Permission rules that let the tools for files write what is owned; the last rule that fits counts.

    A `*` of theirs crosses folders: the tree is judged afterwards.
    """
    owned = {_pattern(path): "allow" for path in (*files.modify, *files.create)}
    refused = ("webfetch", "websearch", "external_directory", "doom_loop", "question")
    return {**dict.fromkeys(refused, "deny"), "bash": "allow", "edit": {"*": "deny", **owned}}


def _pattern(path: str) -> str:
    return re.sub(r"\*+(/\*+)*", "*", path)


def open_opencode(argument: str, options: Mapping[str, Any]) -> OpencodeAgent:
    """From `--agent opencode:PROVIDER/MODEL`, or `--agent opencode` with a model in the settings."""
    settings = read_settings(OPENCODE, argument, options)
    if "/" not in (settings.model or "") and not settings.base_url:
        raise SettingsError(
            f"[agents.opencode]: the model {settings.model!r} names no provider",
            next_step="Write it as opencode does, such as anthropic/claude-sonnet-4-5.",
        )
    return OpencodeAgent(settings=settings, prices=_prices(options.get("prices", {})), argument=argument)


def _prices(value: Any) -> dict[str, float]:
    if isinstance(value, Mapping) and all(
        name in ("input", "output", "cache_read", "cache_write")
        and isinstance(price, int | float)
        and not isinstance(price, bool)
        and price >= 0
        for name, price in value.items()
    ):
        return {name: float(price) for name, price in value.items()}
    raise SettingsError(
        f"[agents.opencode]: prices cannot be {value!r}",
        next_step="They are USD per million tokens, such as prices = { input = 3, output = 15 }.",
    )
