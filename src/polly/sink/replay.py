"""Sending a dead letter again, unchanged: to the topic that it came from, or straight into the store.

The record carries its first coordinates in `dlq.*` headers, so that failing again changes its one letter.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from polly.events.envelope import uuid7
from polly.events.transfer import Batch, DeadLetter, IngestResult, Record
from polly.sink.consumer.ports import place_of

#: Every header of ours begins so; a replayed record has each of them once, however often it is replayed.
_PREFIX = "dlq."


class Ingest(Protocol):
    """The part of a store that a replay needs."""

    def ingest(self, batches: Sequence[Batch], *, most_dead: int | None = None) -> IngestResult:
        """Stores the batches in one transaction."""
        ...

    def forget(self, stream: str) -> None:
        """Drops the position of a stream."""
        ...


class Step(NamedTuple):
    """How a letter will be sent. topic: None when it goes straight into the store."""

    topic: str | None
    record: Record


def refusal(status: str, replays: int, max_replays: int) -> str | None:
    """Why a letter is left alone; None when it may be replayed."""
    if status != "open":
        return f"{status} already"
    if replays >= max_replays:
        return f"replayed {replays} times, and it failed each time"
    return None


def step(letter: DeadLetter, *, direct: bool) -> Step:
    """Where the letter goes, and as what. A letter of a spool file always goes straight into the store."""
    place = place_of(letter.stream)
    record = letter.record._replace(headers=_headers(letter))
    return Step(None if direct or place is None else place.topic, record)


def _headers(letter: DeadLetter) -> tuple[tuple[str, bytes | None], ...]:
    kept = tuple(each for each in letter.record.headers if not each[0].startswith(_PREFIX))
    place = place_of(letter.stream)
    facts: dict[str, object] = {"original.stream": letter.stream}
    if place is not None:
        facts |= {"original.topic": place.topic, "original.partition": place.partition}
        facts["consumer.group"] = letter.stream.removeprefix("kafka:").rsplit(":", 2)[0]
    facts["original.offset"] = letter.record.position
    if letter.record.timestamp_ms is not None:
        facts |= {"original.timestamp": letter.record.timestamp_ms, "original.timestamp_type": "CreateTime"}
    if letter.first_failed_at is not None:
        facts["first_failure_at"] = letter.first_failed_at
    facts["replay.count"] = letter.replays + 1
    return kept + tuple((_PREFIX + name, _text(value)) for name, value in facts.items())


def _text(value: object) -> bytes:
    return (value.isoformat() if isinstance(value, datetime) else str(value)).encode("utf-8", "replace")


def into_store(store: Ingest, record: Record) -> IngestResult:
    """Stores one record as if it had just come; it counts as one stored, one duplicate or one dead."""
    stream = f"replay:{uuid7()}"
    result = store.ingest([Batch(stream, 0, 1, (record._replace(position=0),))])
    store.forget(stream)
    return result


class Pace:
    """Lets at most so many records a second pass; None: as fast as it goes."""

    def __init__(
        self,
        per_second: float | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap = 1 / per_second if per_second else 0.0
        self._clock = clock
        self._sleep = sleep
        self._next = clock()

    def wait(self) -> None:
        """Return when the next record may go."""
        early = self._next - self._clock()
        if early > 0:
            self._sleep(early)
        self._next = max(self._next, self._clock()) + self._gap
