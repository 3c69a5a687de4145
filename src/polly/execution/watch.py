"""What an agent's listener tells, as events of the run: as it comes, each once, and its last word."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from polly import process
from polly.events.agents import ActionRecorded, ActionType
from polly.events.redaction import added, redact_json
from polly.execution.agents.listening import (
    Fact,
    Listener,
    Noticed,
    Said,
    Silent,
    ToolCalled,
    ToolEnded,
    ToolOutcome,
)
from polly.execution.agents.wording import refuses_key
from polly.work.run import AttemptOutcome

#: seconds between two looks at what an agent has told
LOOK_SECONDS = 0.1
#: of one attempt; an agent that calls more tools than this is running in circles
MAX_ACTIONS = 20_000

#: An action in the records: its id, and what is told of it.
ActionKey = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Whose:
    """Whose actions they are: what every event of them says."""

    run: str
    execution: str
    agent: str
    package: str
    attempt: int
    project_path: str
    workspace: str


class Watch:
    """The records of one attempt. `known`: actions that an earlier process has recorded already."""

    def __init__(self, listener: Listener, whose: Whose, known: Iterable[ActionKey] = ()) -> None:
        self._listener = listener
        self._whose = whose
        self._known = set(known)
        self._open: dict[str, ToolCalled] = {}
        self._left_out = 0
        self._fault = ""
        self._key_refused = False
        #: secrets of each kind that the log no longer had, or never
        self.redactions: dict[str, int] = {}

    async def follow(self, append: Callable[..., object], stop: Callable[[], object]) -> None:
        """Hand on what is new, until cancelled. stop: called when the agent can only go on in vain."""
        while not isinstance(self._listener, Silent):
            events = self._read(to_end=False)
            if events:
                append(*events)
            if self._key_refused:
                self._key_refused = False
                stop()
            await asyncio.sleep(LOOK_SECONDS)

    def rest(self) -> list[ActionRecorded]:
        """All that was not handed on yet, once the agent has ended; calls without an end are failures."""
        events = self._read(to_end=True)
        for began in self._open.values():
            told = {
                "target": self._inside(began.target),
                "outcome": "unknown",
                "detail": "the session ended before it",
            }
            events += self._new(began, "error", began.tool, told)
        return events

    def said(self) -> Said:
        """The last word, with what was left out."""
        said = self._listener.said()
        counted = {"actions_left_out": self._left_out, "reading_stopped": self._fault}
        figures = {**said.figures, **{name: value for name, value in counted.items() if value}}
        return replace(said, figures=figures)

    def _read(self, *, to_end: bool) -> list[ActionRecorded]:
        if self._fault:
            return []
        try:
            facts = self._listener.read(to_end=to_end)
        except Exception as error:  # noqa: BLE001 - the agent's work must not be lost with its records
            self._fault = f"{type(error).__name__}: {error}"
            return []
        return [event for fact in facts for event in self._events(fact)]

    def _events(self, fact: Fact) -> list[ActionRecorded]:
        if isinstance(fact, Noticed):
            # Agent programs try again with a key that was refused, for minutes.
            self._key_refused = self._key_refused or refuses_key(fact.details.get("status"))
            return self._new(fact, "error" if fact.is_error else "decision", fact.name, dict(fact.details))
        if isinstance(fact, ToolCalled):
            self._open[fact.call] = fact
            return self._new(fact, "tool_call", fact.tool, {"target": self._inside(fact.target)})
        self._open.pop(fact.call, None)
        told = {"target": self._inside(fact.target), "outcome": fact.outcome.value}
        if fact.detail:
            told["detail"] = fact.detail
        good = fact.outcome is ToolOutcome.SUCCEEDED
        return self._new(fact, "success" if good else "error", fact.tool, told)

    def _inside(self, target: str) -> str:
        """Paths of the workspace from there: in another attempt the same file has the same name."""
        for root in (self._whose.workspace, str(Path(self._whose.workspace).resolve())):
            target = target.replace(f"{root}/", "").replace(f"{root}\\", "")
        return target

    def _new(self, fact: Fact, kind: ActionType, name: str, details: dict[str, Any]) -> list[ActionRecorded]:
        action = fact.key if isinstance(fact, Noticed) else fact.call
        if (action, kind) in self._known:
            return []
        if len(self._known) >= MAX_ACTIONS:
            self._left_out += 1
            return []
        self._known.add((action, kind))
        whose = self._whose
        return [
            ActionRecorded(
                run=whose.run,
                project_path=whose.project_path,
                execution=whose.execution,
                agent_name=whose.agent,
                action_type=kind,
                action_name=name[:200],
                action_details=self._redacted(
                    {**details, "package": whose.package, "attempt": whose.attempt}
                ),
                duration_ms=fact.duration_ms if isinstance(fact, ToolEnded) else None,
                action=action,
                parent_action=None if isinstance(fact, Noticed) else fact.parent,
                working_directory=whose.workspace,
            )
        ]

    def _redacted(self, details: dict[str, Any]) -> dict[str, Any]:
        # What an agent wrote beside its log has not gone through the redaction of the log.
        found = redact_json(details)
        self.redactions = added(self.redactions, found.counts)
        return found.value if isinstance(found.value, dict) else {}


def known_actions(events: Iterable[object], execution: str) -> set[ActionKey]:
    """The actions of an execution that are among these events."""
    return {
        (event.action, event.action_type)
        for event in events
        if isinstance(event, ActionRecorded) and event.execution == execution and event.action
    }


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How an attempt ended, by what is true. key_refused: no other attempt of this agent can end better."""

    outcome: AttemptOutcome
    seconds: float
    detail: str
    exit_code: int | None = None
    output_bytes: int = 0
    key_refused: bool = False


def ending(report: process.Report | None, said: Said) -> Ending:
    """What the process did and what the agent's records say, together: the worse of both counts.

    What stopped the agent from outside (time, disk, a person) says more than its last word.
    """
    if report is None:
        return Ending(
            outcome=AttemptOutcome.LOST, seconds=0.0, detail="its supervisor ended without a report"
        )
    outcome, detail = report.outcome, report.detail
    key_refused = said.finished is False and refuses_key(said.status)
    by_itself = outcome in (AttemptOutcome.FINISHED, AttemptOutcome.CRASHED)
    if by_itself and said.finished is False:
        detail = "; ".join(filter(None, (said.detail, detail)))
    elif key_refused:
        detail = said.detail  # it was stopped because of that
    if key_refused or (by_itself and said.finished is False):
        outcome = AttemptOutcome.CRASHED
    return Ending(
        outcome=outcome,
        seconds=report.seconds,
        detail=detail,
        exit_code=report.exit_code,
        output_bytes=report.output_bytes,
        key_refused=key_refused,
    )
