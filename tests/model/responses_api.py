"""The OpenAI Responses API."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.model.answer import Answer, Call, StreamEvent, halves
from tests.model.conversation import Conversation, Said, ToolResult, text_of, understand
from tests.model.script import Usage

_OUTPUTS = {"function_call_output", "custom_tool_call_output", "local_shell_call_output"}


def read_request(body: dict[str, Any], headers: Mapping[str, str]) -> Conversation:
    """The conversation of a POST to /v1/responses."""
    given = body.get("input", [])
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    turns = [_said(item) for item in items]
    instructions = [str(body.get("instructions") or "")]
    instructions += [text_of(item.get("content")) for item in items if item.get("role") == "developer"]
    return understand(
        "responses",
        body,
        instructions="\n".join(instructions),
        turns=turns,
        tools={tool.get("name", tool["type"]): tool["type"] for tool in body.get("tools", [])},
        session=headers.get("session-id", "") or str(body.get("prompt_cache_key") or ""),
        thread=headers.get("thread-id", ""),
    )


def whole(answer: Answer) -> dict[str, Any]:
    """The answer to a request that does not stream."""
    return {
        **_response(answer),
        "status": "completed",
        "output": _items(answer),
        "usage": _usage(answer.usage),
    }


def stream(answer: Answer) -> Iterator[StreamEvent]:
    """The same answer, event by event."""
    for number, (name, fields) in enumerate(_events(answer)):
        yield StreamEvent(name=name, data={"type": name, "sequence_number": number, **fields})


def failure(status: int, message: str = "") -> dict[str, Any]:
    """The body of an HTTP error."""
    kinds = {401: "invalid_request_error", 429: "rate_limit_error", 529: "overloaded_error"}
    kind = kinds.get(status, "server_error")
    return {"error": {"type": kind, "code": None, "param": None, "message": message or f"scripted {kind}"}}


def _events(answer: Answer) -> Iterator[tuple[str, dict[str, Any]]]:
    begun = {**_response(answer), "status": "in_progress", "output": []}
    yield "response.created", {"response": begun}
    for index, item in enumerate(_items(answer)):
        place = {"output_index": index, "item_id": item["id"]}
        unfinished = {**item, "status": "in_progress"}
        if item["type"] == "message":
            unfinished["content"] = []
        yield "response.output_item.added", {"output_index": index, "item": unfinished}
        if item["type"] == "message":
            for part in halves(answer.text):
                yield "response.output_text.delta", {**place, "content_index": 0, "delta": part}
            yield "response.output_text.done", {**place, "content_index": 0, "text": answer.text}
        elif item["type"] == "function_call":
            for part in halves(item["arguments"]):
                yield "response.function_call_arguments.delta", {**place, "delta": part}
        yield "response.output_item.done", {"output_index": index, "item": item}
    yield "response.completed", {"response": whole(answer)}


def _said(item: dict[str, Any]) -> Said:
    if item.get("type") in _OUTPUTS:
        output = item.get("output")
        result = ToolResult(id=item.get("call_id", ""), text=text_of(output))
        return Said(role="user", results=(result,))
    if item.get("role") in {"user", "developer", "system"}:
        text = text_of(item.get("content"))
        return Said(role="user", text=text if item["role"] == "user" else "")
    return Said(role="assistant")


def _response(answer: Answer) -> dict[str, Any]:
    return {"id": f"resp_{answer.id}", "object": "response", "created_at": 0, "model": answer.model}


def _items(answer: Answer) -> list[dict[str, Any]]:
    items = [_call(call) for call in answer.calls]
    if answer.text:
        text = {"type": "output_text", "text": answer.text, "annotations": []}
        message = {"type": "message", "id": f"msg_{answer.id}", "status": "completed", "role": "assistant"}
        items.insert(0, {**message, "content": [text]})
    return items


def _call(call: Call) -> dict[str, Any]:
    common = {"call_id": call.id, "name": call.name, "status": "completed"}
    if isinstance(call.input, str):
        return {"type": "custom_tool_call", "id": f"ctc_{call.id}", **common, "input": call.input}
    return {"type": "function_call", "id": f"fc_{call.id}", **common, "arguments": call.arguments}


def _usage(usage: Usage) -> dict[str, Any]:
    sent = usage.input + usage.cache_read + usage.cache_write
    return {
        "input_tokens": sent,
        "input_tokens_details": {"cached_tokens": usage.cache_read},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": sent + usage.output,
    }
