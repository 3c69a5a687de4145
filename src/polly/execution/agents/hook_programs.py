"""Polly's guard and recorder as hooks of an agent program, for one attempt."""

import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: A guard that is not done by then denies.
GUARD_SECONDS = 30
#: Codex allows no more at the end of a session.
RECORD_SECONDS = 3

#: The tools that write: files, and whatever a shell can do; and all tools of servers, whose names tell the
#: guard whether they write. Any other tool is none of its business.
_WRITING = ("Write|Edit|MultiEdit|NotebookEdit|Bash|PowerShell|apply_patch", "mcp__.*")
_SHELL = "Bash|PowerShell"

# Calls of tools are not among them: the stream of the agent tells those, with their order and their ends.
# A recorder that told them too would count each twice.
_CODEX_EVENTS = (
    "SessionStart",
    "UserPromptSubmit",
    "SubagentStart",
    "SubagentStop",
    "Stop",
    "SessionEnd",
)
_CLAUDE_EVENTS = (
    *_CODEX_EVENTS,
    "InstructionsLoaded",
    "PermissionRequest",
    "Notification",
    "PreCompact",
    "PostCompact",
    "StopFailure",
)


@dataclass(frozen=True, kw_only=True)
class HookPrograms:
    """The commands of both programs: argument lists, to which the name of the agent is added.

    Every end of `guard` but its own yes is a no, also when it cannot be started.
    """

    guard: tuple[str, ...]
    record: tuple[str, ...]


Handler = Mapping[str, Any]


def claude_hooks(programs: HookPrograms) -> dict[str, Any]:
    """`hooks` of Claude Code's settings. The guard denies when it fails in any way."""

    def run(command: tuple[str, ...], seconds: int) -> Handler:
        return {"type": "command", "command": command[0], "args": list(command[1:]), "timeout": seconds}

    guard = {**run((*programs.guard, "claude"), GUARD_SECONDS), "onFailure": "block"}
    registered = _guarded(guard, "PreToolUse", "PostToolUse", "PostToolUseFailure")
    return registered | _recorded(run((*programs.record, "claude"), RECORD_SECONDS), _CLAUDE_EVENTS)


def codex_hooks(programs: HookPrograms) -> dict[str, Any]:
    """`hooks` of Codex's hooks.json, which knows command lines only."""

    def run(line: str, seconds: int) -> Handler:
        return {"type": "command", "command": line, "timeout": seconds}

    guard = run(_line((*programs.guard, "codex")), GUARD_SECONDS)
    record = run(_line((*programs.record, "codex")), RECORD_SECONDS)
    return _guarded(guard, "PreToolUse", "PostToolUse") | _recorded(record, _CODEX_EVENTS)


def _line(command: tuple[str, ...]) -> str:
    return subprocess.list2cmdline(command) if sys.platform == "win32" else shlex.join(command)


def _guarded(guard: Handler, before: str, *after: str) -> dict[str, Any]:
    """Asked before whatever writes; after a shell has run, what it wrote is looked at."""
    looked_at = {event: [{"matcher": _SHELL, "hooks": [guard]}] for event in after}
    return {before: [{"matcher": matcher, "hooks": [guard]} for matcher in _WRITING], **looked_at}


def _recorded(record: Handler, events: tuple[str, ...]) -> dict[str, Any]:
    return {event: [{"hooks": [record]}] for event in events}
