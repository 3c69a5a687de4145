"""What the commands of `polly log` have in common: options for whose event it is, recording, the answer."""

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import msgspec
import typer

from polly.cli.exit_code import ExitCode
from polly.cli.output import print_json
from polly.events.agents import AgentEvent
from polly.tracking import forms
from polly.tracking.origin import Origin, origin
from polly.tracking.spooled import record

CorrelationId = Annotated[
    str | None,
    typer.Option(
        "--correlation-id",
        metavar="ID",
        help="What joins this with other events: any text. Else CORRELATION_ID, the run's, or a new one.",
        show_default=False,
    ),
]
SessionId = Annotated[
    str | None,
    typer.Option(
        "--session-id",
        metavar="ID",
        help="The session. Else POLLY_SESSION_ID or CLAUDE_CODE_SESSION_ID, else a new one.",
        show_default=False,
    ),
]
ProjectPath = Annotated[
    str | None,
    typer.Option("--project-path", metavar="PATH", help="The project; the current folder by default."),
]
ProjectName = Annotated[
    str | None,
    typer.Option("--project-name", metavar="NAME", help="Its name; the last of its path by default."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing unless the options are wrong.")]


class Entry(NamedTuple):
    """What a command is to record. id_name: how the answer calls the id. skip: only look at the values."""

    event: Callable[[Origin], AgentEvent]
    id_name: str
    skip: bool = False


def recorded(command: Callable[..., Entry]) -> Callable[..., ExitCode]:
    """The command with the shared options, which records what it returned and answers."""

    @functools.wraps(command)
    def run(*, quiet: bool, **given: Any) -> ExitCode:
        names = ("correlation_id", "session_id", "project_path", "project_name")
        correlation_id, session, path, name = (given.pop(each) for each in names)
        whose = origin(correlation_id=correlation_id, session=session, project_path=path, project_name=name)
        return _answer(command(**given), whose, quiet=quiet)

    own = inspect.signature(command)
    shared = inspect.signature(_shared).parameters
    # typer asks both for the options.
    run.__signature__ = own.replace(parameters=[*own.parameters.values(), *shared.values()])  # type: ignore[attr-defined]
    run.__annotations__ = {**command.__annotations__, **_shared.__annotations__, "return": ExitCode}
    return run


def _shared(
    *,
    correlation_id: CorrelationId = None,
    session_id: SessionId = None,
    project_path: ProjectPath = None,
    project_name: ProjectName = None,
    quiet: Quiet = False,
) -> None:
    """The options that every command has after its own."""


def _answer(entry: Entry, whose: Origin, *, quiet: bool) -> ExitCode:
    """Makes the event, records it and answers. A refused value is an answer on stderr."""
    try:
        event = entry.event(whose)
    except forms.ValueRefused as error:
        answer = {"success": False, "error": error.what, "option": error.option, "next_step": error.next_step}
        _print_error(answer)
        return ExitCode.UNFIXED
    if entry.skip:
        _print(_skipped(), quiet)
        return ExitCode.VERIFIED
    done = record(event, whose)
    answer = {
        entry.id_name: done.event_id,
        **_summary(event, whose),
        "topic": event.topic,
        "created_at": done.at,
    }
    if done.trouble:
        # What an agent needs later, such as the id of its execution, is told all the same.
        why = f"the event could not be recorded: {done.trouble}"
        _print_error({"success": False, "error": why, **answer}, quiet)
    else:
        _print({"success": True, **answer, "recorded_in": "spool"}, quiet)
    return ExitCode.VERIFIED


def _skipped() -> dict[str, Any]:
    return {
        "success": True,
        "skipped": True,
        "reason": "debug_mode_disabled",
        "message": "Actions are recorded when DEBUG is true, or with --debug-mode.",
    }


#: What of an event its answer repeats, where the event has it.
_REPEATED = (
    "agent_name",
    "action_type",
    "action_name",
    "selected_agent",
    "confidence_score",
    "source_agent",
    "target_agent",
    "success",
    "query_text",
    "detection_status",
    "stage",
    "percent",
    "status",
    "duration_ms",
)


def _summary(event: AgentEvent, whose: Origin) -> dict[str, Any]:
    from polly.events.redaction import redact  # noqa: PLC0415 - record has loaded it

    own = msgspec.to_builtins(event)
    execution_id = {"execution_id": own["execution"]} if own.get("execution") else {}
    repeated = {name: own[name] for name in _REPEATED if own.get(name) is not None}
    # `success` at the top says that the event was recorded.
    renamed = {"was_successful" if name == "success" else name: each for name, each in repeated.items()}
    shown = {name: redact(each).text if isinstance(each, str) else each for name, each in renamed.items()}
    return {**execution_id, **shown, "correlation_id": whose.correlation_id, "session_id": whose.session}


def _print(answer: dict[str, Any], quiet: bool) -> None:
    if not quiet:
        print_json(answer)


def _print_error(answer: dict[str, Any], quiet: bool = False) -> None:
    if not quiet:
        sys.stderr.write(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode() + "\n")
