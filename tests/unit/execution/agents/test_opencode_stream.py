"""What opencode prints becomes facts, each once, and a last word that is true."""

import json
from typing import Any

import pytest

from polly.execution.agents.listening import Fact, TokenCounts, ToolCalled, ToolEnded, ToolOutcome
from polly.execution.agents.opencode.agent import permissions
from polly.execution.agents.opencode.stream import OpencodeStream
from polly.work.plan import Files

START: dict[str, Any] = {"type": "step_start", "sessionID": "s", "part": {"id": "p0"}}


def _tool(call: str, **state: Any) -> dict[str, Any]:
    given = {
        "status": "completed",
        "input": {"filePath": "a.py"},
        "time": {"start": 1000, "end": 1250},
        **state,
    }
    return {"type": "tool_use", "sessionID": "s", "part": {"tool": "edit", "callID": call, "state": given}}


def _finish(part: str, reason: str = "stop", cost: float = 0.5) -> dict[str, Any]:
    tokens = {"input": 10, "output": 4, "reasoning": 2, "cache": {"read": 3, "write": 1}}
    return {"type": "step_finish", "part": {"id": part, "reason": reason, "tokens": tokens, "cost": cost}}


def _read(*lines: dict[str, Any]) -> tuple[OpencodeStream, list[Fact]]:
    stream = OpencodeStream()
    return stream, [fact for line in lines for fact in stream.line(json.dumps(line).encode(), 0.0)]


def test_a_tool_is_told_once_with_its_duration() -> None:
    _, facts = _read(START, _tool("c1"), _tool("c1"))
    assert facts == [
        ToolCalled(call="c1", tool="edit", target="a.py"),
        ToolEnded(call="c1", tool="edit", target="a.py", outcome=ToolOutcome.SUCCEEDED, duration_ms=250),
    ]


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ({"status": "error", "error": "Could not find oldString"}, ToolOutcome.FAILED),
        ({"metadata": {"exit": 3}}, ToolOutcome.FAILED),
        ({"metadata": {"exit": 0}}, ToolOutcome.SUCCEEDED),
        (
            {"status": "error", "error": "The user has specified a rule which prevents you from using this"},
            ToolOutcome.DENIED,
        ),
    ],
)
def test_the_outcome_of_a_tool_is_what_happened(state: dict[str, Any], outcome: ToolOutcome) -> None:
    ended = _read(_tool("c1", **state))[1][-1]
    assert isinstance(ended, ToolEnded)
    assert ended.outcome is outcome


def test_steps_are_added_up_each_once() -> None:
    said = _read(START, _finish("p1", "tool-calls"), _finish("p1", "tool-calls"), _finish("p2"))[0].said()
    assert said.finished is True
    assert said.tokens == TokenCounts(input=20, output=12, cache_read=6, cache_write=2)
    assert said.cost_usd == 1.0


def test_a_run_that_stopped_at_a_question_to_nobody_did_not_finish_although_it_ended_with_status_0() -> None:
    said = _read(START, _tool("c1", status="error", error="rejected permission"), _finish("p1", "tool-calls"))
    assert said[0].said().finished is False
    assert "a permission that nobody can give" in said[0].said().detail


def test_an_error_of_the_model_is_the_end() -> None:
    data = {"message": "invalid x-api-key", "statusCode": 401, "isRetryable": False}
    said = _read(START, {"type": "error", "error": {"name": "APIError", "data": data}})[0].said()
    assert (said.finished, said.detail) == (False, "the model refused the key (401): invalid x-api-key")


def test_only_owned_files_may_be_edited_and_nothing_asks_a_person() -> None:
    rules = permissions(Files(modify=("src/a.py",), create=("tests/**/test_*.py",)))
    assert list(rules["edit"].items()) == [
        ("*", "deny"),  # first: the last rule that fits counts
        ("src/a.py", "allow"),
        ("tests/*/test_*.py", "allow"),
    ]
    assert "ask" not in json.dumps(rules)
    assert rules["external_directory"] == "deny"
