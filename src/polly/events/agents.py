"""What agents, hooks, skills and the router record, inside of runs and outside of them."""

from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta

from polly.events.event import (
    ACTIONS_TOPIC,
    DETECTIONS_TOPIC,
    EXECUTIONS_TOPIC,
    HOOKS_TOPIC,
    METRICS_TOPIC,
    ROUTING_TOPIC,
    TRANSFORMATIONS_TOPIC,
    EventData,
)

#: From 0, nothing speaks for it, to 1, certain.
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Milliseconds = Annotated[float, Meta(ge=0.0)]
Count = Annotated[int, Meta(ge=0)]
Percent = Annotated[float, Meta(ge=0.0, le=100.0)]
Name = Annotated[str, Meta(min_length=1)]

ActionType = Literal["tool_call", "decision", "error", "success"]
TransformationStep = Literal["transformation_start", "transformation_complete", "transformation_failed"]
DetectionStatus = Literal["no_detection", "low_confidence", "wrong_agent", "timeout", "error"]


class AgentEvent(EventData, frozen=True, kw_only=True):
    """An event about an agent. The run is None when the agent does not work for one.

    project_name: the last name of project_path unless it is given.
    """

    run: str | None = None
    project_path: str | None = None
    project_name: str | None = None

    @property
    def subject(self) -> str:
        """The run, else the agent, else the project."""
        return self.run or getattr(self, "agent_name", None) or self.project_path or "polly"


class ActionRecorded(AgentEvent, frozen=True, kw_only=True):
    """An agent did one thing (row of agent_actions).

    action: ties a `tool_call` to the `success` or `error` that ended it, such as the id of a tool call.
    execution: the execution that it belongs to, when it is known.
    """

    type: ClassVar[str] = "dev.polly.action.recorded.v1"
    topic: ClassVar[str] = ACTIONS_TOPIC
    agent_name: Name
    action_type: ActionType
    action_name: Name
    action_details: dict[str, Any] = {}
    debug_mode: bool = True
    duration_ms: Milliseconds | None = None
    action: str | None = None
    parent_action: str | None = None
    working_directory: str | None = None
    execution: str | None = None


class ExecutionStarted(AgentEvent, frozen=True, kw_only=True):
    """An agent began to work (row of agent_execution_logs)."""

    type: ClassVar[str] = "dev.polly.execution.started.v1"
    topic: ClassVar[str] = EXECUTIONS_TOPIC
    execution: Name
    agent_name: Name
    package: str | None = None
    attempt: int | None = None
    user_prompt: str | None = None
    terminal_id: str | None = None
    metadata: dict[str, Any] = {}


class ExecutionProgressed(AgentEvent, frozen=True, kw_only=True):
    """How far an agent has got (the same row)."""

    type: ClassVar[str] = "dev.polly.execution.progressed.v1"
    topic: ClassVar[str] = EXECUTIONS_TOPIC
    execution: Name
    agent_name: Name
    stage: Name
    percent: Percent | None = None
    metadata: dict[str, Any] = {}


class ExecutionCompleted(AgentEvent, frozen=True, kw_only=True):
    """An agent ended (the same row, completed). `status` is an OperationStatus, or `error` for `failed`."""

    type: ClassVar[str] = "dev.polly.execution.completed.v1"
    topic: ClassVar[str] = EXECUTIONS_TOPIC
    execution: Name
    agent_name: Name
    status: str
    duration_ms: Milliseconds
    error_message: str | None = None
    error_type: str | None = None
    quality_score: Share | None = None
    metadata: dict[str, Any] = {}


class RoutingDecided(AgentEvent, frozen=True, kw_only=True):
    """The router chose an agent or role for a request (row of agent_routing_decisions)."""

    type: ClassVar[str] = "dev.polly.routing.decided.v1"
    topic: ClassVar[str] = ROUTING_TOPIC
    user_request: str = ""
    selected_agent: Name
    confidence_score: Share
    routing_strategy: Name
    routing_time_ms: Milliseconds
    alternatives: list[Any] = []
    reasoning: str | None = None
    context: dict[str, Any] = {}
    confidence_components: dict[str, float] = {}
    cache_hit: bool | None = None


class TransformationRecorded(AgentEvent, frozen=True, kw_only=True):
    """A Polly took a role (row of agent_transformation_events)."""

    type: ClassVar[str] = "dev.polly.transformation.recorded.v1"
    topic: ClassVar[str] = TRANSFORMATIONS_TOPIC
    source_agent: Name
    target_agent: Name
    event_type: TransformationStep = "transformation_complete"
    transformation_reason: str | None = None
    confidence_score: Share | None = None
    routing_strategy: str | None = None
    transformation_duration_ms: Milliseconds | None = None
    success: bool = True
    error_message: str | None = None
    error_type: str | None = None
    quality_score: Share | None = None
    context_snapshot: dict[str, Any] = {}
    user_request: str | None = None


class RouterMeasured(AgentEvent, frozen=True, kw_only=True):
    """What one routing took (row of router_performance_metrics)."""

    type: ClassVar[str] = "dev.polly.router.measured.v1"
    topic: ClassVar[str] = METRICS_TOPIC
    query_text: str
    routing_duration_ms: Milliseconds
    cache_hit: bool = False
    candidates_evaluated: Count
    trigger_match_strategy: str | None = None
    confidence_components: dict[str, float] = {}
    selected_agent: str | None = None
    confidence_score: Share | None = None
    stage_microseconds: dict[str, Milliseconds] = {}


class DetectionFailed(AgentEvent, frozen=True, kw_only=True):
    """No agent was found for a request, or not the right one (row of agent_detection_failures)."""

    type: ClassVar[str] = "dev.polly.detection.failed.v1"
    topic: ClassVar[str] = DETECTIONS_TOPIC
    user_prompt: str
    detection_status: DetectionStatus
    failure_reason: str | None = None
    failure_category: str | None = None
    detected_agent: str | None = None
    detection_confidence: Share | None = None
    detection_method: str | None = None
    routing_duration_ms: Milliseconds | None = None
    expected_agent: str | None = None
    attempted_methods: list[str] = []
    candidates_evaluated: Count | None = None
    trigger_matches: list[Any] = []
    capability_scores: dict[str, Any] = {}
    fuzzy_match_results: list[Any] = []
    detection_metadata: dict[str, Any] = {}


class DetectionReviewed(AgentEvent, frozen=True, kw_only=True):
    """A person looked at a detection failure (the same row). `failure` is the id of its event."""

    type: ClassVar[str] = "dev.polly.detection.reviewed.v1"
    topic: ClassVar[str] = DETECTIONS_TOPIC
    failure: Name
    reviewed_by: Name
    expected_agent: str | None = None
    resolution_notes: str | None = None
    pattern_update_type: str | None = None
    pattern_update_details: str | None = None


class HookFired(AgentEvent, frozen=True, kw_only=True):
    """A hook of an agent program ran (row of hook_events).

    hook_source, action, resource and resource_id are the words of the original: who called (`PreToolUse`),
    what happened (`tool_call`), to what kind of thing (`tool`), to which one (`Write`).
    """

    type: ClassVar[str] = "dev.polly.hook.fired.v1"
    topic: ClassVar[str] = HOOKS_TOPIC
    hook_source: Name
    action: Name
    resource: Name
    resource_id: str | None = None
    agent_name: str | None = None
    payload: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
