"""What one call of a hook tells. The payloads have the shapes that Claude Code 2.1 and Codex 0.169 send."""

from typing import Any

import msgspec
import pytest

from polly.events.agents import ActionRecorded, HookFired
from polly.events.catalog import CATALOG
from polly.hooks.facts import ACTION, HOOK, Circumstances, Told, circumstances, tell, unreadable
from polly.hooks.registration import CLAUDE_EVENTS, CODEX_EVENTS

WHERE = Circumstances(program="claude", project="/srv/project")
CLAUDE = {"session_id": "s-1", "transcript_path": "/c/projects/p/s-1.jsonl", "cwd": "/srv/project"}
CODEX = {
    "session_id": "s-2",
    "transcript_path": "/x/sessions/2026/rollout-2026.jsonl",
    "turn_id": "u-1",
    "model": "gpt",
}
CALL = {"tool_name": "Bash", "tool_input": {"command": "make"}, "tool_use_id": "toolu_1"}


def payload(event: str, **fields: Any) -> dict[str, Any]:
    return {**CLAUDE, "hook_event_name": event, **fields}


def typed(told: Told) -> Any:
    """The event as the store will read it."""
    return msgspec.json.decode(msgspec.json.encode(told.data), type=CATALOG[told.type])


def one(value: dict[str, Any], where: Circumstances = WHERE, marks: tuple[str, ...] = ()) -> Any:
    (told,) = tell(value, where, marks)
    event = typed(told)
    assert event.subject == told.subject
    return event


@pytest.mark.parametrize("event", sorted({*CLAUDE_EVENTS, *CODEX_EVENTS, "SomethingNew"}))
def test_every_hook_that_is_registered_is_one_event_that_the_store_understands(event: str) -> None:
    told = tell(payload(event, **CALL, tool_calls=[]), WHERE)
    assert len(told) == (0 if event == "PostToolBatch" else 1)
    assert [type(typed(each)) for each in told] == [CATALOG[each.type] for each in told]


def test_a_tool_call_and_its_end_are_paired_by_the_id_of_the_call() -> None:
    begun = one(payload("PreToolUse", **CALL, permission_mode="default"))
    ended = one(payload("PostToolUse", **CALL, tool_response={"stdout": "ok"}, duration_ms=33))
    failed = one(
        payload("PostToolUseFailure", **CALL, error="Exit code 3", is_interrupt=False, duration_ms=8)
    )
    assert [each.action_type for each in (begun, ended, failed)] == ["tool_call", "success", "error"]
    assert {each.action for each in (begun, ended, failed)} == {"toolu_1"}
    assert [each.duration_ms for each in (begun, ended, failed)] == [None, 33, 8]
    assert begun.action_details["tool_input"] == {"command": "make"}
    assert ended.action_details["target"] == "make"
    assert failed.action_details["error"] == "Exit code 3"
    assert isinstance(begun, ActionRecorded)


def test_a_subagent_is_the_parent_of_what_it_does_and_gives_it_its_name() -> None:
    inner = one(payload("PreToolUse", **CALL, agent_id="a-1", agent_type="explorer"))
    assert (inner.parent_action, inner.agent_name) == ("a-1", "explorer")
    begun = one(payload("SubagentStart", agent_id="a-1", agent_type="explorer"))
    assert (begun.action, begun.resource, begun.resource_id) == ("subagent_started", "subagent", "a-1")


def test_other_hooks_are_recorded_with_what_they_were_told() -> None:
    fired = one(payload("Notification", message="wants to run make", notification_type="permission_prompt"))
    assert isinstance(fired, HookFired)
    assert (fired.hook_source, fired.action, fired.resource_id) == (
        "Notification",
        "notified",
        "permission_prompt",
    )
    assert fired.payload["message"] == "wants to run make"
    assert "session_id" not in fired.payload
    assert fired.metadata["outcome"] == "success"


def test_a_hook_that_nobody_knows_yet_is_named_after_itself() -> None:
    assert one(payload("MoonPhaseChanged")).action == "moon_phase_changed"


def test_the_end_of_a_batch_tells_only_of_calls_that_nothing_else_ended() -> None:
    calls = [
        {**CALL, "tool_use_id": "toolu_1", "tool_response": "ok"},
        {**CALL, "tool_use_id": "toolu_2", "tool_response": "<tool_use_error>no such text</tool_use_error>"},
    ]
    ended = one(payload("PostToolBatch", tool_calls=calls), marks=("+toolu_1", "-toolu_1", "+toolu_2"))
    assert (ended.action, ended.action_type) == ("toolu_2", "error")
    assert "no such text" in ended.action_details["error"]


def test_a_call_that_was_recorded_is_not_recorded_again() -> None:
    (told,) = tell(payload("PreToolUse", **CALL), WHERE)
    assert tell(payload("PreToolUse", **CALL), WHERE, [told.mark]) == []
    assert tell(payload("PostToolUse", **CALL), WHERE, [told.mark]) != []


def test_calls_without_an_id_are_all_recorded() -> None:
    value = payload("PreToolUse", tool_name="Bash", tool_input={})
    assert tell(value, WHERE)[0].mark == ""
    assert tell(value, WHERE, [""]) != []


def test_a_denial_of_the_permission_system_ends_the_call() -> None:
    denied = one(payload("PermissionDenied", **CALL, reason="not allowed here"))
    assert (denied.action_type, denied.action_details["reason"]) == ("error", "not allowed here")


def test_the_agent_program_is_known_by_what_it_says() -> None:
    assert circumstances(payload("Stop"), {}).program == "claude"
    assert circumstances({**CODEX, "hook_event_name": "Stop"}, {"CLAUDECODE": "1"}).program == "codex"
    assert circumstances({}, {}, "codex").program == "codex"


def test_inside_a_run_the_events_say_of_which_package_and_attempt() -> None:
    environ = {
        "POLLY_RUN_ID": "run-9",
        "POLLY_PACKAGE_ID": "WP2",
        "POLLY_ATTEMPT": "1",
        "POLLY_ROLE": "testing-specialist",
        "CLAUDE_PROJECT_DIR": "/srv/project",
    }
    value = payload("PreToolUse", **CALL)
    begun = one(value, circumstances(value, environ))
    assert (begun.run, begun.subject, begun.project_path) == ("run-9", "run-9", "/srv/project")
    assert begun.action_details["package"] == "WP2"
    assert begun.action_details["role"] == "testing-specialist"


def test_what_cannot_be_read_is_recorded_as_such() -> None:
    event = typed(unreadable(b"{ not json", "no value at character 2", WHERE))
    assert (event.action, event.metadata["outcome"]) == ("unreadable", "failed")
    assert event.payload["head"] == "{ not json"


@pytest.mark.parametrize(
    "odd",
    [
        {"hook_event_name": 7},
        {"hook_event_name": "PreToolUse"},
        {"hook_event_name": "PreToolUse", "tool_name": ["x"], "tool_input": 3, "tool_use_id": {}},
        {"hook_event_name": "PostToolUse", "tool_name": "x", "duration_ms": "fast", "agent_id": 1},
        {"hook_event_name": "PostToolBatch", "tool_calls": [1, {"tool_use_id": 2}, {"tool_use_id": "a"}]},
        {"hook_event_name": "PostToolBatch", "tool_calls": "none"},
        {"hook_event_name": ""},
        {},
    ],
)
def test_a_payload_of_another_shape_is_still_an_event_that_the_store_understands(odd: dict[str, Any]) -> None:
    for told in tell(odd, WHERE):
        assert told.type in (ACTION, HOOK)
        typed(told)
