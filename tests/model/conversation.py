"""What a request tells, whichever API it came by."""

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from tests.model.script import MARKER

Api = Literal["messages", "responses", "chat"]

_FOLDER = re.compile(
    r"Primary working directory: (?P<claude>[^\n]+)|<cwd>(?P<codex>[^<]+)</cwd>"
    r"|Working directory: (?P<opencode>[^\n]+)"
)


class ToolResult(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent told of a tool call. failed: None where the API has no word for it."""

    id: str
    text: str
    failed: bool | None = None


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One turn: the user's words and tool results, or that the assistant spoke."""

    role: Literal["user", "assistant"]
    text: str = ""
    results: tuple[ToolResult, ...] = ()


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """A request as the player needs it.

    session: what the program calls its session; "" when it says nothing.
    marker: the script that the prompt names. step: answers of the assistant since then.
    tools: name to kind ("function" or "custom"). folder: where the agent works, as far as it said.
    key: the same for every try of the same request.
    """

    api: Api
    model: str
    stream: bool
    session: str
    marker: str | None
    prompt: str
    step: int
    tools: dict[str, str]
    folder: str
    results: tuple[ToolResult, ...]
    key: str
    thread: str = ""


def understand(
    api: Api,
    body: dict[str, Any],
    *,
    instructions: str,
    turns: Sequence[Said],
    tools: dict[str, str],
    session: str,
    thread: str = "",
) -> Conversation:
    """The conversation of these turns."""
    turns = _joined(turns)
    start, marker = _start(turns)
    return Conversation(
        api=api,
        model=str(body.get("model", "")),
        stream=bool(body.get("stream")),
        session=session,
        thread=thread,
        marker=marker,
        prompt="\n".join(turn.text for turn in turns[start:] if turn.role == "user"),
        step=_answers(turns[start:]),
        tools=tools,
        folder=_folder("\n".join((instructions, *(turn.text for turn in turns if turn.role == "user")))),
        results=_new_results(turns),
        key=_key(session, turns),
    )


def text_of(content: Any) -> str:
    """The text of a message: a string, or a list of blocks of which some hold text."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "\n".join(
        block["text"] for block in content if isinstance(block, dict) and isinstance(block.get("text"), str)
    )


def _joined(said: Sequence[Said]) -> list[Said]:
    """Tool results that come one by one are one turn of the user."""
    turns: list[Said] = []
    for one in said:
        if one.results and turns and turns[-1].results and not one.text:
            turns[-1] = Said(role="user", text=turns[-1].text, results=(*turns[-1].results, *one.results))
        else:
            turns.append(one)
    return turns


def _new_results(turns: Sequence[Said]) -> tuple[ToolResult, ...]:
    """Those since the assistant spoke: a program may add words of its own after them."""
    spoken = max((index for index, turn in enumerate(turns) if turn.role == "assistant"), default=-1)
    return tuple(result for turn in turns[spoken + 1 :] for result in turn.results)


def _start(turns: Sequence[Said]) -> tuple[int, str | None]:
    for index in range(len(turns) - 1, -1, -1):
        names = MARKER.findall(turns[index].text) if turns[index].role == "user" else []
        if names:
            return index, names[-1]
    return 0, None


def _answers(turns: Sequence[Said]) -> int:
    """Runs of the assistant: an answer with several parts is one."""
    before = ("user", *(turn.role for turn in turns))
    return sum(
        turn.role == "assistant" and last != "assistant" for last, turn in zip(before, turns, strict=False)
    )


def _folder(text: str) -> str:
    found = list(_FOLDER.finditer(text))
    return next((part.strip() for part in found[-1].groups() if part), "") if found else ""


def _key(session: str, turns: Sequence[Said]) -> str:
    said = json.dumps([session, [(turn.role, turn.text, len(turn.results)) for turn in turns]])
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:16]
