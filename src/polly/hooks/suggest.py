"""The program that suggests a role when a prompt is submitted to Claude Code. Nobody has it who did not ask.

Started as `<python> -P -m polly.hooks.suggest` (-P: no module of the project in which the agent works is
loaded). Whatever goes wrong, or takes too long, ends with nothing printed and exit status 0: no prompt is
ever held up or refused.
"""

import os
import sys
import threading

from polly.hooks.recording import read_input, record, session_of

TYPE_CHECKING = False  # the name is what type checkers know; `typing` would be slow to load
if TYPE_CHECKING:
    from polly.hooks.facts import Told
    from polly.work.routing import Request, Role, RoutingDecision

#: After which it gives up, unless POLLY_SUGGEST_SECONDS says otherwise; the agent program waits for 5.
DEADLINE_SECONDS = 0.9
#: What a prompt asks for stands in its beginning.
_MOST_CHARACTERS = 20_000
_MOST_SAID = 600
_EVENT = "UserPromptSubmit"


def main() -> None:
    """Answers what is told on stdin."""
    payload = read_input().payload or {}
    prompt = payload.get("prompt")
    environ = os.environ
    if payload.get("hook_event_name") != _EVENT or not isinstance(prompt, str) or not _is_asked(prompt):
        return
    if environ.get("POLLY_RUN_ID"):  # this agent has its role already
        return
    from polly.work.routing import Request, Strategy

    project = environ.get("CLAUDE_PROJECT_DIR") or str(payload.get("cwd") or os.getcwd())
    text = prompt[:_MOST_CHARACTERS].encode("utf-8", "replace").decode("utf-8")
    request = Request(text=text)
    role, decision = _routed(request, project)
    is_found = decision.strategy is not Strategy.GENERAL
    if is_found:
        _print(suggestion(role, decision.chosen.confidence))
    told = _events(request, decision, project, suggested=is_found)
    record(lambda _: told, session_of(payload, environ), environ, project)


def suggestion(role: "Role", confidence: float) -> str:
    """What the agent is told: the role, how sure that is, and how such a specialist works."""
    return (
        f"Polly suggests the role {role.name} for this request (confidence {confidence:.2f}). "
        f"{first_sentences(role.instructions)} "
        "This is a suggestion from the words of the request; what the user says comes first."
    )


def first_sentences(text: str, number: int = 2) -> str:
    """The first sentences of the first paragraphs, on one line and not too long."""
    import re

    line = " ".join(text.split()).removeprefix("First: ")
    line = line[:1].upper() + line[1:]
    said = " ".join(re.split(r"(?<=[.!?])\s+(?=[A-Z])", line)[:number])
    return said if len(said) <= _MOST_SAID else f"{said[: _MOST_SAID - 1].rstrip()}…"


def _is_asked(prompt: str) -> bool:
    """Commands of the agent program are for nobody else."""
    return bool(prompt.strip()) and not prompt.lstrip().startswith("/")


def _routed(request: "Request", project: str) -> "tuple[Role, RoutingDecision]":
    from pathlib import Path

    from polly.errors import PollyError
    from polly.routing.library import load_roles
    from polly.routing.router import Router

    try:
        roles = load_roles(Path(project) / ".polly" / "roles")
    except PollyError:  # `polly roles check` tells what is wrong there; what ships can be used
        roles = load_roles()
    decision = Router(roles).route(request)
    return roles.find(decision.role), decision


def _print(context: str) -> None:
    import json

    answer = {"hookSpecificOutput": {"hookEventName": _EVENT, "additionalContext": context}}
    os.write(1, json.dumps(answer).encode("ascii") + b"\n")


def _events(
    request: "Request", decision: "RoutingDecision", project: str, *, suggested: bool
) -> "list[Told]":
    """The decision and what it took. No role is taken here; and that nothing in a prompt speaks for one is no
    failure: most prompts want no specialist.
    """
    import msgspec

    from polly.events.agents import TransformationRecorded
    from polly.hooks.facts import Told
    from polly.routing.recording import events_of, text_of

    context = {"asked_by": _EVENT, "suggested": suggested}
    wanted = 3 if decision.detection == "low_confidence" else 2
    events = events_of(text_of(request), decision, project_path=project, context=context)
    kept = [each for each in events if not isinstance(each, TransformationRecorded)][:wanted]
    return [Told(each.type, msgspec.to_builtins(each)) for each in kept]


def _seconds(said: str) -> float:
    try:
        return min(max(float(said), 0.1), 60.0)
    except ValueError:
        return DEADLINE_SECONDS


def _give_up() -> None:
    os._exit(0)


if __name__ == "__main__":
    deadline = threading.Timer(_seconds(os.environ.get("POLLY_SUGGEST_SECONDS", "")), _give_up)
    deadline.daemon = True
    deadline.start()
    try:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the process ends
        main()
    except BaseException:  # noqa: BLE001, S110 - whatever it is, it must not reach the agent's session
        pass
    # Without the end of an interpreter, in which nothing is left to do.
    os._exit(0)
