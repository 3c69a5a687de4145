"""Rows about what agents, hooks and the router did, inside of runs and outside of them.

The index named `…_day` answers "how many of what within this time" without a look at the rows. There is one
per table, because every row that is stored pays for it.
"""

from typing import get_args

import sqlalchemy as sa

from polly.events.agents import ActionType, DetectionStatus, TransformationStep
from polly.events.status import OperationStatus
from polly.store.schema.columns import BUSY, amount, json, metadata, number, one_of, part, text, time, truth


def _event_row() -> tuple[sa.Column[object], ...]:
    """What every row has that belongs to one event."""
    return (
        text("event_id", primary_key=True),
        text("correlation_id", nullable=False),
        text("session_id", nullable=False),
        text("run"),
        text("project_path"),
        text("project_name"),
        time("created_at", nullable=False),
    )


agent_actions = sa.Table(
    "agent_actions",
    metadata,
    *_event_row(),
    text("agent_name", nullable=False),
    text("action_type", nullable=False),
    text("action_name", nullable=False),
    json("action_details", nullable=False),
    truth("debug_mode", nullable=False),
    amount("duration_ms"),
    text("action"),
    text("parent_action"),
    text("execution_id"),
    text("working_directory"),
    one_of("action_type", *get_args(ActionType)),
    sa.Index("ix_agent_actions_day", "created_at", "action_type", "agent_name", "action_name"),
    sa.Index(None, "correlation_id", "agent_name", "created_at"),
    sa.Index(None, "session_id", "created_at"),
    postgresql_with=BUSY,
)

# One row per execution. `created` is what its earliest event says, whichever of them it is.
agent_execution_logs = sa.Table(
    "agent_execution_logs",
    metadata,
    text("execution_id", primary_key=True),
    text("status", nullable=False),
    text("correlation_id", nullable=False),
    text("session_id", nullable=False),
    text("agent_name", nullable=False),
    text("run"),
    text("project_path"),
    text("project_name"),
    time("created_at", nullable=False),
    text("created_event_id"),
    *part(
        "started",
        text("package"),
        number("attempt"),
        text("user_prompt"),
        text("terminal_id"),
        json("metadata"),
    ),
    *part("progress", text("progress_stage"), amount("progress_percent"), json("progress_metadata")),
    *part(
        "completed",
        amount("duration_ms"),
        text("error_message"),
        text("error_type"),
        json("completed_metadata"),
    ),
    *part("quality", amount("quality_score")),
    one_of("status", *(status.value for status in OperationStatus)),
    sa.Index("ix_agent_execution_logs_day", "created_at", "status", "agent_name", "duration_ms"),
    sa.Index(None, "correlation_id", "agent_name", "created_at"),
    sa.Index(None, "session_id", "created_at"),
    sa.Index(None, "project_name", "created_at"),
    postgresql_with=BUSY,
)

agent_routing_decisions = sa.Table(
    "agent_routing_decisions",
    metadata,
    *_event_row(),
    text("user_request", nullable=False),
    text("selected_agent", nullable=False),
    amount("confidence_score", nullable=False),
    text("routing_strategy", nullable=False),
    amount("routing_time_ms", nullable=False),
    json("alternatives", nullable=False),
    text("reasoning"),
    json("context", nullable=False),
    json("confidence_components", nullable=False),
    truth("cache_hit"),
    sa.Index(
        "ix_agent_routing_decisions_day",
        "created_at",
        "routing_strategy",
        "selected_agent",
        "confidence_score",
        "routing_time_ms",
    ),
    sa.Index(None, "correlation_id"),
)

agent_transformation_events = sa.Table(
    "agent_transformation_events",
    metadata,
    *_event_row(),
    text("event_type", nullable=False),
    text("source_agent", nullable=False),
    text("target_agent", nullable=False),
    text("transformation_reason"),
    amount("confidence_score"),
    text("routing_strategy"),
    amount("transformation_duration_ms"),
    truth("success", nullable=False),
    text("error_message"),
    text("error_type"),
    amount("quality_score"),
    json("context_snapshot", nullable=False),
    text("user_request"),
    one_of("event_type", *get_args(TransformationStep)),
    sa.Index("ix_agent_transformation_events_day", "created_at", "target_agent", "success"),
)

router_performance_metrics = sa.Table(
    "router_performance_metrics",
    metadata,
    *_event_row(),
    text("query_text", nullable=False),
    amount("routing_duration_ms", nullable=False),
    truth("cache_hit", nullable=False),
    number("candidates_evaluated", nullable=False),
    text("trigger_match_strategy"),
    json("confidence_components", nullable=False),
    text("selected_agent"),
    amount("confidence_score"),
    json("stage_microseconds", nullable=False),
    sa.Index("ix_router_performance_metrics_day", "created_at", "cache_hit", "routing_duration_ms"),
)

# A review may be stored before the failure that it is about. Such a row has no `created_event_id` yet, and
# everything that the failure fills is NULL: whoever reads failures by time does not see it.
agent_detection_failures = sa.Table(
    "agent_detection_failures",
    metadata,
    text("event_id", primary_key=True),
    text("correlation_id"),
    text("session_id"),
    text("run"),
    text("project_path"),
    text("project_name"),
    *part(
        "created",
        text("user_prompt"),
        number("prompt_length"),
        text("prompt_hash"),
        text("detection_status"),
        text("failure_reason"),
        text("failure_category"),
        text("detected_agent"),
        amount("detection_confidence"),
        text("detection_method"),
        amount("routing_duration_ms"),
        text("expected_agent"),
        json("attempted_methods"),
        number("candidates_evaluated"),
        json("trigger_matches"),
        json("capability_scores"),
        json("fuzzy_match_results"),
        json("detection_metadata"),
    ),
    truth("reviewed", nullable=False),
    *part(
        "reviewed",
        text("reviewed_by"),
        text("reviewed_expected_agent"),
        text("resolution_notes"),
        truth("pattern_updated"),
        text("pattern_update_type"),
        text("pattern_update_details"),
    ),
    one_of("detection_status", *get_args(DetectionStatus)),
    sa.CheckConstraint(
        "created_event_id IS NULL OR (created_at IS NOT NULL AND correlation_id IS NOT NULL "
        "AND session_id IS NOT NULL AND user_prompt IS NOT NULL AND prompt_length IS NOT NULL "
        "AND prompt_hash IS NOT NULL AND detection_status IS NOT NULL)",
        name="failure_is_whole",
    ),
    sa.Index("ix_agent_detection_failures_day", "created_at", "detection_status", "reviewed"),
)

hook_events = sa.Table(
    "hook_events",
    metadata,
    *_event_row(),
    text("source", nullable=False),
    text("action", nullable=False),
    text("resource", nullable=False),
    text("resource_id"),
    text("agent_name"),
    text("outcome"),
    json("payload", nullable=False),
    json("metadata", nullable=False),
    sa.Index("ix_hook_events_day", "created_at", "source", "action", "outcome"),
    sa.Index(None, "session_id", "created_at"),
    postgresql_with=BUSY,
)
