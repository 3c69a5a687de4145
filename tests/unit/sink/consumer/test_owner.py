"""The owner thread against a group, a store and a topic that misbehave on cue."""

from collections.abc import Collection, Mapping, Sequence

import pytest
from tests.unit.sink.consumer.stand_ins import GROUP, TOPIC, World, events

from polly.errors import BusError, StoreError, StoreMisconfigured, StoreUnavailable
from polly.events.transfer import DeadLetter, Record
from polly.sink.consumer.owner import SLOW_COMMIT_SECONDS
from polly.sink.consumer.ports import (
    CommitOutcome,
    Fault,
    FaultKind,
    Place,
    Rebalance,
    StartRule,
    stream_name,
)
from polly.sink.consumer.snapshot import Snapshot, State

ZERO, ONE = Place(TOPIC, 0), Place(TOPIC, 1)
DOWN = StoreUnavailable("the database is away")


def test_everything_is_stored_once_and_committed_to_the_end() -> None:
    world = World({0: events(250, "a"), 1: events(30, "b")})
    world.run()
    world.holds()
    assert world.member.offsets == {ZERO: 250, ONE: 30}
    assert world.member.closed
    assert world.owner.snapshot.state is State.STOPPED


def test_a_batch_is_bounded_by_records_and_by_bytes() -> None:
    world = World({0: [b"%d %s" % (number, b"x" * 1000) for number in range(40)]}, batch=30, batch_bytes=5000)
    world.run()
    world.holds()
    tally = world.owner.snapshot.tally
    assert tally.batches >= 8
    assert tally.batch_bytes.total == sum(len(each.raw) + 3 for each in world.member.logs[ZERO])


def test_while_a_batch_is_stored_the_next_one_is_in_hand_and_the_store_knows_of_it() -> None:
    world = World({0: events(30)}, batch=10)
    expected: list[list[int]] = []

    def look() -> None:
        assert world.owner.snapshot.in_hand <= 20
        expected.extend([each.position for each in found] for found in world.store.expected.values())
        world.store.expected = {}

    world.store.before_store = look
    world.run()
    world.holds()
    assert expected == [[*range(10, 20)], [*range(20, 30)]]


def test_duplicates_tombstones_and_empty_records_advance_the_offset() -> None:
    world = World({0: [b"a 1", b"a 1", None, b"", b"b 1", None]})
    world.run()
    world.holds()
    assert world.member.offsets == {ZERO: 6}
    tally = world.owner.snapshot.tally
    assert (tally.stored, tally.duplicates, tally.empty) == (2, 1, 3)


def test_gaps_of_a_compacted_topic_are_no_loss() -> None:
    world = World({0: []})
    world.member.logs[ZERO] = [Record(position, b"%d x" % position) for position in (3, 4, 9, 40)]
    world.run()
    world.holds()
    assert world.member.offsets == {ZERO: 41}


@pytest.mark.parametrize(
    "raws",
    [
        [b"bad", *events(5)],
        [*events(5), b"bad"],
        [b"bad", b"a x", b"bad", b"b x", b"bad"],
        [b"bad"] * 7,
    ],
    ids=["head", "tail", "alternating", "all"],
)
def test_poison_is_dead_lettered_and_never_costs_its_neighbours(raws: list[bytes]) -> None:
    world = World({0: raws}, batch=3)
    world.run()
    world.holds()
    assert world.member.offsets == {ZERO: len(raws)}


def test_an_outage_that_the_quick_retries_outlive_pauses_nothing() -> None:
    world = World({0: events(5)})
    world.store.trouble["ingest"] = [DOWN, DOWN, DOWN]
    before = world.clock.seconds
    world.run()
    world.holds()
    tally = world.owner.snapshot.tally
    assert tally.retries == {"store_unavailable": 3}
    assert tally.paused_seconds == {}
    assert not any("Paused" in message for message in world.told)
    assert world.store.calls["ingest"] == 4
    assert world.clock.seconds - before < 2


def test_a_longer_outage_pauses_polls_on_and_dead_letters_nothing() -> None:
    world = World({0: events(5)})
    world.store.trouble["ingest"] = [DOWN] * 9
    seen = _snapshots_while_paused(world)
    world.run()
    world.holds()
    assert world.store.dead == {}
    assert world.owner.snapshot.tally.paused_seconds["store_unavailable"] == pytest.approx(
        1 + 2 + 4 + 8 + 16 + 30
    )
    assert world.member.polled_paused > 100  # at least five times a second
    assert {snapshot.state for snapshot in seen} >= {State.PAUSED}
    assert world.member.commits == [{ZERO: 5}]
    assert [message for message in world.told if "Paused" in message or "Going on" in message] == [
        "Paused (store_unavailable): the database is away. Nothing is lost; it is tried again by itself.",
        "Going on after 61 s (store_unavailable).",
    ]


def _snapshots_while_paused(world: World) -> list[Snapshot]:
    seen: list[Snapshot] = []
    fetch = world.member.fetch

    def watched(most: int, seconds: float):  # type: ignore[no-untyped-def]
        if world.member.paused:
            seen.append(world.owner.snapshot)
        return fetch(most, seconds)

    world.member.fetch = watched  # type: ignore[method-assign]
    return seen


def test_what_waiting_will_not_mend_pauses_at_once_and_heals_when_it_is_mended() -> None:
    world = World({0: events(5)})
    world.store.trouble["ingest"] = [StoreMisconfigured("the table is gone")] * 2
    world.run()
    world.holds()
    assert world.owner.snapshot.tally.paused_seconds == {"store_misconfigured": pytest.approx(3)}


def test_a_sink_that_cannot_store_joins_no_group() -> None:
    world = World({0: events(5)})
    world.store.trouble["check_writable"] = [DOWN] * 6
    joined_after: list[int] = []
    join = world.member.join

    def joining(topics: Sequence[str], rebalance: Rebalance) -> None:
        joined_after.append(world.store.calls["check_writable"])
        join(topics, rebalance)

    world.member.join = joining  # type: ignore[method-assign]
    world.run()
    world.holds()
    assert joined_after == [7]


def test_partitions_that_come_while_it_leaves_are_given_back_without_a_question_to_the_cluster() -> None:
    world = World({0: events(5)})
    asked: list[Collection[Place]] = []
    ask = world.member.committed

    def committed(places: Collection[Place]) -> Mapping[Place, int | None]:
        asked.append(places)
        return ask(places)

    world.member.committed = committed  # type: ignore[method-assign]
    world.member.while_closing = [lambda: world.member.gives(1)]
    world.run()
    assert asked == [[ZERO]]
    assert world.member.positions == {}
    world.holds()


def test_a_group_that_does_not_let_go_is_left_after_a_while() -> None:
    world = World({0: events(5)})
    world.member.never_closes = True
    world.run()
    assert world.owner.snapshot.state is State.STOPPED
    assert any("has not let this sink go" in each for each in world.told)
    world.holds()


def test_a_commit_that_failed_is_tried_once_more_before_the_group_is_left() -> None:
    world = World({0: events(5)})
    world.member.commit_outcomes = [CommitOutcome.TRY_AGAIN]
    world.member.commit_seconds = SLOW_COMMIT_SECONDS + 1
    world.member.script = [lambda: None] * 5 + [world.owner.stop]
    world.run()
    assert world.member.offsets == {ZERO: 5}


def test_stopping_while_the_store_is_away_loses_nothing_and_does_not_wait_for_it() -> None:
    world = World({0: events(5)})
    world.store.trouble["ingest"] = [DOWN] * 1000
    world.member.script = [lambda: None] * 20 + [world.owner.stop]
    world.run()
    assert world.member.closed
    assert world.member.commits == []
    assert "Left for the next start: 5 records that could not be stored now." in world.told
    world.store.trouble.clear()
    world.again().run()
    world.holds()


def test_stopping_finishes_what_is_in_hand_and_waits_out_a_short_outage() -> None:
    world = World({0: events(50)}, batch=1000)
    world.store.trouble["ingest"] = [DOWN, DOWN]
    world.member.script = [lambda: None, world.owner.stop]
    world.run()
    world.holds()
    assert world.member.offsets == {ZERO: 50}


def test_a_flood_of_poison_pauses_and_writes_no_dead_letter() -> None:
    world = World({0: [*events(50), *[b"bad"] * 50]}, batch=25, flood_window=100, flood_share=0.2)
    world.member.script = [lambda: None] * 50 + [world.owner.stop]
    seen = _snapshots_while_paused(world)
    world.run()
    assert world.store.dead == {}
    assert world.topics.letters == []
    assert world.member.offsets == {ZERO: 50}
    assert seen[-1].pause is not None
    assert seen[-1].pause.cause == "flood"
    assert seen[-1].pause.reason == "25 of 25 records cannot be stored"


def test_dead_letters_wait_for_their_topic_and_offsets_wait_for_them() -> None:
    world = World({0: [b"a x", b"bad", b"b x"]})
    world.topics.trouble = [BusError("the topic is away")] * 5
    committed_early: list[object] = []
    publish = world.topics.publish

    def publishing(letters: Sequence[DeadLetter]) -> tuple[DeadLetter, ...]:
        committed_early.extend(world.member.commits)
        return publish(letters)

    world.topics.publish = publishing  # type: ignore[method-assign]
    world.run()
    world.holds()
    assert committed_early == []
    tally = world.owner.snapshot.tally
    assert tally.paused_seconds == {"dead_letter_topic": pytest.approx(3)}
    assert tally.publish_failures == 5
    assert world.store.calls["ingest"] == 1  # what is stored is not stored again


def test_letters_that_were_acknowledged_before_trouble_are_not_published_again() -> None:
    world = World({0: [b"bad"] * 5})
    world.topics.at_most = 2
    world.run()
    world.holds()
    assert len(world.topics.letters) == 5


def test_a_store_that_forgets_what_was_published_is_not_served_for_ever() -> None:
    world = World({0: [b"bad"]})
    world.store.mark_published = lambda letters: None  # type: ignore[method-assign]
    world.member.script = [lambda: None] * 40 + [world.owner.stop]
    world.run()
    tries = world.owner.snapshot.tally.retries["store_unavailable"]
    assert len(world.topics.letters) <= tries + 1


def test_the_next_owner_publishes_what_the_one_before_could_not() -> None:
    world = World({0: [b"a x", b"bad"]})
    world.topics.trouble = [BusError("away")] * 1000
    world.member.script = [lambda: None] * 20 + [world.owner.stop]
    world.run()
    assert world.member.commits == []
    assert world.store.positions == {stream_name(GROUP, ZERO): 2}
    world.topics.trouble = []
    world.again().run()
    world.holds()
    assert world.member.offsets == {ZERO: 2}
    assert world.store.calls["ingest"] == 1


def test_a_partition_begins_where_store_and_group_say_and_a_difference_is_told() -> None:
    world = World({0: events(10)})
    world.member.offsets[ZERO] = 3
    world.store.positions[stream_name(GROUP, ZERO)] = 6
    world.run()
    assert world.store.events.keys() == {b"e6", b"e7", b"e8", b"e9"}
    assert any("the store has everything before 6, the group has committed 3" in line for line in world.told)


def test_a_group_that_is_ahead_of_its_store_goes_on_where_the_group_is() -> None:
    world = World({0: events(10)})
    world.member.offsets[ZERO] = 8
    world.store.positions[stream_name(GROUP, ZERO)] = 6
    world.run()
    assert world.store.events.keys() == {b"e8", b"e9"}
    assert world.store.positions[stream_name(GROUP, ZERO)] == 10
    assert world.member.offsets == {ZERO: 10}


def test_a_first_start_at_the_end_is_kept_before_anything_is_read() -> None:
    world = World({0: events(10)}, start=StartRule.LATEST)
    world.run()
    assert world.store.events == {}
    assert world.member.offsets == {ZERO: 10}


def test_a_start_that_cannot_be_known_is_asked_for_again_and_nothing_is_skipped() -> None:
    world = World({0: events(10)}, start=StartRule.LATEST)
    world.member.offsets[ZERO] = 4
    world.member.ask_errors = [BusError("no coordinator"), BusError("no coordinator")]
    unplaced: list[int] = []
    at_end = world.member.at_end

    def when_nothing_comes() -> None:
        unplaced.append(world.owner.snapshot.unplaced)
        if world.store.events:
            at_end()

    world.member.at_end = when_nothing_comes
    world.member.script = [lambda: None] * 30
    world.run()
    assert world.store.events.keys() == {f"e{number}".encode() for number in range(4, 10)}


def test_a_partition_that_is_taken_is_finished_and_committed_first_and_costs_no_other() -> None:
    world = World({0: events(5, "a"), 1: events(5, "b")}, batch=1000, linger=60)
    world.member.script = [lambda: None, lambda: world.member.takes(0)]
    world.run()
    world.holds()
    assert world.member.commits[0] == {ZERO: 5}
    assert world.member.offsets == {ZERO: 5, ONE: 5}


def test_a_partition_that_was_lost_is_dropped_without_a_commit() -> None:
    world = World({0: events(5, "a"), 1: events(5, "b")}, batch=1000, linger=60)
    world.member.script = [lambda: None, lambda: world.member.loses(0)]
    world.run()
    assert world.member.offsets == {ONE: 5}
    assert not any(each.startswith(b"a") for each in world.store.events)


def test_a_partition_taken_while_paused_is_left_to_its_next_owner() -> None:
    world = World({0: events(5, "a"), 1: events(5, "b")})
    world.store.trouble["ingest"] = [DOWN] * 6
    world.member.script = [lambda: None] * 10 + [lambda: world.member.takes(0)]
    world.run()
    assert world.store.events.keys() == {f"b{number}".encode() for number in range(5)}
    assert world.member.offsets == {ONE: 5}
    assert world.store.calls["ingest"] == 7


def test_a_partition_that_comes_while_paused_is_paused_too() -> None:
    world = World({0: events(5, "a")})
    world.member.logs[ONE] = [Record(0, b"late x")]
    world.store.trouble["ingest"] = [DOWN] * 6
    paused: list[bool] = []

    def comes() -> None:
        world.member.gives(1)
        paused.append(ONE in world.member.paused)

    world.member._first = False
    world.member.script = [lambda: world.member.gives(0), *[lambda: None] * 8, comes]
    world.run()
    world.holds()
    assert paused == [True]


def test_a_partition_lost_while_paused_is_read_when_it_comes_back() -> None:
    world = World({0: events(5)})
    world.store.trouble["ingest"] = [DOWN] * 6

    def lose() -> None:
        world.member.loses(0)

    def give() -> None:
        world.member.gives(0)

    world.member.script = [lambda: None, lambda: None, lose, *[lambda: None] * 60, give]
    world.run()
    world.holds()


def test_records_of_a_partition_given_away_are_discarded() -> None:
    world = World({0: events(5, "a"), 1: events(5, "b")})
    world.member._first = False

    def stray() -> None:
        world.member.stray = {ONE: [Record(0, b"stray x")]}

    world.member.script = [lambda: world.member.gives(0), stray]
    world.run()
    assert b"stray" not in world.store.events
    assert world.owner.snapshot.tally.discarded == 1


def test_records_from_before_a_partition_went_and_came_back_in_one_fetch_are_read_anew() -> None:
    world = World({0: events(10, "a")}, batch=4)

    def away_and_back() -> None:
        world.member.takes(0)
        world.member.gives(0)
        # What the client had fetched ahead in the old time: later than where reading goes on.
        world.member.stray = {ZERO: [Record(9, b"a9 text")]}
        world.member.positions[ZERO] = 10**6

    world.member.script = [lambda: None, away_and_back]
    world.run()
    world.holds()


def test_a_partition_that_another_sink_stored_is_let_go_and_the_others_are_stored() -> None:
    world = World({0: events(5, "a"), 1: events(5, "b")})
    stream = stream_name(GROUP, ZERO)

    def other_sink() -> None:
        if world.owner.snapshot.tally.fenced == 0 and not world.store.events:
            world.store.positions[stream] = 5
            world.store.events.update({raw.split(b" ")[0]: raw for raw in events(5, "a")})

    world.store.before_store = other_sink
    world.run()
    world.holds()
    assert world.owner.snapshot.tally.fenced == 1
    assert world.member.offsets[ONE] == 5
    assert world.member.offsets.get(ZERO, 0) <= 5


def test_a_partition_let_go_is_begun_anew_when_the_group_leaves_it_with_us() -> None:
    world = World({0: events(20, "a")}, batch=5)
    stream = stream_name(GROUP, ZERO)
    moved: list[int] = []

    def somebody_moves_it() -> None:
        if not moved:
            moved.append(1)
            world.store.positions[stream] = 10

    world.store.before_store = somebody_moves_it
    world.store.positions[stream] = 0
    world.member.script = [lambda: None] * 60
    world.run()
    assert world.store.events.keys() == {f"a{number}".encode() for number in range(10, 20)}
    assert world.member.offsets == {ZERO: 20}


def test_a_sink_with_its_hands_full_commits_once_a_second_and_at_once_when_it_has_time() -> None:
    world = World({0: events(100)}, batch=10)

    def take_time() -> None:
        world.clock.seconds += 0.4

    world.store.before_store = take_time
    world.member.script = [lambda: None] * 13
    world.run()
    world.holds()
    assert world.owner.snapshot.tally.batches == 10
    assert world.member.commits == [{ZERO: 10}, {ZERO: 40}, {ZERO: 70}, {ZERO: 100}]


def test_a_commit_that_finds_no_coordinator_is_tried_again_and_stored_events_are_not_stored_again() -> None:
    world = World({0: events(5)})
    world.member.commit_outcomes = [CommitOutcome.TRY_AGAIN, CommitOutcome.TRY_AGAIN]
    world.member.script = [lambda: None] * 5
    world.run()
    world.holds()
    assert world.member.offsets == {ZERO: 5}
    assert world.store.calls["ingest"] == 1


def test_a_commit_that_keeps_failing_is_covered_by_a_later_one() -> None:
    world = World({0: events(5)})
    world.member.commit_outcomes = [CommitOutcome.TRY_AGAIN] * 4
    world.member.script = [lambda: None] * 120
    world.run()
    world.holds()
    assert world.member.offsets == {ZERO: 5}
    assert world.owner.snapshot.tally.commit_failures == {"try_again": 4}


def test_a_slow_commit_is_not_repeated_before_the_group_was_polled() -> None:
    world = World({0: events(5)})
    world.member.commit_outcomes = [CommitOutcome.TRY_AGAIN]
    world.member.commit_seconds = 40.0
    world.member.script = [lambda: None] * 5
    world.run()
    assert world.owner.snapshot.tally.commits == 2  # and the second one is the one when leaving


def test_a_commit_that_is_refused_because_the_partition_is_not_ours_drops_it() -> None:
    world = World({0: events(5, "a"), 1: events(5, "b")}, batch=5)
    world.member.commit_outcomes = [CommitOutcome.NOT_OURS]
    world.member.script = [lambda: None, lambda: None, lambda: world.member.loses(0, 1)]
    world.run()
    assert ZERO not in world.member.offsets or world.member.offsets[ZERO] <= 5
    world.again().run()
    world.holds()


def test_a_position_that_the_topic_does_not_have_stops_that_partition_and_is_told() -> None:
    world = World({0: events(5, "a"), 1: events(5, "b")})
    world.member.faults = [
        Fault(FaultKind.OUT_OF_RANGE, "the position is not in the partition any more", ZERO)
    ]
    world.member.positions.clear()
    stuck: list[dict[str, str]] = []
    at_end = world.member.at_end

    def look() -> None:
        stuck.append(world.owner.snapshot.stuck)
        at_end()

    world.member.at_end = look
    fetch = world.member.fetch

    def nothing_of_zero(most: int, seconds: float):  # type: ignore[no-untyped-def]
        fetched = fetch(most, seconds)
        return fetched._replace(records={k: v for k, v in fetched.records.items() if k != ZERO})

    world.member.fetch = nothing_of_zero  # type: ignore[method-assign]
    world.run()
    assert stuck[:1] == [
        {"events/0": "nothing can be read at offset 0: the position is not in the partition any more"}
    ]
    assert world.member.offsets == {ONE: 5}


def test_an_error_without_records_never_advances_and_is_told_once() -> None:
    world = World({0: events(5)})
    world.member.faults = [Fault(FaultKind.PASSING, "no broker answers")] * 3
    world.run()
    world.holds()
    assert world.told.count("Kafka: no broker answers.") == 1


def test_a_client_that_is_over_ends_the_sink_and_the_snapshot_says_so() -> None:
    world = World({0: events(5)})
    world.member.faults = [Fault(FaultKind.FATAL, "fenced")]
    with pytest.raises(BusError, match="fenced"):
        world.run()
    assert world.owner.snapshot.state is State.FAILED
    assert world.member.commits == []


@pytest.mark.parametrize("error", [ValueError("ours"), MemoryError(), SystemExit(1)])
def test_any_end_of_the_thread_is_seen_in_the_snapshot(error: BaseException) -> None:
    world = World({0: events(5)})

    def breaks() -> None:
        raise error

    world.store.before_store = breaks
    with pytest.raises(type(error)):
        world.run()
    assert world.owner.snapshot.state is State.FAILED
    assert type(error).__name__ in (world.owner.snapshot.failure or "")


def test_a_fault_in_a_callback_of_the_group_ends_the_sink() -> None:
    world = World({0: events(5)})

    def breaks(stream: str) -> int:
        raise ZeroDivisionError(stream)

    world.store.position = breaks  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        world.run()


def test_an_unknown_error_of_the_store_is_retried_like_an_outage() -> None:
    world = World({0: events(5)})
    world.store.trouble["ingest"] = [StoreError("what is this?")] * 5
    world.run()
    world.holds()


def test_an_idle_sink_notices_that_the_store_went_away() -> None:
    world = World({0: events(1)})
    world.store.trouble["check_writable"] = [None, *[DOWN] * 5]
    world.member.script = [lambda: None] * 120
    seen = _snapshots_while_paused(world)
    world.run()
    assert any(snapshot.state is State.PAUSED for snapshot in seen)
    assert world.owner.snapshot.state is State.STOPPED
