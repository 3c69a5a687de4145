"""What travels, read from bytes that anybody may have written."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.events.catalog import CATALOG
from polly.events.event import INTELLIGENCE_TOPICS, TOPICS
from polly.intelligence.analysis import Analysis, AnalysisRequest, OperationType, Quality
from polly.intelligence.bus.messages import (
    Asked,
    CodeAnalysisCompleted,
    CodeAnalysisRequested,
    Unreadable,
    encoded,
    header,
    question_of,
    read_answer,
    read_question,
    request_of,
)
from polly.intelligence.bus.probe import verdict
from polly.intelligence.bus.state import Way

TEXT = st.text(st.characters(codec="utf-8"), max_size=50)
JSON = st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT, st.lists, max_leaves=5)


@given(
    content=st.none() | TEXT,
    path=TEXT,
    correlation=TEXT,
    options=st.dictionaries(TEXT, JSON, max_size=3),
    operation=st.sampled_from(OperationType),
    seconds=st.floats(0, 1e9),
)
def test_a_request_arrives_as_it_was_asked(
    content: str | None,
    path: str,
    correlation: str,
    options: dict[str, object],
    operation: OperationType,
    seconds: float,
) -> None:
    request = AnalysisRequest(
        operation=operation,
        source_path=path,
        content=content,
        language="python",
        options=options,
        correlation_id=correlation,
        project_id="p",
        user_id="u",
    )
    data = question_of(request, client="c", timeout_seconds=seconds)
    message = encoded(data, correlation=correlation, session="s", request="r", is_question=True)
    asked = read_question(message.value, message.key, [(n, v) for n, v in message.headers])  # type: ignore[misc]
    assert isinstance(asked, Asked)
    assert (asked.request, asked.correlation, message.key) == ("r", correlation, correlation.encode())
    assert isinstance(asked.data, CodeAnalysisRequested)
    there = request_of(asked, asked.data, 7.0)
    limited = {"timeout_seconds": 7.0} | options
    assert there == msgspec.structs.replace(request, requested_at=there.requested_at, options=limited)


@given(value=st.binary(), key=st.none() | st.binary(), name=st.binary())
def test_any_bytes_are_read_or_said_to_be_unreadable(value: bytes, key: bytes | None, name: bytes) -> None:
    headers = [("polly-client", name), ("polly-request", None)]
    asked = read_question(value, key, headers)
    assert isinstance(asked, Unreadable)
    assert asked.reason
    assert read_answer(value) is None


@pytest.mark.parametrize(
    "data",
    [
        b'{"client":"c","source_path":"a","operation_type":"NO_SUCH","timeout_seconds":1}',
        b'{"client":"c","source_path":"a","operation_type":"CODE_ANALYSIS","timeout_seconds":-1}',
        b'{"client":"c","source_path":"a","operation_type":"CODE_ANALYSIS","timeout_seconds":1e300}',
        b'{"client":"c","source_path":7,"operation_type":"CODE_ANALYSIS","timeout_seconds":1}',
        b"{}",
        b"[" * 3000 + b"]" * 3000,
    ],
)
def test_a_question_with_wrong_data_names_whom_to_answer(data: bytes) -> None:
    good = encoded(
        CodeAnalysisRequested(
            client="c", source_path="a", operation_type=OperationType.CODE_ANALYSIS, timeout_seconds=1
        ),
        correlation="mine",
        session="s",
        request="r",
        is_question=True,
    )
    head, _, _ = good.value.partition(b'"data":')
    asked = read_question(head + b'"data":' + data + b"}", good.key, good.headers)  # type: ignore[arg-type]
    assert isinstance(asked, Unreadable)
    assert (asked.correlation, asked.request, asked.client) == ("mine", "r", "c")


def test_an_answer_carries_an_analysis_as_a_process_wrote_it() -> None:
    analysis = Analysis(
        operation=OperationType.QUALITY_ASSESSMENT,
        source_path="a.py",
        language="python",
        quality=Quality(score=None, reason="nothing measured it"),
    )
    answer = CodeAnalysisCompleted(
        client="c",
        request="r",
        server="s",
        source_path="a.py",
        operation_type=OperationType.QUALITY_ASSESSMENT,
        analysis=msgspec.Raw(msgspec.json.encode(analysis)),  # type: ignore[arg-type]
    )
    message = encoded(answer, correlation="x", session="s", request="r")
    found = read_answer(message.value)
    assert isinstance(found, CodeAnalysisCompleted)
    assert found.analysis == analysis


@pytest.mark.parametrize("years", [-2000, 0, 7000])
def test_the_time_left_is_never_more_than_was_given(years: int) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    data = CodeAnalysisRequested(
        client="c", source_path="a", operation_type=OperationType.CODE_ANALYSIS, timeout_seconds=5
    )
    asked = Asked("r", "c", "s", now.replace(year=2026 + years), data)
    left = asked.seconds_left(now + timedelta(seconds=2))
    assert left == {-2000: pytest.approx(left), 0: 3, 7000: 5}[years]
    assert left <= 5


def test_the_last_header_of_a_name_counts() -> None:
    assert header([("a", b"1"), ("b", b"2"), ("a", b"3")], "a") == "3"
    assert header([("a", b"\xff"), ("b", None)], "a") is None
    assert header([("b", None)], "b") is None


def test_questions_and_answers_are_no_events_to_be_stored() -> None:
    assert not set(INTELLIGENCE_TOPICS) & set(TOPICS)
    assert not set(INTELLIGENCE_TOPICS) & {event.topic for event in CATALOG.values()}


def test_without_any_answer_no_server_is_there() -> None:
    assert verdict(1, 2.0, [(2.0, None), (2.0, None)]).way is Way.NO_SERVER
