"""A group, a store, a topic of dead letters and a clock that behave, and misbehave on cue; all in memory."""

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from polly.errors import BusError
from polly.events.transfer import (
    Batch,
    DeadLetter,
    IngestResult,
    OffsetMoved,
    Record,
    TooManyDead,
)
from polly.sink.consumer.hand import Limits
from polly.sink.consumer.owner import Options, Owner
from polly.sink.consumer.ports import (
    CommitOutcome,
    Fault,
    Fetched,
    Place,
    Rebalance,
    StartRule,
    stream_name,
)

GROUP = "group"
TOPIC = "events"
#: More fetches than any test needs.
_FOR_EVER = 3_000


class HandClock:
    """Time passes only when somebody waits."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.seconds += seconds
        return event.is_set()

    def chance(self) -> float:
        return 0.5


class ScriptedMember:
    """A group with one log per partition, in which only this member is alive.

    A pause outlives the assignment in which it was made, as with librdkafka.
    script: what happens in the next fetches, one call each, before records come; then `at_end` once nothing
    is left to read.
    """

    def __init__(self, clock: HandClock, logs: Mapping[int, Sequence[bytes | None]]) -> None:
        self.logs = {
            Place(TOPIC, number): [_record(offset, raw) for offset, raw in enumerate(raws)]
            for number, raws in logs.items()
        }
        self.offsets: dict[Place, int] = {}
        self.commits: list[dict[Place, int]] = []
        self.positions: dict[Place, int] = {}
        self.paused: set[Place] = set()
        self.script: list[Callable[[], None]] = []
        self.commit_outcomes: list[CommitOutcome] = []
        self.commit_seconds = 0.0
        self.stray: dict[Place, list[Record]] = {}
        self.faults: list[Fault] = []
        self.ask_errors: list[Exception] = []
        self.at_end: Callable[[], None] = lambda: None
        self.polled_paused = 0
        self.closed = False
        self.while_closing: list[Callable[[], None]] = []
        self.never_closes = False
        self._fetches = 0
        self._clock = clock
        self._rebalance: Rebalance | None = None
        self._first = True

    def join(self, topics: Sequence[str], rebalance: Rebalance) -> None:
        self._rebalance = rebalance

    def gives(self, *numbers: int) -> None:
        """The group gives partitions."""
        assert self._rebalance
        self._rebalance.assigned([Place(TOPIC, number) for number in numbers])

    def takes(self, *numbers: int) -> None:
        """The group takes partitions, and waits for us."""
        assert self._rebalance
        self._rebalance.revoked([Place(TOPIC, number) for number in numbers])

    def loses(self, *numbers: int) -> None:
        """The group has taken partitions already."""
        assert self._rebalance
        self._rebalance.lost([Place(TOPIC, number) for number in numbers])

    def fetch(self, most: int, seconds: float) -> Fetched:
        assert most > 0
        self._fetches += 1
        assert self._fetches < _FOR_EVER, f"runs for ever: {self.positions} {self.paused} {self.offsets}"
        if self._first:
            self._first = False
            self.gives(*(place.partition for place in self.logs))
        if self.script:
            self.script.pop(0)()
        found: dict[Place, list[Record]] = {}
        for place, position in list(self.positions.items()):
            if place not in self.paused:
                records = [each for each in self.logs[place] if each.position >= position][:most]
                if records:
                    found[place] = records
                    self.positions[place] = records[-1].position + 1
                    most -= len(records)
            if most <= 0:
                break
        for place, records in self.stray.items():
            found.setdefault(place, []).extend(records)
        self.stray = {}
        is_paused = bool(self.paused & self.positions.keys())
        self.polled_paused += is_paused
        faults, self.faults = self.faults, []
        if not found:
            # As in life, no wait is so short that time stands still.
            self._clock.seconds += max(seconds, 0.001)
            if not self.script and not is_paused:
                self.at_end()
        return Fetched(found, faults)

    def assign(self, starts: Mapping[Place, int | None]) -> None:
        assert not starts.keys() & self.positions.keys()
        self.positions.update(
            (place, 10**9 if offset is None else offset) for place, offset in starts.items()
        )

    def move(self, starts: Mapping[Place, int]) -> None:
        assert starts.keys() <= self.positions.keys()
        self.positions.update(starts)

    def release(self, places: Collection[Place]) -> None:
        for place in places:
            self.positions.pop(place, None)

    def assignment(self) -> frozenset[Place]:
        return frozenset(self.positions)

    def pause(self, places: Collection[Place]) -> None:
        self.paused |= set(places) & self.positions.keys()

    def resume(self, places: Collection[Place]) -> None:
        self.paused -= set(places)

    def committed(self, places: Collection[Place]) -> Mapping[Place, int | None]:
        if self.ask_errors:
            raise self.ask_errors.pop(0)
        return {place: self.offsets.get(place) for place in places}

    def first_offset(self, place: Place, rule: StartRule) -> int:
        log = self.logs[place]
        if not log:
            return 0
        return log[0].position if rule is StartRule.EARLIEST else log[-1].position + 1

    def end(self, place: Place) -> int | None:
        return self.logs[place][-1].position + 1 if self.logs[place] else 0

    def commit(self, offsets: Mapping[Place, int]) -> Mapping[Place, CommitOutcome]:
        assert offsets
        self._clock.seconds += self.commit_seconds
        outcome = self.commit_outcomes.pop(0) if self.commit_outcomes else CommitOutcome.DONE
        if outcome is CommitOutcome.DONE:
            self.commits.append(dict(offsets))
            self.offsets.update(offsets)
        return dict.fromkeys(offsets, outcome)

    def close(self, offsets: Mapping[Place, int], seconds: float) -> bool:
        if offsets:
            self.commit(offsets)
        for call in self.while_closing:
            call()
        if self.positions:
            self.takes(*(place.partition for place in self.positions))
        self.closed = True
        if self.never_closes:
            self._clock.seconds += seconds
        return not self.never_closes


def _record(offset: int, raw: bytes | None) -> Record:
    return Record(offset, raw or b"", b"key", (), 1_700_000_000_000 + offset)


class DictStore:
    """Events by id (what is before the first space), positions by compare-and-set; `bad…` is poison.

    trouble: per method, what the next calls raise, in order; None lets one through.
    """

    def __init__(self) -> None:
        self.events: dict[bytes, bytes] = {}
        self.dead: dict[tuple[str, int], DeadLetter] = {}
        self.published: set[tuple[str, int]] = set()
        self.positions: dict[str, int] = {}
        self.trouble: dict[str, list[Exception | None]] = defaultdict(list)
        self.calls: dict[str, int] = defaultdict(int)
        self.before_store: Callable[[], None] = lambda: None
        self.expected: dict[str, Sequence[Record]] = {}

    def ingest(self, batches: Sequence[Batch], *, most_dead: int | None = None) -> IngestResult:
        self._called("ingest")
        self.before_store()
        for batch in batches:
            if self.positions.get(batch.stream, batch.start) != batch.start:
                raise OffsetMoved(batch.stream, "moved")
        letters = [
            DeadLetter(batch.stream, record, "decode", "Bad", "it is bad")
            for batch in batches
            for record in batch.records
            if record.raw.startswith(b"bad")
        ]
        records = [each for batch in batches for each in batch.records if not each.raw.startswith(b"bad")]
        if most_dead is not None and len(letters) > most_dead:
            raise TooManyDead(len(letters), len(letters) + len(records))
        before = len(self.events)
        for record in records:
            self.events.setdefault(record.raw.split(b" ")[0], record.raw)
        self.dead.update({(each.stream, each.record.position): each for each in letters})
        self.positions.update({batch.stream: batch.end for batch in batches})
        stored = len(self.events) - before
        return IngestResult(stored, len(records) - stored, len(letters), tuple(letters))

    def expect(self, records: Mapping[str, Sequence[Record]]) -> None:
        self.expected = dict(records)

    def position(self, stream: str) -> int:
        self._called("position")
        return self.positions.get(stream, 0)

    def unpublished_letters(self, streams: Collection[str]) -> tuple[DeadLetter, ...]:
        self._called("unpublished_letters")
        return tuple(
            letter
            for place, letter in sorted(self.dead.items())
            if place not in self.published and letter.stream in streams
        )

    def mark_published(self, letters: Sequence[DeadLetter]) -> None:
        self._called("mark_published")
        self.published.update((each.stream, each.record.position) for each in letters)

    def check_writable(self) -> None:
        self._called("check_writable")

    def _called(self, method: str) -> None:
        self.calls[method] += 1
        if self.trouble[method]:
            trouble = self.trouble[method].pop(0)
            if trouble is not None:
                raise trouble


class ListTopics:
    """Acknowledges everything, unless told what the next calls raise; `at_most` letters per call."""

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []
        self.trouble: list[BusError] = []
        self.at_most = 10**9

    def publish(self, letters: Sequence[DeadLetter]) -> tuple[DeadLetter, ...]:
        if self.trouble:
            raise self.trouble.pop(0)
        acknowledged = tuple(letters[: self.at_most])
        self.letters += acknowledged
        return acknowledged


class World:
    """All of it around one owner."""

    def __init__(
        self,
        logs: Mapping[int, Sequence[bytes | None]],
        *,
        batch: int = 100,
        batch_bytes: int = 10**6,
        linger: float = 0.1,
        start: StartRule = StartRule.EARLIEST,
        flood_window: int = 1000,
        flood_share: float = 1.0,
        drain_seconds: float = 20.0,
    ) -> None:
        self.clock = HandClock()
        self.member = ScriptedMember(self.clock, logs)
        self.store = DictStore()
        self.topics = ListTopics()
        self.told: list[str] = []
        self.options = Options(
            group=GROUP,
            topics=(TOPIC,),
            start=start,
            limits=Limits(batch, batch_bytes, linger),
            flood_window=flood_window,
            flood_share=flood_share,
            drain_seconds=drain_seconds,
        )
        self.owner = self.new_owner()

    def new_owner(self) -> Owner:
        """An owner that starts where the one before left group, store and topic."""
        self.owner = Owner(
            options=self.options,
            member=self.member,
            destination=self.store,
            topics=self.topics,
            clock=self.clock,
            tell=self.told.append,
        )
        self.member.at_end = self._stop_when_done
        return self.owner

    def _stop_when_done(self) -> None:
        if not self.owner.snapshot.in_hand:
            self.owner.stop()

    def again(self) -> Owner:
        """What a new process finds after the one before was killed."""
        old, self.member = self.member, ScriptedMember(self.clock, {})
        self.member.logs, self.member.offsets = old.logs, old.offsets
        return self.new_owner()

    def run(self) -> None:
        """Until everything is read."""
        self.owner.run()

    def holds(self) -> None:
        """Nothing lost, nothing doubled, nothing committed that the store does not have."""
        emitted: dict[bytes, bytes] = {}
        poison: set[tuple[str, int]] = set()
        for place, log in self.member.logs.items():
            for record in log:
                if record.raw.startswith(b"bad"):
                    poison.add((stream_name(GROUP, place), record.position))
                elif record.raw:
                    emitted.setdefault(record.raw.split(b" ")[0], record.raw)
        assert self.store.events.keys() == emitted.keys()
        assert self.store.dead.keys() == poison
        assert {(each.stream, each.record.position) for each in self.topics.letters} == poison
        assert self.store.published == poison
        for stream, position in self.store.positions.items():
            committed = {stream_name(GROUP, place): at for place, at in self.member.offsets.items()}
            assert committed.get(stream, 0) <= position


def events(count: int, name: str = "e") -> list[bytes]:
    """Good events with ids of their own."""
    return [f"{name}{number} text".encode() for number in range(count)]
