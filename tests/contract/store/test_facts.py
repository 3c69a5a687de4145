"""Rows that events of agents, hooks and the router fill."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import PureWindowsPath
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from tests.contract.store.stories import AGENT_STORY, STORY

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
from polly.events.catalog import QualityMeasured
from polly.events.envelope import wrap
from polly.events.event import EventData
from polly.store import schema
from polly.store.facts import FILLINGS, Told, project_name
from polly.store.ports import Store
from polly.store.upgrade import upgrade
from polly.work.run import QualityChange

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WHERE: dict[str, Any] = {"run": "R", "project_path": "C:\\work\\shop\\"}
Line = Callable[..., bytes]
Put = Callable[..., Any]
Rows = Callable[[sa.Table], list[dict[str, Any]]]

ONE_ROW_EACH: list[tuple[EventData, sa.Table, dict[str, Any]]] = [
    (
        ActionRecorded(
            **WHERE, agent_name="a", action_type="tool_call", action_name="Read", action_details={"x": [1]},
            duration_ms=1.5, action="t1", parent_action="t0", working_directory="/w",
        ),
        schema.agent_actions,
        {"action_details": {"x": [1]}, "debug_mode": True, "duration_ms": 1.5, "parent_action": "t0"},
    ),
    (
        RoutingDecided(
            **WHERE, user_request="do", selected_agent="a", confidence_score=0.75, routing_strategy="fuzzy",
            routing_time_ms=2, alternatives=[{"b": 0.5}], confidence_components={"trigger": 1.0},
        ),
        schema.agent_routing_decisions,
        {"alternatives": [{"b": 0.5}], "confidence_components": {"trigger": 1.0}, "context": {}},
    ),
    (
        TransformationRecorded(**WHERE, source_agent="a", target_agent="b", success=False, error_type="E"),
        schema.agent_transformation_events,
        {"event_type": "transformation_complete", "success": False, "error_type": "E"},
    ),
    (
        RouterMeasured(
            **WHERE, query_text="q", routing_duration_ms=1200, candidates_evaluated=3,
            stage_microseconds={"cache": 4.0},
        ),
        schema.router_performance_metrics,
        {"routing_duration_ms": 1200.0, "cache_hit": False, "stage_microseconds": {"cache": 4.0}},
    ),
    (
        DetectionFailed(**WHERE, user_prompt="tü", detection_status="timeout", attempted_methods=["x"]),
        schema.agent_detection_failures,
        {
            "prompt_length": 2,
            "prompt_hash": sha256("tü".encode()).hexdigest(),
            "reviewed": False,
            "attempted_methods": ["x"],
        },
    ),
    (
        HookFired(
            **WHERE, hook_source="PreToolUse", action="tool_call", resource="tool", resource_id="Write",
            payload={"a": None}, metadata={"outcome": "error"},
        ),
        schema.hook_events,
        {"source": "PreToolUse", "outcome": "error", "payload": {"a": None}},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("data", "table", "expected"), ONE_ROW_EACH)
def test_an_event_fills_the_row_of_its_table(
    put: Put, rows: Rows, line: Line, data: EventData, table: sa.Table, expected: dict[str, Any]
) -> None:
    put(line(data, event_id="e1", at=NOON, correlation_id="c", session="s"))
    (row,) = rows(table)
    assert {name: row[name] for name in expected} == expected
    whose = {"event_id": "e1", "correlation_id": "c", "session_id": "s", "run": "R", "created_at": NOON}
    assert {name: row[name] for name in whose} == whose
    assert (row["project_path"], row["project_name"]) == ("C:\\work\\shop\\", "shop")


def execution() -> dict[str, EventData]:
    who: dict[str, Any] = {"execution": "E", "agent_name": "a"}
    return {
        "started": ExecutionStarted(
            **who, **WHERE, user_prompt="go", terminal_id="tty", attempt=2, metadata={"m": 1}
        ),
        "early": ExecutionProgressed(**who, **WHERE, stage="read", percent=10),
        "late": ExecutionProgressed(**who, **WHERE, stage="write", percent=90.5),
        "completed": ExecutionCompleted(
            **who, status="error", duration_ms=7.5, error_type="E", error_message="no", quality_score=0.5
        ),
        "measured": QualityMeasured(
            run="R", package="WP1", attempt=2, **who, quality=QualityChange(before=0.5, after=0.75)
        ),
    }


#: Every order of every two, and of all.
ORDERS = [
    order
    for length in (2, 5)
    for chosen in itertools.combinations(execution(), length)
    for order in itertools.permutations(chosen)
]


def test_an_execution_is_the_same_row_in_whatever_order_its_events_come(
    put: Put, rows: Rows, line: Line, store: Store
) -> None:
    told = {
        name: line(data, event_id=name, at=NOON + timedelta(seconds=number))
        for number, (name, data) in enumerate(execution().items())
    }
    seen: dict[frozenset[str], dict[str, Any]] = {}
    for number, order in enumerate(ORDERS):
        for name in order:
            put(told[name], stream=f"{number}")
        (row,) = rows(schema.agent_execution_logs)
        assert seen.setdefault(frozenset(order), row) == row, order
        with store.engine.begin() as connection:
            connection.execute(sa.delete(schema.agent_execution_logs))
            connection.execute(sa.delete(schema.events))
    whole = seen[frozenset(told)]
    assert (whole["status"], whole["duration_ms"], whole["quality_score"]) == ("failed", 7.5, 0.75)
    assert seen[frozenset({"early", "completed"})]["quality_score"] == 0.5
    assert (whole["progress_stage"], whole["progress_percent"]) == ("write", 90.5)
    assert (whole["project_name"], whole["attempt"], whole["metadata"]) == ("shop", 2, {"m": 1})
    assert (whole["created_event_id"], whole["created_at"]) == ("started", NOON)
    assert seen[frozenset({"early", "late"})]["status"] == "in_progress"


FAILED = DetectionFailed(user_prompt="x", detection_status="no_detection", expected_agent="a")
REVIEWED = DetectionReviewed(
    failure="f", reviewed_by="ann", expected_agent="b", pattern_update_type="trigger"
)
AGAIN = DetectionReviewed(failure="f", reviewed_by="bob")


@pytest.mark.parametrize("order", [*itertools.permutations("fra")])
def test_a_failure_and_its_reviews_meet_whichever_comes_first(
    put: Put, rows: Rows, line: Line, order: tuple[str, ...]
) -> None:
    told = {
        "f": line(FAILED, event_id="f", at=NOON),
        "r": line(REVIEWED, event_id="r", at=NOON + timedelta(hours=1)),
        "a": line(AGAIN, event_id="a", at=NOON + timedelta(hours=2)),
    }
    for name in order:
        put(told[name])
    (row,) = rows(schema.agent_detection_failures)
    assert (row["detection_status"], row["expected_agent"], row["created_event_id"]) == (
        "no_detection",
        "a",
        "f",
    )
    assert (row["reviewed"], row["reviewed_by"], row["reviewed_event_id"]) == (True, "bob", "a")


def test_a_review_without_its_failure_is_kept_and_nobody_sees_a_failure(
    put: Put, rows: Rows, line: Line, store: Store
) -> None:
    assert put(line(REVIEWED, event_id="r", at=NOON)).stored == 1
    (row,) = rows(schema.agent_detection_failures)
    assert (row["event_id"], row["reviewed_expected_agent"], row["pattern_updated"]) == ("f", "b", True)
    with store.engine.connect() as connection:
        for view in ("agent_detection_failures_to_review", "agent_detection_failure_patterns"):
            assert connection.exec_driver_sql(f"SELECT * FROM {view}").all() == []


@pytest.mark.parametrize("kind", FILLINGS)
def test_every_filling_names_columns_of_its_table_and_fills_what_must_be_there(kind: type[EventData]) -> None:
    for filling in FILLINGS[kind]:
        named = {*filling.values.columns, *filling.defaults.columns}
        assert named <= set(filling.table.columns.keys())
        assert {column.name for column in filling.table.primary_key} == set(filling.key)
        assert filling.values.columns[: len(filling.key)] == filling.key
        needed = {column.name for column in filling.table.columns if not column.nullable}
        assert needed <= named, filling.part


@pytest.mark.parametrize("kind", FILLINGS)
def test_what_a_filling_reads_stands_in_the_events_of_its_type(kind: type[EventData]) -> None:
    told = [
        Told(data, wrap(data, source="urn:a", correlation_id="c", session="s"))
        for data in (*STORY, *AGENT_STORY, *execution().values())
        if type(data) is kind
    ]
    for filling in FILLINGS[kind]:
        fitting = [each for each in told if filling.applies(each)]
        assert fitting, filling.part
        for each in fitting:
            for values in (filling.values, filling.defaults):
                assert len(values.read(each)) == len(values.columns)


@given(
    st.lists(st.text(st.characters(exclude_characters="/\\"), min_size=1), min_size=1), st.sampled_from("/\\")
)
def test_the_name_of_a_project_is_the_last_name_of_its_path(names: list[str], separator: str) -> None:
    assert project_name(separator.join(names)) == names[-1]
    assert project_name(separator.join(names) + separator * 2) == names[-1]
    assert project_name(str(PureWindowsPath("C:/a/b"))) == "b"


PATHS = ["/a/b/", "C:\\a\\b\\", "a", "", "/", "\\", "/a/b\\/", "/ü b/c d", "a\nb/c\nd/"]


def test_postgresql_names_projects_in_the_same_way(postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        upgrade(connection, "it")
        name = sa.func.extract_project_name
        asked = {path: connection.execute(sa.select(name(path))).scalar() for path in PATHS}
        assert asked == {path: project_name(path) for path in PATHS}
        assert connection.execute(sa.select(name(sa.null()))).scalar() is None
    engine.dispose()
