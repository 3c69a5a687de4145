"""The one thread that owns the consumer: it reads, stores, dead-letters, commits and waits; nobody else may.

Trouble that can heal pauses it: partitions are paused, the group is still polled (so that the partitions stay
ours), what is in hand is tried again. Nothing is read, committed or dead-lettered in the meantime.
"""

import threading
from collections.abc import Callable
from typing import NamedTuple

from polly.errors import BusError
from polly.sink.consumer.clock import Clock, SystemClock
from polly.sink.consumer.delivery import Delivery
from polly.sink.consumer.flood import FloodWindow
from polly.sink.consumer.hand import Hand, Limits
from polly.sink.consumer.ledger import Ledger
from polly.sink.consumer.membership import Membership
from polly.sink.consumer.patience import Patience
from polly.sink.consumer.policy import COMMIT_RETRIES, QUICK_RETRIES
from polly.sink.consumer.ports import (
    CommitOutcome,
    DeadLetterTopics,
    Destination,
    Fault,
    FaultKind,
    GroupMember,
    StartRule,
)
from polly.sink.consumer.snapshot import Snapshot, State
from polly.sink.consumer.tally import Counter
from polly.sink.consumer.views import partition_views

#: The longest wait of one fetch, and so how fast a stop is noticed.
FETCH_SECONDS = 0.2
#: How often an idle sink asks whether it could store something.
CHECK_SECONDS = 10.0
#: How often the numbers of partitions are taken anew.
VIEW_SECONDS = 0.25
#: How long a sink that has its hands full leaves offsets uncommitted. The store knows them all the same.
COMMIT_SECONDS = 1.0
#: A commit that failed after so long is not tried again at once.
SLOW_COMMIT_SECONDS = 1.0
#: How long trouble of the client is shown after it was met last.
TROUBLE_SECONDS = 30.0


class Options(NamedTuple):
    """What the settings decide. drain_seconds: for what is in hand, after `stop`."""

    group: str
    topics: tuple[str, ...]
    start: StartRule
    limits: Limits
    flood_window: int
    flood_share: float
    drain_seconds: float


class _Trouble(NamedTuple):
    """What the client said last, and when."""

    reason: str
    at: float


class Owner:
    """`run` is the thread; `stop` and `snapshot` may be used by others, nothing else."""

    def __init__(
        self,
        *,
        options: Options,
        member: GroupMember,
        destination: Destination,
        topics: DeadLetterTopics,
        clock: Clock | None = None,
        tell: Callable[[str], None] = lambda _message: None,
    ) -> None:
        self._options = options
        self._end = member.end
        self._check_writable = destination.check_writable
        self._clock = clock = clock or SystemClock()
        self._tell = tell
        self._counter = counter = Counter()
        self._ledger = ledger = Ledger()
        self._hand = hand = Hand()
        self._stopping = threading.Event()
        self._delivery = Delivery(
            group=options.group,
            member=member,
            destination=destination,
            topics=topics,
            ledger=ledger,
            flood=FloodWindow(options.flood_window, options.flood_share),
            clock=clock,
            counter=counter,
        )
        self._membership = Membership(
            group=options.group,
            start=options.start,
            member=member,
            destination=destination,
            ledger=ledger,
            hand=hand,
            delivery=self._delivery,
            clock=clock,
            counter=counter,
            tell=tell,
        )
        self._patience = Patience(
            clock=clock,
            counter=counter,
            stopping=self._stopping,
            drain_seconds=options.drain_seconds,
            hold=self._membership.hold,
            go_on=self._membership.go_on,
            release=self._membership.release_fenced,
            poll=self._poll,
            tell=tell,
        )
        self._state = State.STARTING
        self._trouble: _Trouble | None = None
        self._typical_bytes = 1024.0
        self._checked_at = 0.0
        self._committed_at, self._is_uncommitted = 0.0, False
        self._viewed_at = 0.0
        self.snapshot = Snapshot(group=options.group, started_at=clock.now(), beat=clock.monotonic())

    def stop(self) -> None:
        """Finish what is in hand, commit, leave the group, and return from `run`."""
        self._stopping.set()

    def run(self) -> None:
        """Work until `stop`. Raises what cannot be worked around; the snapshot says so first."""
        try:
            self._begin()
            while not self._stopping.is_set():
                self._turn()
            self._finish()
        except BaseException as error:
            self._state = State.FAILED
            self._show(failure=f"{type(error).__name__}: {error}")
            raise
        self._state = State.STOPPED
        self._show()

    def _begin(self) -> None:
        # A sink that can store nothing must not take partitions from those that can.
        if self._patience.until_done(self._check_writable):
            self._checked_at = self._clock.monotonic()
            self._membership.join(self._options.topics)
            self._state = State.RUNNING

    def _turn(self) -> None:
        if not self._is_due():
            self._fetch(self._linger())
        is_busy = self._is_due() or not self._delivery.is_done
        if is_busy:
            self._deliver()
        is_late = self._clock.monotonic() - self._committed_at >= COMMIT_SECONDS
        if self._is_uncommitted and (is_late or not is_busy):
            self._commit()
        self._membership.place_due()
        self._check_when_idle()
        self._show()

    def _is_due(self) -> bool:
        return self._hand.is_due(self._options.limits, self._clock.monotonic())

    def _linger(self) -> float:
        if not self._hand.count:
            return FETCH_SECONDS
        left = self._options.limits.age_seconds - self._hand.age(self._clock.monotonic())
        return min(FETCH_SECONDS, max(0.0, left))

    def _poll(self, seconds: float) -> None:
        """Stay in the group while waiting for something else."""
        self._show()
        if self._membership.is_subscribed:
            self._fetch(min(seconds, FETCH_SECONDS))
        else:
            self._clock.wait(self._stopping, min(seconds, FETCH_SECONDS))
        self._show()

    def _fetch(self, seconds: float) -> None:
        limits, count, size = self._options.limits, self._hand.count, self._hand.size_bytes
        room = min(limits.records - count, 1 + int((limits.size_bytes - size) / self._typical_bytes))
        faults = self._membership.read(max(1, room), seconds)
        came = self._hand.count - count
        if came > 0:
            # What one record takes up, as far as it can be foretold, so that a fetch fits the memory.
            self._typical_bytes = max(1.0, (self._typical_bytes + (self._hand.size_bytes - size) / came) / 2)
            self._trouble = None
        for fault in faults:
            self._met(fault)

    def _met(self, fault: Fault) -> None:
        if fault.kind is FaultKind.FATAL:
            raise BusError(
                f"the Kafka client cannot go on: {fault.reason}",
                next_step="Nothing is lost: what was not stored is read again by the next sink of the group.",
            )
        self._counter.add(fetch_faults=1)
        if fault.kind is FaultKind.OUT_OF_RANGE and fault.place is not None:
            self._membership.strand(fault.place, fault.reason)
            return
        if self._trouble is None or self._trouble.reason != fault.reason:
            self._tell(f"Kafka: {fault.reason}.")
        self._trouble = _Trouble(fault.reason, self._clock.monotonic())

    def _deliver(self) -> bool:
        """Bring the next batch, or what is left of one, to its end. False: the sink stops before that."""
        if not self._delivery.count and (self._is_due() or self._stopping.is_set()):
            now = self._clock.monotonic()
            age = self._hand.age(now)
            self._delivery.take(self._hand.cut(self._options.limits, now), age)
            self._look_ahead()
        if self._delivery.count and not self._patience.until_done(self._delivery.store):
            return False
        if not self._patience.until_done(self._delivery.publish):
            return False
        self._checked_at = self._clock.monotonic()
        self._is_uncommitted = True
        return True

    def _look_ahead(self) -> None:
        """Have the next batch in hand, if it is there already, while this one is stored."""
        if not self._stopping.is_set():
            self._fetch(0.0)
            self._delivery.expect(self._hand.records())

    def _commit(self) -> None:
        """Tell the group, unless the sink is leaving: that does it as well, and waits less long for it."""
        if self._stopping.is_set():
            return
        self._committed_at, self._is_uncommitted = self._clock.monotonic(), False
        for seconds in (*QUICK_RETRIES[:COMMIT_RETRIES], None):
            began = self._clock.monotonic()
            outcomes = self._delivery.commit()
            gone = [place for place, outcome in outcomes.items() if outcome is CommitOutcome.NOT_OURS]
            self._membership.release_lost(gone)
            # The client has tried for long itself: the group must be polled again before the next try.
            was_slow = self._clock.monotonic() - began > SLOW_COMMIT_SECONDS
            if seconds is None or was_slow or CommitOutcome.TRY_AGAIN not in outcomes.values():
                return
            self._clock.wait(self._stopping, seconds)

    def _check_when_idle(self) -> None:
        is_idle = self._delivery.is_done and not self._hand.count
        if is_idle and self._clock.monotonic() - self._checked_at >= CHECK_SECONDS:
            self._patience.until_done(self._check_writable)
            self._checked_at = self._clock.monotonic()
            self._commit()  # one that failed before is not left until the next record comes

    def _finish(self) -> None:
        """Finish what is in hand, as long as there is time; commit; leave the group."""
        self._state = State.STOPPING
        self._show()
        while not self._patience.is_over and (self._hand.count or not self._delivery.is_done):
            if not self._deliver():
                break
        left = self._hand.count + self._delivery.count
        if left:
            self._tell(f"Left for the next start: {left} records that could not be stored now.")
        self._membership.leave()

    def _show(self, failure: str | None = None) -> None:
        """Publish the snapshot: one assignment, which readers see whole or not at all."""
        now, before, state = self._clock.monotonic(), self.snapshot, self._shown_state()
        partitions = before.partitions
        if state in (State.STOPPED, State.FAILED):
            partitions = ()
        elif state is not before.state or now - self._viewed_at >= VIEW_SECONDS:
            self._viewed_at = now
            partitions = partition_views(
                self._ledger.accounts, self._end, self._delivery.newest, self._clock.now()
            )
        if self._trouble is not None and now - self._trouble.at > TROUBLE_SECONDS:
            self._trouble = None
        membership = self._membership
        self.snapshot = Snapshot(
            state=state,
            group=self._options.group,
            beat=now,
            at=self._clock.now(),
            started_at=before.started_at,
            joined=membership.joined,
            pause=self._patience.pause,
            trouble=self._trouble.reason if self._trouble else None,
            unplaced=len(membership.unplaced.keys() - membership.stuck.keys()),
            stuck={f"{place.topic}/{place.partition}": why for place, why in membership.stuck.items()},
            partitions=partitions,
            in_hand=self._hand.count + self._delivery.count,
            last_store_at=self._delivery.stored_at,
            last_commit_at=self._delivery.committed_at,
            tally=self._counter.tally,
            failure=failure,
        )

    def _shown_state(self) -> State:
        is_working = self._state in (State.STARTING, State.RUNNING)
        return State.PAUSED if self._patience.pause is not None and is_working else self._state
