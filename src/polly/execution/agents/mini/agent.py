"""mini-swe-agent, not interactive. Its trajectory is its record; what it prints is for people."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polly.errors import InputError, SettingsError
from polly.execution.agents.base import Assignment, Launch
from polly.execution.agents.listening import Listener
from polly.execution.agents.mini.about import MINI
from polly.execution.agents.mini.trajectory import TrajectoryListener
from polly.execution.agents.options import absolute
from polly.execution.agents.program import ProgramSettings, read_settings

_RETRIES = 5


@dataclass(frozen=True, kw_only=True)
class MiniAgent:
    """`mini` without questions. config: a file of the user's laid over mini's own defaults."""

    settings: ProgramSettings
    config: str | None
    max_cost: float | None
    argument: str = ""
    name: str = MINI.name

    @property
    def spec(self) -> str:
        return f"{self.name}:{self.argument}" if self.argument else self.name

    def launch(self, assignment: Assignment) -> Launch:
        """The prompt comes in a configuration file: it can be longer than an argument may be."""
        home = (assignment.folder / "mini").absolute()
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        own = home / "polly.yaml"
        own.write_text(json.dumps(self._configuration(assignment)), encoding="utf-8")  # JSON is YAML
        settings = self.settings
        command = [settings.program, *settings.args, "-y", "--exit-immediately"]
        command += ["-m", settings.model] if settings.model else []
        command += ["-o", str(home / "trajectory.json"), "-c", "mini.yaml"]
        command += ["-c", self.config] if self.config else []
        retries = _RETRIES if settings.max_retries is None else settings.max_retries
        return Launch(
            command=(*command, "-c", str(own)),
            env={
                **settings.variables(),
                "MSWEA_CONFIGURED": "true",
                "MSWEA_SILENT_STARTUP": "1",
                "MSWEA_GLOBAL_CONFIG_DIR": str(home),
                "MSWEA_COST_TRACKING": "ignore_errors",
                "MSWEA_MODEL_RETRY_STOP_AFTER_ATTEMPT": str(retries + 1),
                "LITELLM_LOCAL_MODEL_COST_MAP": "True",
                **({"OPENAI_API_BASE": settings.base_url} if settings.base_url else {}),
            },
        )

    def listener(self, folder: Path) -> Listener:
        """Reads the trajectory, which is written anew after each step."""
        return TrajectoryListener(folder / "mini" / "trajectory.json")

    def _configuration(self, assignment: Assignment) -> dict[str, Any]:
        agent: dict[str, Any] = {}
        if self.settings.max_turns is not None:
            agent["step_limit"] = self.settings.max_turns
        if self.max_cost is not None:
            agent["cost_limit"] = self.max_cost
        task = assignment.prompt_file.read_text(encoding="utf-8", errors="replace")
        return {"run": {"task": task}, **({"agent": agent} if agent else {})}


def open_mini(argument: str, options: Mapping[str, Any]) -> MiniAgent:
    """From `--agent mini:MODEL`, or `--agent mini` with a model or a config in the settings."""
    settings = read_settings(MINI, argument, options)
    config = settings.more.get("config")
    if config is not None and not (isinstance(config, str) and absolute(config).is_file()):
        raise SettingsError(
            f"[agents.mini]: config is no file: {config!r}", next_step="It is a YAML file of mini-swe-agent."
        )
    if not settings.model and config is None:
        raise InputError(
            "the agent mini needs a model",
            next_step='Write `--agent mini:MODEL`, or model = "…" in [agents.mini].',
        )
    cost = settings.more.get("max_cost")
    if cost is not None and (not isinstance(cost, int | float) or isinstance(cost, bool) or cost <= 0):
        raise SettingsError(
            f"[agents.mini]: max_cost cannot be {cost!r}", next_step="It is USD for one attempt, such as 2.5."
        )
    return MiniAgent(
        settings=settings,
        config=str(absolute(config)) if config else None,
        max_cost=cost,
        argument=argument,
    )
