"""`polly fix --agent claude` with the real program: what Polly reports is what the model served."""

import contextlib
import json
import os
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.integration.real_agents.demo import AGENTS, LAST, Demo, make_demo, tool_calls
from tests.model.script import Action, Failure, Step
from tests.model.scripted_model import ScriptedModel, write

from polly.events.agents import ActionRecorded
from polly.store import schema
from polly.store.sqlite import SqliteStore

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
    for session in {request.session for request in model.requests() if request.session}:
        served = [(call.id, call.name) for call in model.calls(session)]
        stored = _stored(session)
        assert Counter(each[:2] for each in stored if each[2] == "tool_call") == Counter(served)
        assert Counter(each[:2] for each in stored if each[2] != "tool_call") == Counter(served)


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
    assert ["polly request-file" in text for text in told] == [True, True]
    assert all(any(name in text for text in told) for name in (foreign, "stray.txt"))


def test_a_file_that_was_denied_can_be_asked_for_and_then_written(
    fix: Callable[[], dict[str, Any]], demo: Demo, model: ScriptedModel
) -> None:
    first = next(iter(demo.packages))
    demand = (
        Step(actions=(write("docs/more.md", "too early\n"),)),
        Step(actions=(Action(shell='polly request-file docs/more.md --reason "to tell of it"'),)),
        Step(actions=(write("docs/more.md", "It is mine now.\n"),)),
    )
    demo.play(model, first, (*demo.steps(first)[:-1], *demand, LAST))
    (package,) = [each for each in fix()["packages"] if each["id"] == first]
    assert [(each["path"], each["answer"]) for each in package["requests"]] == [("docs/more.md", "granted")]
    assert "docs/more.md" in package["owned_changed"]
    assert package["strays"] == []
    told = [result.text for request in model.requests() for result in request.results]
    assert sum("is not one of this agent's files" in text for text in told) == 1
    assert any(text.startswith("Granted: docs/more.md") for text in told)


def test_a_key_that_is_refused_is_shown_to_the_model_once(
    demo: Demo, polly: Polly, model: ScriptedModel
) -> None:
    for package in demo.packages:
        demo.play(model, package, (Step(error=Failure(status=401)),))
    sources = (demo.sample.review, demo.sample.findings)
    given = ("--agents", "1", "--agent", "claude")
    done = polly("fix", *sources, *given, cwd=demo.root, env={"ANTHROPIC_API_KEY": "test-key"})
    assert done.returncode == 1
    assert done.stderr.count("the model refused the key (401)") == 1
    assert len(model.failures()) == 1
    packages = json.loads(polly("report", "--format", "json", cwd=demo.root).stdout)["packages"]
    assert sum(package["attempts"] for package in packages) == 1


def _stored(session: str) -> list[tuple[str, str, str]]:
    """Id, tool and kind of each action of the session in the database."""
    table = schema.agent_actions
    query = sa.select(table.c.action, table.c.action_name, table.c.action_type)
    database = Path(os.environ["POLLY_HOME"]) / "polly.db"
    with SqliteStore.open(database) as store, store.engine.connect() as connection:
        found = connection.execute(query.where(table.c.session_id == session))
        return [(row.action, row.action_name, row.action_type) for row in found]


def _actions(demo: Demo) -> list[dict[str, Any]]:
    """What the run's journal holds of the agents' tool calls, in order."""
    (journal,) = (demo.root / ".polly" / "runs").glob("*/journal.db")
    with contextlib.closing(sqlite3.connect(journal)) as connection:
        rows = connection.execute(
            "SELECT data FROM events WHERE type = ? ORDER BY seq", (ActionRecorded.type,)
        ).fetchall()
    return [json.loads(data) for (data,) in rows]
