"""One batch on its way: into the store, then dead letters to their topic, then offsets to the group.

Each step is tried once when it is called, and once done is not done again: after trouble in a later step, an
earlier one has nothing left to do.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from polly.errors import PollyError, StoreError
from polly.events.transfer import IngestResult, Record
from polly.sink.consumer.clock import Clock
from polly.sink.consumer.flood import FloodWindow
from polly.sink.consumer.hand import Part, batches
from polly.sink.consumer.ledger import Ledger
from polly.sink.consumer.letters import streams_of
from polly.sink.consumer.ports import (
    CommitOutcome,
    DeadLetterTopics,
    Destination,
    GroupMember,
    Place,
    stream_name,
)
from polly.sink.consumer.tally import Counter


class Delivery:
    """What has left the hand and is not done yet.

    newest: per partition, the time (ms since 1970) of the last record that was stored.
    """

    def __init__(
        self,
        *,
        group: str,
        member: GroupMember,
        destination: Destination,
        topics: DeadLetterTopics,
        ledger: Ledger,
        flood: FloodWindow,
        clock: Clock,
        counter: Counter,
    ) -> None:
        self.newest: dict[Place, int] = {}
        self.stored_at: datetime | None = None
        self.committed_at: datetime | None = None
        self._group = group
        self._member = member
        self._destination = destination
        self._topics = topics
        self._ledger = ledger
        self._flood = flood
        self._clock = clock
        self._counter = counter
        self._parts: dict[Place, Part] = {}
        self._outbox: set[str] = set()
        self._age = 0.0

    @property
    def is_done(self) -> bool:
        """Nothing is left to store or to publish."""
        return not self._parts and not self._outbox

    @property
    def count(self) -> int:
        """Records that are not stored yet."""
        return sum(len(part.records) for part in self._parts.values())

    def take(self, parts: Mapping[Place, Part], age: float) -> None:
        """The next batch; age: seconds since its first record came. The last one must be stored."""
        self._parts = {
            place: part for place, part in parts.items() if self._ledger.is_current(place, part.epoch)
        }
        self._age = age

    def expect(self, records: Mapping[Place, Sequence[Record]]) -> None:
        """What follows the batch, as far as it is known."""
        self._destination.expect({stream_name(self._group, place): each for place, each in records.items()})

    def look_for_letters(self, places: Iterable[Place]) -> None:
        """The owner before may have stored dead letters that it could not publish any more."""
        self._outbox.update(stream_name(self._group, place) for place in places)

    def forget(self, places: Collection[Place]) -> None:
        """These partitions are not ours; what is left to do for them is for their next owner."""
        for place in places:
            self._parts.pop(place, None)
            self.newest.pop(place, None)
            self._outbox.discard(stream_name(self._group, place))

    def store(self) -> None:
        """Write the batch in one transaction, or find that nothing can be written."""
        if not self._parts:
            self._destination.check_writable()
            return
        accounts = self._ledger.accounts
        whole = batches(self._group, self._parts, {place: accounts[place].stored for place in self._parts})
        offered = sum(len(batch.records) for batch in whole)
        began = self._clock.monotonic()
        result = self._destination.ingest(whole, most_dead=self._flood.most_dead(offered))
        self._ledger.store({place: part.end for place, part in self._parts.items()})
        self._flood.add(offered, result.dead)
        self._outbox |= streams_of(result.letters)
        self._count(result, offered, self._clock.monotonic() - began)
        self._parts = {}

    def _count(self, result: IngestResult, offered: int, seconds: float) -> None:
        self.stored_at = self._clock.now()
        self._counter.add(
            batches=1,
            records=self.count,
            stored=result.stored,
            duplicates=result.duplicates,
            empty=self.count - offered,
        )
        for letter in result.letters:
            self._counter.add_to("dead", letter.stage)
        self._counter.measure(
            batch_records=self.count,
            batch_bytes=sum(part.size_bytes for part in self._parts.values()),
            batch_age_seconds=self._age,
            store_seconds=seconds,
        )
        for place, part in self._parts.items():
            at = part.records[-1].timestamp_ms
            if at is not None:
                self.newest[place] = at

    def publish(self) -> None:
        """Bring every stored dead letter to its topic, and only then let its offset be committed."""
        done: set[tuple[str, int]] = set()
        while self._outbox:
            letters = self._destination.unpublished_letters(sorted(self._outbox))
            if not letters:
                self._outbox.clear()
                break
            if any((letter.stream, letter.record.position) in done for letter in letters):
                raise StoreError("the store does not keep which dead letters were published")
            try:
                acknowledged = self._topics.publish(letters)
            except PollyError:
                self._counter.add(publish_failures=1)
                raise
            self._destination.mark_published(acknowledged)
            done.update((letter.stream, letter.record.position) for letter in acknowledged)
            self._counter.add(published=len(acknowledged))
        self._ledger.settle()

    def commit(self, places: Iterable[Place] | None = None) -> dict[Place, CommitOutcome]:
        """Commit what may be committed, once. Returns what became of each partition that had something."""
        offsets = self._ledger.to_commit(places)
        if not offsets:
            return {}
        began = self._clock.monotonic()
        outcomes = dict(self._member.commit(offsets))
        self._counter.add(commits=1)
        self._counter.measure(commit_seconds=self._clock.monotonic() - began)
        for place, outcome in outcomes.items():
            if outcome is CommitOutcome.DONE:
                self._ledger.commit(place, offsets[place])
                self.committed_at = self._clock.now()
            else:
                self._counter.add_to("commit_failures", outcome)
        return outcomes
