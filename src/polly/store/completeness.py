"""Which numbers of which sources are stored.

Two passes over the index of (source, sequence), which is in order, so that nothing is sorted: one counts per
source, one finds numbers that are stored twice. Only a source whose count is not its highest number is looked
into.
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

import sqlalchemy as sa

from polly.events.numbering import MOST_DIGITS, SEQUENCE_DIGITS, Gap, Numbers, StoredNumbers, number_of
from polly.store.schema import events, pruned_events, sink_offsets

#: Sources that one question names at most; SQLite allows 32,766 variables.
_NAMED_AT_ONCE = 1_000
_ROWS_AT_ONCE = 10_000


class Survey(NamedTuple):
    """What is stored in all, and every source that lacks or repeats a number below its highest.

    sources: those with numbered events. unnumbered: events without a number, which no audit can miss.
    """

    sources: int
    events: int
    unnumbered: int
    incomplete: tuple[StoredNumbers, ...]


class _Counted(NamedTuple):
    """The events of one source. first and last: of their sequences, as text."""

    source: str
    events: int
    numbered: int
    first: str | None
    last: str | None

    @property
    def seems_complete(self) -> bool:
        """True when the count is the highest number; numbers that are stored twice are looked for apart."""
        first, last = self.first or "", self.last or ""
        # Sequences of Polly have the same length, so that they sort as numbers do.
        ours = len(first) == len(last) == SEQUENCE_DIGITS
        return ours and number_of(first) == 1 and number_of(last) == self.numbered


def survey(connection: sa.Connection) -> Survey:
    """Counts all stored events by source."""
    suspicious = _sources_with_repeats(connection)
    sources = total = unnumbered = 0
    for row in connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(_per_source()):
        found = _Counted._make(row)
        sources += found.numbered > 0
        total += found.events
        unnumbered += found.events - found.numbered
        if found.numbered and not found.seems_complete:
            suspicious.add(found.source)
    incomplete = []
    for source in sorted(suspicious):
        stored, others = _looked_into(connection, source)
        unnumbered += others
        if stored is None:
            sources -= 1
        elif stored.gaps or stored.repeats:
            incomplete.append(stored)
    return Survey(sources, total, unnumbered, tuple(incomplete))


def stored_sources(connection: sa.Connection, sources: Collection[str]) -> Iterator[StoredNumbers]:
    """What is stored of the sources named, complete or not; those without a numbered event are left out."""
    names = sorted(sources)
    for start in range(0, len(names), _NAMED_AT_ONCE):
        chunk = names[start : start + _NAMED_AT_ONCE]
        repeating = _sources_with_repeats(connection, chunk)
        for row in connection.execute(_per_source().where(events.c.source.in_(chunk))).all():
            found = _Counted._make(row)
            if found.seems_complete and found.source not in repeating:
                yield StoredNumbers(found.source, 1, found.numbered)
            elif found.numbered:
                stored, _ = _looked_into(connection, found.source)
                if stored is not None:
                    yield stored


def removed_numbers(connection: sa.Connection) -> dict[str, Numbers]:
    """The numbers that were stored once and removed since for their age, by source."""
    table = pruned_events.c
    query = sa.select(table.source, table.first_sequence, table.last_sequence)
    found: dict[str, Numbers] = {}
    for source, first_sequence, last_sequence in connection.execute(query):
        first, last = number_of(first_sequence), number_of(last_sequence)
        if first and last:
            found[source] = Numbers.of([(first, last)])
    return found


def next_offsets(connection: sa.Connection, group: str) -> dict[tuple[str, int], int]:
    """Up to where each (topic, partition) is stored for a consumer group."""
    query = sa.select(sink_offsets.c.stream, sink_offsets.c.next_offset)
    found: dict[tuple[str, int], int] = {}
    for stream, offset in connection.execute(query):
        start, _, partition = stream.rpartition(":")
        of_group, _, topic = start.rpartition(":")
        if of_group == f"kafka:{group}" and partition.isdecimal():
            found[topic, int(partition)] = offset
    return found


def _per_source() -> sa.Select[tuple[str, int, int, str, str]]:
    sequence = sa.func.nullif(events.c.sequence, "")
    return sa.select(
        events.c.source,
        sa.func.count(),
        sa.func.count(sequence),
        sa.func.min(sequence),
        sa.func.max(sequence),
    ).group_by(events.c.source)


def _sources_with_repeats(connection: sa.Connection, among: Collection[str] | None = None) -> set[str]:
    table = events.c
    query = sa.select(table.source).group_by(table.source, table.sequence).having(sa.func.count() > 1)
    query = query.where(table.sequence != "")
    if among is not None:
        query = query.where(table.source.in_(among))
    return set(connection.execute(query).scalars())


def _looked_into(connection: sa.Connection, source: str) -> tuple[StoredNumbers | None, int]:
    """What is stored of one source, and how many of its sequences are no numbers."""
    number = _number(connection)
    query = sa.select(
        sa.func.count(),
        sa.func.count(number.distinct()),
        sa.func.min(number),
        sa.func.max(number),
        sa.func.count(sa.func.nullif(events.c.sequence, "")),
    ).where(events.c.source == source)
    numbered, distinct, first, last = connection.execute(query.where(number > 0)).one()[:4]
    written = connection.execute(query).one()[4]
    if not numbered:
        return None, written
    complete = first == 1 and distinct == last
    gaps = () if complete else tuple(_gaps(connection, source))
    return StoredNumbers(source, first, last, gaps, numbered - distinct), written - numbered


def _number(connection: sa.Connection) -> sa.ColumnElement[int]:
    """The sequence as a number; NULL when it is none. A database must never cast what is no number."""
    sequence = events.c.sequence
    if connection.dialect.name == "sqlite":
        is_number = sa.and_(
            sequence != "", sequence.op("NOT GLOB")("*[^0-9]*"), sa.func.length(sequence) <= MOST_DIGITS
        )
    else:
        is_number = sequence.op("~")(f"^[0-9]{{1,{MOST_DIGITS}}}$")
    return sa.case((is_number, sa.cast(sequence, sa.BigInteger)))


def _gaps(connection: sa.Connection, source: str) -> Iterator[Gap]:
    number = _number(connection)
    numbered = (
        sa.select(
            number.label("number"),
            sa.func.lag(number, 1, 0).over(order_by=number).label("before"),
            events.c.stored_at,
        )
        .where(events.c.source == source, number > 0)
        .subquery()
    )
    query = (
        sa.select(numbered.c.before, numbered.c.number, numbered.c.stored_at)
        .where(numbered.c.number > numbered.c.before + 1)
        .order_by(numbered.c.number)
    )
    for before, after, stored_at in connection.execute(query):
        yield Gap(before + 1, after - 1, stored_at)
