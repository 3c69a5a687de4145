"""What hooks cost a real session: Claude Code against the scripted model, the same calls with and without.

Usage: python benchmarks/hooks_in_sessions.py [CALLS] [ROUNDS]     (Claude Code is installed as for the tests)
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.agents import direct, npm
from tests.model.script import Action, Step
from tests.model.scripted_model import ScriptedModel, running

from polly.execution.agents.hook_programs import HookPrograms, claude_hooks
from polly.hooks.programs import fail_closed, guard_argv, record_argv
from polly.hooks.registration import entries
from polly.sink.spool import spool_files

_FILE = "def area(width, height):\n    return width * height\n" * 40


def main() -> None:
    """Prints the figures."""
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    program = npm.claude({"UV_SYSTEM_CERTS": "true", **os.environ})
    taken: dict[str, list[float]] = {name: [] for name in _settings()}
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "model") as model:
        actions = (Action(read="area.py"), Action(shell="true"))
        steps = tuple(Step(actions=(actions[number % 2],)) for number in range(calls))
        work = _Work(program, model, f"Go. {model.add('calls', *steps, Step(text='Done.'))}", calls)
        for number in range(rounds):
            for place, (name, seconds) in enumerate(taken.items()):
                seconds.append(work.seconds(Path(folder) / f"{number}-{place}", name))
    _print(taken, calls, rounds)


def _settings() -> dict[str, str]:
    """What is registered: nothing, what a user installs, what a run registers for its agents."""
    recorded = {event: [group] for event, group in entries("claude").items()}
    of_a_run = claude_hooks(HookPrograms(guard=fail_closed(guard_argv()), record=record_argv()))
    return {
        "no hooks": json.dumps({}),
        "recorder of a user": json.dumps({"hooks": recorded}),
        "guard of a run": json.dumps({"hooks": of_a_run}),
    }


class _Work(NamedTuple):
    """The same session again and again."""

    program: Path
    model: ScriptedModel
    prompt: str
    calls: int

    def seconds(self, place: Path, name: str) -> float:
        """What it took. What its hooks recorded is checked: nothing is measured that failed."""
        project = place / "project"
        project.mkdir(parents=True)
        (project / "area.py").write_text(_FILE, encoding="utf-8")
        subprocess.run(["git", "init", "--quiet", project], check=True)
        (place / "owned.txt").write_text("area.py\n", encoding="utf-8")
        options = ("--max-turns", str(self.calls + 5), "--settings", _settings()[name])
        start = direct.claude(self.program, self.model, place / "home", self.prompt, *options)
        env = {**start.env, "POLLY_HOME": str(place / "polly"), **_of_a_run(name, place, project)}
        begun = time.perf_counter()
        ended = direct.run(direct.Start(command=start.command, env=env), project)
        seconds = time.perf_counter() - begun
        if ended.result["is_error"]:
            raise RuntimeError(f"{name}: {ended.result}")
        self._check(place / "polly" / "spool", name)
        shutil.rmtree(place)
        return seconds

    def _check(self, spool: Path, name: str) -> None:
        lines = [line for file in spool_files(spool) for line in file.read_bytes().splitlines()]
        actions = sum(b'"dev.polly.action.recorded.v1"' in line for line in lines)
        if actions != (2 * self.calls if name == "recorder of a user" else 0):
            raise RuntimeError(f"{name}: {actions} actions were recorded for {self.calls} calls")


def _of_a_run(name: str, place: Path, project: Path) -> Mapping[str, str]:
    if name != "guard of a run":
        return {}
    return {"POLLY_OWNED_FILES": str(place / "owned.txt"), "POLLY_WORKSPACE": str(project)}


def _print(taken: Mapping[str, list[float]], calls: int, rounds: int) -> None:
    base = statistics.median(taken["no hooks"])
    print(f"a session of {calls} tool calls, {rounds} times each in turn")
    print(f"{'':22} {'median s':>9} {'best s':>9} {'ratio':>7} {'ms per call more':>17}")
    for name, seconds in taken.items():
        median = statistics.median(seconds)
        more = (median - base) / calls * 1000
        print(f"{name:22} {median:9.2f} {min(seconds):9.2f} {median / base:7.2f} {more:17.1f}")


if __name__ == "__main__":
    main()
