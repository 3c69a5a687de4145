"""Rows of what agents, hooks and the router did."""

import hashlib

import sqlalchemy as sa

from polly.events.agents import (
    ActionRecorded,
    AgentEvent,
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
from polly.events.envelope import Envelope
from polly.events.status import OperationStatus
from polly.store import schema
from polly.store.facts.fact import Fact, Values, facts, project_name

_ExecutionEvent = ExecutionStarted | ExecutionProgressed | ExecutionCompleted


def _whose(data: AgentEvent, envelope: Envelope) -> Values:
    """Where it belongs: the same columns in every table."""
    return {
        "correlation_id": envelope.correlationid,
        "session_id": envelope.sessionid,
        "run": data.run,
        "project_path": data.project_path,
        "project_name": data.project_name or project_name(data.project_path or "") or None,
    }


def _own_row(table: sa.Table, data: AgentEvent, envelope: Envelope, values: Values) -> tuple[Fact, ...]:
    """A row that belongs to this event alone."""
    whole = {"created_at": envelope.time, **_whose(data, envelope), **values}
    return (Fact(table, {"event_id": envelope.id}, None, whole),)


@facts.register
def _(data: ActionRecorded, envelope: Envelope) -> tuple[Fact, ...]:
    values = {
        "agent_name": data.agent_name,
        "action_type": data.action_type,
        "action_name": data.action_name,
        "action_details": data.action_details,
        "debug_mode": data.debug_mode,
        "duration_ms": data.duration_ms,
        "action": data.action,
        "parent_action": data.parent_action,
        "execution_id": data.execution,
        "working_directory": data.working_directory,
    }
    return _own_row(schema.agent_actions, data, envelope, values)


def _execution(data: _ExecutionEvent, envelope: Envelope, own: Fact) -> tuple[Fact, ...]:
    """The event's own part, after who and where, which the earliest event of the execution says."""
    created = {"agent_name": data.agent_name, **_whose(data, envelope)}
    in_progress = {"status": OperationStatus.IN_PROGRESS.value}
    defaults = {**in_progress, **created, "created_at": envelope.time}
    return (
        Fact(own.table, own.key, "created", created, first_wins=True, defaults=in_progress),
        own._replace(defaults={name: value for name, value in defaults.items() if name not in own.values}),
    )


@facts.register
def _(data: ExecutionStarted, envelope: Envelope) -> tuple[Fact, ...]:
    values = {
        "package": data.package,
        "attempt": data.attempt,
        "user_prompt": data.user_prompt,
        "terminal_id": data.terminal_id,
        "metadata": data.metadata,
    }
    key = {"execution_id": data.execution}
    started = Fact(schema.agent_execution_logs, key, "started", values, first_wins=True)
    return _execution(data, envelope, started)


@facts.register
def _(data: ExecutionProgressed, envelope: Envelope) -> tuple[Fact, ...]:
    values = {
        "progress_stage": data.stage,
        "progress_percent": data.percent,
        "progress_metadata": data.metadata,
    }
    key = {"execution_id": data.execution}
    return _execution(data, envelope, Fact(schema.agent_execution_logs, key, "progress", values))


@facts.register
def _(data: ExecutionCompleted, envelope: Envelope) -> tuple[Fact, ...]:
    values = {
        "status": OperationStatus.parse(data.status).value,
        "duration_ms": data.duration_ms,
        "error_message": data.error_message,
        "error_type": data.error_type,
        "completed_metadata": data.metadata,
    }
    key = {"execution_id": data.execution}
    completed = Fact(schema.agent_execution_logs, key, "completed", values, first_wins=True)
    found = _execution(data, envelope, completed)
    if data.quality_score is None:
        return found
    quality = {"quality_score": data.quality_score}
    return (*found, Fact(completed.table, key, "quality", quality, defaults=_new_execution(data, envelope)))


def _new_execution(data: ExecutionCompleted | QualityMeasured, envelope: Envelope) -> Values:
    """What a row needs that the execution's own events have not made yet."""
    return {
        "status": OperationStatus.IN_PROGRESS.value,
        "agent_name": data.agent_name,
        "correlation_id": envelope.correlationid,
        "session_id": envelope.sessionid,
        "created_at": envelope.time,
    }


@facts.register
def _(data: QualityMeasured, envelope: Envelope) -> tuple[Fact, ...]:
    if data.quality.after is None:
        return ()
    key = {"execution_id": data.execution}
    values = {"quality_score": data.quality.after}
    defaults = {**_new_execution(data, envelope), "run": data.run}
    return (Fact(schema.agent_execution_logs, key, "quality", values, defaults=defaults),)


@facts.register
def _(data: RoutingDecided, envelope: Envelope) -> tuple[Fact, ...]:
    values = {
        "user_request": data.user_request,
        "selected_agent": data.selected_agent,
        "confidence_score": data.confidence_score,
        "routing_strategy": data.routing_strategy,
        "routing_time_ms": data.routing_time_ms,
        "alternatives": data.alternatives,
        "reasoning": data.reasoning,
        "context": data.context,
        "confidence_components": data.confidence_components,
        "cache_hit": data.cache_hit,
    }
    return _own_row(schema.agent_routing_decisions, data, envelope, values)


@facts.register
def _(data: TransformationRecorded, envelope: Envelope) -> tuple[Fact, ...]:
    values = {
        "event_type": data.event_type,
        "source_agent": data.source_agent,
        "target_agent": data.target_agent,
        "transformation_reason": data.transformation_reason,
        "confidence_score": data.confidence_score,
        "routing_strategy": data.routing_strategy,
        "transformation_duration_ms": data.transformation_duration_ms,
        "success": data.success,
        "error_message": data.error_message,
        "error_type": data.error_type,
        "quality_score": data.quality_score,
        "context_snapshot": data.context_snapshot,
        "user_request": data.user_request,
    }
    return _own_row(schema.agent_transformation_events, data, envelope, values)


@facts.register
def _(data: RouterMeasured, envelope: Envelope) -> tuple[Fact, ...]:
    values = {
        "query_text": data.query_text,
        "routing_duration_ms": data.routing_duration_ms,
        "cache_hit": data.cache_hit,
        "candidates_evaluated": data.candidates_evaluated,
        "trigger_match_strategy": data.trigger_match_strategy,
        "confidence_components": data.confidence_components,
        "selected_agent": data.selected_agent,
        "confidence_score": data.confidence_score,
        "stage_microseconds": data.stage_microseconds,
    }
    return _own_row(schema.router_performance_metrics, data, envelope, values)


@facts.register
def _(data: DetectionFailed, envelope: Envelope) -> tuple[Fact, ...]:
    prompt = data.user_prompt
    values = {
        **_whose(data, envelope),
        "user_prompt": prompt,
        "prompt_length": len(prompt),
        "prompt_hash": hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest(),
        "detection_status": data.detection_status,
        "failure_reason": data.failure_reason,
        "failure_category": data.failure_category,
        "detected_agent": data.detected_agent,
        "detection_confidence": data.detection_confidence,
        "detection_method": data.detection_method,
        "routing_duration_ms": data.routing_duration_ms,
        "expected_agent": data.expected_agent,
        "attempted_methods": data.attempted_methods,
        "candidates_evaluated": data.candidates_evaluated,
        "trigger_matches": data.trigger_matches,
        "capability_scores": data.capability_scores,
        "fuzzy_match_results": data.fuzzy_match_results,
        "detection_metadata": data.detection_metadata,
    }
    key = {"event_id": envelope.id}
    defaults: Values = {"reviewed": False}
    return (
        Fact(schema.agent_detection_failures, key, "created", values, first_wins=True, defaults=defaults),
    )


@facts.register
def _(data: DetectionReviewed, envelope: Envelope) -> tuple[Fact, ...]:
    del envelope
    values = {
        "reviewed": True,
        "reviewed_by": data.reviewed_by,
        "reviewed_expected_agent": data.expected_agent,
        "resolution_notes": data.resolution_notes,
        "pattern_updated": data.pattern_update_type is not None,
        "pattern_update_type": data.pattern_update_type,
        "pattern_update_details": data.pattern_update_details,
    }
    return (Fact(schema.agent_detection_failures, {"event_id": data.failure}, "reviewed", values),)


@facts.register
def _(data: HookFired, envelope: Envelope) -> tuple[Fact, ...]:
    outcome = data.metadata.get("outcome")
    values = {
        "source": data.hook_source,
        "action": data.action,
        "resource": data.resource,
        "resource_id": data.resource_id,
        "agent_name": data.agent_name,
        "outcome": outcome if isinstance(outcome, str) else None,
        "payload": data.payload,
        "metadata": data.metadata,
    }
    return _own_row(schema.hook_events, data, envelope, values)
