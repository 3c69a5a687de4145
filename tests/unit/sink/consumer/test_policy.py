"""What follows from which trouble."""

import pytest

from polly.errors import BusError, BusMisconfigured, StoreError, StoreMisconfigured, StoreUnavailable
from polly.events.transfer import OffsetMoved, TooManyDead
from polly.sink.consumer.flood import FloodWindow
from polly.sink.consumer.policy import Action, Cause, Decision, decide


@pytest.mark.parametrize("trouble", [StoreUnavailable("x"), StoreError("what?")])
def test_an_outage_is_four_tries_in_700_ms_and_then_a_pause_that_grows_to_30_s(trouble: StoreError) -> None:
    decisions = [decide(trouble, failures) for failures in range(1, 12)]
    assert [each.seconds for each in decisions] == [0.1, 0.2, 0.4, 1, 2, 4, 8, 16, 30, 30, 30]
    assert [each.action for each in decisions] == [Action.RETRY] * 3 + [Action.PAUSE] * 8
    assert {each.cause for each in decisions} == {Cause.STORE_UNAVAILABLE}


@pytest.mark.parametrize(
    ("trouble", "cause"),
    [
        (StoreMisconfigured("no table"), Cause.STORE_MISCONFIGURED),
        (BusMisconfigured("no topic"), Cause.DEAD_LETTER_TOPIC),
        (TooManyDead(50, 60), Cause.FLOOD),
    ],
)
def test_what_soon_would_not_mend_pauses_at_once(trouble: Exception, cause: Cause) -> None:
    assert decide(trouble, 1) == Decision(Action.PAUSE, cause, 1.0)


def test_a_topic_of_dead_letters_that_is_away_is_waited_for_like_a_store() -> None:
    assert decide(BusError("away"), 1) == Decision(Action.RETRY, Cause.DEAD_LETTER_TOPIC, 0.1)
    assert decide(BusError("away"), 4).action is Action.PAUSE


def test_another_owner_means_letting_go_and_a_fault_of_ours_means_the_end() -> None:
    assert decide(OffsetMoved("s", "moved"), 1).action is Action.RELEASE
    assert decide(ValueError("ours"), 1).action is Action.STOP


def test_waits_differ_between_sinks_and_never_overflow() -> None:
    trouble = StoreUnavailable("x")
    assert decide(trouble, 9, chance=0.0).seconds == pytest.approx(27)
    assert decide(trouble, 9, chance=1.0).seconds == pytest.approx(33)
    assert decide(trouble, 10**9).seconds == 30


def test_the_first_bad_record_is_no_flood() -> None:
    assert FloodWindow(200, 0.2).most_dead(1) == 40


def test_bad_records_add_up_over_batches_until_the_share_is_reached() -> None:
    window = FloodWindow(100, 0.2)
    window.add(50, 15)
    assert window.most_dead(25) == 5
    window.add(25, 5)
    assert window.most_dead(25) == 0


def test_old_bad_records_are_forgotten() -> None:
    window = FloodWindow(100, 0.2)
    window.add(50, 20)
    for _ in range(10):
        window.add(50, 0)
    assert window.most_dead(50) == 20


def test_a_batch_larger_than_the_window_is_judged_by_its_own_size() -> None:
    assert FloodWindow(100, 0.2).most_dead(1000) == 200


def test_a_share_of_one_lets_everything_through() -> None:
    window = FloodWindow(10, 1.0)
    for records in (1, 3, 7, 10, 25, 4, 9, 2):
        assert window.most_dead(records) >= records
        window.add(records, records)
