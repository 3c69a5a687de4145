"""How answers read: figures in words, tables that say what they leave out, text that stays text."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.reporting.observe_health import judge
from polly.reporting.observe_page import Page, Section, markdown
from polly.reporting.observe_pages import agent_page, errors_page, health_page, report_page
from polly.reporting.observe_words import duration, moment, number, percent, shortened
from polly.work.observed import (
    Actions,
    ActivityReport,
    AgentFailures,
    AgentFigures,
    AgentReport,
    AgentUsage,
    Correlations,
    Day,
    DeadLetters,
    Durations,
    ErrorKind,
    Errors,
    Execution,
    Executions,
    FailedAction,
    Health,
    HookSource,
    Moment,
    RoutingStrategy,
    Spending,
    Window,
)

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
DAY = Window(since=NOW - timedelta(days=1), until=NOW)


@pytest.mark.parametrize(
    ("share", "words"),
    [(None, "-"), (0.0, "0 %"), (1.0, "100 %"), (0.99999, "99.9 %"), (0.00001, "0.1 %"), (0.875, "87.5 %")],
)
def test_a_share_is_never_rounded_to_all_or_nothing(share: float | None, words: str) -> None:
    assert percent(share) == words


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        (None, "-"),
        (0.0, "0 ms"),
        (1.25, "1.25 ms"),
        (340.4, "340 ms"),
        (12_345.0, "12.3 s"),
        (245_000.0, "4 min 05 s"),
        (12_000_000.0, "3 h 20 min"),
        (187_200_000.0, "2 d 4 h"),
    ],
)
def test_a_duration_is_told_in_its_unit(milliseconds: float | None, words: str) -> None:
    assert duration(milliseconds) == words


def test_times_say_that_they_are_utc_and_unknown_is_a_dash() -> None:
    assert moment(NOW) == "2026-05-01 12:00 UTC"
    assert (moment(None), number(None), number(1_234_567)) == ("-", "-", "1,234,567")


@given(text=st.text(max_size=300), most=st.integers(min_value=1, max_value=50))
def test_a_shortened_text_is_one_line_of_its_length_or_ends_in_dots(text: str, most: int) -> None:
    shown = shortened(text, most)
    assert len(shown) <= most
    assert len(shown.splitlines()) <= 1
    assert shown == " ".join(text.split()) or shown.endswith("…")


_HOSTILE = st.text(alphabet="ab|#`<>*_[]()\\\n\r\x1b\x07\u202e~-+=!$&: ", min_size=1, max_size=30)


def _figures(name: str) -> AgentFigures:
    return AgentFigures(
        agent=name,
        executions=Executions.counted(in_progress=1, succeeded=3, failed=3, cancelled=0),
        durations=Durations(measured=6, mean_ms=5.0, p50_ms=5.0, p95_ms=9.0, p99_ms=9.0),
        actions=Actions.counted(total=3, succeeded=1, failed=1),
        first_at=NOW,
        last_at=NOW,
    )


def _execution(name: str) -> Execution:
    return Execution(
        execution=name,
        agent=name,
        status="failed",
        started_at=NOW,
        duration_ms=1.0,
        error_type=name,
        error_message=name * 20,
        correlation_id=name,
        run=None,
    )


def _kind(name: str | None, share: float = 1.0) -> ErrorKind:
    return ErrorKind(error_type=name, count=3, share=share, mean_ms=None, last_at=NOW)


def _pages(name: str) -> list[Page]:
    """All four pages, with the name wherever a name can stand."""
    figures = _figures(name)
    hooks = (HookSource(source=name, fired=2, failed=2),)
    routing = (RoutingStrategy(strategy=name, decisions=1, mean_confidence=0.1, mean_ms=None),)
    moments = (Moment(at=NOW, executions=figures.executions, failed_actions=1),)
    health = Health(
        window=DAY,
        executions=figures.executions,
        durations=figures.durations,
        actions=figures.actions,
        hooks=hooks,
        routing=routing,
        errors_of_the_last_hour=(_kind(name),),
        most_attempts=9,
        detection_failures=1,
        dead_letters=DeadLetters(open=1, oldest_at=NOW),
    )
    errors = Errors(
        window=DAY,
        executions=figures.executions,
        actions=figures.actions,
        kinds=1,
        by_kind=(_kind(name),),
        agents_failing=1,
        by_agent=(AgentFailures(agent=name, failed=3, judged=0, failed_actions=1),),
        failed_action_names=1,
        by_action=(FailedAction(action_name=name, count=1, last_at=NOW),),
        hours=moments,
        examples=(_execution(name),),
    )
    report = ActivityReport(
        window=DAY,
        executions=figures.executions,
        durations=figures.durations,
        actions=figures.actions,
        agents_total=1,
        agents=(
            AgentUsage(
                agent=name,
                executions=figures.executions,
                durations=figures.durations,
                failed_actions=1,
                first_at=NOW,
                last_at=NOW,
            ),
        ),
        routing=routing,
        transformations=1,
        transformations_failed=1,
        detection_failures=1,
        hooks=hooks,
        days=(Day(day=date(2026, 5, 1), executions=figures.executions, mean_ms=None),),
        correlations=Correlations(of_executions=2),
        spending=Spending(attempts=1),
        dead_letters=DeadLetters(open=1, oldest_at=None),
    )
    agent = AgentReport(
        window=DAY,
        figures=figures,
        others=_figures("others"),
        by_kind=(_kind(name),),
        hours=moments,
        recent=(_execution(name),),
        error_example=_execution(name),
        similar_names=(),
    )
    return [
        health_page(health, judge(health), ()),
        errors_page(errors, name),
        report_page(report),
        agent_page(agent),
    ]


@given(name=_HOSTILE)
def test_a_name_cannot_change_the_shape_of_a_markdown_page(name: str) -> None:
    for page, plain in zip(_pages(name), _pages("plain"), strict=True):
        lines, usual = markdown(page).split("\n"), markdown(plain).split("\n")
        assert len(lines) == len(usual)
        for line, other in zip(lines, usual, strict=True):
            assert line[:2] == other[:2] or not other.startswith(("#", "|", "-", ">"))
            assert line.replace("\\\\", "").replace("\\|", "").count("|") == other.count("|")
            assert line.replace("\\\\", "").replace("\\<", "").count("<") == 0
            assert "\x1b" not in line
            assert "\u202e" not in line


def test_every_list_says_what_it_leaves_out() -> None:
    errors = Errors(
        window=DAY,
        executions=Executions.counted(in_progress=0, succeeded=0, failed=40, cancelled=0),
        actions=Actions.counted(total=0, succeeded=0, failed=0),
        kinds=30,
        by_kind=(_kind("a", 0.1), _kind(None, 0.1)),
        agents_failing=20,
        by_agent=(AgentFailures(agent="x", failed=4, judged=4, failed_actions=0),),
        failed_action_names=7,
        by_action=(FailedAction(action_name="n", count=1, last_at=NOW),),
        hours=tuple(
            Moment(at=NOW - timedelta(hours=hour), executions=Executions()) for hour in range(30, 0, -1)
        ),
        examples=(),
    )
    shown = markdown(errors_page(errors, None))
    for sentence in (
        "The first 2 of 30 types.",
        "The first 1 of 20 agents.",
        "The first 1 of 7 names of actions.",
        "The last 24 of 30 hours",
        "40 of 40 executions failed",
        "(not said)",
    ):
        assert sentence in shown.replace("\\", ""), sentence


def test_a_section_without_rows_says_so_instead_of_an_empty_table() -> None:
    page = Page("T", (), (Section("S", ("a",), (), empty="Nothing at all."),))
    assert markdown(page) == "# T\n\n## S\n\nNothing at all.\n"
