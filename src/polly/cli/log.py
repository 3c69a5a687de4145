"""`polly log`: agents and their skills tell what they do, one event in the spool per call.

Answers are JSON on stdout, refusals JSON on stderr. It starts with every call of a skill, so that nothing is
imported here that a plain append does not need.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from polly.cli.log_options import YesOrNo, value
from polly.cli.log_recording import Entry, recorded
from polly.events.agents import ActionRecorded, AgentEvent
from polly.tracking import execution_steps, forms
from polly.tracking.origin import Origin

#: How the main program makes a command of each function here.
COMMAND_CLASS = YesOrNo
_YES = ("true", "1", "yes", "on")

Agent = Annotated[str, value("--agent", "Name of the agent.", "NAME")]
OfAgent = Annotated[str | None, value("--agent", "Name of the agent.", "NAME")]
Confidence = Annotated[float | None, value("--confidence", "How sure, from 0 to 1.", "0..1")]
Metadata = Annotated[str | None, value("--metadata", "More, as a JSON object.", "JSON")]


def log() -> None:
    """Record what an agent does: one event into the spool, without a database or a network.

    Prints one JSON object: on stdout when it is recorded, on stderr when a value is refused (exit code 1).
    Wrong options are exit code 2. Trouble with the recording itself, such as a full disk, is told on stderr
    and is exit code 0: an agent must not fail because of its record.

    Example: `polly log action --agent reviewer --action-type decision --action-name chose-plan --debug-mode`
    """


def action(
    *,
    agent: Agent,
    action_type: Annotated[str, value("--action-type", "tool_call, decision, error or success.", "TYPE")],
    action_name: Annotated[str, value("--action-name", "What was done.", "NAME")],
    details: Annotated[str | None, value("--details", "More, as a JSON object.", "JSON")] = None,
    duration_ms: Annotated[float | None, value("--duration-ms", "How long it took.", "MS")] = None,
    success: Annotated[
        bool | None,
        typer.Option("--success/--no-success", help="How it ended, also as `--success true` or `false`."),
    ] = None,
    debug_mode: Annotated[
        bool, typer.Option("--debug-mode", help="Record it although DEBUG is not set.")
    ] = False,
    working_directory: Annotated[
        str | None, value("--working-directory", "Where; the current folder by default.", "PATH")
    ] = None,
) -> Entry:
    """An agent did one thing. Recorded when DEBUG is set, with --debug-mode, or when its success is told.

    Otherwise the answer has `"skipped": true`, and nothing is recorded.

    Example: `polly log action --agent reviewer --action-type tool_call --action-name Read --debug-mode`
    """
    in_debug_mode = debug_mode or os.environ.get("DEBUG", "").strip().lower() in _YES

    def event(whose: Origin) -> ActionRecorded:
        return forms.action(
            whose,
            agent=agent,
            action_type=action_type,
            action_name=action_name,
            details=details,
            duration_ms=duration_ms,
            success=success,
            debug_mode=in_debug_mode,
            working_directory=working_directory or str(Path.cwd()),
        )

    return Entry(event, "action_id", skip=not in_debug_mode and success is None)


def execution(
    *,
    step: Annotated[
        str, typer.Argument(metavar="start|progress|complete", help="Which step is told.", show_default=False)
    ],
    agent: OfAgent = None,
    execution_id: Annotated[str | None, value("--execution-id", "As `start` answered.", "ID")] = None,
    description: Annotated[str | None, value("--description", "start: what the agent is to do.")] = None,
    terminal_id: Annotated[str | None, value("--terminal-id", "start: in which terminal.", "ID")] = None,
    stage: Annotated[str | None, value("--stage", "progress: what it is at.", "NAME")] = None,
    percent: Annotated[
        float | None, value("--percent", "progress: how far, from 0 to 100.", "0..100")
    ] = None,
    status: Annotated[
        str | None,
        value("--status", "complete: success (the default), failed (or error), cancelled.", "STATUS"),
    ] = None,
    error_message: Annotated[str | None, value("--error-message", "complete: why it failed.")] = None,
    quality_score: Annotated[float | None, value("--quality-score", "complete: from 0 to 1.", "0..1")] = None,
    duration_ms: Annotated[
        float | None, value("--duration-ms", "complete: how long; since `start` by default.", "MS")
    ] = None,
    metadata: Metadata = None,
) -> Entry:
    """An agent began, is so far, or ended. `start` answers with the `execution_id` that the others need.

    Example: `polly log execution start --agent reviewer --description "review the parser"`
    """
    given = {
        "description": description,
        "terminal_id": terminal_id,
        "execution_id": execution_id,
        "stage": stage,
        "percent": percent,
        "status": status,
        "error_message": error_message,
        "quality_score": quality_score,
        "duration_ms": duration_ms,
    }
    return Entry(lambda whose: execution_steps.step_of(whose, step, agent, metadata, given), "event_id")


def routing(
    *,
    agent: Annotated[str, value("--agent", "The agent or role that was chosen.", "NAME")],
    confidence: Annotated[float, value("--confidence", "How sure, from 0 to 1.", "0..1")],
    strategy: Annotated[str, value("--strategy", "How it was found.", "NAME")],
    latency_ms: Annotated[float, value("--latency-ms", "How long the choice took.", "MS")],
    user_request: Annotated[str | None, value("--user-request", "What was asked for.")] = None,
    alternatives: Annotated[
        str | None, value("--alternatives", "What else could have been chosen, as a JSON array.", "JSON")
    ] = None,
    reasoning: Annotated[str | None, value("--reasoning", "Why this one.")] = None,
    context: Annotated[str | None, value("--context", "More, as a JSON object.", "JSON")] = None,
) -> Entry:
    """A router chose an agent or role for a request.

    Example: `polly log routing --agent debug --confidence 0.92 --strategy trigger --latency-ms 12`
    """

    def event(whose: Origin) -> AgentEvent:
        return forms.routing(
            whose,
            agent=agent,
            confidence=confidence,
            strategy=strategy,
            latency_ms=latency_ms,
            user_request=user_request,
            alternatives=alternatives,
            reasoning=reasoning,
            context=context,
        )

    return Entry(event, "routing_decision_id")


def transformation(
    *,
    from_agent: Annotated[str | None, value("--from-agent", "Who took the role.", "NAME")] = None,
    to_agent: Annotated[str | None, value("--to-agent", "The role that was taken.", "NAME")] = None,
    success: Annotated[
        bool | None,
        typer.Option(
            "--success/--no-success", help="Whether it worked, also as `--success true` or `false`."
        ),
    ] = None,
    duration_ms: Annotated[float | None, value("--duration-ms", "How long it took.", "MS")] = None,
    reason: Annotated[str | None, value("--reason", "Why.")] = None,
    confidence: Confidence = None,
    agent: Annotated[
        str | None, value("--agent", "With --transformation-type: the agent that changed.", "NAME")
    ] = None,
    transformation_type: Annotated[
        str | None, value("--transformation-type", "What happened to it.", "TYPE")
    ] = None,
    input_data: Annotated[str | None, value("--input-data", "What went in, as JSON or text.", "JSON")] = None,
    output_data: Annotated[
        str | None, value("--output-data", "What came out, as JSON or text.", "JSON")
    ] = None,
    metadata: Metadata = None,
) -> Entry:
    """A Polly took a role: --from-agent, --to-agent, --success and --duration-ms; or --agent and
    --transformation-type.

    Example: `polly log transformation --from-agent polly --to-agent debug --success true --duration-ms 40`
    """
    given = forms.RoleTaken(
        from_agent,
        to_agent,
        success,
        duration_ms,
        reason,
        confidence,
        agent,
        transformation_type,
        input_data,
        output_data,
        metadata,
    )
    return Entry(lambda whose: forms.transformation(whose, given), "transformation_id")


def metric(
    *,
    query: Annotated[str | None, value("--query", "The request that was routed.")] = None,
    duration_ms: Annotated[float | None, value("--duration-ms", "How long the routing took.", "MS")] = None,
    cache_hit: Annotated[
        bool | None,
        typer.Option(
            "--cache-hit/--no-cache-hit", help="Whether a cache answered, also as `--cache-hit false`."
        ),
    ] = None,
    candidates: Annotated[int | None, value("--candidates", "How many agents were looked at.", "N")] = None,
    strategy: Annotated[str | None, value("--strategy", "How the agent was found.", "NAME")] = None,
    confidence_components: Annotated[
        str | None,
        value("--confidence-components", "What the confidence is made of: a JSON object of numbers.", "JSON"),
    ] = None,
    agent: Annotated[str | None, value("--agent", "With --metric-name: whose metric it is.", "NAME")] = None,
    metric_name: Annotated[str | None, value("--metric-name", "What was measured.", "NAME")] = None,
    metric_value: Annotated[float | None, value("--metric-value", "The number.", "NUMBER")] = None,
    metric_type: Annotated[str, value("--metric-type", "gauge, counter or histogram.", "TYPE")] = "gauge",
    metric_unit: Annotated[
        str | None, value("--metric-unit", "Its unit; times (ns, us, ms, s) are times of the router.", "UNIT")
    ] = None,
    tags: Annotated[str | None, value("--tags", "Labels, as a JSON object.", "JSON")] = None,
) -> Entry:
    """What one routing took: --query, --duration-ms, --cache-hit and --candidates; or a metric with a name:
    --agent, --metric-name and --metric-value.

    Example: `polly log metric --query "fix the tests" --duration-ms 8 --cache-hit false --candidates 20`
    """

    def event(whose: Origin) -> AgentEvent:
        named = {"--agent": agent, "--metric-name": metric_name, "--metric-value": metric_value}
        routed = {"--query": query, "--duration-ms": duration_ms, "--candidates": candidates}
        if not forms.is_first_form(named, routed):
            return forms.routing_metric(
                whose,
                query=query,
                duration_ms=duration_ms,
                cache_hit=cache_hit,
                candidates=candidates,
                strategy=strategy,
                confidence_components=confidence_components,
            )
        return forms.named_metric(
            whose,
            agent=agent,
            name=metric_name,
            value=metric_value,
            kind=metric_type,
            unit=metric_unit,
            tags=tags,
        )

    return Entry(event, "metric_id")


def failure(
    *,
    prompt: Annotated[str, value("--prompt", "The request for which no agent was found.")],
    reason: Annotated[str, value("--reason", "Why.")],
    candidates_evaluated: Annotated[
        int, value("--candidates-evaluated", "How many agents were looked at.", "N")
    ],
    status: Annotated[
        str,
        value("--status", "no_detection, low_confidence, wrong_agent, timeout or error.", "STATUS"),
    ] = "no_detection",
    detected_agent: Annotated[
        str | None, value("--detected-agent", "What was found instead.", "NAME")
    ] = None,
    confidence: Confidence = None,
    expected_agent: Annotated[str | None, value("--expected-agent", "What should have been.", "NAME")] = None,
    detection_method: Annotated[
        str | None, value("--detection-method", "How it was looked for.", "NAME")
    ] = None,
    trigger_matches: Annotated[str | None, value("--trigger-matches", "As a JSON array.", "JSON")] = None,
    capability_scores: Annotated[
        str | None, value("--capability-scores", "As a JSON object.", "JSON")
    ] = None,
    fuzzy_results: Annotated[str | None, value("--fuzzy-results", "As a JSON array.", "JSON")] = None,
    metadata: Metadata = None,
) -> Entry:
    """No agent was found for a request, or not the right one.

    Example: `polly log failure --prompt "do it" --reason "no trigger matched" --candidates-evaluated 20`
    """

    def event(whose: Origin) -> AgentEvent:
        return forms.detection_failure(
            whose,
            prompt=prompt,
            reason=reason,
            candidates_evaluated=candidates_evaluated,
            status=status,
            detected_agent=detected_agent,
            confidence=confidence,
            expected_agent=expected_agent,
            detection_method=detection_method,
            trigger_matches=trigger_matches,
            capability_scores=capability_scores,
            fuzzy_results=fuzzy_results,
            metadata=metadata,
        )

    return Entry(event, "failure_id")


SUBCOMMANDS: Mapping[str, Callable[..., object]] = {
    "action": recorded(action),
    "execution": recorded(execution),
    "routing": recorded(routing),
    "transformation": recorded(transformation),
    "metric": recorded(metric),
    "failure": recorded(failure),
}
