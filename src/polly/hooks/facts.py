"""What one call of a hook tells: pure, from the payload on stdin to the events.

Tool calls are actions: `tool_call` when one begins, `success` or `error` when it ends, paired by the id of
the call. Everything else is a fired hook. No call of a hook is both, so that nothing is counted twice. The
end of a batch of tool calls tells only about calls of which nothing else told the end: those that were
refused before they ran.
"""

TYPE_CHECKING = False  # the name is what type checkers know; `typing` would be slow to load
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

    Payload = dict[str, Any]

ACTION = "dev.polly.action.recorded.v1"
HOOK = "dev.polly.hook.fired.v1"

#: Fired hooks: what happened, to what kind of thing, and which field of the payload names the thing.
_FIRED = {
    "SessionStart": ("session_started", "session", "session_id"),
    "SessionEnd": ("session_ended", "session", "session_id"),
    "Setup": ("set_up", "session", "session_id"),
    "UserPromptSubmit": ("prompt_submitted", "prompt", "prompt_id"),
    "UserPromptExpansion": ("prompt_expanded", "prompt", "command_name"),
    "InstructionsLoaded": ("instructions_loaded", "instructions", "file_path"),
    "PermissionRequest": ("permission_requested", "tool", "tool_name"),
    "Notification": ("notified", "notification", "notification_type"),
    "SubagentStart": ("subagent_started", "subagent", "agent_id"),
    "SubagentStop": ("subagent_stopped", "subagent", "agent_id"),
    "TaskCreated": ("task_created", "task", "task_id"),
    "TaskCompleted": ("task_completed", "task", "task_id"),
    "TeammateIdle": ("teammate_idle", "teammate", "teammate_name"),
    "Stop": ("turn_ended", "turn", "turn_id"),
    "StopFailure": ("turn_failed", "turn", "turn_id"),
    "Interrupt": ("turn_interrupted", "turn", "turn_id"),
    "PreCompact": ("compaction_started", "context", "trigger"),
    "PostCompact": ("compaction_ended", "context", "trigger"),
    "ConfigChange": ("config_changed", "config", "file_path"),
    "CwdChanged": ("cwd_changed", "folder", "new_cwd"),
    "DirectoryAdded": ("folder_added", "folder", "directory"),
    "FileChanged": ("file_changed", "file", "file_path"),
    "WorktreeRemove": ("worktree_removed", "folder", "worktree_path"),
    "Elicitation": ("elicitation_asked", "server", "mcp_server_name"),
    "ElicitationResult": ("elicitation_answered", "server", "mcp_server_name"),
}
#: Tool calls: how far the call is by the hook that tells.
_CALLS = {
    "PreToolUse": "tool_call",
    "PostToolUse": "success",
    "PostToolUseFailure": "error",
    "PermissionDenied": "error",
}
#: In the envelope, or in fields of their own.
_ELSEWHERE = ("session_id", "hook_event_name")
#: What is kept of a tool call beside its own input and output.
_CIRCUMSTANCES = ("prompt_id", "turn_id", "permission_mode", "model", "agent_type")
#: Where the input of a tool names what it works on.
_TARGETS = ("file_path", "notebook_path", "path", "command", "pattern", "url", "query", "description")
_MOST_TARGET = 500


class Circumstances:
    """Where the hook was called: of which run, in which project, by which agent program."""

    __slots__ = ("attempt", "dropped", "package", "program", "project", "role", "run")

    def __init__(
        self,
        *,
        program: str,
        project: "str | None",
        run: "str | None" = None,
        package: "str | None" = None,
        attempt: "str | None" = None,
        role: "str | None" = None,
    ) -> None:
        self.program = program
        self.project = project
        self.run = run
        self.package = package
        self.attempt = attempt
        self.role = role

    def work(self) -> "dict[str, str]":
        """What of this has no column of its own."""
        named = {
            "program": self.program,
            "package": self.package,
            "attempt": self.attempt,
            "role": self.role,
        }
        return {name: value for name, value in named.items() if value}


class Told:
    """One event to be: its type, its data, and the mark that a session sets when it has been recorded."""

    __slots__ = ("data", "mark", "type")

    def __init__(self, kind: str, data: "Payload", mark: str = "") -> None:
        self.type = kind
        self.data = data
        self.mark = mark

    @property
    def subject(self) -> str:
        """What the event is about; as polly.events.agents says it."""
        data = self.data
        return str(data.get("run") or data.get("agent_name") or data.get("project_path") or "polly")


def tell(payload: "Payload", where: Circumstances, marks: "Collection[str]" = ()) -> "list[Told]":
    """The events of one call of a hook, without those that the session has recorded already."""
    name = _text(payload.get("hook_event_name")) or "unnamed"
    if name == "PostToolBatch":
        return _refused_calls(payload, where, marks)
    if name in _CALLS and payload.get("tool_name"):
        told = call(payload, where, _CALLS[name])
        return [] if told.mark and told.mark in marks else [told]
    return [_fired(name, payload, where)]


def call(payload: "Payload", where: Circumstances, how: str, **more: "Any") -> Told:
    """A tool call, or how it ended; more: what else is known about it."""
    tool_input = payload.get("tool_input")
    identity = _text(payload.get("tool_use_id"))
    details = {**where.work(), **_known(payload, _CIRCUMSTANCES), "target": _target(tool_input)}
    if how != "success":
        details["tool_input"] = tool_input
    for field in ("tool_response", "error", "is_interrupt", "reason"):
        if payload.get(field) is not None:
            details[field] = payload[field]
    duration = payload.get("duration_ms")
    data = {
        **_whose(where),
        "agent_name": _agent(payload, where),
        "action_type": how,
        "action_name": _text(payload.get("tool_name")) or "tool",
        "action_details": {name: value for name, value in {**details, **more}.items() if value is not None},
        "duration_ms": duration if _is_duration(duration) else None,
        "action": identity,
        "parent_action": _text(payload.get("agent_id")),
        "working_directory": _text(payload.get("cwd")),
    }
    return Told(ACTION, data, _mark(identity, how))


def fired(
    source: str, action: str, resource: "tuple[str, str | None]", payload: "Payload", where: Circumstances
) -> Told:
    """A hook that fired, in the words of HookFired; resource: kind and name."""
    data = {
        **_whose(where),
        "hook_source": source,
        "action": action,
        "resource": resource[0],
        "resource_id": resource[1],
        "agent_name": _agent(payload, where),
        "payload": {name: value for name, value in payload.items() if name not in _ELSEWHERE},
        "metadata": {**where.work(), "outcome": "success"},
    }
    return Told(HOOK, data)


def unreadable(raw: bytes, why: str, where: Circumstances) -> Told:
    """What came on stdin is not what a hook is told."""
    told = fired(
        "unknown", "unreadable", ("hook", None), {"head": raw[:4096].decode("utf-8", "replace")}, where
    )
    told.data["metadata"] |= {"outcome": "failed", "error": why}
    return told


def _fired(name: str, payload: "Payload", where: Circumstances) -> Told:
    action, resource, field = _FIRED.get(name, (_snake(name), "hook", ""))
    return fired(name, action, (resource, _text(payload.get(field))), payload, where)


def _refused_calls(payload: "Payload", where: Circumstances, marks: "Collection[str]") -> "list[Told]":
    calls = payload.get("tool_calls")
    told = []
    for each in calls if isinstance(calls, list) else []:
        if isinstance(each, dict) and _text(each.get("tool_use_id")):
            response = each.get("tool_response")
            one = {**payload, **each, "tool_response": None, "error": response}
            ended = call(one, where, "error", told_by="PostToolBatch")
            if ended.mark not in marks:
                told.append(ended)
    return told


def _mark(identity: "str | None", how: str) -> str:
    plain = "".join((identity or "").split())[:80]
    return f"{'+' if how == 'tool_call' else '-'}{plain}" if plain else ""


def _whose(where: Circumstances) -> "Payload":
    return {"run": where.run, "project_path": where.project}


def _agent(payload: "Payload", where: Circumstances) -> str:
    """The kind of the subagent, else the agent program."""
    return (_text(payload.get("agent_type")) if payload.get("agent_id") else None) or where.program


def _target(tool_input: "Any") -> "str | None":
    if isinstance(tool_input, dict):
        for name in _TARGETS:
            value = tool_input.get(name)
            if isinstance(value, str) and value:
                return value[:_MOST_TARGET]
    return None


def _known(payload: "Payload", names: "tuple[str, ...]") -> "Payload":
    return {name: payload[name] for name in names if payload.get(name) is not None}


def _text(value: "Any") -> "str | None":
    return value if isinstance(value, str) and value else None


def _is_duration(value: "Any") -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _snake(name: str) -> str:
    words = "".join(f"_{each.lower()}" if each.isupper() else each for each in name[:80])
    return words.lstrip("_") or "unnamed"


def circumstances(payload: "Payload", environ: "Mapping[str, str]", program: str = "") -> Circumstances:
    """Where the hook was called, as its payload and its environment say."""
    return Circumstances(
        program=program or _program(payload, environ),
        project=environ.get("CLAUDE_PROJECT_DIR") or _text(payload.get("cwd")),
        run=environ.get("POLLY_RUN_ID") or None,
        package=environ.get("POLLY_PACKAGE_ID") or None,
        attempt=environ.get("POLLY_ATTEMPT") or None,
        role=environ.get("POLLY_ROLE") or None,
    )


def _program(payload: "Payload", environ: "Mapping[str, str]") -> str:
    """The name of the agent program: Codex keeps transcripts called `rollout-…` and knows turns only."""
    transcript = (_text(payload.get("transcript_path")) or "").replace("\\", "/").rpartition("/")[2]
    if transcript.startswith("rollout-") or ("turn_id" in payload and "model" in payload):
        return "codex"
    if transcript or environ.get("CLAUDECODE"):
        return "claude"
    return "agent"
