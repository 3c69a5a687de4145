"""The Anthropic Messages API."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.model.answer import Answer, StreamEvent, halves
from tests.model.conversation import Conversation, Said, ToolResult, text_of, understand
from tests.model.script import Usage

_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def read_request(body: dict[str, Any], headers: Mapping[str, str]) -> Conversation:
    """The conversation of a POST to /v1/messages."""
    return understand(
        "messages",
        body,
        instructions=text_of(body.get("system")),
        turns=[_said(message) for message in body.get("messages", [])],
        tools={tool["name"]: "function" for tool in body.get("tools", [])},
        session=headers.get("x-claude-code-session-id", ""),
        thread=headers.get("x-claude-code-agent-id", ""),
    )


def whole(answer: Answer) -> dict[str, Any]:
    """The answer to a request that does not stream."""
    content: list[dict[str, Any]] = [{"type": "text", "text": answer.text}] if answer.text else []
    content += [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": call.input} for call in answer.calls
    ]
    return {
        **_message(answer),
        "content": content,
        "stop_reason": _stop_reason(answer),
        "usage": _usage(answer.usage, output=answer.usage.output),
    }


def stream(answer: Answer) -> Iterator[StreamEvent]:
    """The same answer, event by event."""
    # The first figure of a real stream is one token: whoever adds it up counts wrongly.
    begun = {**_message(answer), "content": [], "stop_reason": None, "usage": _usage(answer.usage, output=1)}
    yield _event("message_start", message=begun)
    index = 0
    if answer.text:
        deltas = [{"type": "text_delta", "text": part} for part in halves(answer.text)]
        yield from _block(index, {"type": "text", "text": ""}, deltas)
        index += 1
    for call in answer.calls:
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in halves(call.arguments)]
        block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
        yield from _block(index, block, deltas)
        index += 1
    delta = {"stop_reason": _stop_reason(answer), "stop_sequence": None}
    yield _event("message_delta", delta=delta, usage={"output_tokens": answer.usage.output})
    yield _event("message_stop")


def failure(status: int, message: str = "") -> dict[str, Any]:
    """The body of an HTTP error."""
    kind = _ERROR_TYPES.get(status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": message or f"scripted {kind}"}}


def _said(message: dict[str, Any]) -> Said:
    content = message.get("content")
    blocks = content if isinstance(content, list) else []
    results = tuple(
        ToolResult(
            id=block.get("tool_use_id", ""),
            text=text_of(block.get("content")),
            failed=bool(block.get("is_error")),
        )
        for block in blocks
        if block.get("type") == "tool_result"
    )
    if message.get("role") == "assistant":
        return Said(role="assistant")
    return Said(role="user", text=text_of(content), results=results)


def _message(answer: Answer) -> dict[str, Any]:
    return {
        "id": f"msg_{answer.id}",
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "stop_sequence": None,
    }


def _usage(usage: Usage, *, output: int) -> dict[str, int]:
    return {
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": output,
    }


def _stop_reason(answer: Answer) -> str:
    return "tool_use" if answer.calls else "end_turn"


def _block(index: int, block: dict[str, Any], deltas: list[dict[str, str]]) -> Iterator[StreamEvent]:
    yield _event("content_block_start", index=index, content_block=block)
    for delta in deltas:
        yield _event("content_block_delta", index=index, delta=delta)
    yield _event("content_block_stop", index=index)


def _event(name: str, **fields: Any) -> StreamEvent:
    return StreamEvent(name=name, data={"type": name, **fields})
