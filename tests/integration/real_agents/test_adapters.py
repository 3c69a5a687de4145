"""`polly fix --agent claude` with the real program: what Polly reports is what the model served."""

import contextlib
import json
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.integration.real_agents.demo import AGENTS, LAST, Demo, make_demo, tool_calls
from tests.model.script import Action, Step
from tests.model.scripted_model import ScriptedModel, write

from polly.events.agents import ActionRecorded

Polly = Callable[..., subprocess.CompletedProcess[str]]
Git = Callable[..., str]


@pytest.fixture
def demo(tmp_path: Path, git: Git, polly: Polly, model: ScriptedModel, claude_program: Path) -> Demo:
    """The demo project, with Claude Code as the agent of its settings."""
    made = make_demo(tmp_path, git, polly)
    with (made.root / "polly.toml").open("a", encoding="utf-8") as settings:
        program, url = json.dumps(str(claude_program)), json.dumps(model.url)
        settings.write(f"\n[agents.claude]\nprogram = {program}\nbase_url = {url}\nmax_retries = 2\n")
    git(made.root, "commit", "--quiet", "--all", "--message=chore: agents")
    for package in made.packages:
        made.play(model, package, made.steps(package))
    return made


@pytest.fixture
def fix(demo: Demo, polly: Polly) -> Callable[[], dict[str, Any]]:
    """`fix()` runs `polly fix --agent claude` on the demo and returns its report."""

    def run() -> dict[str, Any]:
        sources = (demo.sample.review, demo.sample.findings)
        given = ("--agents", str(AGENTS), "--agent", "claude")
        done = polly("fix", *sources, *given, cwd=demo.root, env={"ANTHROPIC_API_KEY": "test-key"})
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(polly("report", "--format", "json", cwd=demo.root).stdout)
        return told

    return run


def test_tokens_and_cost_of_the_report_are_what_the_model_served(
    fix: Callable[[], dict[str, Any]], demo: Demo, model: ScriptedModel
) -> None:
    report = fix()
    assert {issue["verdict"] for issue in report["issues"]} == {"fixed"}
    served = model.usage()
    assert report["figures"]["tokens"] == served.input + served.output
    assert report["figures"]["cost_usd"] == pytest.approx((4 * served.input + 20 * served.output) / 1_000_000)
    streams = demo.streams()
    assert sum(len(tool_calls(stream)) for stream in streams) == len(model.calls())
    assert {stream.result["session_id"] for stream in streams} == {
        request.session for request in model.requests()
    }


def test_every_tool_call_is_recorded_once_with_its_end_and_none_is_missing(
    fix: Callable[[], dict[str, Any]], demo: Demo, model: ScriptedModel
) -> None:
    fix()
    actions = _actions(demo)
    begun = [action["action"] for action in actions if action["action_type"] == "tool_call"]
    ended = [action["action"] for action in actions if action["action_type"] in {"success", "error"}]
    asked = sorted(call.id for call in model.calls())
    assert sorted(begun) == asked
    assert sorted(ended) == asked
    names = {action["action"]: action["action_name"] for action in actions}
    assert names == {call.id: call.name for call in model.calls()}


def test_a_write_to_the_file_of_another_is_denied_live_and_the_agent_goes_on(
    fix: Callable[[], dict[str, Any]], demo: Demo, model: ScriptedModel
) -> None:
    first, second = list(demo.packages)[:2]
    foreign = demo.packages[second][0]
    theft = (
        Step(actions=(Action(read=foreign),)),
        Step(actions=(write(foreign, "MINE = 1\n"), write("stray.txt", "x\n"))),
    )
    demo.play(model, first, (*demo.steps(first)[:-1], *theft, LAST))
    report = fix()
    (package,) = [each for each in report["packages"] if each["id"] == first]
    assert package["strays"] == []
    told = [result.text for request in model.requests() for result in request.results if result.failed]
    assert ["name it in the note" in text for text in told] == [True, True]
    assert all(any(name in text for text in told) for name in (foreign, "stray.txt"))


def _actions(demo: Demo) -> list[dict[str, Any]]:
    """What the run's journal holds of the agents' tool calls, in order."""
    (journal,) = (demo.root / ".polly" / "runs").glob("*/journal.db")
    with contextlib.closing(sqlite3.connect(journal)) as connection:
        rows = connection.execute(
            "SELECT data FROM events WHERE type = ? ORDER BY seq", (ActionRecorded.type,)
        ).fetchall()
    return [json.loads(data) for (data,) in rows]
