"""Completeness: the numbers of each producer against where its events were seen. Pure.

Events move spool → topic → store. Whoever looks in that order sees an event in two places at worst, never in
none, so a number that is nowhere is missing. A number below a stored one is a gap; numbers above the highest
stored one are a tail, which is on its way as long as there is a place where it can be.
"""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Literal

import msgspec

from polly.events.numbering import Numbers, StoredNumbers

State = Literal["complete", "on its way", "missing"]
#: Where a number could be that was not seen by itself.
Place = Literal[
    "topic",
    "expired in the topic",
    "replayed letter",
    "letter without a number",
    "letter of the relay",
    "nowhere",
]


class Partition(msgspec.Struct, frozen=True, kw_only=True):
    """One partition of a topic: records `low` to `high` - 1 exist, the store has all before `position`.

    position: None when the sink has stored nothing of it yet.
    """

    topic: str
    partition: int
    low: int
    high: int
    position: int | None

    @property
    def waiting(self) -> int:
        """Records that are in the topic and not in the store."""
        return max(0, self.high - max(self.low, self.position or 0))

    @property
    def expired(self) -> int:
        """Records that the topic's retention removed before the sink had stored them."""
        return max(0, self.low - self.position) if self.position is not None else 0


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of the events of all sources, by source.

    waiting: numbers in the spool that were not yet handed on. published: the numbers that the relay says it
    published. letters: numbers of dead letters that are open or discarded; replayed: of those replayed.
    stored: every source of which the store lacks a number, and every source that one of the others names.
    letters_without_number: dead letters that do not say whose event they are. relay_letters: dead letters
    that the relay sent to a dead-letter topic alone. topics: None without Kafka.
    removed: numbers that were stored and removed since for their age.
    """

    waiting: Mapping[str, Numbers] = {}
    published: Mapping[str, Numbers] = {}
    letters: Mapping[str, Numbers] = {}
    replayed: Mapping[str, Numbers] = {}
    stored: Mapping[str, StoredNumbers] = {}
    letters_without_number: int = 0
    relay_letters: int = 0
    topics: tuple[Partition, ...] | None = None
    removed: Mapping[str, Numbers] = {}


class Absent(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers that were seen nowhere, and each place where they could be."""

    first: int
    last: int
    count: int
    could_be: tuple[Place, ...]
    noticed_at: datetime | None = None


class SourceAudit(msgspec.Struct, frozen=True, kw_only=True):
    """One source whose numbers are not all stored; each figure counts numbers.

    expected: the highest number known, so how many there must be. repeats: events that share a number.
    """

    source: str
    state: State
    expected: int
    stored: int
    spooled: int
    published: int | None
    dead_lettered: int
    removed: int
    repeats: int
    on_its_way: tuple[Absent, ...] = ()
    missing: tuple[Absent, ...] = ()


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted in all. in_topics: records that the sink has yet to store; None without Kafka.

    stored: events, of which `unnumbered` have no number. repeats: stored events that share their number
    with another one. expired: records that a topic removed before they were stored.
    """

    sources: int
    stored: int
    unnumbered: int
    spooled: int
    spooled_unreadable: int
    published: int | None
    in_topics: int | None
    expired: int
    dead_lettered: int
    replayed: int
    letters_without_number: int
    removed: int
    repeats: int
    on_its_way: int
    missing: int


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. `sources` has those that are not complete, the worst first."""

    audit_version: int = 1
    at: datetime
    complete: bool
    totals: Totals
    sources: tuple[SourceAudit, ...]
    topics: tuple[Partition, ...]


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """Figures over all sources that no single one shows."""

    sources: int
    stored: int
    unnumbered: int
    spooled: int
    spooled_unreadable: int
    letters: int
    replayed_letters: int


def audit(seen: Seen, counted: Counted, *, now: datetime, grace: timedelta) -> Audit:
    """Every source that is known, judged; see audit_source."""
    names = {*seen.waiting, *seen.published, *seen.letters, *seen.replayed, *seen.stored}
    judged = [audit_source(name, seen, now=now, grace=grace) for name in sorted(names)]
    sources = [each for each in judged if each.state != "complete"]
    missing = sum(absent.count for each in sources for absent in each.missing)
    topics = seen.topics
    return Audit(
        at=now,
        complete=not missing,
        totals=Totals(
            sources=counted.sources + sum(name not in seen.stored for name in names),
            stored=counted.stored,
            unnumbered=counted.unnumbered,
            spooled=counted.spooled,
            spooled_unreadable=counted.spooled_unreadable,
            published=None if topics is None else sum(map(len, seen.published.values())),
            in_topics=None if topics is None else sum(each.waiting for each in topics),
            expired=sum(each.expired for each in topics or ()),
            dead_lettered=counted.letters,
            replayed=counted.replayed_letters,
            letters_without_number=seen.letters_without_number,
            removed=sum(map(len, seen.removed.values())),
            repeats=sum(each.repeats for each in judged),
            on_its_way=sum(absent.count for each in sources for absent in each.on_its_way),
            missing=missing,
        ),
        sources=tuple(sorted(sources, key=lambda each: (each.state != "missing", each.source))),
        topics=topics or (),
    )


def audit_source(source: str, seen: Seen, *, now: datetime, grace: timedelta) -> SourceAudit:
    """What became of the events of one source.

    A gap that was noticed less than `grace` ago is on its way while records wait in a topic: partitions are
    not read in step. An older one is missing, and so is every number that can be in no place.
    """
    stored = seen.stored.get(source)
    has = stored.numbers if stored else Numbers()
    waiting = seen.waiting.get(source, Numbers())
    letters = seen.letters.get(source, Numbers())
    published = seen.published.get(source)
    expected = max(has.last, waiting.last, letters.last, (published or Numbers()).last)
    absent = Numbers.of([(1, expected)]) - has - waiting - letters
    removed = absent & seen.removed.get(source, Numbers())
    on_its_way, missing = _judged(source, seen, absent - removed, now - grace)
    spooled = waiting - has
    state: State = "missing" if missing else "on its way" if on_its_way or spooled else "complete"
    return SourceAudit(
        source=source,
        state=state,
        expected=expected,
        stored=len(has),
        spooled=len(spooled),
        published=len(published) if published is not None else None,
        dead_lettered=len(letters - has),
        removed=len(removed),
        repeats=stored.repeats if stored else 0,
        on_its_way=tuple(on_its_way),
        missing=tuple(missing),
    )


def _judged(source: str, seen: Seen, absent: Numbers, before: datetime) -> tuple[list[Absent], list[Absent]]:
    stored = seen.stored.get(source)
    gaps = stored.gaps if stored else ()
    starts = [gap.first for gap in gaps]
    replayed = seen.replayed.get(source, Numbers())
    on_its_way: list[Absent] = []
    missing: list[Absent] = []
    for numbers, could_be in (
        (absent & replayed, _could_be(seen, replayed=True)),
        (absent - replayed, _could_be(seen, replayed=False)),
    ):
        for first, last in numbers.ranges:
            # Between two gaps there is a stored number, so that a range lies in one gap or in the tail.
            place = bisect_right(starts, first) - 1
            noticed_at = gaps[place].noticed_at if place >= 0 and first <= gaps[place].last else None
            comes = "topic" in could_be and (noticed_at is None or noticed_at > before)
            found = Absent(
                first=first, last=last, count=last - first + 1, could_be=could_be, noticed_at=noticed_at
            )
            (on_its_way if comes else missing).append(found)
    return sorted(on_its_way, key=attrgetter("first")), sorted(missing, key=attrgetter("first"))


def _could_be(seen: Seen, *, replayed: bool) -> tuple[Place, ...]:
    topics = seen.topics or ()
    places: list[Place] = []
    if any(each.waiting for each in topics):
        places.append("topic")
    if any(each.expired for each in topics):
        places.append("expired in the topic")
    if replayed:
        places.append("replayed letter")
    if seen.letters_without_number:
        places.append("letter without a number")
    if seen.relay_letters:
        places.append("letter of the relay")
    return tuple(places) or ("nowhere",)
