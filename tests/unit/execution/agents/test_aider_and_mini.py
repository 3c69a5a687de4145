"""What aider and mini-swe-agent leave behind, read as it is."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from polly.execution.agents.aider.report import AiderListener
from polly.execution.agents.listening import Noticed, TokenCounts, ToolCalled, ToolEnded, ToolOutcome
from polly.execution.agents.mini.trajectory import TrajectoryListener


def _aider(folder: Path, log: str, *events: dict[str, Any]) -> AiderListener:
    (folder / "log.txt").write_text(log, encoding="utf-8")
    (folder / "aider").mkdir()
    lines = "".join(json.dumps(event) + "\n" for event in events)
    (folder / "aider" / "analytics.jsonl").write_text(f"{lines}half a li", encoding="utf-8")
    return AiderListener(folder)


def _sent(prompt: int, answer: int, cost: float) -> dict[str, Any]:
    told = {"prompt_tokens": prompt, "completion_tokens": answer, "cost": cost, "total_cost": 99.0}
    return {"event": "message_send", "properties": told}


def test_aiders_edits_are_actions_and_its_messages_figures(tmp_path: Path) -> None:
    log = "Aider v0.86.2\nApplied edit to calc.py\nTokens: 2.3k sent, 123 received.\nApplied edit to t.py\n"
    listener = _aider(tmp_path, log, {"event": "launched"}, _sent(2000, 100, 0.5), _sent(300, 23, 0.25))
    facts = listener.read(to_end=True)
    assert [fact.target for fact in facts if isinstance(fact, ToolCalled)] == ["calc.py", "t.py"]
    assert all(fact.outcome is ToolOutcome.SUCCEEDED for fact in facts if isinstance(fact, ToolEnded))
    said = listener.said()
    assert said.finished is None  # its exit status is always 0: the tree says what it did
    assert said.tokens == TokenCounts(input=2300, output=123)
    assert said.cost_usd == 0.75


def test_a_cost_of_nothing_is_a_price_that_is_not_known(tmp_path: Path) -> None:
    listener = _aider(tmp_path, "", _sent(2000, 100, 0.0))
    assert listener.said().cost_usd is None
    other = _mini(tmp_path / "t.json", _trajectory("Submitted", _step("a"), _output(0), cost=0.0))
    other.read(to_end=True)
    assert other.said().cost_usd is None


def test_aider_that_got_no_answer_did_not_finish(tmp_path: Path) -> None:
    listener = _aider(tmp_path, "litellm.AuthenticationError: OpenAIException - bad key\n")
    facts = listener.read(to_end=True)
    assert [(fact.name, fact.details["status"]) for fact in facts if isinstance(fact, Noticed)] == [
        ("api_error", 401)
    ]
    said = listener.said()
    assert said.finished is False
    assert said.detail.startswith("the model refused the key (401)")
    assert said.tokens is None


def test_aider_that_was_answered_after_an_error_is_judged_by_the_tree(tmp_path: Path) -> None:
    log = "litellm.RateLimitError: slow down\nRetrying in 0.2 seconds...\nTokens: 1k sent, 2 received.\n"
    listener = _aider(tmp_path, log)
    assert [fact.name for fact in listener.read(to_end=True) if isinstance(fact, Noticed)] == ["rate_limited"]
    assert listener.said().finished is None


def _trajectory(status: str | None, *messages: dict[str, Any], cost: float = 0.02) -> dict[str, Any]:
    info = {"model_stats": {"instance_cost": cost, "api_calls": 2}, "mini_version": "2.4.6"}
    return {"info": {**info, **({"exit_status": status} if status else {})}, "messages": list(messages)}


def _step(*commands: str, usage: dict[str, Any] | None = None) -> dict[str, Any]:
    extra: dict[str, Any] = {"actions": [{"command": command} for command in commands], "timestamp": 10.0}
    if usage:
        extra["response"] = {"usage": usage}
    return {"role": "assistant", "content": "x", "extra": extra}


def _output(code: int, output: str = "", at: float = 10.5) -> dict[str, Any]:
    return {
        "role": "user",
        "content": "",
        "extra": {"returncode": code, "raw_output": output, "timestamp": at},
    }


EXIT = {"role": "exit", "content": "", "extra": {"exit_status": "Submitted"}}


def _mini(file: Path, value: dict[str, Any]) -> TrajectoryListener:
    file.write_text(json.dumps(value), encoding="utf-8")
    return TrajectoryListener(file)


def test_the_commands_of_a_trajectory_are_paired_with_what_came_of_them(tmp_path: Path) -> None:
    steps = (_step("sed a", "false"), _output(0), _output(1, "no"), _step("echo COMPLETE"), EXIT)
    listener = _mini(tmp_path / "t.json", _trajectory("Submitted", *steps))
    facts = listener.read(to_end=True)
    ended = [fact for fact in facts if isinstance(fact, ToolEnded)]
    assert [(fact.target, fact.outcome.value, fact.detail) for fact in ended] == [
        ("sed a", "succeeded", ""),
        ("false", "failed", "exit status 1 no"),
        ("echo COMPLETE", "succeeded", ""),
    ]
    assert ended[0].duration_ms == 500.0
    assert len(facts) == 2 * len(ended)
    assert listener.said().finished is True
    assert listener.said().cost_usd == 0.02


def test_a_trajectory_is_followed_while_it_grows_and_nothing_is_told_twice(tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    listener = _mini(file, _trajectory(None, _step("a")))
    assert [type(fact) for fact in listener.read()] == [ToolCalled]
    assert listener.read() == ()
    file.write_text('{"info": {"half', encoding="utf-8")
    assert listener.read() == ()
    file.write_text(json.dumps(_trajectory(None, _step("a"), _output(0))), encoding="utf-8")
    os.utime(file, (1, 1))  # the clock of the disk may stand still between two steps
    assert [type(fact) for fact in listener.read()] == [ToolEnded]
    said = listener.said()
    assert (said.finished, said.detail) == (False, "it ended in the middle of its work")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("LimitsExceeded", "it was stopped by its limit of steps or cost"),
        ("AuthenticationError", "the model refused the key (401): AuthenticationError"),
        ("Stuck", "it ended with Stuck"),
    ],
)
def test_mini_is_judged_by_its_exit_status_in_the_file(tmp_path: Path, status: str, said: str) -> None:
    listener = _mini(tmp_path / "t.json", _trajectory(status, _step("a"), _output(0)))
    listener.read(to_end=True)
    assert (listener.said().finished, listener.said().detail) == (False, said)


def test_tokens_are_those_of_every_answer(tmp_path: Path) -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 8, "prompt_tokens_details": {"cached_tokens": 30}}
    steps = (_step("a", usage=usage), _output(0), _step("b", usage=usage), EXIT)
    listener = _mini(tmp_path / "t.json", _trajectory("Submitted", *steps))
    listener.read(to_end=True)
    assert listener.said().tokens == TokenCounts(input=140, output=16, cache_read=60)


def test_no_trajectory_is_no_end(tmp_path: Path) -> None:
    listener = TrajectoryListener(tmp_path / "missing.json")
    assert listener.read(to_end=True) == ()
    assert (listener.said().finished, listener.said().detail) == (False, "it wrote no trajectory")
