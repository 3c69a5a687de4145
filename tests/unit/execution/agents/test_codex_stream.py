"""What Codex prints becomes facts, each once, and a last word that is true."""

import json
from typing import Any

import pytest

from polly.execution.agents.codex.stream import CodexStream
from polly.execution.agents.listening import Fact, Noticed, TokenCounts, ToolCalled, ToolEnded, ToolOutcome

TURN = {"type": "turn.started"}


def _item(kind: str, **given: Any) -> dict[str, Any]:
    return {"type": f"item.{kind}", "item": {"id": "item_1", "type": "command_execution", **given}}


def _done(tokens: int, cached: int = 0, out: int = 5) -> dict[str, Any]:
    usage = {"input_tokens": tokens, "cached_input_tokens": cached, "output_tokens": out}
    return {"type": "turn.completed", "usage": usage}


def _read(*lines: dict[str, Any], apart: float = 0.0) -> tuple[CodexStream, list[Fact]]:
    stream = CodexStream()
    facts: list[Fact] = []
    for number, line in enumerate(lines):
        facts.extend(stream.line(json.dumps(line).encode(), 10.0 + number * apart))
    return stream, facts


def test_a_command_is_called_once_and_ends_once() -> None:
    start = _item("started", command="cat a", status="in_progress", exit_code=None)
    end = _item("completed", command="cat a", status="completed", exit_code=0)
    _, facts = _read(TURN, start, start, end, apart=0.5)
    assert facts == [
        ToolCalled(call="item_1", tool="shell", target="cat a"),
        ToolEnded(
            call="item_1", tool="shell", target="cat a", outcome=ToolOutcome.SUCCEEDED, duration_ms=1000.0
        ),
    ]


def test_lines_that_were_read_in_one_look_do_not_say_how_long_a_tool_took() -> None:
    _, facts = _read(_item("started", command="x"), _item("completed", command="x", exit_code=0))
    assert isinstance(facts[1], ToolEnded)
    assert facts[1].duration_ms is None


def test_an_item_that_only_ends_was_called_too() -> None:
    changes = [{"path": "/w/a.py", "kind": "update"}, {"path": "/w/b.py", "kind": "add"}]
    _, facts = _read(_item("completed", type="file_change", changes=changes, status="completed"))
    assert [(type(fact), getattr(fact, "target", "")) for fact in facts] == [
        (ToolCalled, "/w/a.py (update), /w/b.py (add)"),
        (ToolEnded, "/w/a.py (update), /w/b.py (add)"),
    ]


def test_an_exit_status_is_a_failure_with_the_end_of_what_was_printed() -> None:
    line = _item("completed", command="x", exit_code=3, status="failed", aggregated_output="no\nsuch file")
    ended = _read(line)[1][-1]
    assert isinstance(ended, ToolEnded)
    assert (ended.outcome, ended.detail) == (ToolOutcome.FAILED, "exit status 3 no such file")


def test_usage_is_that_of_the_thread_so_far_so_the_last_one_counts() -> None:
    said = _read(TURN, _done(100), TURN, _done(250, cached=50, out=9))[0].said()
    assert said.tokens == TokenCounts(input=200, cache_read=50, output=9)
    assert said.cost_usd is None
    assert said.figures["turns"] == 2


def test_a_failed_turn_is_no_end_whatever_came_before() -> None:
    message = "unexpected status 401 Unauthorized: invalid x-api-key"
    failed = {"type": "turn.failed", "error": {"message": message}}
    stream, facts = _read(TURN, {"type": "error", "message": f"Reconnecting... 1/1 ({message})"}, failed)
    said = stream.said()
    assert said.finished is False
    assert said.detail == f"the model refused the key (401) after 1 retry: {message}"
    assert [(fact.name, fact.details["status"]) for fact in facts if isinstance(fact, Noticed)] == [
        ("api_retry", 401)
    ]


def test_a_rate_limit_that_was_overcome_is_noticed_and_no_failure() -> None:
    error = {
        "type": "error",
        "message": "Reconnecting... 1/1 (exceeded retry limit, last status: 429 Too Many)",
    }
    stream, facts = _read(TURN, error, _done(10))
    assert [fact.name for fact in facts if isinstance(fact, Noticed)] == ["rate_limited"]
    assert stream.said().finished is True


@pytest.mark.parametrize(
    ("lines", "said"),
    [([], "it ended without a turn"), ([TURN], "it ended in the middle of its turn")],
)
def test_a_stream_that_breaks_off_did_not_finish(lines: list[dict[str, Any]], said: str) -> None:
    word = _read(*lines)[0].said()
    assert (word.finished, word.detail) == (False, said)
