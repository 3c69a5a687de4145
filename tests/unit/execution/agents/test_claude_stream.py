"""What Claude Code prints becomes facts, each once, and a last word that is true."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.execution.agents.claude.stream import ClaudeStream
from polly.execution.agents.listening import Fact, Noticed, TokenCounts, ToolCalled, ToolEnded, ToolOutcome


def _init() -> dict[str, Any]:
    return {
        "type": "system",
        "subtype": "init",
        "session_id": "s1",
        "model": "m",
        "claude_code_version": "2.1",
    }


def _calls(
    call: str, name: str = "Edit", *, at: str = "2026-01-01T10:00:00.000Z", **more: Any
) -> dict[str, Any]:
    """A message that calls a tool; its usage is that of its beginning, as the program prints it."""
    usage = {"input_tokens": 100, "output_tokens": 1, "cache_read_input_tokens": 20}
    block = {"type": "tool_use", "id": call, "name": name, "input": {"file_path": "/w/calc.py"}}
    message = {"id": more.pop("message", f"m-{call}"), "content": [block], "usage": usage}
    return {"type": "assistant", "message": message, "timestamp": at, "parent_tool_use_id": None, **more}


def _answers(
    call: str, *, at: str = "2026-01-01T10:00:01.500Z", error: bool = False, text: str = "ok", **more: Any
) -> dict[str, Any]:
    block = {"type": "tool_result", "tool_use_id": call, "content": text, "is_error": error}
    return {"type": "user", "message": {"content": [block]}, "timestamp": at, **more}


def _result(**given: Any) -> dict[str, Any]:
    return {
        "type": "result",
        "subtype": "success",
        "is_error": False,
        "num_turns": 2,
        "result": "done",
        **given,
    }


def _usage(tokens: int, cost: float) -> dict[str, Any]:
    return {"model": {"inputTokens": tokens, "outputTokens": 7, "cacheReadInputTokens": 3, "costUSD": cost}}


def _read(*lines: dict[str, Any]) -> tuple[ClaudeStream, list[Fact]]:
    stream = ClaudeStream()
    return stream, [fact for line in lines for fact in stream.line(json.dumps(line).encode(), 0.0)]


def test_a_tool_is_called_once_and_ends_once_with_target_and_duration() -> None:
    _, facts = _read(_init(), _calls("t1"), _calls("t1"), _answers("t1"), _answers("t1"), _result())
    assert facts == [
        ToolCalled(call="t1", tool="Edit", target="/w/calc.py"),
        ToolEnded(
            call="t1", tool="Edit", target="/w/calc.py", outcome=ToolOutcome.SUCCEEDED, duration_ms=1500.0
        ),
    ]


def test_a_subagents_tool_knows_the_call_that_started_the_subagent() -> None:
    _, facts = _read(_calls("t1", "Agent"), _calls("t2", parent_tool_use_id="t1"), _answers("t2"))
    assert [getattr(fact, "parent", None) for fact in facts] == [None, "t1", "t1"]


@pytest.mark.parametrize(
    "told",
    [
        {"tool_result_meta": [{"id": "t1", "permission_decision": {"decision": "reject", "source": "hook"}}]},
        {},
    ],
    ids=["by the answer", "by a line of its own"],
)
def test_a_denied_tool_did_not_run_and_says_why(told: dict[str, Any]) -> None:
    line = {"type": "system", "subtype": "permission_denied", "tool_use_id": "t1"}
    before = [] if told else [line]
    stream, facts = _read(
        _calls("t1"), *before, _answers("t1", error=True, text="other.py is not\nyours", **told), _result()
    )
    ended = facts[-1]
    assert isinstance(ended, ToolEnded)
    assert (ended.outcome, ended.detail) == (ToolOutcome.DENIED, "other.py is not yours")
    assert stream.said().figures["denials"] == 1


def test_a_failed_tool_ran_and_says_why() -> None:
    _, facts = _read(_calls("t1"), _answers("t1", error=True, text="Exit code 3"))
    ended = facts[-1]
    assert isinstance(ended, ToolEnded)
    assert (ended.outcome, ended.detail) == (ToolOutcome.FAILED, "Exit code 3")


def test_retries_and_rate_limits_are_noticed_one_by_one() -> None:
    def retry(status: int) -> dict[str, Any]:
        return {"type": "system", "subtype": "api_retry", "attempt": 1, "error_status": status, "error": "x"}

    stream, facts = _read(retry(529), retry(429), _result())
    assert [(fact.key, fact.name, fact.is_error) for fact in facts if isinstance(fact, Noticed)] == [
        ("retry-1", "api_retry", True),
        ("retry-2", "rate_limited", True),
    ]
    assert stream.said().figures["retries"] == 2


def test_a_hook_without_a_verdict_is_an_alarm() -> None:
    line = {
        "type": "system",
        "subtype": "informational",
        "tag": "hook_no_verdict",
        "hook_event": "PreToolUse",
    }
    stream, facts = _read(line, _result())
    assert [fact.name for fact in facts if isinstance(fact, Noticed)] == ["hook_no_verdict"]
    assert stream.said().figures["hooks_without_verdict"] == 1


def test_figures_come_from_the_result_with_subagents_and_never_from_repeated_messages() -> None:
    usage = {"input_tokens": 1, "output_tokens": 1}  # without the subagent
    lines = [_calls("t1", message="m1"), _calls("t2", message="m1"), _calls("t3", message="m1")]
    stream, _ = _read(*lines, _result(usage=usage, modelUsage=_usage(500, 0.25), total_cost_usd=0.25))
    said = stream.said()
    assert said.tokens == TokenCounts(input=500, output=7, cache_read=3)
    assert said.tokens.total == 510
    assert said.cost_usd == 0.25


def test_a_second_result_of_a_session_adds_only_what_is_new() -> None:
    first = _result(
        modelUsage=_usage(500, 0.25), total_cost_usd=0.25, model_usage_since_last_result=_usage(500, 0.25)
    )
    second = _result(
        modelUsage=_usage(800, 0.75), total_cost_usd=0.75, model_usage_since_last_result=_usage(300, 0.5)
    )
    said = _read(first, second)[0].said()
    assert said.tokens == TokenCounts(input=800, output=14, cache_read=6)
    assert said.cost_usd == 0.75


def test_a_session_that_goes_on_with_an_earlier_one_counts_its_own_part_only() -> None:
    told = _result(
        modelUsage=_usage(800, 0.75), total_cost_usd=0.75, model_usage_since_last_result=_usage(300, 0.5)
    )
    said = _read(told)[0].said()
    assert said.tokens == TokenCounts(input=300, output=7, cache_read=3)
    assert said.cost_usd == 0.5


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (
            {"is_error": True, "api_error_status": 401, "terminal_reason": "api_error", "result": "bad key"},
            "the model refused the key (401): bad key",
        ),
        (
            {"is_error": True, "api_error_status": 529, "terminal_reason": "api_error", "result": "busy"},
            "out of retries: the model is overloaded (529): busy",
        ),
        (
            {"is_error": True, "subtype": "error_max_turns", "terminal_reason": "max_turns"},
            "it was stopped by its limit of turns, after 2",
        ),
        (
            {"is_error": True, "subtype": "error_during_execution", "terminal_reason": "aborted_tools"},
            "it was interrupted",
        ),
        (
            {"is_error": True, "terminal_reason": "prompt_too_long", "result": "too long"},
            "the conversation became too long for the model: too long",
        ),
        ({"is_error": None}, "done"),
    ],
)
def test_is_error_decides_whatever_the_subtype_says(result: dict[str, Any], said: str) -> None:
    word = _read(_init(), _result(**result))[0].said()
    assert word.finished is False
    assert word.detail == said


def test_a_stream_without_a_result_did_not_finish_and_its_tokens_are_a_lower_bound() -> None:
    stream, _ = _read(
        _init(), _calls("t1", message="m1"), _calls("t2", message="m1"), _calls("t3", message="m2")
    )
    said = stream.said()
    assert (said.finished, said.detail) == (False, "it ended without a result")
    assert said.tokens == TokenCounts(input=200, output=2, cache_read=40)
    assert said.cost_usd is None
    assert said.figures["tokens_are"] == "at least"


def test_text_for_people_between_the_records_is_passed_over() -> None:
    stream = ClaudeStream()
    assert list(stream.line(b"Warning: something", 0.0)) == []
    assert list(stream.line(b"", 0.0)) == []


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "type",
                        "subtype",
                        "message",
                        "content",
                        "id",
                        "is_error",
                        "usage",
                        "tool_use_id",
                        "errors",
                        "model",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_record_is_read_or_refused_as_broken(value: Any) -> None:
    stream = ClaudeStream()
    for kind in ("assistant", "user", "system", "result"):
        record = {**value, "type": kind} if isinstance(value, dict) else value
        try:
            list(stream.line(json.dumps(record).encode(), 0.0))
        except msgspec.DecodeError:
            continue
    stream.said()
