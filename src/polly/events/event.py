"""What every event is: its data, the name of its type, and the topic that it travels on."""

from typing import ClassVar

import msgspec

ACTIONS_TOPIC = "agent-actions"
EXECUTIONS_TOPIC = "agent-executions"
ROUTING_TOPIC = "agent-routing-decisions"
TRANSFORMATIONS_TOPIC = "agent-transformation-events"
METRICS_TOPIC = "router-performance-metrics"
DETECTIONS_TOPIC = "agent-detection-failures"
HOOKS_TOPIC = "hook-events"
RUNS_TOPIC = "polly-runs"

#: Every topic that carries events to be stored, without the prefix of the settings.
TOPICS = (
    ACTIONS_TOPIC,
    EXECUTIONS_TOPIC,
    ROUTING_TOPIC,
    TRANSFORMATIONS_TOPIC,
    METRICS_TOPIC,
    DETECTIONS_TOPIC,
    HOOKS_TOPIC,
    RUNS_TOPIC,
)


ANALYSIS_REQUESTED_TOPIC = "intelligence.code-analysis-requested.v1"
ANALYSIS_COMPLETED_TOPIC = "intelligence.code-analysis-completed.v1"
ANALYSIS_FAILED_TOPIC = "intelligence.code-analysis-failed.v1"

#: Topics of questions about code and of their answers. They pass between programs; nothing stores them.
INTELLIGENCE_TOPICS = (ANALYSIS_REQUESTED_TOPIC, ANALYSIS_COMPLETED_TOPIC, ANALYSIS_FAILED_TOPIC)


class EventData(msgspec.Struct, frozen=True, kw_only=True):
    """What one event says. `type` and `topic` belong to the class.

    A struct is the schema of `data`; a new field needs a default, a changed meaning needs a new version.
    """

    type: ClassVar[str]
    topic: ClassVar[str]

    @property
    def subject(self) -> str:
        """What the event is about: the CloudEvents `subject`."""
        raise NotImplementedError
