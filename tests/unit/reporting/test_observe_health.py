"""Which figures make which status."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.reporting.observe_health import HealthStatus, Level, judge, judge_agent
from polly.work.observed import (
    Actions,
    DeadLetters,
    Durations,
    Executions,
    Health,
    HookSource,
    Waiting,
    Window,
)

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
WELL = Health(
    window=Window(since=NOW - timedelta(days=1), until=NOW),
    executions=Executions.counted(in_progress=0, succeeded=100, failed=0, cancelled=0),
    durations=Durations(measured=100, mean_ms=1.0, p50_ms=1.0, p95_ms=1.0, p99_ms=1.0),
    actions=Actions.counted(total=100, succeeded=100, failed=0),
    hooks=(),
    routing=(),
    errors_of_the_last_hour=(),
    most_attempts=None,
    detection_failures=0,
    dead_letters=DeadLetters(),
)


def _with(**changes: Any) -> Health:
    return msgspec.structs.replace(WELL, **changes)


def _of(succeeded: int, failed: int, **more: int) -> Executions:
    counts = {"in_progress": 0, "cancelled": 0} | more
    return Executions.counted(succeeded=succeeded, failed=failed, **counts)


def test_where_every_measure_is_right_there_is_no_reason() -> None:
    assert judge(WELL).reasons == ()
    assert judge(WELL).status is HealthStatus.HEALTHY


@pytest.mark.parametrize(
    ("succeeded", "level"),
    [
        (90, None),
        (89, Level.NOTICE),
        (80, Level.NOTICE),
        (79, Level.WARNING),
        (70, Level.WARNING),
        (69, Level.CRITICAL),
    ],
)
def test_the_success_rate_has_its_limits(succeeded: int, level: Level | None) -> None:
    judged = judge(_with(executions=_of(succeeded, 100 - succeeded)))
    assert [each.level for each in judged.reasons] == ([level] if level else [])


@pytest.mark.parametrize(
    ("p95_ms", "level"),
    [
        (30_000.0, None),
        (30_001.0, Level.NOTICE),
        (60_001.0, Level.WARNING),
        (120_000.0, Level.WARNING),
        (120_001.0, Level.CRITICAL),
    ],
)
def test_the_slowest_have_their_limits(p95_ms: float, level: Level | None) -> None:
    judged = judge(_with(durations=Durations(measured=1, p95_ms=p95_ms)))
    assert [each.level for each in judged.reasons] == ([level] if level else [])


def test_running_and_cancelled_executions_do_not_count_against_success() -> None:
    executions = _of(10, 0, in_progress=1000, cancelled=1000)
    assert executions.success_rate == 1.0
    assert judge(_with(executions=executions)).status is HealthStatus.HEALTHY


def test_nothing_that_ended_is_no_bad_success_rate() -> None:
    running = _of(0, 0, in_progress=5)
    assert running.success_rate is None
    assert judge_agent(running, Durations()).reasons == ()


@pytest.mark.parametrize(("fired", "level"), [(4, Level.NOTICE), (5, Level.CRITICAL)])
def test_a_share_of_very_few_is_no_more_than_a_notice(fired: int, level: Level) -> None:
    judged = judge(_with(hooks=(HookSource(source="Stop", fired=fired, failed=fired),)))
    assert [each.level for each in judged.reasons] == [level]
    few = judge(_with(actions=Actions.counted(total=fired, succeeded=0, failed=fired)))
    assert [each.level for each in few.reasons] == [level]


def test_a_notice_alone_is_healthy() -> None:
    judged = judge(_with(executions=_of(85, 15)))
    assert judged.status is HealthStatus.HEALTHY
    assert len(judged.reasons) == 1


@pytest.mark.parametrize(
    ("changes", "measure", "status"),
    [
        ({"dead_letters": DeadLetters(open=1)}, "dead letters", HealthStatus.WARNING),
        ({"dead_letters": DeadLetters(open=201)}, "dead letters", HealthStatus.CRITICAL),
        (
            {"actions": Actions.counted(total=9, succeeded=6, failed=2)},
            "error share of actions",
            HealthStatus.WARNING,
        ),
        ({"hooks": (HookSource(source="Stop", fired=10, failed=4),)}, "hook failures", HealthStatus.CRITICAL),
        ({"most_attempts": 4}, "attempts", HealthStatus.WARNING),
    ],
)
def test_every_measure_can_be_the_reason(changes: dict[str, Any], measure: str, status: HealthStatus) -> None:
    judged = judge(_with(**changes))
    assert judged.status is status
    assert [each.measure for each in judged.reasons] == [measure]
    assert all(each.next_step for each in judged.reasons)


@pytest.mark.parametrize(
    ("events", "age_seconds", "level"),
    [
        (500, 59, None),
        (1, 61, Level.NOTICE),
        (51, 61, Level.WARNING),
        (201, 61, Level.CRITICAL),
        (0, 0, None),
    ],
)
def test_only_events_that_wait_for_a_while_are_a_backlog(
    events: int, age_seconds: int, level: Level | None
) -> None:
    waiting = Waiting(
        where="in the spool",
        events=events,
        oldest_at=NOW - timedelta(seconds=age_seconds) if events else None,
        next_step="wait",
    )
    assert [each.level for each in judge(WELL, (waiting,)).reasons] == ([level] if level else [])


_COUNTS = st.integers(min_value=0, max_value=300)
_HEALTHS = st.builds(
    lambda succeeded, failed, running, letters, p95, attempts: _with(
        executions=_of(succeeded, failed, in_progress=running),
        dead_letters=DeadLetters(open=letters),
        durations=Durations(p95_ms=p95),
        most_attempts=attempts,
    ),
    _COUNTS,
    _COUNTS,
    _COUNTS,
    _COUNTS,
    st.none() | st.floats(min_value=0, max_value=1e6),
    st.none() | st.integers(min_value=1, max_value=9),
)


@given(health=_HEALTHS)
def test_the_status_is_the_worst_reason_and_the_worst_come_first(health: Health) -> None:
    judged = judge(health)
    levels = [each.level for each in judged.reasons]
    assert levels == sorted(levels, key=list(Level).index)
    bad = [level.value for level in levels if level is not Level.NOTICE]
    assert judged.status.value == (bad[0] if bad else "healthy")


@given(health=_HEALTHS, more=st.integers(min_value=1, max_value=100))
def test_more_failures_never_make_it_better(health: Health, more: int) -> None:
    order = list(HealthStatus)
    worse = msgspec.structs.replace(
        health,
        executions=_of(health.executions.succeeded, health.executions.failed + more),
    )
    assert order.index(judge(worse).status) <= order.index(judge(health).status)
