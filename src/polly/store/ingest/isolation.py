"""Finds the records that a database refuses, so that the others are stored."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from polly.errors import StoreMisconfigured
from polly.store.ingest.canary import tables_of
from polly.store.ingest.judge import Event, Refused

#: Records taken out one after another because the database named them; then the batch is halved instead.
MOST_NAMED = 8


class RecordRefused(Exception):  # noqa: N818 - a fact, not a fault
    """The database refused something because of what a record says. Nothing of the attempt was written.

    number: which of the events it was, when the database told. code: its own name for the reason.
    """

    def __init__(self, error: Exception, *, code: str | None, number: int | None = None) -> None:
        super().__init__(str(error))
        self.error_class = type(error).__name__
        self.code = code
        self.number = number


#: Writes events with all their rows, or nothing of them: how many were new. Raises RecordRefused.
Attempt = Callable[[Iterable[Event]], int]
#: Would harmless events be stored in the place of these? Nothing of them is kept.
Probe = Callable[[Sequence[Event]], bool]


class Isolated(NamedTuple):
    """stored: how many were new. refused: those that the database does not take."""

    stored: int
    refused: tuple[Refused, ...]


def store_all(attempt: Attempt, probe: Probe, arriving: Iterator[Event]) -> tuple[Isolated, list[Event]]:
    """Stores what can be stored of the events, all of which are returned as well.

    Raises StoreMisconfigured when the database refuses what it should take: that is not the records' fault.
    """
    events: list[Event] = []

    def kept() -> Iterator[Event]:
        for event in arriving:
            events.append(event)
            yield event

    stream = kept()
    try:
        done = Isolated(attempt(stream), ())
    except RecordRefused as error:
        events += arriving  # it may have been refused before the last one came
        done = _by_name(attempt, list(events), error)
    suspects = _without_witness(done, events)
    if suspects and not probe(suspects):
        raise StoreMisconfigured(
            f"the database refuses {len(done.refused)} of {len(events)} records, and would refuse harmless "
            f"ones in their place: {done.refused[0].reason}",
            next_step="Look for a constraint or a trigger that is not Polly's. Nothing was lost or written.",
        )
    return done, events


def _without_witness(done: Isolated, events: Sequence[Event]) -> list[Event]:
    """Of the refused, one for each set of tables that no event beside them was stored in."""
    if not done.refused:
        return []
    refused = {(each.stream, each.record.position) for each in done.refused}
    is_refused = [(each.stream, each.record.position) in refused for each in events]
    witnesses = [each for each, bad in zip(events, is_refused, strict=True) if not bad]
    proven: set[str] = set()
    if done.stored == len(witnesses):  # one that was there already has not been written now
        proven.update(*map(tables_of, witnesses))
    bad_ones = (each for each, bad in zip(events, is_refused, strict=True) if bad)
    suspects = {tables: each for each in bad_ones if not (tables := tables_of(each)) <= proven}
    return list(suspects.values())


def _by_name(attempt: Attempt, events: list[Event], error: RecordRefused) -> Isolated:
    refused: list[Refused] = []
    while error.number is not None and len(refused) < MOST_NAMED:
        refused.append(_refused(events.pop(error.number), error))
        try:
            return Isolated(attempt(events) if events else 0, tuple(refused))
        except RecordRefused as another:
            error = another
    rest = _by_halves(attempt, events, error)
    return Isolated(rest.stored, (*refused, *rest.refused))


def _by_halves(attempt: Attempt, events: Sequence[Event], error: RecordRefused) -> Isolated:
    """`events` were refused as a whole with `error`. In order: an earlier record wins over a later one."""
    if len(events) == 1:
        return Isolated(0, (_refused(events[0], error),))
    middle = len(events) // 2
    one, other = _try(attempt, events[:middle]), _try(attempt, events[middle:])
    return Isolated(one.stored + other.stored, one.refused + other.refused)


def _try(attempt: Attempt, events: Sequence[Event]) -> Isolated:
    try:
        return Isolated(attempt(events), ())
    except RecordRefused as error:
        return _by_halves(attempt, events, error)


def _refused(event: Event, error: RecordRefused) -> Refused:
    event_id, _ = event.identity
    return Refused(
        event.stream, event.record, "store", error.error_class, str(error), event_id, sqlstate=error.code
    )
