"""Looks at every place where an event can be, in the order in which it moves: spool, topics, store."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from polly.errors import InputError
from polly.events.event import TOPICS
from polly.events.numbering import NumberCollector, Numbers, StoredNumbers
from polly.settings import Settings
from polly.sink.audit import Audit, Counted, Partition, Seen, audit
from polly.sink.relay.snapshot import read_snapshot
from polly.sink.relay.spool_file import relayed_bytes
from polly.sink.spool_census import SpoolCensus, census, number_in

if TYPE_CHECKING:
    import sqlalchemy as sa

    from polly.kafka.watermarks import Watermarks
    from polly.store.completeness import Survey
    from polly.store.ports import Store


class _Letters(NamedTuple):
    """Numbers of dead letters by source; replayed: of those that were sent again."""

    kept: dict[str, Numbers]
    replayed: dict[str, Numbers]
    without_number: int
    total: int
    total_replayed: int


class _Stored(NamedTuple):
    """What the store says, all of it at one moment."""

    survey: "Survey"
    named: dict[str, StoredNumbers]
    letters: _Letters
    removed: dict[str, Numbers]
    offsets: dict[tuple[str, int], int]


def look(settings: Settings, store: "Store", spool: Path, *, grace: timedelta) -> Audit:
    """The audit as of now. Raises BusError and StoreError for what cannot be looked at, InputError."""
    relay = read_snapshot(spool)
    spooled = _spooled(spool, store)
    marks = _watermarks(settings)
    published = _joined(spooled.handed_on, relay.sources if relay else {})
    named = {*spooled.waiting, *published}
    stored = store.ask(partial(_stored, named=named, group=settings.sink.group))
    survey, letters = stored.survey, stored.letters
    seen = Seen(
        waiting=spooled.waiting,
        published=published,
        letters=letters.kept,
        replayed=letters.replayed,
        stored=stored.named,
        letters_without_number=letters.without_number,
        relay_letters=relay.dead_letters if relay else 0,
        topics=None if marks is None else tuple(_partition(each, stored.offsets) for each in marks),
        removed=stored.removed,
    )
    counted = Counted(
        sources=survey.sources,
        stored=survey.events,
        unnumbered=survey.unnumbered,
        spooled=spooled.waiting_lines,
        spooled_unreadable=spooled.unreadable,
        letters=letters.total,
        replayed_letters=letters.total_replayed,
    )
    return audit(seen, counted, now=datetime.now(UTC), grace=grace)


def _spooled(spool: Path, store: "Store") -> SpoolCensus:
    try:
        # Either the relay or a drain has handed on what stands before its position.
        return census(spool, lambda path: max(relayed_bytes(path), store.position(f"spool:{path.stem}")))
    except OSError as error:
        raise InputError(
            f"the spool {spool} cannot be read: {error.strerror}",
            next_step="Look again as the user to whom it belongs.",
        ) from error


def _watermarks(settings: Settings) -> "tuple[Watermarks, ...] | None":
    if not settings.kafka.bootstrap_servers:
        return None
    from polly.kafka.watermarks import watermarks  # noqa: PLC0415 - only with Kafka

    return watermarks(settings.kafka, [settings.kafka.topic_prefix + topic for topic in TOPICS])


def _joined(one: Mapping[str, Numbers], other: Mapping[str, Numbers]) -> dict[str, Numbers]:
    return {
        source: one.get(source, Numbers()) | other.get(source, Numbers())
        for source in one.keys() | other.keys()
    }


def _stored(connection: "sa.Connection", named: Collection[str], group: str) -> _Stored:
    from polly.store import completeness  # noqa: PLC0415 - SQLAlchemy is slow to load

    letters = _letters(connection)
    survey = completeness.survey(connection)
    incomplete = {each.source: each for each in survey.incomplete}
    others = {*named, *letters.kept, *letters.replayed} - incomplete.keys()
    found = {each.source: each for each in completeness.stored_sources(connection, others)}
    removed = completeness.removed_numbers(connection)
    return _Stored(survey, incomplete | found, letters, removed, completeness.next_offsets(connection, group))


def _letters(connection: "sa.Connection") -> _Letters:
    from polly.store.letters import bytes_of_letters  # noqa: PLC0415 - SQLAlchemy is slow to load

    kept: dict[str, NumberCollector] = defaultdict(NumberCollector)
    replayed: dict[str, NumberCollector] = defaultdict(NumberCollector)
    without_number = total = total_replayed = 0
    for status, raw in bytes_of_letters(connection):
        total += 1
        total_replayed += status == "replayed"
        source, number = number_in(raw) or ("", None)
        if number is not None:
            (replayed if status == "replayed" else kept)[source].add(number)
        elif status != "replayed":
            without_number += 1
    return _Letters(
        {source: each.numbers() for source, each in kept.items()},
        {source: each.numbers() for source, each in replayed.items()},
        without_number,
        total,
        total_replayed,
    )


def _partition(mark: "Watermarks", offsets: Mapping[tuple[str, int], int]) -> Partition:
    return Partition(
        topic=mark.topic,
        partition=mark.partition,
        low=mark.low,
        high=mark.high,
        position=offsets.get((mark.topic, mark.partition)),
    )
