"""The partitions that are ours: taken on, read, let go. Everything here happens in the owner thread.

Callbacks of the group come in the middle of a fetch; what a fetch returns is judged after them.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from polly.errors import PollyError
from polly.events.transfer import OffsetMoved, Record
from polly.sink.consumer.clock import Clock
from polly.sink.consumer.delivery import Delivery
from polly.sink.consumer.hand import Hand, Limits
from polly.sink.consumer.ledger import Ledger
from polly.sink.consumer.patience import EXPECTED
from polly.sink.consumer.placing import Start, starts
from polly.sink.consumer.ports import (
    Destination,
    Fault,
    Fetched,
    GroupMember,
    Place,
    Rebalance,
    StartRule,
    place_of,
)
from polly.sink.consumer.tally import Counter

#: How long the group may take to let us go. It needs an answer or two; what is longer does not end.
LEAVE_SECONDS = 5.0
#: After how long a partition without a start is looked at again.
PLACE_AGAIN_SECONDS = 2.0
#: After how long one is that the group should have taken from us.
GONE_AGAIN_SECONDS = 10.0
#: After how long one is whose position the topic does not have: somebody may have put it right from outside.
STUCK_AGAIN_SECONDS = 30.0


class Membership:
    """Our part in the group.

    joined: the group has told which partitions are ours. stuck: partitions that cannot go on, and why.
    unplaced: partitions without a start, and when each is looked at again.
    """

    def __init__(
        self,
        *,
        group: str,
        start: StartRule,
        member: GroupMember,
        destination: Destination,
        ledger: Ledger,
        hand: Hand,
        delivery: Delivery,
        clock: Clock,
        counter: Counter,
        tell: Callable[[str], None],
    ) -> None:
        self.joined = False
        self.stuck: dict[Place, str] = {}
        self.unplaced: dict[Place, float] = {}
        self._group = group
        self._start = start
        self._member = member
        self._destination = destination
        self._ledger = ledger
        self._hand = hand
        self._delivery = delivery
        self._clock = clock
        self._counter = counter
        self._tell = tell
        self._subscribed = False
        self._held = False
        self._leaving = False
        self._interrupted: BaseException | None = None

    @property
    def is_subscribed(self) -> bool:
        return self._subscribed

    def join(self, topics: Sequence[str]) -> None:
        """Ask the group for partitions of these topics."""
        calls = (self._guarded(each) for each in (self._assigned, self._revoked, self._lost))
        self._member.join(topics, Rebalance(*calls))
        self._subscribed = True

    def leave(self) -> None:
        """Commit what may be committed, and give everything back: once, and only for so long."""
        self._leaving = True
        offsets = self._ledger.to_commit()
        self._forget([*self._ledger.accounts])
        if not self._member.close(offsets, LEAVE_SECONDS):
            self._tell(
                f"The group has not let this sink go within {LEAVE_SECONDS:g} s: it misses it by itself, and "
                "the next sink goes on where the store stands."
            )
        self._raise_interruption()

    def read(self, most: int, seconds: float) -> Sequence[Fault]:
        """Fetch once: records go into the hand, errors are returned."""
        before = self._ledger.epochs()
        fetched = self._member.fetch(most, seconds)
        self._raise_interruption()
        self._take(fetched, before)
        return fetched.faults

    def hold(self) -> None:
        """Let no record in, and stay in the group."""
        if self._subscribed and not self._held:
            self._member.pause(self._ledger.accounts.keys())
        self._held = True

    def go_on(self) -> None:
        """Take `hold` back."""
        if self._subscribed and self._held:
            self._member.resume(self._ledger.accounts.keys())
        self._held = False

    def release_fenced(self, moved: OffsetMoved) -> None:
        """Another owner has stored this partition: ours is void. The group will say whose it is."""
        place = place_of(moved.stream)
        if place is None:
            raise moved
        self._tell(f"{_name(place)}: another sink has stored it; it is let go here.")
        self._counter.add(fenced=1)
        self._forget([place])
        self._member.pause([place])
        self._place_later([place], PLACE_AGAIN_SECONDS)

    def release_lost(self, places: Collection[Place]) -> None:
        """The group does not take our commits of these: they are somebody else's, or will be ours anew."""
        self._forget(places)
        self._place_later(places, GONE_AGAIN_SECONDS)

    def strand(self, place: Place, reason: str) -> None:
        """The topic has nothing where the partition stands: somebody must decide, nothing is skipped."""
        account = self._ledger.accounts.get(place)
        if account is not None:
            said = f"nothing can be read at offset {account.position}: {reason}"
            if place not in self.stuck:
                self._tell(f"{_name(place)}: {said}. It waits; the others go on.")
            self.stuck[place] = said
            self._place_later([place], STUCK_AGAIN_SECONDS)

    def place_due(self) -> None:
        """Begin with partitions that could not be begun before."""
        now = self._clock.monotonic()
        due = [place for place, at in self.unplaced.items() if at <= now]
        if not due:
            return
        for place in due:
            del self.unplaced[place]
        ours = self._member.assignment()
        found = self._starts([place for place in due if place in ours])
        unmoved = [place for place, start in found.items() if self._stands_at(place, start)]
        self._place_later(unmoved, STUCK_AGAIN_SECONDS)
        moved = {place: start for place, start in found.items() if place not in unmoved}
        if moved:
            self._hand.forget(moved)
            self._go_from({place: start.offset for place, start in moved.items()})
            self._open(moved)

    def _go_from(self, starts: Mapping[Place, int]) -> None:
        self._member.move(starts)
        (self._member.pause if self._held else self._member.resume)(starts.keys())

    def _stands_at(self, place: Place, start: Start) -> bool:
        account = self._ledger.accounts.get(place)
        return place in self.stuck and account is not None and account.position == start.offset

    def _take(self, fetched: Fetched, before: Mapping[Place, int]) -> None:
        for place, records in fetched.records.items():
            account = self._ledger.accounts.get(place)
            if account is None:  # given away, or not placed yet
                self._counter.add(discarded=len(records))
            elif before.get(place, account.epoch) != account.epoch:
                # Given away and taken back within this very fetch: nobody can tell from when these are.
                self._counter.add(discarded=len(records))
                self._go_from({place: account.position})
            else:
                self._keep(place, account.epoch, account.position, records)

    def _keep(self, place: Place, epoch: int, position: int, records: Sequence[Record]) -> None:
        fresh = records
        if records[0].position < position:
            fresh = [record for record in records if record.position >= position]
            self._counter.add(discarded=len(records) - len(fresh))
        if fresh:
            self._hand.add(place, epoch, fresh, self._clock.monotonic())
            self._ledger.read(place, fresh[-1].position + 1)
            self.stuck.pop(place, None)

    def _assigned(self, places: Collection[Place]) -> None:
        if self._leaving:
            # A question to the cluster would wait here for an answer that a client that closes never gets.
            self._member.assign(dict.fromkeys(places))
            return
        self._rebalanced("assigned", places)
        self.joined = True
        found = self._starts(places)
        self._member.assign({place: found[place].offset if place in found else None for place in places})
        self._open(found)
        kept_still = [place for place in places if self._held or place not in found]
        self._member.pause(kept_still)
        # The client remembers a pause of a partition that was lost or revoked meanwhile.
        self._member.resume([place for place in places if place not in kept_still])

    def _revoked(self, places: Collection[Place]) -> None:
        self._rebalanced("revoked", places)
        if not self._leaving:
            if not self._held:
                self._finish_at_once(places)
            self._delivery.commit(places)
            self._forget(places)
        self._member.release(places)

    def _lost(self, places: Collection[Place]) -> None:
        self._rebalanced("lost", places)
        if not self._leaving:
            self._forget(places)
        self._member.release(places)

    def _finish_at_once(self, places: Collection[Place]) -> None:
        """One try, since the group waits: what is not done is done by the next owner."""
        now = self._clock.monotonic()
        age = self._hand.age(now)
        everything = Limits(self._hand.count + 1, self._hand.size_bytes + 1, 0.0)
        parts = self._hand.cut(everything, now, only=places)
        try:
            if parts:
                self._delivery.take(parts, age)
                self._delivery.store()
            self._delivery.publish()
        except EXPECTED as trouble:
            self._tell(f"Left for the next owner: {trouble}")

    def _forget(self, places: Collection[Place]) -> None:
        self._hand.forget(places)
        self._delivery.forget(places)
        self._ledger.close(places)
        for place in places:
            self.unplaced.pop(place, None)
            self.stuck.pop(place, None)

    def _place_later(self, places: Iterable[Place], seconds: float) -> None:
        self.unplaced.update(dict.fromkeys(places, self._clock.monotonic() + seconds))

    def _starts(self, places: Collection[Place]) -> dict[Place, Start]:
        """Where the partitions begin; empty, and tried again later, when that cannot be known now."""
        if not places:
            return {}
        try:
            return starts(
                places,
                group=self._group,
                rule=self._start,
                member=self._member,
                destination=self._destination,
                tell=self._tell,
            )
        except PollyError as trouble:
            self._tell(f"Where to begin cannot be known now: {trouble}")
            self._place_later(places, PLACE_AGAIN_SECONDS)
            return {}

    def _open(self, found: Mapping[Place, Start]) -> None:
        for place, start in found.items():
            self._ledger.open(place, start=start.offset, stored=start.stored, committed=start.committed)
            self.stuck.pop(place, None)
        self._delivery.look_for_letters(found)

    def _rebalanced(self, kind: str, places: Collection[Place]) -> None:
        self._counter.add_to("rebalances", kind)
        if places:
            self._tell(f"Partitions {kind}: {', '.join(_names(places))}.")

    def _guarded(self, callback: Callable[[Collection[Place]], None]) -> Callable[[Collection[Place]], None]:
        """An error in a callback ends the fetch in which it was called; the library knows nothing of it."""

        def call(places: Collection[Place]) -> None:
            try:
                callback(places)
            except BaseException as error:  # noqa: BLE001 - raised again as soon as the library has returned
                self._interrupted = error

        return call

    def _raise_interruption(self) -> None:
        if self._interrupted is not None:
            raise self._interrupted


def _name(place: Place) -> str:
    return f"{place.topic}/{place.partition}"


def _names(places: Collection[Place]) -> Iterator[str]:
    """The partitions by topic: `topic/0-5`, or `topic/0,3` when some between are somebody else's."""
    for topic, found in groupby(sorted(places), key=lambda place: place.topic):
        numbers = [place.partition for place in found]
        is_range = len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1
        yield f"{topic}/" + (f"{numbers[0]}-{numbers[-1]}" if is_range else ",".join(map(str, numbers)))
