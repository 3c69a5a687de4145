"""Sessions as both databases tell them: from hooks, from streams of runs, and from `polly log`."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.contract.store.conftest import Put, as_bytes

from polly.events.agents import (
    ActionRecorded,
    DetectionFailed,
    ExecutionCompleted,
    ExecutionStarted,
    HookFired,
    RoutingDecided,
    TransformationRecorded,
)
from polly.events.catalog import AttemptEnded
from polly.events.event import EventData
from polly.store.observations.sessions import one_session, sessions
from polly.store.ports import Store
from polly.work.observed import Window
from polly.work.run import AttemptOutcome
from polly.work.sessions import Session, SessionEnd, SessionList, StepKind, StepOutcome

NOW = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
WEEK = Window(since=NOW - timedelta(days=7), until=NOW)


def action(kind: Any, name: str = "Read", **values: Any) -> ActionRecorded:
    whose: dict[str, Any] = {"agent_name": "claude", "project_path": "/home/me/shop"}
    return ActionRecorded(**{**whose, "action_type": kind, "action_name": name, **values})


def hook(source: str, name: str, **values: Any) -> HookFired:
    whose: dict[str, Any] = {"agent_name": "claude", "project_path": "/home/me/shop", "resource": "session"}
    return HookFired(**{**whose, "hook_source": source, "action": name, **values})


class Story:
    """Events one second apart, the first one two hours before NOW."""

    def __init__(self, put: Put, name: str, *, began: timedelta = timedelta(hours=2)) -> None:
        self.put, self.name, self.at = put, name, NOW - began

    def tell(self, *events: EventData) -> None:
        for event in events:
            self.at += timedelta(seconds=1)
            self.put(as_bytes(event, at=self.at, session=self.name))


def of_hooks(story: Story) -> None:
    sub: dict[str, Any] = {"agent_name": "Explore", "parent_action": "A1"}
    story.tell(
        hook("SessionStart", "session_started", resource_id="s"),
        hook("UserPromptSubmit", "prompt_submitted", resource="prompt", payload={"prompt": "do it"}),
        action("tool_call", "Agent", action="t1", action_details={"target": "look"}),
        hook(
            "SubagentStart",
            "subagent_started",
            resource="subagent",
            resource_id="A1",
            agent_name="Explore",
            payload={"agent_id": "A1"},
        ),
        action("tool_call", action="t2", action_details={"target": "a.py"}, **sub),
        action("success", action="t2", duration_ms=5, action_details={"target": "a.py"}, **sub),
        action(
            "success",
            "Agent",
            action="t1",
            duration_ms=400,
            action_details={"tool_response": {"agentId": "A1"}},
        ),
        action("tool_call", "Write", action="t3", action_details={"target": "b.py"}),
        action(
            "error", "Write", action="t3", action_details={"denied_by": "polly guard", "reason": "not yours"}
        ),
        action("tool_call", "Bash", action="t4", action_details={"target": "false"}),
        action("error", "Bash", action="t4", duration_ms=3, action_details={"error": "Exit code 1"}),
        action("tool_call", "Edit", action="t5", action_details={"target": "c.py"}),
        action("success", "Edit", action="t5", duration_ms=9, action_details={"target": "c.py"}),
        action("tool_call", "Edit", action="t6"),
        action(
            "error",
            "Edit",
            action="t6",
            action_details={
                "told_by": "PostToolBatch",
                "error": "<tool_use_error>no such text</tool_use_error>",
            },
        ),
        hook("SessionEnd", "session_ended", resource_id="s", payload={"reason": "other"}),
    )


def found(store: Store, name: str) -> Session:
    session = store.ask(lambda connection: one_session(connection, name, NOW)).session
    assert session
    return session


def listed(store: Store, **options: Any) -> SessionList:
    wanted = {"limit": 20, **options}
    return store.ask(lambda connection: sessions(connection, wanted.pop("window", WEEK), **wanted))


def test_a_session_of_hooks_is_told_whole(store: Store, put: Put) -> None:
    of_hooks(Story(put, "one"))
    session = found(store, "one")
    summary = session.summary
    assert (summary.agent, summary.project_name, summary.end) == ("claude", "shop", SessionEnd.RECORDED)
    assert (summary.tools, summary.failures, summary.denials, summary.subagents) == (6, 2, 1, 1)
    assert (summary.tokens, summary.cost_usd) == (None, None)
    assert summary.duration_ms == 15_000.0
    assert [(each.depth, each.name, each.outcome.value) for each in session.steps] == [
        (0, "session_started", ""),
        (0, "prompt_submitted", ""),
        (0, "Agent", "success"),
        (1, "subagent_started", ""),
        (1, "Read", "success"),
        (0, "Write", "denied"),
        (0, "Bash", "failed"),
        (0, "Edit", "success"),
        (0, "Edit", "failed"),
        (0, "session_ended", ""),
    ]
    assert session.steps[1].detail == "do it"
    assert [(each.target, each.detail) for each in session.denied] == [("b.py", "not yours")]
    assert session.files_written == ("c.py",)
    assert listed(store).sessions == (summary,)


def test_attempts_of_a_run_have_their_tokens_and_keep_their_calls_apart(store: Store, put: Put) -> None:
    story = Story(put, "of a run")
    for package in ("WP1", "WP2"):
        whose: dict[str, Any] = {"run": "R", "action": "call_1"}
        details = {"package": package, "attempt": 1, "target": f"{package}.py"}
        story.tell(
            action("tool_call", "Write", action_details=details, **whose),
            action("success", "Write", action_details={**details, "outcome": "succeeded"}, **whose),
            AttemptEnded(
                run="R",
                package=package,
                attempt=1,
                outcome=AttemptOutcome.FINISHED,
                tokens=1000,
                cost_usd=0.25,
            ),
        )
    other = AttemptEnded(run="R", package="WP3", attempt=1, outcome=AttemptOutcome.FINISHED, tokens=7)
    story.tell(other, action("error", "Edit", action="c", run="R", action_details={"outcome": "denied"}))
    session = found(store, "of a run")
    assert session.files_written == ("WP1.py", "WP2.py")
    assert (session.summary.tokens, session.summary.cost_usd) == (2000, 0.5)
    assert (session.summary.runs, session.summary.denials) == (("R",), 1)


def test_what_is_logged_is_part_of_the_session(store: Store, put: Put) -> None:
    Story(put, "logged").tell(
        ExecutionStarted(execution="x", agent_name="debug", user_prompt="find it"),
        RoutingDecided(selected_agent="debug", confidence_score=0.9, routing_strategy="t", routing_time_ms=3),
        TransformationRecorded(source_agent="polly", target_agent="debug", success=False),
        DetectionFailed(user_prompt="?", detection_status="no_detection", failure_reason="nothing"),
        action("decision", "chose"),
        ExecutionCompleted(
            execution="x",
            agent_name="debug",
            status="error",
            duration_ms=9,
            metadata={"tokens": 12, "cost_usd": 1},
        ),
    )
    session = found(store, "logged")
    assert {each.kind for each in session.steps} == {
        StepKind.EXECUTION,
        StepKind.ROUTING,
        StepKind.ROLE,
        StepKind.DETECTION,
        StepKind.NOTE,
    }
    assert session.steps[0].outcome is StepOutcome.FAILED
    assert (session.summary.agent, session.summary.tokens, session.summary.cost_usd) == ("debug", 12, 1.0)
    assert session.summary.tools == 0


def test_the_list_is_filtered_limited_and_counted(store: Store, put: Put) -> None:
    for number in range(4):
        Story(put, f"s{number}", began=timedelta(hours=4 - number)).tell(hook("Stop", "turn_ended"))
    Story(put, "elsewhere").tell(hook("Stop", "turn_ended", project_path="/other", agent_name="codex"))
    Story(put, "old", began=timedelta(days=30)).tell(hook("Stop", "turn_ended"))
    everything = listed(store)
    assert [each.session for each in everything.sessions] == ["s3", "elsewhere", "s2", "s1", "s0"]
    some = listed(store, limit=2)
    assert (some.total, len(some.sessions)) == (5, 2)
    assert [each.session for each in listed(store, agent="codex").sessions] == ["elsewhere"]
    for project in ("shop", "/home/me/shop"):
        assert listed(store, project=project).total == 4
    assert listed(store, project="nobody's").is_empty
    assert listed(store).sessions[0].end is SessionEnd.DERIVED


def test_a_session_that_began_before_the_window_is_told_from_its_beginning(store: Store, put: Put) -> None:
    story = Story(put, "long", began=timedelta(days=8))
    story.tell(hook("SessionStart", "session_started"))
    story.at = NOW - timedelta(minutes=5)
    story.tell(hook("Stop", "turn_ended"))
    (summary,) = listed(store).sessions
    assert NOW - summary.started_at > timedelta(days=7)
    assert (summary.end, summary.ended_at) == (SessionEnd.OPEN, None)


@pytest.mark.parametrize(
    ("asked", "session", "similar"),
    [
        ("abc-1", "abc-1", ()),
        ("zz", "zz_1", ()),
        ("zz%", None, ("zz_1",)),
        ("abc", None, ("abc-2", "abc-1")),
        ("abc-9", None, ("abc-2", "abc-1")),
        ("nothing like it", None, ("zz_1", "abc-2", "abc-1")),
        ("'; --", None, ("zz_1", "abc-2", "abc-1")),
    ],
)
def test_a_session_is_found_by_its_beginning_or_similar_ones_are_named(
    store: Store, put: Put, asked: str, session: str | None, similar: tuple[str, ...]
) -> None:
    for number, name in enumerate(("abc-1", "abc-2", "zz_1")):
        Story(put, name, began=timedelta(hours=4 - number)).tell(hook("Stop", "turn_ended"))
    answer = store.ask(lambda connection: one_session(connection, asked, NOW))
    assert (answer.session.summary.session if answer.session else None) == session
    assert set(answer.similar) == set(similar)
    assert answer.any_recorded


def test_nothing_recorded_is_an_answer_of_its_own(store: Store) -> None:
    answer = store.ask(lambda connection: one_session(connection, "x", NOW))
    assert (answer.session, answer.similar, answer.any_recorded) == (None, (), False)
    assert listed(store).is_empty
