"""What `guard` does, imported so that it is compiled once."""

import os

from polly.hooks.audit import is_tracked, strays
from polly.hooks.facts import Told, call, circumstances, fired
from polly.hooks.judging import SHELLS, Refusal, judge
from polly.hooks.ownership import Owned
from polly.hooks.quick_json import dumps
from polly.hooks.recording import read_input, record, session_of

TYPE_CHECKING = False  # the name is what type checkers know; `typing` would be slow to load
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from polly.hooks.facts import Circumstances, Payload


def run(names: "Sequence[str]") -> None:
    """Answers one call of a hook on stdout. Whatever it raises is a denial; names: of the agent program."""
    told = read_input()
    if not os.environ.get("POLLY_OWNED_FILES"):
        return  # outside of a run everything belongs to the user
    payload = told.payload
    if payload is None:
        raise ValueError(f"what the agent program asks cannot be read: {told.why}")
    where = circumstances(payload, os.environ, names[0] if names else "")
    event = payload.get("hook_event_name")
    if event == "PreToolUse":
        try:
            _before(payload, where)
        except Exception as error:
            denied = Refusal(f"the guard failed: {type(error).__name__}: {error}", "")
            _record(payload, where, lambda _: [_denial(payload, where, denied)])
            raise
    elif event in ("PostToolUse", "PostToolUseFailure"):
        _after(payload, where)
    elif not isinstance(event, str):
        raise ValueError("the agent program does not say what it asks")


def _before(payload: "Payload", where: "Circumstances") -> None:
    denied = judge(payload, Owned(os.environ, is_tracked))
    if denied is None:
        return
    answer = {
        "hookEventName": "PreToolUse",
        "permissionDecision": "deny",
        "permissionDecisionReason": denied.reason,
    }
    _say({"hookSpecificOutput": answer})
    _record(payload, where, lambda _: [_denial(payload, where, denied)])


def _denial(payload: "Payload", where: "Circumstances", denied: Refusal) -> Told:
    """The denial: the end of the tool call where nothing else tells that end, else a hook that fired."""
    more = {"denied_by": "polly guard", "reason": denied.reason, "denied_target": denied.target or "git"}
    if where.program == "claude":  # its stream tells the end, and so does the end of the batch
        kept = ("tool_name", "tool_input", "tool_use_id", "agent_id", "agent_type")
        told = {**{name: value for name, value in payload.items() if name in kept}, **more}
        tool = payload.get("tool_name")
        named = tool if isinstance(tool, str) else None
        return fired("PreToolUse", "tool_denied", ("tool", named), told, where)
    return call(payload, where, "error", **more)


def _after(payload: "Payload", where: "Circumstances") -> None:
    """The tree after a shell command: strays are told at once, to the agent and to the record."""
    if payload.get("tool_name") not in SHELLS:
        return
    owned = Owned(os.environ, is_tracked)
    found = strays(owned)
    new: list[str] = []

    def tell(marks: "Collection[str]") -> list[Told]:
        new.extend(path for path in found if _mark(path) not in marks)
        return [_stray(path, payload, where) for path in new]

    if not found:
        return
    is_recorded = _record(payload, where, tell)
    named = new if is_recorded else found
    if named:
        text = f"Not this agent's files, and left out of its result: {', '.join(named[:20])}."
        context = f"{text} Undo these changes. {owned.advice(named[0])}"
        _say({"hookSpecificOutput": {"hookEventName": "PostToolUse", "additionalContext": context}})


def _stray(path: str, payload: "Payload", where: "Circumstances") -> Told:
    kept = ("tool_use_id", "tool_input", "agent_id", "agent_type")
    after = {name: value for name, value in payload.items() if name in kept}
    told = fired("PostToolUse", "stray_written", ("file", path), after, where)
    told.mark = _mark(path)
    return told


def _mark(path: str) -> str:
    import zlib

    return f"s{zlib.crc32(os.fsencode(path)):08x}"


def _record(
    payload: "Payload", where: "Circumstances", tell: "Callable[[Collection[str]], list[Told]]"
) -> bool:
    return record(tell, session_of(payload, os.environ), os.environ, where.project or os.getcwd())


def _say(answer: "Payload") -> None:
    text = dumps(answer) + b"\n"
    if os.write(1, text) != len(text):
        raise OSError("the answer was not taken")
