"""Any stream, any trouble, any end at any seam: what was emitted is stored or dead-lettered, once."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.sink.consumer.stand_ins import World

from polly.errors import BusError, StoreUnavailable
from polly.sink.consumer.ports import CommitOutcome

GOOD = st.integers(0, 30).map(lambda number: b"%d text" % number)
RAW = st.one_of(GOOD, GOOD, st.just(b"bad"), st.sampled_from([None, b""]))
LOGS = st.dictionaries(st.integers(0, 2), st.lists(RAW, max_size=25), min_size=1)
TROUBLE = st.lists(st.sampled_from([None, StoreUnavailable("away")]), max_size=8)
SEAMS = ("ingest", "unpublished_letters", "mark_published", "publish", "commit", "close", "pause", "position")


class Killed(BaseException):
    """The process ends here."""


@given(
    logs=LOGS,
    batch=st.integers(1, 12),
    trouble=st.dictionaries(st.sampled_from(["ingest", "mark_published", "unpublished_letters"]), TROUBLE),
    topic_trouble=st.integers(0, 5),
    at_most=st.integers(1, 4),
    outcomes=st.lists(st.sampled_from(CommitOutcome), max_size=6),
    moves=st.lists(st.tuples(st.sampled_from(["takes", "loses", "back"]), st.integers(0, 2)), max_size=6),
    kills=st.lists(st.tuples(st.sampled_from(SEAMS), st.integers(1, 6), st.booleans()), max_size=3),
)
def test_nothing_is_lost_and_nothing_doubled(
    logs: dict[int, list[bytes | None]],
    batch: int,
    trouble: dict[str, list[Exception | None]],
    topic_trouble: int,
    at_most: int,
    outcomes: list[CommitOutcome],
    moves: list[tuple[str, int]],
    kills: list[tuple[str, int, bool]],
) -> None:
    world = World(logs, batch=batch)
    world.store.trouble.update(trouble)
    world.topics.trouble = [BusError("away")] * topic_trouble
    world.topics.at_most = at_most
    world.member.commit_outcomes = list(outcomes)
    world.member.script = [_move(world, *each) for each in moves]
    for kill in kills:
        _kill_at(world, *kill)
        try:
            world.run()
        except Killed:
            _undo_kill(world)
            world.again()
        else:
            _undo_kill(world)
            world.again()
    world.again()
    world.run()
    # One more life publishes and commits what the last one left.
    world.again().run()
    world.holds()
    for place, log in world.member.logs.items():
        assert world.member.offsets.get(place, 0) == (log[-1].position + 1 if log else 0)


def _move(world: World, kind: str, number: int) -> Callable[[], None]:
    def move() -> None:
        ours = {place.partition for place in world.member.positions}
        if kind == "back" and number not in ours and any(p.partition == number for p in world.member.logs):
            world.member.gives(number)
        elif kind == "takes" and number in ours:
            world.member.takes(number)
        elif kind == "loses" and number in ours:
            world.member.loses(number)

    return move


def _kill_at(world: World, seam: str, call: int, before: bool) -> None:
    """The process ends at the given call of a seam: before it, or after it was carried out."""
    owner: Any = {
        "publish": world.topics,
        "commit": world.member,
        "close": world.member,
        "pause": world.member,
    }.get(seam, world.store)
    original, calls = getattr(owner, seam), [0]

    def dying(*args: Any, **options: Any) -> Any:
        calls[0] += 1
        if calls[0] == call and before:
            raise Killed
        result = original(*args, **options)
        if calls[0] == call:
            raise Killed
        return result

    setattr(owner, seam, dying)
    world.undo = [(owner, seam)]  # type: ignore[attr-defined]


def _undo_kill(world: World) -> None:
    for owner, seam in world.undo:  # type: ignore[attr-defined]
        vars(owner).pop(seam, None)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("seam", SEAMS)
def test_an_end_at_each_seam_is_survived(seam: str, before: bool) -> None:
    for call in (1, 2, 3):
        world = World({0: [b"a x", b"bad", b"b x", b"bad", b"c x"], 1: [b"bad", b"d x"]}, batch=2)
        _kill_at(world, seam, call, before)
        with contextlib.suppress(Killed):
            world.run()
        _undo_kill(world)
        world.again().run()
        world.again().run()
        world.holds()
