"""Each API says the same in one piece and as a stream, in the shapes that its providers document."""

import json
from collections.abc import Sequence
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from tests.model import chat_api, messages_api, responses_api
from tests.model.answer import Answer, Call, StreamEvent
from tests.model.script import Usage

_TOKENS = st.integers(0, 1_000_000)
_INPUTS = st.dictionaries(st.text(max_size=5), st.text(max_size=30) | st.integers(-9, 9), max_size=3)


@st.composite
def _answers(draw: st.DrawFn, *, free_form: bool = False) -> Answer:
    inputs = _INPUTS | st.text(max_size=60) if free_form else _INPUTS
    calls = [
        Call(id=f"call_{index}", name=draw(st.sampled_from(["Read", "bash"])), input=given)
        for index, given in enumerate(draw(st.lists(inputs, max_size=3)))
    ]
    usage = Usage(
        input=draw(_TOKENS), cache_read=draw(_TOKENS), cache_write=draw(_TOKENS), output=draw(_TOKENS)
    )
    return Answer(id="abc", model="m-1", text=draw(st.text(max_size=40)), calls=tuple(calls), usage=usage)


def _data(events: Sequence[StreamEvent]) -> list[dict[str, Any]]:
    """What a reader of the wire gets of each event."""
    told = []
    for event in events:
        *head, data, end, rest = event.encoded().decode().split("\n")
        assert (head, end, rest) == ([f"event: {event.name}"] if event.name else [], "", "")
        if data != "data: [DONE]":
            told.append(json.loads(data.removeprefix("data: ")))
    return told


@hypothesis.given(_answers())
def test_a_stream_of_the_messages_api_adds_up_to_the_whole_message(answer: Answer) -> None:
    events = _data(list(messages_api.stream(answer)))
    message: dict[str, Any] = events[0]["message"]
    assert (message["content"], message["stop_reason"]) == ([], None)
    blocks: list[dict[str, Any]] = message["content"]
    for event in events:
        if event["type"] == "content_block_start":
            assert event["index"] == len(blocks)
            blocks.append({**event["content_block"], "json": ""})
        elif event["type"] == "content_block_delta":
            block, delta = blocks[event["index"]], event["delta"]
            if delta["type"] == "text_delta":
                block["text"] += delta["text"]
            else:
                block["json"] += delta["partial_json"]
        elif event["type"] == "message_delta":
            message |= event["delta"]
            message["usage"] |= event["usage"]
    for block in blocks:
        text = block.pop("json")
        if block["type"] == "tool_use":
            block["input"] = json.loads(text)
    assert message == messages_api.whole(answer)
    assert events[-1] == {"type": "message_stop"}


@hypothesis.given(_answers(free_form=True))
def test_a_stream_of_the_responses_api_ends_with_the_whole_response(answer: Answer) -> None:
    events = _data(list(responses_api.stream(answer)))
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert events[0]["type"] == "response.created"
    assert events[0]["response"]["status"] == "in_progress"
    whole = responses_api.whole(answer)
    assert events[-1]["type"] == "response.completed"
    assert events[-1]["response"] == whole
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert done == whole["output"]
    text = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    assert text == answer.text


@hypothesis.given(_answers())
def test_a_stream_of_chat_completions_adds_up_to_the_whole_message(answer: Answer) -> None:
    chunks = _data(list(chat_api.stream(answer)))
    text, calls, reasons = "", dict[int, dict[str, Any]](), []
    for chunk in chunks[:-1]:
        (choice,) = chunk["choices"]
        text += choice["delta"].get("content") or ""
        reasons.append(choice["finish_reason"])
        for part in choice["delta"].get("tool_calls", []):
            if "id" in part:
                calls[part["index"]] = {"id": part["id"], "type": "function", "function": part["function"]}
            else:
                calls[part["index"]]["function"]["arguments"] += part["function"]["arguments"]
    whole = chat_api.whole(answer)
    (choice,) = whole["choices"]
    assert (text or None, [calls[index] for index in sorted(calls)]) == (
        choice["message"]["content"],
        choice["message"].get("tool_calls", []),
    )
    assert reasons == [None] * (len(reasons) - 1) + [choice["finish_reason"]]
    assert (chunks[-1]["choices"], chunks[-1]["usage"]) == ([], whole["usage"])


def test_every_api_counts_cached_tokens_in_its_own_way() -> None:
    usage = Usage(input=100, cache_read=20, cache_write=3, output=7)
    answer = Answer(id="a", model="m", text="t", calls=(), usage=usage)
    assert messages_api.whole(answer)["usage"] == {
        "input_tokens": 100,
        "cache_creation_input_tokens": 3,
        "cache_read_input_tokens": 20,
        "output_tokens": 7,
    }
    told = responses_api.whole(answer)["usage"]
    assert (told["input_tokens"], told["input_tokens_details"]) == (123, {"cached_tokens": 20})
    told = chat_api.whole(answer)["usage"]
    assert (told["prompt_tokens"], told["total_tokens"]) == (123, 130)


@pytest.mark.parametrize(
    ("status", "kind"), [(401, "authentication_error"), (429, "rate_limit_error"), (529, "overloaded_error")]
)
def test_an_error_of_the_messages_api_names_its_type(status: int, kind: str) -> None:
    error = {"type": kind, "message": f"scripted {kind}"}
    assert messages_api.failure(status) == {"type": "error", "error": error}


def test_a_request_of_each_api_tells_the_same_conversation() -> None:
    said = "Fix it. [[script:one]]"
    folder = "Primary working directory: /src/here"
    call = {"type": "tool_use", "id": "t1", "name": "Read"}
    result = {"type": "tool_result", "tool_use_id": "t1"}
    messages = messages_api.read_request(
        {
            "model": "m",
            "stream": True,
            "system": [{"type": "text", "text": folder}],
            "tools": [{"name": "Read", "input_schema": {}}],
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": said}]},
                {"role": "assistant", "content": [{**call, "input": {}}]},
                {"role": "user", "content": [{**result, "content": [{"type": "text", "text": "no"}]}]},
            ],
        },
        {"x-claude-code-session-id": "s"},
    )
    responses = responses_api.read_request(
        {
            "model": "m",
            "stream": True,
            "prompt_cache_key": "s",
            "tools": [{"type": "function", "name": "Read"}],
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "<cwd>/src/here</cwd>"}]},
                {"role": "user", "content": [{"type": "input_text", "text": said}]},
                {"type": "reasoning", "summary": []},
                {"type": "function_call", "call_id": "t1", "name": "Read", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "t1", "output": "no"},
            ],
        },
        {},
    )
    chat = chat_api.read_request(
        {
            "model": "m",
            "stream": True,
            "tools": [{"type": "function", "function": {"name": "Read"}}],
            "messages": [
                {"role": "system", "content": "Working directory: /src/here"},
                {"role": "user", "content": said},
                {"role": "assistant", "content": None, "tool_calls": []},
                {"role": "tool", "tool_call_id": "t1", "content": "no"},
            ],
        },
        {},
    )
    for told in (messages, responses, chat):
        assert (told.marker, told.step, told.folder, told.stream) == ("one", 1, "/src/here", True)
        assert told.tools == {"Read": "function"}
        assert [(result.id, result.text) for result in told.results] == [("t1", "no")]
    assert (messages.session, responses.session, chat.session) == ("s", "s", "")


def test_the_last_marker_of_the_user_counts_and_steps_begin_anew_with_it() -> None:
    body = {
        "input": [
            {"role": "user", "content": "[[script:one]] then [[script:two]]"},
            {"role": "assistant", "content": [{"type": "output_text", "text": "Done."}]},
            {"role": "user", "content": "Now [[script:three]]."},
            {"role": "assistant", "content": [{"type": "output_text", "text": "I call [[script:four]]."}]},
            {"type": "custom_tool_call", "call_id": "c", "name": "apply_patch", "input": ""},
            {"type": "custom_tool_call", "call_id": "d", "name": "apply_patch", "input": ""},
            {"type": "custom_tool_call_output", "call_id": "c", "output": "[[script:five]]"},
            {"type": "custom_tool_call_output", "call_id": "d", "output": ""},
        ]
    }
    told = responses_api.read_request(body, {})
    assert (told.marker, told.step) == ("three", 1)
    assert [result.id for result in told.results] == ["c", "d"]
