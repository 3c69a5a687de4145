"""What happens in the one transaction of an ingest, whatever the database."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from polly.events.transfer import Batch, DeadLetter, IngestResult, OffsetMoved, Record, TooManyDead
from polly.garbage import collected_later
from polly.store.ingest.canary import canary
from polly.store.ingest.form import Form
from polly.store.ingest.isolation import store_all
from polly.store.ingest.judge import Event, Refused, judge
from polly.store.ingest.letters import Origin, letter, origin


class Writer(Protocol):
    """Writes inside a transaction that its caller has begun and will end."""

    form: Form

    @property
    def now(self) -> datetime:
        """The time of the transaction."""
        ...

    def advance(self, batches: Sequence[Batch]) -> Collection[str]:
        """Moves each stream from its batch's start to its end. The streams that do not stand there."""
        ...

    def store(self, events: Iterable[Event]) -> int:
        """Stores the events that are new with all their rows, or nothing: how many. Raises RecordRefused.

        Events that were not asked for by then are left.
        """
        ...

    def would_store(self, events: Sequence[Event]) -> bool:
        """Would all of these events be stored? Nothing of them is kept."""
        ...

    def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Keeps dead letters; one that is there at the same coordinates is changed."""
        ...

    def mark_replayed(self, origins: Sequence[Origin]) -> None:
        """The records that failed there once have been stored now."""
        ...


#: What a record of a stream is.
Look = Callable[[str, Record], Event | Refused]


def ingest(
    writer: Writer, batches: Sequence[Batch], most_dead: int | None = None, look: Look | None = None
) -> IngestResult:
    """Stores all batches. Raises OffsetMoved and TooManyDead, StoreMisconfigured; the caller rolls back.

    look: tells what each record is; without it, each is judged now.
    """
    look = look or (lambda stream, record: judge(stream, record, writer.form))
    in_order = sorted(batches, key=lambda batch: batch.stream)  # two writers never wait for each other
    for stream in writer.advance(in_order):
        start = next(batch.start for batch in in_order if batch.stream == stream)
        raise OffsetMoved(stream, f"{stream} does not stand at {start} any more")
    refused: list[Refused] = []

    def events() -> Iterator[Event]:
        # Judged one by one while the database is at work on those before.
        for batch in batches:
            for record in batch.records:
                judged = look(batch.stream, record)
                if isinstance(judged, Event):
                    yield judged
                else:
                    refused.append(judged)

    def harmless_are_stored(instead_of: Sequence[Event]) -> bool:
        return writer.would_store(
            [canary(each, f"~{number}", writer.form) for number, each in enumerate(instead_of)]
        )

    with collected_later():
        done, good = store_all(writer.store, harmless_are_stored, events())
    letters = tuple(letter(each, writer.now) for each in (*refused, *done.refused))
    if most_dead is not None and len(letters) > most_dead:
        raise TooManyDead(len(letters), len(good) + len(refused))
    if letters:
        writer.bury(letters)
    replayed = _replayed(good, done.refused)
    if replayed:
        writer.mark_replayed(replayed)
    return IngestResult(done.stored, len(good) - len(done.refused) - done.stored, len(letters), letters)


def _replayed(events: Sequence[Event], refused: Sequence[Refused]) -> list[Origin]:
    failed = {(each.stream, each.record.position) for each in refused}
    return [
        came
        for event in events
        if event.record.headers and (event.stream, event.record.position) not in failed
        for came in (origin(event.stream, event.record),)
        if came is not None
    ]
