"""What is recorded of a decision: itself, what it took, the role that was taken, or that none was found."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from polly.events.agents import (
    AgentEvent,
    DetectionFailed,
    RouterMeasured,
    RoutingDecided,
    TransformationRecorded,
)
from polly.work.routing import POLLY, Candidate, Request, RoutingDecision, Strategy

Status = Literal["no_detection", "low_confidence"]

#: Characters of a request that its events keep: enough to recognise and to compare it.
MOST_CHARACTERS = 4_000


def text_of(request: Request) -> str:
    """The request as its events keep it: all its texts, shortened."""
    text = "\n\n".join(each for each in (request.text, *request.further) if each)
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"


def best_of(decision: RoutingDecision) -> Candidate | None:
    """The role that was found best, also where that was not enough; None when nothing was found."""
    best = max((decision.chosen, *decision.alternatives), key=lambda each: each.confidence)
    return best if best.confidence > 0 else None


def events_of(
    request: str,
    decision: RoutingDecision,
    *,
    run: str | None = None,
    project_path: str | None = None,
    context: Mapping[str, Any] | None = None,
) -> tuple[AgentEvent, ...]:
    """The events of one decision, to be recorded with one correlation id: the decision; what it took; the
    role that was taken, which is none where the general role only stands in; that no role was found.
    """
    whose: dict[str, Any] = {"run": run, "project_path": project_path}
    known = {"threshold": decision.threshold, "best": decision.best, **(context or {})}
    events: list[AgentEvent] = [decided(request, decision, known, whose), measured(request, decision, whose)]
    if decision.strategy is not Strategy.GENERAL and decision.role != POLLY:
        events.append(transformation(request, decision, known, whose))
    status = status_of(decision)
    if status is not None:
        events.append(failed(request, decision, status, known, whose=whose))
    return tuple(events)


def decided(
    request: str, decision: RoutingDecision, context: Mapping[str, Any], whose: Mapping[str, Any]
) -> RoutingDecided:
    """That a role was chosen, and why."""
    return RoutingDecided(
        **whose,
        user_request=request,
        selected_agent=decision.role,
        confidence_score=decision.chosen.confidence,
        routing_strategy=decision.strategy.value,
        routing_time_ms=decision.milliseconds,
        alternatives=[msgspec.to_builtins(each) for each in decision.alternatives],
        reasoning=decision.reasoning,
        context={
            "score": decision.chosen.score,
            "matched": list(decision.chosen.matched),
            "reasons": list(decision.chosen.reasons),
            **context,
        },
        confidence_components=components_of(decision.chosen),
        cache_hit=decision.cache_hit,
    )


def measured(request: str, decision: RoutingDecision, whose: Mapping[str, Any]) -> RouterMeasured:
    """What the decision took."""
    return RouterMeasured(
        **whose,
        query_text=request,
        routing_duration_ms=decision.milliseconds,
        cache_hit=decision.cache_hit,
        candidates_evaluated=decision.candidates,
        trigger_match_strategy=decision.strategy.value,
        confidence_components=components_of(decision.chosen),
        selected_agent=decision.role,
        confidence_score=decision.chosen.confidence,
        stage_microseconds=decision.stage_microseconds,
    )


def transformation(
    request: str, decision: RoutingDecision, context: Mapping[str, Any], whose: Mapping[str, Any]
) -> TransformationRecorded:
    """That a Polly takes the role. How long that takes is nothing that the router could know."""
    return TransformationRecorded(
        **whose,
        source_agent=POLLY,
        target_agent=decision.role,
        transformation_reason=decision.reasoning,
        confidence_score=decision.chosen.confidence,
        routing_strategy=decision.strategy.value,
        context_snapshot=dict(context),
        user_request=request,
    )


def failed(
    request: str,
    decision: RoutingDecision,
    status: Status,
    context: Mapping[str, Any],
    *,
    whose: Mapping[str, Any],
    expected: str | None = None,
) -> DetectionFailed:
    """That no role was found, or not for certain. expected: the right one, where somebody has named it."""
    best = best_of(decision)
    candidates = (decision.chosen, *decision.alternatives)
    return DetectionFailed(
        **whose,
        user_prompt=request,
        detection_status=status,
        failure_reason=decision.reasoning,
        detected_agent=best.role if best else None,
        detection_confidence=best.confidence if best else None,
        detection_method=Strategy.SCORE.value,
        routing_duration_ms=decision.milliseconds,
        expected_agent=expected,
        attempted_methods=[Strategy.EXPLICIT.value, Strategy.SCORE.value],
        candidates_evaluated=decision.candidates,
        trigger_matches=list(best.matched) if best else [],
        capability_scores={each.role: each.components.capability for each in candidates},
        detection_metadata={"taken": decision.role, **context},
    )


def components_of(candidate: Candidate) -> dict[str, float]:
    """The parts of its score by name."""
    parts: dict[str, float] = msgspec.to_builtins(candidate.components)
    return parts


def status_of(decision: RoutingDecision) -> Status | None:
    """Why the choice is no detection; None when it is one."""
    if decision.detection is None:
        return None
    return "no_detection" if decision.detection == "no_detection" else "low_confidence"
