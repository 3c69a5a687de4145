"""The three steps of an execution that `polly log execution` tells, each in a process of its own."""

import time
import uuid
from collections.abc import Mapping
from typing import Any

from polly.errors import InputError
from polly.events.agents import ExecutionCompleted, ExecutionProgressed, ExecutionStarted
from polly.events.envelope import uuid7
from polly.events.status import OperationStatus
from polly.tracking.forms import ValueRefused, json_object, said, within
from polly.tracking.origin import Origin

#: Stands for the agent until its start is known: the earliest event of an execution says whose it is.
UNNAMED = "unnamed"
_ENDS = (OperationStatus.SUCCESS, OperationStatus.FAILED, OperationStatus.CANCELLED)


def started(
    whose: Origin,
    *,
    agent: str | None,
    description: str | None,
    terminal_id: str | None,
    metadata: str | None,
) -> ExecutionStarted:
    """An agent began. The id that is made holds the time, so that the last step can tell how long it took."""
    return ExecutionStarted(
        execution=uuid7(),
        agent_name=said("--agent", agent),
        run=whose.run,
        project_path=whose.project_path,
        project_name=whose.project_name,
        user_prompt=description,
        terminal_id=terminal_id,
        metadata=json_object("--metadata", metadata),
    )


def progressed(
    whose: Origin,
    *,
    execution_id: str | None,
    agent: str | None,
    stage: str | None,
    percent: float | None,
    metadata: str | None,
) -> ExecutionProgressed:
    """How far it is."""
    within("--percent", percent, 100.0)
    return ExecutionProgressed(
        execution=said("--execution-id", execution_id).strip(),
        agent_name=(agent or "").strip() or UNNAMED,
        run=whose.run,
        project_path=whose.project_path,
        project_name=whose.project_name,
        stage=said("--stage", stage),
        percent=percent,
        metadata=json_object("--metadata", metadata),
    )


def completed(
    whose: Origin,
    *,
    execution_id: str | None,
    agent: str | None,
    status: str | None,
    error_message: str | None,
    quality_score: float | None,
    duration_ms: float | None,
    metadata: str | None,
) -> ExecutionCompleted:
    """How it ended, and after how long."""
    within("--quality-score", quality_score, 1.0)
    within("--duration-ms", duration_ms, None)
    execution = said("--execution-id", execution_id).strip()
    took = duration_ms if duration_ms is not None else milliseconds_since(execution, time.time())
    if took is None:
        raise InputError(
            f"--execution-id {execution!r} does not tell when it began, as one of `start` does",
            next_step="Say how long it took with --duration-ms.",
        )
    return ExecutionCompleted(
        execution=execution,
        agent_name=(agent or "").strip() or UNNAMED,
        run=whose.run,
        project_path=whose.project_path,
        project_name=whose.project_name,
        status=end_of("success" if status is None else status).value,
        duration_ms=took,
        error_message=error_message,
        quality_score=quality_score,
        metadata=json_object("--metadata", metadata),
    )


def end_of(word: str) -> OperationStatus:
    """The status that the word means. Raises ValueRefused for one in which no execution ends."""
    try:
        status = OperationStatus.parse(word)
    except ValueError:
        status = OperationStatus.IN_PROGRESS
    if status in _ENDS:
        return status
    raise ValueRefused(
        "--status", f"{word!r} is unknown", next_step="It is one of: success, failed (or error), cancelled."
    )


def milliseconds_since(execution: str, now_seconds: float) -> float | None:
    """Since the id was made; None for an id without a time, or with one that is still to come."""
    try:
        made = uuid.UUID(execution)
    except ValueError:
        return None
    took = now_seconds * 1000 - (made.int >> 80)
    # A clock may have been set back by a little in between.
    return round(max(0.0, took), 3) if made.version == 7 and took > -60_000 else None


#: The options of each step, beside --agent and --metadata.
_STEPS = {
    "start": ("description", "terminal_id"),
    "progress": ("execution_id", "stage", "percent"),
    "complete": ("execution_id", "status", "error_message", "quality_score", "duration_ms"),
}


def step_of(
    whose: Origin, step: str, agent: str | None, metadata: str | None, given: Mapping[str, Any]
) -> ExecutionStarted | ExecutionProgressed | ExecutionCompleted:
    """The event of a step. Raises InputError for no step, and for an option of another one."""
    if step not in _STEPS:
        raise InputError(
            f"{step!r} is no step of an execution", next_step=f"The steps are: {', '.join(_STEPS)}."
        )
    for name, value in given.items():
        if value is not None and name not in _STEPS[step]:
            owner = next(each for each, names in _STEPS.items() if name in names)
            raise InputError(
                f"{_option(name)} belongs to `polly log execution {owner}`",
                next_step=f"`{step}` takes: {', '.join(map(_option, _STEPS[step]))}.",
            )
    own = {name: given[name] for name in _STEPS[step]}
    if step == "start":
        return started(whose, agent=agent, metadata=metadata, **own)
    if step == "progress":
        return progressed(whose, agent=agent, metadata=metadata, **own)
    return completed(whose, agent=agent, metadata=metadata, **own)


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
