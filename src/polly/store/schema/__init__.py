"""The tables. `events` holds every envelope as it came; all other rows are derived from it.

A derived row can be fed by several events that arrive in any order. Each such group of columns is a part:
`<part>_at` and `<part>_event_id` say which event wrote it. There are no foreign keys between derived rows:
a row must be storable before the row that it belongs to.
"""

from polly.store.schema.agents import (
    agent_actions,
    agent_detection_failures,
    agent_execution_logs,
    agent_routing_decisions,
    agent_transformation_events,
    hook_events,
    router_performance_metrics,
)
from polly.store.schema.columns import JSON, UtcDateTime, metadata
from polly.store.schema.runs import (
    approvals,
    attempts,
    gate_results,
    issues,
    runs,
    verdicts,
    work_packages,
)
from polly.store.schema.streams import dead_letters, events, pruned_events, sink_offsets

#: The revision of the migrations that produces this schema.
REVISION = "0003"

__all__ = [
    "JSON",
    "REVISION",
    "UtcDateTime",
    "agent_actions",
    "agent_detection_failures",
    "agent_execution_logs",
    "agent_routing_decisions",
    "agent_transformation_events",
    "approvals",
    "attempts",
    "dead_letters",
    "events",
    "gate_results",
    "hook_events",
    "issues",
    "metadata",
    "pruned_events",
    "router_performance_metrics",
    "runs",
    "sink_offsets",
    "verdicts",
    "work_packages",
]
