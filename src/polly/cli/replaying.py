"""Sends chosen dead letters again, one after another or in groups, and writes down what became of each."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Literal

import msgspec

from polly.errors import BusError
from polly.kafka.faults import Fault
from polly.kafka.producer import KafkaPublisher, Message
from polly.kafka.settings import producer_config
from polly.settings import KafkaSettings
from polly.sink.replay import Pace, Step, into_store, refusal, step

if TYPE_CHECKING:
    from polly.store.letters import LetterFilter, StoredLetter
    from polly.store.ports import Store

#: How long the cluster may take for a record; after that the letter counts as not sent.
_SECONDS = 30.0
#: How long it may take to say that it is there.
_SECONDS_TO_CONNECT = 5.0

Result = Literal[
    "replayed",
    "would be replayed",
    "failed again",
    "not sent",
    "given up",
    "discarded",
    "would be discarded",
    "left alone",
]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one letter. way: the topic, or "store"; None when it was not sent anywhere."""

    letter: str
    result: Result
    way: str | None = None
    detail: str = ""


class Replayer:
    """Replays letters of a store; `outcomes` has what was done, also when an error ended it early.

    by: who wants it. rate: letters per second. dry_run: nothing is sent or written.
    """

    def __init__(
        self,
        store: "Store",
        kafka: KafkaSettings,
        *,
        by: str,
        direct: bool,
        max_replays: int,
        rate: float | None,
        dry_run: bool,
    ) -> None:
        self.outcomes: list[Outcome] = []
        self._store = store
        self._kafka = kafka
        self._by = by
        self._direct = direct
        self._max_replays = max_replays
        self._pace = Pace(rate)
        # With a pace each record goes alone; without, a group is waited for together.
        self._group = 1 if rate else 50
        self._dry_run = dry_run
        self._publisher: KafkaPublisher | None = None

    def replay(self, wanted: "LetterFilter", limit: int | None) -> None:
        """Goes through the letters stream by stream, in order. Raises BusError, StoreError, SettingsError."""
        waiting: list[tuple[StoredLetter, Step]] = []
        try:
            for seen in letters_in_order(self._store, wanted, limit):
                why = refusal(seen.status, seen.letter.replays, self._max_replays)
                if why:
                    result: Result = "given up" if seen.status == "open" else "left alone"
                    self.outcomes.append(Outcome(letter=seen.name, result=result, detail=why))
                    continue
                planned = step(seen.letter, direct=self._direct)
                if self._dry_run:
                    self._note(seen, planned, "would be replayed", f"{len(planned.record.raw)} bytes")
                elif planned.topic is None:
                    self._into_store(seen, planned)
                else:
                    waiting.append((seen, planned))
                    if len(waiting) >= self._group:
                        self._publish(waiting)
                        waiting = []
            self._publish(waiting)
        finally:
            if self._publisher is not None:
                self._publisher.close()

    def _into_store(self, seen: "StoredLetter", planned: Step) -> None:
        self._pace.wait()
        done = into_store(self._store, planned.record)
        if self._is_open_no_more(seen, "into the store"):
            self._note(seen, planned, "replayed", "it was stored already" if done.duplicates else "")
        else:
            self._note(seen, planned, "failed again", done.letters[0].reason if done.letters else "")

    def _publish(self, group: Sequence[tuple["StoredLetter", Step]]) -> None:
        if not group:
            return
        self._pace.wait()
        failures = self._connected().publish([_message(planned) for _, planned in group], _SECONDS + 5)
        for (seen, planned), failure in zip(group, failures, strict=True):
            if failure is not None:
                self._note(seen, planned, "not sent", failure.reason)
            elif self._is_open_no_more(seen, f"to the topic {planned.topic}"):
                self._note(seen, planned, "replayed", "")
            else:
                self._note(seen, planned, "failed again", "the sink refused it meanwhile")
        for failure in failures:
            if failure is not None and failure.fault not in (Fault.OVERSIZE, Fault.REFUSED):
                raise BusError(
                    f"Kafka did not take the letters: {failure.reason}",
                    next_step="Those that were not sent stay open. Try again, or store them with --direct.",
                )

    def _connected(self) -> KafkaPublisher:
        if self._publisher is None:
            config = producer_config(self._kafka, role="replay", timeout_ms=int(_SECONDS * 1000))
            self._publisher = KafkaPublisher(config)
            self._publisher.topics(_SECONDS_TO_CONNECT)
        return self._publisher

    def _is_open_no_more(self, seen: "StoredLetter", note: str) -> bool:
        from polly.store.letters import Decision, mark_replayed  # noqa: PLC0415 - SQLAlchemy is slow to load

        decision = Decision(by=self._by, at=datetime.now(UTC), note=note)
        return self._store.change(partial(mark_replayed, seen=seen, decision=decision))

    def _note(self, seen: "StoredLetter", planned: Step, result: Result, detail: str) -> None:
        way = planned.topic or "store"
        self.outcomes.append(Outcome(letter=seen.name, result=result, way=way, detail=detail))


def letters_in_order(store: "Store", wanted: "LetterFilter", limit: int | None) -> "Iterator[StoredLetter]":
    """A page at a time; nothing of the database is held while letters are sent."""
    from polly.store.letters import PAGE, page_of_letters  # noqa: PLC0415 - SQLAlchemy is slow to load

    after: tuple[str, int] | None = None
    left = limit
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        page = store.ask(partial(page_of_letters, wanted=wanted, after=after, size=size))
        yield from page
        if len(page) < size:
            return
        after = (page[-1].letter.stream, page[-1].letter.record.position)
        left = None if left is None else left - size


def _message(planned: Step) -> Message:
    record = planned.record
    return Message(planned.topic or "", record.raw, record.key, record.headers, record.timestamp_ms)
