"""What the views say about events that were stored."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from polly.events.agents import (
    ActionRecorded,
    DetectionFailed,
    DetectionReviewed,
    ExecutionCompleted,
    ExecutionProgressed,
    ExecutionStarted,
    HookFired,
    RouterMeasured,
    RoutingDecided,
    TransformationRecorded,
)
from polly.events.catalog import RunResumed
from polly.events.event import EventData
from polly.store.ports import Store

Line = Callable[..., bytes]
Put = Callable[..., Any]
Tell = Callable[..., None]
Ask = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def tell(put: Put, line: Line) -> Tell:
    """`tell(minutes ago, data, …)` stores an event of correlation `c` and session `s`."""

    def store(minutes_ago: float, data: EventData, **options: Any) -> None:
        at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
        put(line(data, at=at, **{"correlation_id": "c", "session": "s", **options}))

    return store


@pytest.fixture
def ask(store: Store) -> Ask:
    """`ask(view)` has its rows; JSON is read, and times are as the database gives them."""

    def select(view: str, condition: str = "") -> list[dict[str, Any]]:
        with store.engine.connect() as connection:
            rows = connection.execute(sa.text(f"SELECT * FROM {view} {condition}")).mappings()
            return [
                {
                    name: json.loads(value) if isinstance(value, str) and value[:1] == "[" else value
                    for name, value in row.items()
                }
                for row in rows
            ]

    return select


def act(kind: str, action: str | None = None, name: str = "Read", **options: Any) -> ActionRecorded:
    return ActionRecorded(agent_name="a", action_type=kind, action_name=name, action=action, **options)  # type: ignore[arg-type]


def begin(execution: str = "E") -> ExecutionStarted:
    return ExecutionStarted(execution=execution, agent_name="a", project_path="/srv/shop/")


def end(status: str, execution: str = "E") -> ExecutionCompleted:
    return ExecutionCompleted(execution=execution, agent_name="a", status=status, duration_ms=4)


def test_activity_counts_calls_without_an_outcome_as_in_progress(tell: Tell, ask: Ask) -> None:
    tell(50, begin())
    for kind, action in (
        ("tool_call", "done"), ("success", "done"), ("tool_call", "broken"), ("error", "broken"),
        ("tool_call", "open"), ("decision", None),
    ):  # fmt: skip
        tell(40, act(kind, action))
    # The outcome of another correlation's call of the same name is nobody's here.
    tell(40, act("success", "open"), correlation_id="other")
    (row,) = ask("agent_activity_realtime")
    counts = ("total_actions", "actions_in_progress", "actions_completed", "actions_failed")
    assert [row[name] for name in counts] == [6, 1, 1, 1]
    assert row["action_types_used"] == ["decision", "error", "success", "tool_call"]
    assert (row["project_name"], row["session_id"], row["agent_name"]) == ("shop", "s", "a")
    assert (row["execution_status"], row["execution_id"]) == ("in_progress", "E")
    tell(30, act("success", "open"))
    assert ask("agent_activity_realtime")[0]["actions_in_progress"] == 0


def test_activity_counts_actions_that_cannot_be_paired_by_their_type(tell: Tell, ask: Ask) -> None:
    tell(50, begin())
    for kind in ("tool_call", "tool_call", "success", "error"):
        tell(40, act(kind))
    (row,) = ask("agent_activity_realtime")
    assert (row["actions_in_progress"], row["actions_completed"], row["actions_failed"]) == (2, 1, 1)


def test_activity_counts_an_action_for_the_execution_that_it_names(tell: Tell, ask: Ask) -> None:
    for minutes, execution in ((50, "E1"), (49, "E2")):
        tell(minutes, begin(execution))
    tell(40, act("tool_call", "t", execution="E1"))
    tell(39, act("tool_call", "t", execution="E2"))
    tell(38, act("success", "t", execution="E2"))
    tell(37, act("error", execution="of nobody"))
    found = {row["execution_id"]: row for row in ask("agent_activity_realtime")}
    counts = ("total_actions", "actions_in_progress", "actions_completed", "actions_failed")
    assert [found["E1"][name] for name in counts] == [1, 1, 0, 0]
    # What is called the same in the other one is another call.
    assert [found["E2"][name] for name in counts] == [2, 0, 1, 0]


def test_activity_counts_an_action_that_names_no_execution_once(tell: Tell, ask: Ask) -> None:
    tell(50, begin("first"))
    tell(40, begin("second"))
    tell(45, ExecutionStarted(execution="other", agent_name="b"))
    tell(70, begin("long ago"))
    for minutes in (55, 48, 44, 39, 38):
        tell(minutes, act("decision"))
    # Its agent has no execution: the one that began last before it is taken, whosever it is.
    tell(42, ActionRecorded(agent_name="c", action_type="decision", action_name="x"))
    # Nothing had begun: the first one of its agent.
    tell(46, ActionRecorded(agent_name="b", action_type="decision", action_name="x"))
    found = {row["execution_id"]: row["total_actions"] for row in ask("agent_activity_realtime")}
    assert found == {"first": 2, "second": 2, "other": 2}


def test_activity_has_every_execution_of_the_last_hour_and_no_older_one(tell: Tell, ask: Ask) -> None:
    tell(61, begin("old"))
    tell(59, begin("idle"), correlation_id="d")
    tell(58, end("cancelled", "start unknown"), correlation_id="e")
    found = {row["execution_id"]: row for row in ask("agent_activity_realtime")}
    assert set(found) == {"idle", "start unknown"}
    assert (found["idle"]["total_actions"], found["idle"]["action_types_used"]) == (0, [])
    assert found["idle"]["last_action_at"] is None
    assert found["start unknown"]["execution_status"] == "cancelled"


def test_debug_traces_have_the_actions_of_a_day_in_order(tell: Tell, ask: Ask) -> None:
    tell(30, act("error", duration_ms=2.5, name="second"))
    tell(40, act("success", duration_ms=1.5, name="first"))
    tell(20, act("decision", debug_mode=False))
    tell(24 * 60 + 1, act("decision"))
    (trace,) = ask("recent_debug_traces")
    assert (trace["action_count"], trace["error_count"], trace["success_count"]) == (2, 1, 1)
    assert trace["total_duration_ms"] == 4.0
    assert [(step["action_name"], step["duration_ms"]) for step in trace["actions_timeline"]] == [
        ("first", 1.5),
        ("second", 2.5),
    ]


def test_debug_traces_are_the_hundred_that_did_something_last(tell: Tell, ask: Ask) -> None:
    for number in range(101):
        for minutes in (300 - number, 1000 + number):
            tell(minutes, act("decision"), correlation_id=f"c{number}")
    traces = ask("recent_debug_traces")
    assert [trace["correlation_id"] for trace in traces] == [f"c{number}" for number in range(100, 0, -1)]
    # Each of them is whole.
    assert {trace["action_count"] for trace in traces} == {2}


def test_a_timeline_has_every_event_of_a_session_in_order(tell: Tell, ask: Ask) -> None:
    told: list[tuple[EventData, tuple[Any, ...]]] = [
        (RunResumed(run="R"), ("run.resumed", "R", None, None)),
        (
            RoutingDecided(selected_agent="b", confidence_score=1, routing_strategy="x", routing_time_ms=3),
            ("routing.decided", "b", None, 3.0),
        ),
        (
            RouterMeasured(query_text="q", routing_duration_ms=5, candidates_evaluated=1),
            ("router.measured", "polly", None, 5.0),
        ),
        (
            TransformationRecorded(source_agent="a", target_agent="b", success=False),
            ("transformation.recorded", "b", "failed", None),
        ),
        (begin(), ("execution.started", "a", "in_progress", None)),
        (act("tool_call", "t"), ("action.recorded", "Read", None, None)),
        (act("error", "t", duration_ms=7), ("action.recorded", "Read", "failed", 7.0)),
        (
            ExecutionProgressed(execution="E", agent_name="a", stage="x"),
            ("execution.progressed", "a", "in_progress", None),
        ),
        (end("error"), ("execution.completed", "a", "failed", 4.0)),
        (
            DetectionFailed(user_prompt="x", detection_status="timeout", routing_duration_ms=9),
            ("detection.failed", "polly", "timeout", 9.0),
        ),
        (
            HookFired(hook_source="Stop", action="end", resource="session", metadata={"outcome": "success"}),
            ("hook.fired", "session", "success", None),
        ),
    ]
    for number, (data, _) in reversed(list(enumerate(told))):
        tell(100 - number, data)
    tell(1, act("decision"), session="another")
    found = ask("session_timelines", "WHERE session_id = 's'")
    assert [(row["kind"], row["name"], row["outcome"], row["duration_ms"]) for row in found] == [
        expected for _, expected in told
    ]


def test_a_timeline_has_events_of_types_that_nobody_knows_yet(put: Put, line: Line, ask: Ask) -> None:
    raw = line(RunResumed(run="R"), session="s").replace(b"dev.polly.run.resumed.v1", b"org.moon.landed")
    put(raw.replace(b'"data":{', b'"data":{"odd":"\\u0000",'))
    (row,) = ask("session_timelines")
    assert (row["kind"], row["name"]) == ("org.moon.landed", "R")


def test_a_timeline_says_of_which_execution_an_action_is(tell: Tell, ask: Ask) -> None:
    tell(2, begin())
    tell(1, act("decision", execution="E"))
    assert [row["execution_id"] for row in ask("session_timelines")] == ["E", "E"]


def test_sessions_are_summed_up(tell: Tell, ask: Ask) -> None:
    tell(10, begin())
    tell(9, act("decision"))
    tell(8, end("error"))
    tell(1, begin("other"), session="t")
    first, second = ask("session_summaries", "ORDER BY session_id")
    assert (first["events"], first["actions"], first["executions"], first["executions_failed"]) == (
        3,
        1,
        1,
        1,
    )
    assert first["project_name"] == "shop"
    assert first["duration_ms"] == pytest.approx(120_000, abs=5_000)
    assert (second["session_id"], second["executions_in_progress"]) == ("t", 1)


def test_tools_have_their_rate_of_success_over_those_that_ended(tell: Tell, ask: Ask) -> None:
    for kind in ("tool_call", "tool_call", "tool_call", "success", "error"):
        tell(10, act(kind))
    tell(10, act("tool_call", name="Write"))
    tell(24 * 60 + 1, act("error"))
    found = {row["action_name"]: row for row in ask("tool_success_rates")}
    read = found["Read"]
    assert (read["calls"], read["succeeded"], read["failed"], read["success_rate"]) == (3, 1, 1, 0.5)
    assert found["Write"]["success_rate"] is None


def test_failures_are_to_be_reviewed_until_they_are(tell: Tell, ask: Ask) -> None:
    for number, confidence in ((1, 0.25), (2, 0.75)):
        failure = DetectionFailed(
            user_prompt="same",
            detection_status="wrong_agent",
            detected_agent="a",
            detection_confidence=confidence,
        )
        tell(10 - number, failure, event_id=f"f{number}")
    assert [row["event_id"] for row in ask("agent_detection_failures_to_review")] == ["f2", "f1"]
    tell(1, DetectionReviewed(failure="f2", reviewed_by="ann", pattern_update_type="trigger"))
    assert [row["event_id"] for row in ask("agent_detection_failures_to_review")] == ["f1"]
    (pattern,) = ask("agent_detection_failure_patterns")
    counts = ("failures", "reviewed", "pattern_updated", "different_prompts", "mean_confidence")
    assert [pattern[name] for name in counts] == [2, 1, 1, 1, 0.5]
