"""What is asked of the tables: both databases answer alike, and as plain Python would."""

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polly.store import schema
from polly.store.observations import questions
from polly.work.observed import ActivityReport, AgentReport, Correlations, Errors, Executions, Window

NOW = datetime(2026, 3, 29, 12, 34, 56, tzinfo=UTC)
WEEK = Window(since=NOW - timedelta(days=7), until=NOW)
Row = dict[str, Any]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    """A database of each kind with the tables, in another time zone than UTC."""
    if request.param == "sqlite":
        made = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    else:
        url = request.getfixturevalue("postgres_url")
        made = sa.create_engine(url, connect_args={"options": "-c timezone=Asia/Kathmandu"})
    schema.metadata.create_all(made)
    yield made
    made.dispose()


def execution(number: int, **values: Any) -> Row:
    """One row of agent_execution_logs: a success of `a` one hour before NOW that took a second."""
    status = values.get("status", "success")
    began = values.get("created_at", NOW - timedelta(hours=1))
    ended = status != "in_progress"
    row = {
        "execution_id": f"x{number:05d}",
        "status": status,
        "correlation_id": f"c{number}",
        "session_id": "s",
        "agent_name": "a",
        "created_at": began,
        "duration_ms": 1000.0 if ended else None,
        "completed_at": began + timedelta(seconds=1) if ended else None,
        "error_type": None,
        "error_message": None,
        "run": None,
        "attempt": None,
    }
    return row | values


def action(number: int, **values: Any) -> Row:
    row = {
        "event_id": f"e{number}",
        "correlation_id": "c",
        "session_id": "s",
        "created_at": NOW - timedelta(hours=1),
        "agent_name": "a",
        "action_type": "success",
        "action_name": "Write",
        "action_details": {},
        "debug_mode": True,
    }
    return row | values


def hook(number: int, **values: Any) -> Row:
    row = {
        "event_id": f"h{number}",
        "correlation_id": "c",
        "session_id": "s",
        "created_at": NOW - timedelta(hours=1),
        "source": "PreToolUse",
        "action": "tool_call",
        "resource": "tool",
        "outcome": "success",
        "payload": {},
        "metadata": {},
    }
    return row | values


def routed(number: int, **values: Any) -> Row:
    row = {
        "event_id": f"r{number}",
        "correlation_id": "c",
        "session_id": "s",
        "created_at": NOW - timedelta(hours=1),
        "user_request": "",
        "selected_agent": "a",
        "confidence_score": 0.5,
        "routing_strategy": "trigger",
        "routing_time_ms": 10.0,
        "alternatives": [],
        "context": {},
        "confidence_components": {},
    }
    return row | values


def letter(number: int, status: str, at: datetime) -> Row:
    times = dict.fromkeys(("created_at", "first_failed_at", "failed_at"), at)
    return {
        "stream": "s",
        "position": number,
        "raw": b"x",
        "stage": "decode",
        "reason": "no JSON",
        "status": status,
        "headers": [],
        **times,
    }


def fill(engine: sa.Engine, table: sa.Table, rows: Iterable[Row]) -> None:
    """Nothing but these rows is in the table afterwards."""
    rows = list(rows)
    with engine.begin() as connection:
        connection.execute(sa.delete(table))
        if rows:
            connection.execute(sa.insert(table), rows)


def ask(engine: sa.Engine, question: Callable[..., Any], *more: Any, window: Window = WEEK) -> Any:
    with engine.connect() as connection:
        return question(connection, window, *more)


_STATUSES = ("success", "failed", "cancelled", "in_progress")
_DURATIONS = st.one_of(
    st.none(),
    st.integers(min_value=0, max_value=100_000).map(float),
    st.floats(min_value=0, max_value=1e7, allow_nan=False),
)
_EXECUTIONS = st.builds(
    lambda status, duration, agent, kind, minutes: {
        "status": status,
        "duration_ms": None if status == "in_progress" else duration,
        "agent_name": agent,
        "error_type": kind if status == "failed" else None,
        "created_at": NOW - timedelta(minutes=minutes),
    },
    st.sampled_from(_STATUSES),
    _DURATIONS,
    st.sampled_from(("a", "b", "ü", "")),
    st.sampled_from((None, "Timeout", "OSError")),
    st.integers(min_value=0, max_value=8 * 24 * 60),
)
_FAIRLY = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def _kept(rows: list[Row]) -> list[Row]:
    return [row for row in rows if WEEK.since <= row["created_at"] < WEEK.until]


def _counted(rows: list[Row]) -> Executions:
    counts = Counter(row["status"] for row in rows)
    return Executions.counted(
        in_progress=counts["in_progress"],
        succeeded=counts["success"],
        failed=counts["failed"],
        cancelled=counts["cancelled"],
    )


def _percentiles(rows: list[Row]) -> tuple[float | None, ...]:
    took = sorted(row["duration_ms"] for row in rows if row["duration_ms"] is not None)
    if not took:
        return None, None, None
    if len(took) == 1:
        return (took[0],) * 3
    cuts = statistics.quantiles(took, n=100, method="inclusive")
    return cuts[49], cuts[94], cuts[98]


@given(made=st.lists(_EXECUTIONS, max_size=60))
@_FAIRLY
def test_counts_and_percentiles_are_what_python_computes(engine: sa.Engine, made: list[Row]) -> None:
    rows = [execution(number, **each) for number, each in enumerate(made)]
    fill(engine, schema.agent_execution_logs, rows)
    told: ActivityReport = ask(engine, questions.report)
    kept = _kept(rows)
    assert told.executions == _counted(kept)
    took = told.durations
    assert (took.p50_ms, took.p95_ms, took.p99_ms) == tuple(
        None if each is None else pytest.approx(each) for each in _percentiles(kept)
    )
    assert took.measured == sum(row["duration_ms"] is not None for row in kept)
    for figures in told.agents:
        own = [row for row in kept if row["agent_name"] == figures.agent]
        assert figures.executions == _counted(own)
        p50, p95, _ = _percentiles(own)
        assert figures.durations.p50_ms == (None if p50 is None else pytest.approx(p50))
        assert figures.durations.p95_ms == (None if p95 is None else pytest.approx(p95))
    assert {figures.agent for figures in told.agents} == {row["agent_name"] for row in kept}
    assert told.agents_total == len(told.agents)
    days = Counter(row["created_at"].date() for row in kept)
    assert {each.day: each.executions.total for each in told.days} == days


@given(made=st.lists(_EXECUTIONS, max_size=60))
@_FAIRLY
def test_errors_are_counted_by_type_agent_and_hour_as_python_counts(
    engine: sa.Engine, made: list[Row]
) -> None:
    rows = [execution(number, **each) for number, each in enumerate(made)]
    fill(engine, schema.agent_execution_logs, rows)
    told: Errors = ask(engine, questions.errors)
    kept = _kept(rows)
    failed = [row for row in kept if row["status"] == "failed"]
    assert {each.error_type: each.count for each in told.by_kind} == Counter(
        row["error_type"] for row in failed
    )
    assert told.kinds == len(told.by_kind)
    assert sum(each.share for each in told.by_kind) == pytest.approx(1.0 if failed else 0.0)
    assert {each.agent: each.failed for each in told.by_agent} == Counter(row["agent_name"] for row in failed)
    hours = Counter(row["created_at"].replace(minute=0, second=0, microsecond=0) for row in kept)
    assert {each.at: each.executions.total for each in told.hours} == hours
    newest = sorted(failed, key=lambda row: (-row["created_at"].timestamp(), row["execution_id"]))[:3]
    assert [each.execution for each in told.examples] == [row["execution_id"] for row in newest]


@given(made=st.lists(_EXECUTIONS, max_size=40))
@_FAIRLY
def test_an_agent_and_the_others_make_up_all(engine: sa.Engine, made: list[Row]) -> None:
    rows = [execution(number, **each) for number, each in enumerate(made)]
    fill(engine, schema.agent_execution_logs, rows)
    told: AgentReport = ask(engine, questions.agent, "a")
    own = [row for row in _kept(rows) if row["agent_name"] == "a"]
    rest = [row for row in _kept(rows) if row["agent_name"] != "a"]
    assert told.figures.executions == _counted(own)
    assert (told.others.executions if told.others else Executions()) == _counted(rest)
    assert (told.others is None) == (not rest)
    assert told.figures.first_at == min((row["created_at"] for row in own), default=None)
    p50, _, p99 = _percentiles(own)
    assert told.figures.durations.p50_ms == (None if p50 is None else pytest.approx(p50))
    assert told.figures.durations.p99_ms == (None if p99 is None else pytest.approx(p99))


def test_percentiles_are_those_of_postgresql(postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url)
    schema.metadata.create_all(engine)
    took = [float(number * number % 997) for number in range(1, 400)]
    rows = [execution(number, duration_ms=each) for number, each in enumerate(took)]
    fill(engine, schema.agent_execution_logs, rows)
    told: ActivityReport = ask(engine, questions.report)
    plain = sa.make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    query = (
        "SELECT percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY duration_ms)"
        " FROM agent_execution_logs"
    )
    with psycopg.connect(plain) as connection:
        found = connection.execute(query).fetchone()
    engine.dispose()
    assert found is not None
    assert (told.durations.p50_ms, told.durations.p95_ms, told.durations.p99_ms) == pytest.approx(found[0])


def test_totals_count_what_the_lists_leave_out(engine: sa.Engine) -> None:
    rows = [
        execution(number, status="failed", error_type=f"E{number % 30:02d}", agent_name=f"a{number % 20:02d}")
        for number in range(60)
    ]
    fill(engine, schema.agent_execution_logs, rows)
    fill(
        engine,
        schema.agent_actions,
        [action(number, action_type="error", action_name=f"n{number:02d}") for number in range(25)],
    )
    told: Errors = ask(engine, questions.errors)
    assert (told.executions.failed, told.kinds, len(told.by_kind)) == (60, 30, 10)
    assert (told.agents_failing, len(told.by_agent)) == (21, 10)
    assert (told.failed_action_names, len(told.by_action), told.actions.failed) == (25, 10, 25)
    assert sum(each.share for each in told.by_kind) == pytest.approx(1 / 3)


def test_errors_of_one_agent_leave_out_those_of_others(engine: sa.Engine) -> None:
    fill(
        engine,
        schema.agent_execution_logs,
        [
            execution(1, status="failed", error_type="Mine"),
            execution(2, status="failed", error_type="Theirs", agent_name="b"),
        ],
    )
    fill(
        engine,
        schema.agent_actions,
        [action(1, action_type="error"), action(2, action_type="error", agent_name="b")],
    )
    told: Errors = ask(engine, questions.errors, "a")
    assert [each.error_type for each in told.by_kind] == ["Mine"]
    assert [(each.agent, each.failed, each.failed_actions) for each in told.by_agent] == [("a", 1, 1)]
    assert (told.executions.total, told.actions.failed) == (1, 1)


def test_a_window_begins_with_its_first_moment_and_ends_before_its_last(engine: sa.Engine) -> None:
    edge = timedelta(microseconds=1)
    times = [WEEK.since - edge, WEEK.since, WEEK.until - edge, WEEK.until]
    rows = [execution(number, created_at=at) for number, at in enumerate(times)]
    fill(engine, schema.agent_execution_logs, rows)
    assert ask(engine, questions.report).executions.total == 2


def test_only_failures_that_ended_within_the_last_hour_are_recent(engine: sa.Engine) -> None:
    rows = [
        execution(1, status="failed", error_type="Long", created_at=NOW - timedelta(hours=5)),
        execution(
            2,
            status="failed",
            error_type="Late",
            created_at=NOW - timedelta(hours=5),
            completed_at=NOW - timedelta(minutes=1),
        ),
    ]
    fill(engine, schema.agent_execution_logs, rows)
    told = ask(engine, questions.health)
    assert [each.error_type for each in told.errors_of_the_last_hour] == ["Late"]


def test_health_counts_hooks_routing_letters_and_attempts(engine: sa.Engine) -> None:
    fill(engine, schema.agent_execution_logs, [execution(1, attempt=2), execution(2, attempt=5)])
    fill(
        engine, schema.hook_events, [hook(1), hook(2, outcome="error"), hook(3, source="Stop", outcome=None)]
    )
    fill(
        engine,
        schema.agent_routing_decisions,
        [routed(1), routed(2, confidence_score=0.7, routing_time_ms=30.0)],
    )
    old = NOW - timedelta(days=400)
    fill(
        engine,
        schema.dead_letters,
        [letter(1, "open", old), letter(2, "open", NOW), letter(3, "replayed", old)],
    )
    told = ask(engine, questions.health)
    assert [(each.source, each.fired, each.failed) for each in told.hooks] == [
        ("PreToolUse", 2, 1),
        ("Stop", 1, 0),
    ]
    (route,) = told.routing
    assert (route.strategy, route.decisions, route.mean_ms) == ("trigger", 2, 20.0)
    assert route.mean_confidence == pytest.approx(0.6)
    assert (told.dead_letters.open, told.dead_letters.oldest_at) == (2, old)
    assert told.most_attempts == 5


def test_correlation_ids_are_followed_into_routing_and_actions(engine: sa.Engine) -> None:
    rows = [execution(number, correlation_id=f"c{number // 2}") for number in range(6)]
    fill(engine, schema.agent_execution_logs, rows)
    fill(
        engine,
        schema.agent_routing_decisions,
        [routed(1, correlation_id="c0"), routed(2, correlation_id="z")],
    )
    fill(
        engine,
        schema.agent_actions,
        [action(1, correlation_id="c0"), action(2, correlation_id="c1"), action(3, correlation_id="c1")],
    )
    told: ActivityReport = ask(engine, questions.report)
    assert told.correlations == Correlations(of_executions=3, with_routing=1, with_actions=2)


def test_cost_is_summed_over_the_attempts_that_told_it(engine: sa.Engine) -> None:
    def attempt(number: int, ended_at: datetime, tokens: int | None, cost: float | None) -> Row:
        return {
            "run": "r",
            "package": "WP1",
            "attempt": number,
            "ended_at": ended_at,
            "tokens": tokens,
            "cost_usd": cost,
        }

    rows = [
        attempt(1, NOW - timedelta(days=1), 3_000_000_000, 1.5),
        attempt(2, NOW - timedelta(days=1), None, None),
        attempt(3, NOW - timedelta(days=9), 7, 9.0),
    ]
    fill(engine, schema.attempts, rows)
    told = ask(engine, questions.report).spending
    assert (told.attempts, told.tokens, told.attempts_with_tokens) == (2, 3_000_000_000, 1)
    assert (told.cost_usd, told.attempts_with_cost) == (1.5, 1)


def test_an_empty_database_answers_every_question(engine: sa.Engine) -> None:
    assert ask(engine, questions.health).executions == Executions()
    assert ask(engine, questions.errors).examples == ()
    assert ask(engine, questions.report).spending.tokens is None
    told = ask(engine, questions.agent, "a")
    assert (told.others, told.similar_names) == (None, ())


def test_a_name_that_nobody_has_is_answered_with_the_nearest(engine: sa.Engine) -> None:
    fill(engine, schema.agent_execution_logs, [execution(1, agent_name="code-reviewer")])
    assert ask(engine, questions.agent, "code-reviwer").similar_names == ("code-reviewer",)
