"""Questions about sessions: the newest ones, and one with everything that happened in it."""

import difflib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace

from polly.store.observations.session_steps import Happened, Spent, launched_by, session
from polly.store.schema import (
    agent_actions,
    agent_detection_failures,
    agent_execution_logs,
    agent_routing_decisions,
    agent_transformation_events,
    attempts,
    hook_events,
)
from polly.store.schema import events as recorded
from polly.work.observed import Window
from polly.work.sessions import SessionFound, SessionList, StepKind, StepOutcome

#: The tables whose rows say the agent; sessions are looked for in these.
_TABLES = (hook_events, agent_actions, agent_execution_logs)
_OTHERS = (agent_routing_decisions, agent_transformation_events, agent_detection_failures)
#: Sessions among which those with a similar id are looked for.
_MOST_IDS = 2000
_MOST_SIMILAR = 5
#: Characters of a text of a hook; a prompt may be a whole document.
_MOST_DETAIL = 400
_Row = Any


def sessions(
    connection: sa.Connection,
    window: Window,
    limit: int,
    project: str | None = None,
    agent: str | None = None,
) -> SessionList:
    """Sessions with an event in the window, the last heard of first."""
    heard = _heard(window, project, agent).subquery()
    last = sa.func.max(heard.c.at).label("last_at")
    query = sa.select(heard.c.session_id, last).group_by(heard.c.session_id)
    total = connection.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one()
    newest = query.order_by(last.desc(), heard.c.session_id).limit(limit)
    names = list(connection.execute(newest).scalars())
    events = _events(connection, names)
    spent = _spent(connection, names)
    told = [session(name, events[name], spent[name], window.until).summary for name in names if events[name]]
    return SessionList(total=total, sessions=tuple(told))


def one_session(connection: sa.Connection, name: str, now: datetime) -> SessionFound:
    """The session of this id, or the only one whose id begins so."""
    if not _exists(connection, name):
        names = _ids(connection, name)
        if len(names) != 1:
            others = names or _similar(name, _ids(connection, ""))
            return SessionFound(
                session=None,
                similar=tuple(others[:_MOST_SIMILAR]),
                any_recorded=bool(others or _ids(connection, "")),
            )
        name = names[0]
    events = _events(connection, [name])[name]
    found = session(name, events, _spent(connection, [name])[name], now)
    return SessionFound(session=replace(found, redactions=_redactions(connection, name)))


def _heard(window: Window, project: str | None, agent: str | None) -> sa.CompoundSelect[Any]:
    parts = []
    for table in (*_TABLES, *(() if agent else _OTHERS)):
        at = table.c.created_at
        part = sa.select(table.c.session_id, at.label("at")).where(at >= window.since, at < window.until)
        if project:
            part = part.where(sa.or_(table.c.project_name == project, table.c.project_path == project))
        if agent:
            part = part.where(table.c.agent_name == agent)
        parts.append(part)
    return sa.union_all(*parts)


def _exists(connection: sa.Connection, name: str) -> bool:
    return any(
        connection.execute(sa.select(table.c.session_id).where(table.c.session_id == name).limit(1)).first()
        for table in (*_TABLES, *_OTHERS)
    )


def _ids(connection: sa.Connection, beginning: str) -> list[str]:
    """Ids that begin so, the last heard of first."""
    parts = [
        sa.select(table.c.session_id, table.c.created_at.label("at")).where(
            table.c.session_id.startswith(beginning, autoescape=True)
        )
        for table in (*_TABLES, *_OTHERS)
    ]
    heard = sa.union_all(*parts).subquery()
    query = (
        sa.select(heard.c.session_id)
        .group_by(heard.c.session_id)
        .order_by(sa.func.max(heard.c.at).desc(), heard.c.session_id)
        .limit(_MOST_IDS)
    )
    return list(connection.execute(query).scalars())


def _similar(name: str, names: Sequence[str]) -> list[str]:
    near = difflib.get_close_matches(name, names, n=_MOST_SIMILAR, cutoff=0.5)
    return near or list(names[:_MOST_SIMILAR])


def _events(connection: sa.Connection, names: Sequence[str]) -> dict[str, list[Happened]]:
    found: dict[str, list[Happened]] = {name: [] for name in names}
    for each, happened in _all_events(connection, names):
        found[each].append(happened)
    return found


def _all_events(connection: sa.Connection, names: Sequence[str]) -> Iterator[tuple[str, Happened]]:
    for row in _rows(connection, agent_actions, names, *_action_columns()):
        yield row.session_id, _action(row)
    for row in _rows(connection, hook_events, names, *_hook_columns()):
        yield row.session_id, _hook(row)
    for row in _rows(connection, agent_execution_logs, names, *agent_execution_logs.c):
        yield row.session_id, _execution(row)
    for row in _rows(connection, agent_routing_decisions, names, *agent_routing_decisions.c):
        detail = f"{row.routing_strategy}, confidence {row.confidence_score:.2f}"
        yield row.session_id, _of(row, StepKind.ROUTING, row.selected_agent, detail, row.routing_time_ms)
    for row in _rows(connection, agent_transformation_events, names, *agent_transformation_events.c):
        name = f"{row.source_agent} → {row.target_agent}"
        took = row.transformation_duration_ms
        happened = _of(row, StepKind.ROLE, name, row.transformation_reason or "", took)
        outcome = StepOutcome.SUCCESS if row.success else StepOutcome.FAILED
        yield row.session_id, happened._replace(outcome=outcome)
    for row in _rows(connection, agent_detection_failures, names, *agent_detection_failures.c):
        happened = _of(row, StepKind.DETECTION, row.detection_status, row.failure_reason or "", None)
        yield row.session_id, happened._replace(outcome=StepOutcome.FAILED)


def _rows(
    connection: sa.Connection, table: sa.Table, names: Sequence[str], *columns: sa.ColumnElement[Any]
) -> Iterator[_Row]:
    query = sa.select(*columns).where(table.c.session_id.in_(names), table.c.created_at.is_not(None))
    yield from connection.execute(query)


def _action_columns() -> tuple[sa.ColumnElement[Any], ...]:
    """Only what is shown of the details: a call may have a whole file in them."""
    own, details = agent_actions.c, agent_actions.c.action_details
    said = ("target", "outcome", "detail", "denied_by", "told_by", "reason", "error", "package", "attempt")
    fields = [details[name].as_string().label(name) for name in said]
    launching = own.action_name.in_(("Agent", "Task", "spawn_agent", "task"))
    response = sa.case((launching, details["tool_response"].as_string()), else_=None)
    columns = [each for each in own if each.name != "action_details"]
    return (*columns, *fields, response.label("response"))


def _action(row: _Row) -> Happened:
    failed = row.action_type == "error"
    detail = row.reason or row.detail or row.error or ""
    # The end of a batch tells of calls that never ran: refused by a rule, or wrong in themselves.
    is_refused = row.told_by == "PostToolBatch" and not detail.startswith("<tool_use_error>")
    by_rule = row.denied_by or row.outcome == "denied" or row.reason or is_refused
    return _of(row, StepKind.NOTE, row.action_name, detail, row.duration_ms)._replace(
        key=_scoped(row, row.action),
        phase=row.action_type,
        target=row.target or "",
        agent=row.agent_name,
        parent=_scoped(row, row.parent_action),
        launched=_scoped(row, launched_by(row.action_name, row.response)),
        is_denial=bool(failed and by_rule),
        is_tool=row.outcome is not None or row.told_by is not None,
    )


def _hook_columns() -> tuple[sa.ColumnElement[Any], ...]:
    own, payload = hook_events.c, hook_events.c.payload
    texts = [
        payload[name].as_string()
        for name in ("prompt", "message", "error", "reason", "last_assistant_message")
    ]
    detail = sa.func.substr(sa.func.coalesce(*texts), 1, _MOST_DETAIL).label("detail")
    columns = [each for each in own if each.name not in ("payload", "metadata")]
    scope = [own.metadata[name].as_string().label(name) for name in ("package", "attempt")]
    return (*columns, *scope, detail, payload["agent_id"].as_string().label("agent_id"))


def _hook(row: _Row) -> Happened:
    failed = row.outcome in ("failed", "failure", "error")
    is_launch = row.action == "subagent_started"
    return _of(row, StepKind.HOOK, row.action, row.detail or "", None)._replace(
        outcome=StepOutcome.FAILED if failed else StepOutcome.NONE,
        target=row.resource_id
        if row.resource not in ("session", "prompt", "turn") and row.resource_id
        else "",
        agent=row.agent_name,
        launched=_scoped(row, row.resource_id) if is_launch else "",
        parent="" if is_launch else _scoped(row, row.agent_id),
    )


def _execution(row: _Row) -> Happened:
    status = {
        "success": StepOutcome.SUCCESS,
        "failed": StepOutcome.FAILED,
        "cancelled": StepOutcome.CANCELLED,
    }
    happened = _of(row, StepKind.EXECUTION, row.agent_name, row.error_message or "", row.duration_ms)
    return happened._replace(
        outcome=status.get(row.status, StepOutcome.IN_PROGRESS),
        agent=row.agent_name,
        target=row.user_prompt or row.progress_stage or "",
    )


def _scoped(row: _Row, name: str | None) -> str:
    """An id within its attempt: attempts of one run may use the same ids."""
    return f"{row.package or ''}/{row.attempt or ''} {name}" if name else ""


def _of(row: _Row, kind: StepKind, name: str, detail: str, duration_ms: float | None) -> Happened:
    return Happened(
        at=row.created_at,
        event_id=getattr(row, "event_id", None) or row.execution_id,
        kind=kind,
        name=name,
        detail=detail[:_MOST_DETAIL],
        duration_ms=duration_ms,
        project_name=row.project_name,
        project_path=row.project_path,
        run=row.run,
    )


def _redactions(connection: sa.Connection, name: str) -> dict[str, int]:
    """What the events of the session say was taken out of them, and of the log of the agent."""
    query = sa.select(recorded.c.envelope).where(
        recorded.c.session_id == name, recorded.c.envelope.contains('"_redacted"', autoescape=True)
    )
    total: Counter[str] = Counter()
    for envelope in connection.execute(query).scalars():
        data = json.loads(envelope).get("data", {})
        for told in (data, data.get("metadata")):
            counts = told.get("_redacted") if isinstance(told, dict) else None
            for kind, count in counts.items() if isinstance(counts, dict) else ():
                if isinstance(count, int):
                    total[str(kind)] += count
    return dict(sorted(total.items()))


def _spent(connection: sa.Connection, names: Sequence[str]) -> dict[str, Spent]:
    """What attempts of runs cost that belong to each session, else what its executions told."""
    by_attempt: dict[str, set[tuple[str, str, int]]] = {name: set() for name in names}
    for table, notes in (
        (agent_actions, agent_actions.c.action_details),
        (hook_events, hook_events.c.metadata),
    ):
        package, attempt = (notes[name].as_string().label(name) for name in ("package", "attempt"))
        query = (
            sa.select(table.c.session_id, table.c.run, package, attempt)
            .where(table.c.session_id.in_(names), table.c.run.is_not(None))
            .distinct()
        )
        for row in connection.execute(query):
            if row.package and str(row.attempt or "").isdecimal():
                by_attempt[row.session_id].add((row.run, row.package, int(row.attempt)))
    told = _told_by_executions(connection, names)
    return {name: _cost_of(connection, by_attempt[name]) or told.get(name, Spent()) for name in names}


def _cost_of(connection: sa.Connection, worked: set[tuple[str, str, int]]) -> Spent | None:
    if not worked:
        return None
    table = attempts
    query = sa.select(table.c.run, table.c.package, table.c.attempt, table.c.tokens, table.c.cost_usd).where(
        table.c.run.in_(sorted({run for run, _, _ in worked}))
    )
    rows = [row for row in connection.execute(query) if (row.run, row.package, row.attempt) in worked]
    spent = _sum([(row.tokens, row.cost_usd) for row in rows])
    return spent if spent != Spent() else None


def _told_by_executions(connection: sa.Connection, names: Sequence[str]) -> dict[str, Spent]:
    notes = agent_execution_logs.c.completed_metadata
    query = sa.select(
        agent_execution_logs.c.session_id, notes["tokens"].label("tokens"), notes["cost_usd"].label("cost")
    ).where(agent_execution_logs.c.session_id.in_(names), notes.is_not(None))
    told: dict[str, list[tuple[Any, Any]]] = {}
    for row in connection.execute(query):
        told.setdefault(row.session_id, []).append((row.tokens, row.cost))
    return {name: _sum(each) for name, each in told.items()}


def _sum(pairs: Sequence[tuple[Any, Any]]) -> Spent:
    tokens = [each for each, _ in pairs if isinstance(each, int) and not isinstance(each, bool)]
    costs = [float(each) for _, each in pairs if isinstance(each, int | float) and not isinstance(each, bool)]
    return Spent(sum(tokens) if tokens else None, sum(costs) if costs else None)
