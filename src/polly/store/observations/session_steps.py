"""From the events of one session to its steps: calls paired, subagents below their launch. Pure."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from polly.work.sessions import (
    Session,
    SessionEnd,
    SessionStep,
    SessionSummary,
    StepKind,
    StepOutcome,
    ToolUse,
)

#: A session of which nothing was heard for so long is over.
QUIET = timedelta(minutes=30)
#: Events of a session that has said its end may still be on their way for so long.
_STRAGGLING = timedelta(minutes=1)
_WRITING = ("Write", "Edit", "MultiEdit", "NotebookEdit", "write", "edit", "str_replace_based_edit_tool")
_PATCHED = re.compile(r"^\*\*\* (?:Add File|Update File|Delete File|Move to): (.+)$", re.MULTILINE)
_LAUNCHING = ("Agent", "Task", "spawn_agent", "task")


class Happened(NamedTuple):
    """One recorded event of a session.

    key: ties the beginning of a call to its end. phase: `tool_call`, `success`, `error`, `decision` for
    actions. parent: the subagent that did it, by its id or by the call that launched it. launched: the id of
    the subagent that this call, or this hook, launched.
    """

    at: datetime
    event_id: str
    kind: StepKind
    name: str
    key: str = ""
    phase: str = ""
    outcome: StepOutcome = StepOutcome.NONE
    target: str = ""
    agent: str | None = None
    duration_ms: float | None = None
    detail: str = ""
    parent: str = ""
    launched: str = ""
    is_denial: bool = False
    is_tool: bool = False
    project_name: str | None = None
    project_path: str | None = None
    run: str | None = None


class Spent(NamedTuple):
    """Tokens and money of a session; None when nobody told."""

    tokens: int | None = None
    cost_usd: float | None = None


def session(name: str, events: Iterable[Happened], spent: Spent, now: datetime) -> Session:
    """The session. There must be an event."""
    ordered = _with_known_parents(sorted(events, key=lambda each: (each.at, each.event_id)))
    end = _end(ordered, now)
    calls = _paired(ordered, is_over=end is not SessionEnd.OPEN)
    placed = _placed(calls)
    tools = [each for each in calls if each.kind is StepKind.TOOL]
    denied = tuple(step for step in placed if step.outcome is StepOutcome.DENIED)
    failures = [each for each in calls if each.outcome is StepOutcome.FAILED and each.kind in _COUNTED]
    first, last = ordered[0].at, ordered[-1].at
    own = [each for each in ordered if each.agent and not each.parent and (each.phase or not each.launched)]
    summary = SessionSummary(
        session=name,
        agent=own[0].agent if own else next((each.agent for each in ordered if each.agent), None),
        project_name=next((each.project_name for each in ordered if each.project_name), None),
        project_path=next((each.project_path for each in ordered if each.project_path), None),
        runs=tuple(dict.fromkeys(each.run for each in ordered if each.run)),
        started_at=first,
        last_at=last,
        ended_at=None if end is SessionEnd.OPEN else last,
        end=end,
        duration_ms=(last - first) / timedelta(milliseconds=1),
        tools=len(tools),
        failures=len(failures),
        denials=len(denied),
        subagents=len(_subagents(calls)),
        tokens=spent.tokens,
        cost_usd=spent.cost_usd,
    )
    return Session(
        summary=summary, steps=placed, tools=_uses(tools), files_written=_written(tools), denied=denied
    )


_COUNTED = (StepKind.TOOL, StepKind.NOTE)


def _with_known_parents(ordered: list[Happened]) -> list[Happened]:
    """Agent programs also tell the end of subagents that are none, such as a compaction."""
    known = {each.launched for each in ordered} | {each.parent for each in ordered if each.phase}
    return [each if each.parent in known else each._replace(parent="") for each in ordered]


def _end(ordered: list[Happened], now: datetime) -> SessionEnd:
    last = ordered[-1].at
    said = [each.at for each in ordered if each.kind is StepKind.HOOK and each.name == "session_ended"]
    began = [each.at for each in ordered if each.kind is StepKind.HOOK and each.name == "session_started"]
    went_on = said and (last - said[-1] > _STRAGGLING or any(each > said[-1] for each in began))
    if said and not went_on:
        return SessionEnd.RECORDED
    return SessionEnd.DERIVED if now - last >= QUIET else SessionEnd.OPEN


def _paired(ordered: list[Happened], *, is_over: bool) -> list[Happened]:
    """Every call once, at its beginning and with its end; everything else as it is."""
    calls: dict[str, Happened] = {}
    for each in ordered:
        if not each.phase:
            calls[each.event_id] = each
            continue
        key = f"call {each.key}" if each.key else each.event_id
        known = calls.get(key)
        calls[key] = each if known is None else _joined(known, each)
    unended = StepOutcome.UNKNOWN if is_over else StepOutcome.IN_PROGRESS
    return [_judged(each, unended) for each in calls.values()]


def _joined(one: Happened, other: Happened) -> Happened:
    """Both parts of a call. Of two ends the first counts, except that a denial says more than a failure."""
    ends = [each for each in (one, other) if each.phase != "tool_call"]
    end = next((each for each in ends if each.is_denial), ends[0] if ends else one)
    return end._replace(
        at=min(one.at, other.at),
        event_id=one.event_id,
        target=one.target or other.target,
        parent=one.parent or other.parent,
        launched=one.launched or other.launched,
        agent=one.agent or other.agent,
        duration_ms=end.duration_ms if end.duration_ms is not None else one.duration_ms,
        is_tool=one.is_tool or other.is_tool or "tool_call" in (one.phase, other.phase),
        run=one.run or other.run,
    )


def _judged(each: Happened, unended: StepOutcome) -> Happened:
    if not each.phase:
        return each._replace(outcome=unended) if each.outcome is StepOutcome.IN_PROGRESS else each
    outcome = {
        "tool_call": unended,
        "success": StepOutcome.SUCCESS,
        "error": StepOutcome.DENIED if each.is_denial else StepOutcome.FAILED,
    }.get(each.phase, StepOutcome.NONE)
    is_tool = each.is_tool or each.is_denial or each.duration_ms is not None
    is_tool = is_tool or each.phase in ("tool_call", "success")
    return each._replace(outcome=outcome, kind=StepKind.TOOL if is_tool else StepKind.NOTE)


def _subagents(calls: list[Happened]) -> set[str]:
    """Each once, by whichever of its two names is better known."""
    launcher = {each.launched: each.key for each in calls if each.launched and each.key}
    named = {each.launched for each in calls if each.launched} | {
        each.parent for each in calls if each.parent
    }
    return {launcher.get(name, name) for name in named}


def _placed(calls: list[Happened]) -> tuple[SessionStep, ...]:
    """In order, each step of a subagent below the step that launched it."""
    nodes = {each.key: each.event_id for each in calls if each.key and each.phase}
    nodes |= {each.launched: each.event_id for each in calls if each.launched and not each.phase}
    nodes |= {each.launched: each.event_id for each in calls if each.launched and each.phase}
    below: dict[str, list[Happened]] = {}
    known = list(calls)
    for each in calls:
        owner = each.parent or (each.launched if not each.phase else "")
        if owner and owner not in nodes:
            nodes[owner] = f"subagent {owner}"
            known.append(
                Happened(
                    each.at,
                    nodes[owner],
                    StepKind.SUBAGENT,
                    "subagent",
                    agent=each.agent,
                    target=owner.rpartition(" ")[2],
                )
            )
    for each in known:
        owner = nodes.get(each.parent or (each.launched if not each.phase else ""), "")
        below.setdefault("" if owner == each.event_id else owner, []).append(each)
    steps: list[SessionStep] = []
    seen: set[str] = set()
    waiting = [(each, 0) for each in reversed(_in_order(below.pop("", [])))]
    while waiting or below:
        if not waiting:  # steps that name each other as their launch
            waiting = [(each, 0) for each in reversed(_in_order(below.pop(next(iter(below)))))]
            continue
        each, depth = waiting.pop()
        if each.event_id in seen:
            continue
        seen.add(each.event_id)
        steps.append(_step(each, depth))
        children = _in_order(below.pop(each.event_id, []))
        waiting += [(child, depth + 1) for child in reversed(children)]
    return tuple(steps)


def _in_order(each: list[Happened]) -> list[Happened]:
    return sorted(each, key=lambda one: (one.at, one.event_id))


def _step(each: Happened, depth: int) -> SessionStep:
    return SessionStep(
        at=each.at,
        depth=depth,
        kind=each.kind,
        name=each.name,
        outcome=each.outcome,
        target=each.target,
        agent=each.agent,
        duration_ms=each.duration_ms,
        detail=each.detail,
    )


def _uses(tools: list[Happened]) -> tuple[ToolUse, ...]:
    """By tool, the most used first."""
    by_name: dict[str, list[Happened]] = {}
    for each in tools:
        by_name.setdefault(each.name, []).append(each)
    uses = []
    for name, calls in by_name.items():
        took = [each.duration_ms for each in calls if each.duration_ms is not None]
        uses.append(
            ToolUse(
                tool=name,
                calls=len(calls),
                failed=sum(each.outcome is StepOutcome.FAILED for each in calls),
                denied=sum(each.outcome is StepOutcome.DENIED for each in calls),
                total_ms=sum(took) if took else None,
            )
        )
    return tuple(sorted(uses, key=lambda use: (-use.calls, use.tool)))


def _written(tools: list[Happened]) -> tuple[str, ...]:
    """Files that tools for writing wrote, each once, in the order of the first time."""
    files: dict[str, None] = {}
    for each in tools:
        if each.outcome is not StepOutcome.SUCCESS:
            continue
        if each.name == "apply_patch":
            patched = _PATCHED.findall(each.target)
            files |= dict.fromkeys(patched or ([each.target] if "\n" not in each.target else []))
        elif each.name in _WRITING:
            files[each.target] = None
    return tuple(name for name in files if name)


def launched_by(name: str, response: str | None) -> str:
    """The id of the subagent that a call of a launching tool answered with; "" for any other."""
    if name not in _LAUNCHING or not response:
        return ""
    try:
        answer = json.loads(response)
    except (ValueError, RecursionError):
        return ""
    if isinstance(answer, str):
        return launched_by(name, answer) if answer.startswith("{") else ""
    if not isinstance(answer, Mapping):
        return ""
    said = answer.get("agentId") or answer.get("agent_id")
    return said if isinstance(said, str) else ""
