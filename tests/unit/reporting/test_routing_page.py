"""Similar requests, calibration, and pages about routing that hold untrusted names."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.reporting.observe_page import markdown
from polly.reporting.routing_page import Similar, failure_page, routing_page, similar_page
from polly.reporting.similar_texts import similarities
from polly.work.observed import Durations, Window
from polly.work.routed import (
    CalibrationTable,
    DetectionCounts,
    DetectionFailure,
    Label,
    LabelKind,
    Labelled,
    RoutingReport,
    accuracy,
    calibration,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVIL = "<script>|\n# heading"


def test_a_request_with_typing_mistakes_is_nearer_than_one_about_something_else() -> None:
    same, mistaken, reordered, other = similarities(
        "make the database queries faster",
        [
            "make the database queries faster",
            "make teh databse query faster",
            "faster queries for the database",
            "the README has a broken link",
        ],
    )
    assert same == pytest.approx(1.0)
    assert same > mistaken > 0.4 > other
    assert same > reordered > 0.4


def test_what_all_requests_say_counts_little() -> None:
    common = ["please fix the flaky test", "please fix the slow query", "please fix the login page"]
    near, far, _ = similarities("please fix the flaky fixture", common)
    assert near > far


@given(st.text(max_size=40), st.lists(st.text(max_size=40), max_size=5))
def test_similarity_is_a_share_and_the_same_both_ways(text: str, others: list[str]) -> None:
    found = similarities(text, others)
    assert len(found) == len(others)
    assert all(0.0 <= each <= 1.0 for each in found)
    for other in others[:1]:
        assert similarities(text, [other])[0] == pytest.approx(similarities(other, [text])[0])


def label(confidence: float | None, *, right: bool, kind: LabelKind = LabelKind.REVIEW) -> Label:
    best = None if confidence is None else "a"
    return Label(kind=kind, expected="a" if right else "b", taken="a", best=best, confidence=confidence)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=30))
def test_every_label_with_a_confidence_is_in_one_bin(drawn: list[tuple[float, bool]]) -> None:
    labels = tuple(label(confidence, right=right) for confidence, right in drawn)
    table = calibration((*labels, label(None, right=True)))
    assert table.known == sum(each.known for each in table.bins) == len(labels)
    assert (table.ece is None) == (not labels)
    assert all(each.low - 1e-9 <= each.mean_confidence <= each.high + 1e-9 for each in table.bins)


def test_a_router_that_is_as_often_right_as_it_says_has_no_calibration_error() -> None:
    labels = tuple(label(0.75, right=number < 3) for number in range(4))
    assert calibration(labels).ece == pytest.approx(0.0)
    assert calibration((label(0.95, right=False),)).ece == pytest.approx(0.95)


def test_accuracy_is_told_apart_by_how_the_right_role_is_known() -> None:
    labels = (
        label(0.5, right=True),
        label(None, right=False),
        label(0.9, right=False, kind=LabelKind.CORRECTION),
    )
    assert accuracy(labels, LabelKind.REVIEW) == Labelled(known=2, right=1, accuracy=0.5)
    assert accuracy(labels, LabelKind.CORRECTION) == Labelled(known=1, right=0, accuracy=0.0)


def failure() -> DetectionFailure:
    return DetectionFailure(
        id="f1", at=NOW, correlation_id="c", project_name=EVIL, run=None, request=EVIL, status="no_detection",
        reason=EVIL, detected=EVIL, confidence=0.5, method=None, expected=None, candidates=3, matches=(EVIL,),
        metadata={}, reviewed=False,
    )  # fmt: skip


def test_a_page_of_hostile_requests_is_plain_text_in_markdown() -> None:
    for page in (failure_page(failure()), similar_page([Similar(failure(), 0.5)], 1)):
        text = markdown(page)
        assert "<script>" not in text
        assert "\n# heading" not in text


def test_without_labels_the_report_says_so_and_shows_no_share() -> None:
    empty = RoutingReport(
        window=Window(since=NOW - timedelta(days=7), until=NOW), decisions=1, by_strategy=(), roles_total=0,
        by_role=(), measured=0, cache_hits=0, durations=Durations(), stages=(), detections=DetectionCounts(),
        reviews=Labelled(), corrections=Labelled(), calibration=CalibrationTable(), outcomes=(),
    )  # fmt: skip
    text = markdown(routing_page(empty))
    assert "Nobody has named the right role" in text
    assert "0 %" not in text
