"""The OpenAI Chat Completions API."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.model import responses_api
from tests.model.answer import Answer, StreamEvent, halves
from tests.model.conversation import Conversation, Said, ToolResult, text_of, understand
from tests.model.script import Usage

failure = responses_api.failure


def read_request(body: dict[str, Any], headers: Mapping[str, str]) -> Conversation:
    """The conversation of a POST to /v1/chat/completions."""
    messages = body.get("messages", [])
    system = [
        text_of(said.get("content")) for said in messages if said.get("role") in {"system", "developer"}
    ]
    return understand(
        "chat",
        body,
        instructions="\n".join(system),
        turns=[_said(message) for message in messages],
        tools={tool["function"]["name"]: "function" for tool in body.get("tools") or []},
        session=headers.get("x-session-id", ""),
    )


def whole(answer: Answer) -> dict[str, Any]:
    """The answer to a request that does not stream."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
    if answer.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in answer.calls
        ]
    choice = {"index": 0, "message": message, "finish_reason": _finish_reason(answer)}
    head = _head(answer, "chat.completion")
    return {**head, "choices": [choice], "usage": _usage(answer.usage)}


def stream(answer: Answer) -> Iterator[StreamEvent]:
    """The same answer, chunk by chunk, with the usage in a chunk of its own."""
    yield _chunk(answer, {"role": "assistant", "content": ""})
    for part in halves(answer.text):
        yield _chunk(answer, {"content": part})
    for index, call in enumerate(answer.calls):
        named = {"name": call.name, "arguments": ""}
        yield _chunk(
            answer, {"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": named}]}
        )
        for part in halves(call.arguments):
            yield _chunk(answer, {"tool_calls": [{"index": index, "function": {"arguments": part}}]})
    yield _chunk(answer, {}, finish_reason=_finish_reason(answer))
    head = _head(answer, "chat.completion.chunk")
    yield StreamEvent(data={**head, "choices": [], "usage": _usage(answer.usage)})
    yield StreamEvent(data="[DONE]")


def _said(message: dict[str, Any]) -> Said:
    role, text = message.get("role"), text_of(message.get("content"))
    if role == "assistant":
        return Said(role="assistant")
    if role == "tool":
        return Said(role="user", results=(ToolResult(id=message.get("tool_call_id", ""), text=text),))
    return Said(role="user", text=text if role == "user" else "")


def _head(answer: Answer, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{answer.id}", "object": kind, "created": 0, "model": answer.model}


def _chunk(answer: Answer, delta: dict[str, Any], *, finish_reason: str | None = None) -> StreamEvent:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return StreamEvent(data={**_head(answer, "chat.completion.chunk"), "choices": [choice]})


def _finish_reason(answer: Answer) -> str:
    return "tool_calls" if answer.calls else "stop"


def _usage(usage: Usage) -> dict[str, Any]:
    sent = usage.input + usage.cache_read + usage.cache_write
    return {
        "prompt_tokens": sent,
        "completion_tokens": usage.output,
        "total_tokens": sent + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read},
    }
