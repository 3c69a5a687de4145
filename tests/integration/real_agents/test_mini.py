"""The real mini-swe-agent with its deterministic model, which needs no server."""

import json
from pathlib import Path
from typing import Any

from tests.agents import direct

_SUBMIT = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT; echo fixed"


def _output(command: str, cost: float) -> dict[str, Any]:
    return {"role": "assistant", "content": "", "extra": {"actions": [{"command": command}], "cost": cost}}


def _trajectory(home: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((home / "trajectory.json").read_text(encoding="utf-8"))
    return told


def test_commands_are_run_and_counted_in_its_trajectory(
    mini_program: Path, project: Path, tmp_path: Path
) -> None:
    outputs = [_output("sed -i.old 's/a - b/a + b/' calc.py", 0.5), _output(_SUBMIT, 0.25)]
    ended = direct.run(direct.mini(mini_program, tmp_path / "home", outputs), project)
    told = _trajectory(tmp_path / "home")
    assert (ended.code, told["info"]["exit_status"]) == (0, "Submitted")
    assert told["info"]["model_stats"] == {"instance_cost": 0.75, "api_calls": 2}
    assert (project / "calc.py").read_text(encoding="utf-8").endswith("a + b\n")


def test_a_limit_ends_it_with_exit_status_0_and_only_the_trajectory_says_so(
    mini_program: Path, project: Path, tmp_path: Path
) -> None:
    outputs = [_output("echo once", 0.5), _output(_SUBMIT, 0.25)]
    start = direct.mini(mini_program, tmp_path / "home", outputs, "-c", "agent.step_limit=1")
    ended = direct.run(start, project)
    assert (ended.code, _trajectory(tmp_path / "home")["info"]["exit_status"]) == (0, "LimitsExceeded")
