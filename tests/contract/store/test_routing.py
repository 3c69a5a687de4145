"""What every store tells about routing: what became of roles, how sure and how right the router was."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.contract.store.test_effort_samples import put_story, story

from polly.events.agents import DetectionFailed, DetectionReviewed, RouterMeasured, RoutingDecided
from polly.events.event import EventData
from polly.events.transfer import IngestResult
from polly.store.observations import detections, routing
from polly.store.ports import Store
from polly.work.observed import Window
from polly.work.routed import RoutingReport
from polly.work.routing import Outcome
from polly.work.run import PackageState, Verdict

Put = Callable[..., IngestResult]
Line = Callable[..., bytes]

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WEEK = Window(since=NOW - timedelta(days=7), until=NOW)


def outcome(rule: str, fixed: int, tried: int = 1) -> Outcome:
    return Outcome(role="r", agent="claude", kind=f"ruff:R-{rule}", tried=tried, fixed=fixed)


def test_only_issues_that_were_judged_count_as_tried(store: Store, put: Put, line: Line) -> None:
    verdicts = {
        "A": Verdict.FIXED,
        "B": Verdict.PARTLY,
        "C": Verdict.NOT_FIXED,
        "D": Verdict.UNVERIFIABLE,
        "E": Verdict.DECLINED,
        "F": None,
    }
    put_story(put, line, story("r1", (40.0,), verdicts))
    assert store.outcomes() == (outcome("A", 1), outcome("B", 0), outcome("C", 0))


def test_a_fix_of_a_package_that_did_not_get_through_is_none(store: Store, put: Put, line: Line) -> None:
    put_story(put, line, story("r1", (40.0,), {"A": Verdict.FIXED}, state=PackageState.RED))
    put_story(put, line, story("r2", (40.0,), {"A": Verdict.FIXED}), days=1)
    assert store.outcomes() == (outcome("A", 1, tried=2),)


def test_a_package_that_still_goes_on_says_nothing(store: Store, put: Put, line: Line) -> None:
    put_story(put, line, story("r1", (40.0,), {"A": Verdict.FIXED})[:-1])
    assert store.outcomes() == ()


def test_a_project_learns_from_its_own_runs(store: Store, put: Put, line: Line) -> None:
    put_story(put, line, story("r1", (40.0,), {"A": Verdict.FIXED}, path="/other"))
    assert store.outcomes("/p") == ()
    assert store.outcomes("/other") == store.outcomes() == (outcome("A", 1),)


def decided(role: str, confidence: float, strategy: str = "score", **context: Any) -> EventData:
    return RoutingDecided(
        selected_agent=role,
        confidence_score=confidence,
        routing_strategy=strategy,
        routing_time_ms=1.0,
        context=context,
    )


def corrected(by_hand: str, router: str, confidence: float, detection: str | None = None) -> EventData:
    told = {"role": router, "best": router, "confidence": confidence, "detection": detection}
    return decided(by_hand, 1.0, "explicit", router=told)


def measured(microseconds: dict[str, float], *, hit: bool = False) -> EventData:
    total = sum(microseconds.values()) / 1000
    return RouterMeasured(
        query_text="q",
        routing_duration_ms=total,
        candidates_evaluated=3,
        stage_microseconds=microseconds,
        cache_hit=hit,
    )


def failed(prompt: str = "do it", status: str = "low_confidence", **values: Any) -> EventData:
    return DetectionFailed(user_prompt=prompt, detection_status=status, **values)  # type: ignore[arg-type]


@pytest.fixture
def tell(put: Put, line: Line) -> Callable[..., None]:
    """Stores these events, one second apart, and everything within the week."""
    numbers: Iterator[int] = iter(range(1, 1000))

    def told(*events: EventData | tuple[str, EventData], at: datetime = NOW - timedelta(hours=1)) -> None:
        lines = []
        for each in events:
            event_id, event = each if isinstance(each, tuple) else (None, each)
            lines.append(line(event, event_id=event_id, at=at + timedelta(seconds=next(numbers))))
        assert not put(*lines).dead

    return told


def ask(store: Store) -> RoutingReport:
    return store.ask(lambda connection: routing.report(connection, WEEK))


def test_without_decisions_the_report_is_empty(store: Store, tell: Callable[..., None]) -> None:
    tell(decided("a", 0.9), measured({"words": 1.0}), failed(), at=NOW - timedelta(days=8))
    found = ask(store)
    assert found.is_empty
    assert (found.calibration.ece, found.reviews.accuracy, found.durations.p95_ms) == (None, None, None)


def test_decisions_are_counted_by_strategy_and_role(store: Store, tell: Callable[..., None]) -> None:
    tell(decided("a", 0.9), decided("a", 0.7), decided("b", 1.0, "explicit"))
    found = ask(store)
    assert found.decisions == 3
    assert [(each.strategy, each.decisions) for each in found.by_strategy] == [("score", 2), ("explicit", 1)]
    assert [(each.role, each.decisions) for each in found.by_role] == [("a", 2), ("b", 1)]
    assert found.by_role[0].mean_confidence == pytest.approx(0.8)


def test_each_stage_has_its_percentiles_in_milliseconds(store: Store, tell: Callable[..., None]) -> None:
    tell(*(measured({"words": 1000.0 * number, "names": 1.5}) for number in range(101)))
    tell(measured({"cache": 3.0}, hit=True), measured({}))
    found = ask(store)
    assert (found.measured, found.cache_hits) == (103, 1)
    stages = {each.stage: each.durations for each in found.stages}
    assert list(stages) == ["words", "cache", "names"]
    words = stages["words"]
    assert (words.measured, words.p50_ms, words.p95_ms, words.p99_ms) == pytest.approx((101, 50, 95, 99))
    assert stages["names"].p95_ms == pytest.approx(0.0015)


def test_a_reviewed_failure_says_whether_the_choice_was_right(
    store: Store, tell: Callable[..., None]
) -> None:
    taken = {"taken": "general"}
    guess: dict[str, Any] = {"detected_agent": "a", "detection_confidence": 0.35, "detection_metadata": taken}
    tell(
        ("f1", failed(**guess)),
        ("f2", failed(**guess)),
        ("f3", failed(status="no_detection", detection_metadata=taken)),
        ("f4", failed(**guess)),
        DetectionReviewed(failure="f1", reviewed_by="me", expected_agent="a"),
        DetectionReviewed(failure="f2", reviewed_by="me", expected_agent="general"),
        DetectionReviewed(failure="f3", reviewed_by="me", expected_agent="general"),
        DetectionReviewed(failure="f4", reviewed_by="me", resolution_notes="nonsense"),
    )
    found = ask(store)
    assert (found.reviews.known, found.reviews.right) == (3, 2)
    assert (found.detections.total, found.detections.reviewed) == (4, 4)
    assert found.detections.by_status == {"low_confidence": 3, "no_detection": 1}
    (only,) = found.calibration.bins
    assert (only.low, only.high, only.known, only.right) == (0.3, 0.4, 2, 1)
    assert found.calibration.ece == pytest.approx(0.15)


def test_a_role_that_was_corrected_by_hand_was_wrong_and_counts_once(
    store: Store, tell: Callable[..., None]
) -> None:
    tell(
        corrected("b", "a", 0.93),
        corrected("b", "general", 0.3, detection="low_confidence"),
        failed(detected_agent="a", detection_confidence=0.3, expected_agent="b"),
        decided("b", 1.0, "explicit"),
    )
    found = ask(store)
    assert (found.corrections.known, found.corrections.right) == (1, 0)
    assert (found.reviews.known, found.reviews.right) == (1, 0)
    assert [(each.low, each.right) for each in found.calibration.bins] == [(0.3, 0), (0.9, 0)]


def test_what_became_of_issues_is_told_by_role(store: Store, put: Put, line: Line) -> None:
    verdicts = {"A": Verdict.FIXED, "B": Verdict.NOT_FIXED, "C": Verdict.DECLINED}
    put_story(put, line, story("r1", (9.0,), dict(verdicts)), days=-1)
    (role,) = ask(store).outcomes
    assert (role.role, role.packages, role.tried, role.fixed, role.share) == ("r", 1, 2, 1, 0.5)


def test_failures_are_listed_newest_first_until_they_are_reviewed(
    store: Store, tell: Callable[..., None]
) -> None:
    tell(*((f"f{number}", failed(f"request {number}")) for number in range(3)))
    tell(("f3", failed(status="error")))
    tell(DetectionReviewed(failure="f1", reviewed_by="me", expected_agent="a", resolution_notes="so"))

    def ids(**wanted: Any) -> list[str]:
        filters = {"reviewed": None, "status": None, "limit": 50, **wanted}
        found = store.ask(lambda connection: detections.listed(connection, **filters))
        assert found.recorded == 4
        return [each.id for each in found.failures]

    assert ids() == ["f3", "f2", "f1", "f0"]
    assert ids(reviewed=False) == ["f3", "f2", "f0"]
    assert ids(status="error") == ["f3"]
    assert ids(limit=2) == ["f3", "f2"]
    (reviewed,) = store.ask(lambda connection: detections.named(connection, "f1")).failures
    assert (reviewed.expected, reviewed.reviewed_by, reviewed.notes) == ("a", "me", "so")
    assert len(store.ask(lambda connection: detections.named(connection, "f")).failures) == 4
    assert store.ask(lambda connection: detections.named(connection, "%")).failures == ()


def test_a_review_before_its_failure_is_no_failure(store: Store, tell: Callable[..., None]) -> None:
    tell(DetectionReviewed(failure="gone", reviewed_by="me"))
    found = store.ask(lambda connection: detections.listed(connection, reviewed=None, status=None, limit=9))
    assert (found.failures, found.recorded) == ((), 0)
    assert store.ask(lambda connection: detections.named(connection, "gone")).failures == ()


def test_the_same_request_is_compared_once(store: Store, tell: Callable[..., None]) -> None:
    tell(("f1", failed("same")), ("f2", failed("same")), ("f3", failed("other")))
    assert [each.id for each in store.ask(lambda found: detections.newest(found, 9))] == ["f3", "f2"]


def test_failures_of_a_time_are_counted(store: Store, tell: Callable[..., None]) -> None:
    tell(
        ("f1", failed("a", detected_agent="x", detection_confidence=0.2)),
        ("f2", failed("a", detected_agent="x", detection_confidence=0.4)),
        ("f3", failed("b", status="no_detection")),
        DetectionReviewed(failure="f1", reviewed_by="me", expected_agent="y", pattern_update_type="trigger"),
    )
    tell(failed("old"), at=NOW - timedelta(days=9))
    found = store.ask(lambda connection: detections.stats(connection, WEEK))
    assert (found.failures, found.reviewed, found.improved, found.different_requests) == (3, 1, 1, 2)
    assert found.mean_confidence == pytest.approx(0.3)
    assert [(each.name, each.count) for each in found.by_status] == [
        ("low_confidence", 2),
        ("no_detection", 1),
    ]
    assert [(each.name, each.count) for each in found.detected] == [("x", 2)]
    assert [(each.name, each.count) for each in found.expected] == [("y", 1)]
