"""From the options of `polly log` to events: what each says, what is refused, and why."""

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from polly.errors import InputError
from polly.events.agents import (
    ActionRecorded,
    DetectionFailed,
    RouterMeasured,
    RoutingDecided,
    TransformationRecorded,
)
from polly.tracking.origin import Origin
from polly.tracking.plain import plain

_Json = TypeVar("_Json", dict[str, Any], list[Any])

#: Units of time -> milliseconds. A metric in one of these is a measurement of the router.
MILLISECONDS = {
    "ns": 1e-6,
    "us": 1e-3,
    "µs": 1e-3,
    "μs": 1e-3,
    "microseconds": 1e-3,
    "ms": 1.0,
    "milliseconds": 1.0,
    "s": 1000.0,
    "seconds": 1000.0,
}
_STEPS = ("transformation_start", "transformation_complete", "transformation_failed")


class ValueRefused(InputError):  # noqa: N818 - reads as what happened
    """An option has a value that cannot be recorded. `option` is its name on the command line."""

    def __init__(self, option: str, what: str, *, next_step: str) -> None:
        super().__init__(f"{option} {what}", next_step=next_step)
        self.option = option


def json_object(option: str, text: str | None) -> dict[str, Any]:
    """The JSON object of an option; {} without one. Raises ValueRefused."""
    return _json(option, text, {}, "an object", '{"key": "value"}')


def json_array(option: str, text: str | None) -> list[Any]:
    """The JSON array of an option; [] without one. Raises ValueRefused."""
    return _json(option, text, [], "an array", '["one", "two"]')


def numbers(option: str, text: str | None) -> dict[str, float]:
    """The JSON object of an option, in which every value is a number. Raises ValueRefused."""
    found = json_object(option, text)
    for name, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueRefused(
                option,
                f"has {name!r}, which is no number",
                next_step=f"""Such as {option} '{{"trigger": 0.9}}'.""",
            )
    return {name: float(value) for name, value in found.items()}


def json_value(text: str | None) -> Any:
    """The value of an option that takes JSON as well as plain words."""
    if text is None:
        return None
    try:
        return plain(json.loads(text))
    except (ValueError, RecursionError):
        return text


def one_of(option: str, word: str, *words: str) -> str:
    """The word in lower case. Raises ValueRefused when it is none of these."""
    said = word.strip().lower()
    if said not in words:
        raise ValueRefused(option, f"{word!r} is unknown", next_step=f"It is one of: {', '.join(words)}.")
    return said


def within(option: str, value: float | None, most: float | None) -> None:
    """Raises ValueRefused for a number that is below 0, above `most` or none at all."""
    if value is None or (value >= 0 and (value <= most if most is not None else value < float("inf"))):
        return
    span = f"from 0 to {most:g}" if most is not None else "from 0 on"
    raise ValueRefused(option, f"{value:g} is not {span}", next_step=f"Give a number {span}.")


def said(option: str, text: str | None) -> str:
    """The text. Raises InputError when the option is missing, ValueRefused when it says nothing."""
    if text is None:
        raise InputError(f"{option} is missing", next_step="The help of the command shows what is needed.")
    if not text.strip():
        raise ValueRefused(option, "is empty", next_step="Give it a text.")
    return text


def action(
    whose: Origin,
    *,
    agent: str,
    action_type: str,
    action_name: str,
    details: str | None,
    duration_ms: float | None,
    success: bool | None,
    debug_mode: bool,
    working_directory: str | None,
) -> ActionRecorded:
    """An action of an agent. `success` becomes a detail of it."""
    within("--duration-ms", duration_ms, None)
    kind: Any = one_of("--action-type", action_type, "tool_call", "decision", "error", "success")
    more = {} if success is None else {"success": success}
    return ActionRecorded(
        **_whose(whose),
        agent_name=said("--agent", agent),
        action_type=kind,
        action_name=said("--action-name", action_name),
        action_details=json_object("--details", details) | more,
        debug_mode=debug_mode,
        duration_ms=duration_ms,
        working_directory=working_directory,
    )


def routing(
    whose: Origin,
    *,
    agent: str,
    confidence: float,
    strategy: str,
    latency_ms: float,
    user_request: str | None,
    alternatives: str | None,
    reasoning: str | None,
    context: str | None,
) -> RoutingDecided:
    """A decision of a router."""
    within("--confidence", confidence, 1.0)
    within("--latency-ms", latency_ms, None)
    return RoutingDecided(
        **_whose(whose),
        user_request=user_request or "",
        selected_agent=said("--agent", agent),
        confidence_score=confidence,
        routing_strategy=said("--strategy", strategy),
        routing_time_ms=latency_ms,
        alternatives=json_array("--alternatives", alternatives),
        reasoning=reasoning,
        context=json_object("--context", context),
    )


class RoleTaken(NamedTuple):
    """The options of a transformation: from one agent to another, or of one agent, by a type."""

    from_agent: str | None
    to_agent: str | None
    success: bool | None
    duration_ms: float | None
    reason: str | None
    confidence: float | None
    agent: str | None
    transformation_type: str | None
    input_data: str | None
    output_data: str | None
    metadata: str | None


def transformation(whose: Origin, given: RoleTaken) -> TransformationRecorded:
    """A transformation in either form. Raises InputError when it is neither, or both."""
    within("--duration-ms", given.duration_ms, None)
    within("--confidence", given.confidence, 1.0)
    if given.agent is not None or given.transformation_type is not None:
        return _typed_transformation(whose, given)
    if given.success is None:
        raise InputError("--success or --no-success is missing", next_step="Say whether the role was taken.")
    if given.duration_ms is None:
        raise InputError("--duration-ms is missing", next_step="Say how long it took, 0 when unknown.")
    return TransformationRecorded(
        **_whose(whose),
        source_agent=said("--from-agent", given.from_agent),
        target_agent=said("--to-agent", given.to_agent),
        event_type="transformation_complete" if given.success else "transformation_failed",
        transformation_reason=given.reason,
        confidence_score=given.confidence,
        transformation_duration_ms=given.duration_ms,
        success=given.success,
        context_snapshot=_snapshot(given),
    )


def _typed_transformation(whose: Origin, given: RoleTaken) -> TransformationRecorded:
    if given.from_agent is not None or given.to_agent is not None:
        raise InputError(
            "--agent with --transformation-type and --from-agent with --to-agent are two ways to say it",
            next_step="Use one of them.",
        )
    agent = said("--agent", given.agent)
    kind = said("--transformation-type", given.transformation_type)
    failed = given.success is False or kind == "transformation_failed"
    step: Any = kind if kind in _STEPS else "transformation_failed" if failed else "transformation_complete"
    return TransformationRecorded(
        **_whose(whose),
        source_agent=agent,
        target_agent=agent,
        event_type=step,
        transformation_reason=given.reason or kind,
        confidence_score=given.confidence,
        transformation_duration_ms=given.duration_ms,
        success=not failed,
        context_snapshot={"transformation_type": kind, **_snapshot(given)},
    )


def _snapshot(given: RoleTaken) -> dict[str, Any]:
    snapshot = {
        "input_data": json_value(given.input_data),
        "output_data": json_value(given.output_data),
        "metadata": json_object("--metadata", given.metadata) or None,
    }
    return {name: value for name, value in snapshot.items() if value is not None}


def routing_metric(
    whose: Origin,
    *,
    query: str | None,
    duration_ms: float | None,
    cache_hit: bool | None,
    candidates: int | None,
    strategy: str | None,
    confidence_components: str | None,
) -> RouterMeasured:
    """What one routing took."""
    if duration_ms is None or candidates is None or cache_hit is None:
        missing = {"--duration-ms": duration_ms, "--candidates": candidates, "--cache-hit": cache_hit}
        name = next(name for name, value in missing.items() if value is None)
        raise InputError(
            f"{name} is missing", next_step="A routing needs all of --query, " + ", ".join(missing)
        )
    within("--duration-ms", duration_ms, None)
    within("--candidates", candidates, None)
    return RouterMeasured(
        **_whose(whose),
        query_text=said("--query", query),
        routing_duration_ms=duration_ms,
        cache_hit=cache_hit,
        candidates_evaluated=candidates,
        trigger_match_strategy=strategy,
        confidence_components=numbers("--confidence-components", confidence_components),
    )


def named_metric(
    whose: Origin,
    *,
    agent: str | None,
    name: str | None,
    value: float | None,
    kind: str,
    unit: str | None,
    tags: str | None,
) -> RouterMeasured | ActionRecorded:
    """A metric with a name: a stage of the router when it is a time, else a decision of the agent.

    Numbers that are no times would be false ones among the times of routings.
    """
    agent, name = said("--agent", agent), said("--metric-name", name)
    if value is None:
        raise InputError("--metric-value is missing", next_step="Give the number that was measured.")
    kind = one_of("--metric-type", kind, "gauge", "counter", "histogram")
    labels = json_object("--tags", tags)
    if not math.isfinite(value):
        raise ValueRefused("--metric-value", f"{value} is no number", next_step="Give a finite number.")
    factor = MILLISECONDS.get((unit or "").strip().lower())
    if factor is None:
        metric = {"metric_value": value, "metric_type": kind, "metric_unit": unit, "tags": labels}
        return ActionRecorded(
            **_whose(whose),
            agent_name=agent,
            action_type="decision",
            action_name=name,
            action_details={"metric_name": name, **metric},
            debug_mode=False,
        )
    within("--metric-value", value, None)
    return RouterMeasured(
        **_whose(whose),
        query_text=name,
        routing_duration_ms=value * factor,
        candidates_evaluated=0,
        selected_agent=agent,
        stage_microseconds={name: value * factor * 1000},
    )


def detection_failure(
    whose: Origin,
    *,
    prompt: str,
    reason: str,
    candidates_evaluated: int,
    status: str,
    detected_agent: str | None,
    confidence: float | None,
    expected_agent: str | None,
    detection_method: str | None,
    trigger_matches: str | None,
    capability_scores: str | None,
    fuzzy_results: str | None,
    metadata: str | None,
) -> DetectionFailed:
    """A request for which no agent was found, or not the right one."""
    within("--confidence", confidence, 1.0)
    within("--candidates-evaluated", candidates_evaluated, None)
    words = ("no_detection", "low_confidence", "wrong_agent", "timeout", "error")
    kind: Any = one_of("--status", status, *words)
    return DetectionFailed(
        **_whose(whose),
        user_prompt=said("--prompt", prompt),
        detection_status=kind,
        failure_reason=said("--reason", reason),
        detected_agent=detected_agent,
        detection_confidence=confidence,
        detection_method=detection_method,
        expected_agent=expected_agent,
        candidates_evaluated=candidates_evaluated,
        trigger_matches=json_array("--trigger-matches", trigger_matches),
        capability_scores=json_object("--capability-scores", capability_scores),
        fuzzy_match_results=json_array("--fuzzy-results", fuzzy_results),
        detection_metadata=json_object("--metadata", metadata),
    )


def _whose(whose: Origin) -> Mapping[str, Any]:
    return {"run": whose.run, "project_path": whose.project_path, "project_name": whose.project_name}


def _json(option: str, text: str | None, nothing: _Json, shape: str, example: str) -> _Json:
    if text is None or not text.strip():
        return nothing
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ValueRefused(
            option, f"is not JSON: {error.msg} ({place})", next_step=f"Such as {option} '{example}'."
        ) from error
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ValueRefused(
            option, f"is not JSON: {reason}", next_step=f"Such as {option} '{example}'."
        ) from error
    made = plain(value)
    if not isinstance(made, type(nothing)):
        raise ValueRefused(option, f"is not {shape}", next_step=f"Such as {option} '{example}'.")
    return made


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no number of JSON")


def is_first_form(first: Mapping[str, object], second: Mapping[str, object]) -> bool:
    """Which of two ways to say a thing is used. Raises InputError for both at once."""
    of_first, of_second = (
        [name for name, value in each.items() if value is not None] for each in (first, second)
    )
    if of_first and of_second:
        raise InputError(
            f"{of_first[0]} and {of_second[0]} are options of two different forms",
            next_step=f"Use either {', '.join(first)}; or {', '.join(second)}.",
        )
    return bool(of_first)
