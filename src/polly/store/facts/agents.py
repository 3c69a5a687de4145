"""Rows of what agents, hooks and the router did."""

import hashlib

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
from polly.events.status import OperationStatus
from polly.store import schema
from polly.store.facts.filling import Columns, Filling, Origin, Told, always, fills, own_row, same
from polly.store.facts.project import project_name


def _project_name(told: Told) -> str | None:
    data = told.data
    return data.project_name or project_name(data.project_path or "") or None


_SESSION: Columns = {"correlation_id": "envelope.correlationid", "session_id": "envelope.sessionid"}
#: Where an event belongs: the same columns in every table.
_WHOSE: dict[str, Origin] = {**_SESSION, **same("run", "project_path"), "project_name": _project_name}


fills(
    ActionRecorded,
    own_row(
        schema.agent_actions,
        _WHOSE
        | same("agent_name", "action_type", "action_name", "action_details", "debug_mode", "duration_ms")
        | same("action", "parent_action", "working_directory")
        | {"execution_id": "data.execution"},
    ),
)

_EXECUTION: Columns = {"execution_id": "data.execution"}
_IN_PROGRESS: Columns = {"status": always(OperationStatus.IN_PROGRESS.value)}
_CREATED: Columns = {**same("agent_name"), **_WHOSE}
#: Who and where, which the earliest event of an execution says.
_CREATION = Filling(
    schema.agent_execution_logs,
    _EXECUTION,
    _CREATED,
    part="created",
    first_wins=True,
    defaults=_IN_PROGRESS,
)


def _execution_part(part: str, columns: Columns, *, first_wins: bool) -> Filling:
    whole = {**_IN_PROGRESS, **_CREATED, "created_at": "envelope.time"}
    others = {name: origin for name, origin in whole.items() if name not in columns}
    return Filling(
        schema.agent_execution_logs, _EXECUTION, columns, part=part, first_wins=first_wins, defaults=others
    )


#: What a row needs that the execution's own events have not made yet.
_NEW_EXECUTION: Columns = {
    **_IN_PROGRESS,
    **same("agent_name"),
    **_SESSION,
    "created_at": "envelope.time",
}

fills(
    ExecutionStarted,
    _CREATION,
    _execution_part(
        "started", same("package", "attempt", "user_prompt", "terminal_id", "metadata"), first_wins=True
    ),
)
fills(
    ExecutionProgressed,
    _CREATION,
    _execution_part(
        "progress",
        {
            "progress_stage": "data.stage",
            "progress_percent": "data.percent",
            "progress_metadata": "data.metadata",
        },
        first_wins=False,
    ),
)
fills(
    ExecutionCompleted,
    _CREATION,
    _execution_part(
        "completed",
        {
            "status": lambda told: OperationStatus.parse(told.data.status).value,
            **same("duration_ms", "error_message", "error_type"),
            "completed_metadata": "data.metadata",
        },
        first_wins=True,
    ),
    Filling(
        schema.agent_execution_logs,
        _EXECUTION,
        same("quality_score"),
        part="quality",
        defaults=_NEW_EXECUTION,
        needs="data.quality_score",
    ),
)
fills(
    QualityMeasured,
    Filling(
        schema.agent_execution_logs,
        _EXECUTION,
        {"quality_score": "data.quality.after"},
        part="quality",
        defaults={**_NEW_EXECUTION, **same("run")},
        needs="data.quality.after",
    ),
)

fills(
    RoutingDecided,
    own_row(
        schema.agent_routing_decisions,
        _WHOSE
        | same("user_request", "selected_agent", "confidence_score", "routing_strategy", "routing_time_ms")
        | same("alternatives", "reasoning", "context", "confidence_components", "cache_hit"),
    ),
)
fills(
    TransformationRecorded,
    own_row(
        schema.agent_transformation_events,
        _WHOSE
        | same("event_type", "source_agent", "target_agent", "transformation_reason", "confidence_score")
        | same("routing_strategy", "transformation_duration_ms", "success", "error_message", "error_type")
        | same("quality_score", "context_snapshot", "user_request"),
    ),
)
fills(
    RouterMeasured,
    own_row(
        schema.router_performance_metrics,
        _WHOSE
        | same("query_text", "routing_duration_ms", "cache_hit", "candidates_evaluated")
        | same("trigger_match_strategy", "confidence_components", "selected_agent", "confidence_score")
        | same("stage_microseconds"),
    ),
)


def _prompt_hash(told: Told) -> str:
    prompt: str = told.data.user_prompt
    return hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest()


fills(
    DetectionFailed,
    Filling(
        schema.agent_detection_failures,
        {"event_id": "envelope.id"},
        _WHOSE
        | same("user_prompt", "detection_status", "failure_reason", "failure_category", "detected_agent")
        | same("detection_confidence", "detection_method", "routing_duration_ms", "expected_agent")
        | same("attempted_methods", "candidates_evaluated", "trigger_matches", "capability_scores")
        | same("fuzzy_match_results", "detection_metadata")
        | {"prompt_length": lambda told: len(told.data.user_prompt), "prompt_hash": _prompt_hash},
        part="created",
        first_wins=True,
        defaults={"reviewed": always(False)},
    ),
)
fills(
    DetectionReviewed,
    Filling(
        schema.agent_detection_failures,
        {"event_id": "data.failure"},
        same("reviewed_by", "resolution_notes", "pattern_update_type", "pattern_update_details")
        | {
            "reviewed": always(True),
            "reviewed_expected_agent": "data.expected_agent",
            "pattern_updated": lambda told: told.data.pattern_update_type is not None,
        },
        part="reviewed",
    ),
)


def _outcome(told: Told) -> str | None:
    outcome = told.data.metadata.get("outcome")
    return outcome if isinstance(outcome, str) else None


fills(
    HookFired,
    own_row(
        schema.hook_events,
        _WHOSE
        | same("action", "resource", "resource_id", "agent_name", "payload", "metadata")
        | {"source": "data.hook_source", "outcome": _outcome},
    ),
)
