"""The whole consumer against a group that refuses commits, takes members away and never lets one go."""

import contextlib
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from confluent_kafka import Consumer, KafkaError, TopicPartition
from tests.integration.kafka.sink_process import good, poison, send
from tests.services.mock_cluster import MockCluster, Request

from polly.errors import PollyError
from polly.events.transfer import Batch, IngestResult
from polly.kafka.producer import KafkaPublisher
from polly.kafka.settings import consumer_config, producer_config
from polly.settings import KafkaSettings, SinkSettings
from polly.sink.consumer import membership
from polly.sink.consumer.hand import Limits
from polly.sink.consumer.kafka_letters import KafkaLetters
from polly.sink.consumer.kafka_member import LEAVING, KafkaMember
from polly.sink.consumer.owner import Options, Owner
from polly.sink.consumer.ports import CommitOutcome, Place, Rebalance, StartRule
from polly.sink.consumer.snapshot import State
from polly.store.schema import dead_letters, events
from polly.store.sqlite import SqliteStore

TOPIC, GROUP = "polly-runs", "sink"
#: How long anything may take; nothing is measured by it.
PATIENCE = 120.0


def _member(cluster: MockCluster, **options: str | int) -> KafkaMember:
    timeouts = {"session.timeout.ms": 2000, "heartbeat.interval.ms": 100, "fetch.wait.max.ms": 20}
    kafka = KafkaSettings.model_validate(
        {"bootstrap_servers": cluster.bootstrap, "consumer": timeouts | options}
    )
    return KafkaMember(consumer_config(kafka, SinkSettings(group=GROUP)))


class TroubledMember:
    """A member before and after whose commits something happens; it keeps their outcomes."""

    def __init__(
        self, member: KafkaMember, before: list[Callable[[], None]], after: Callable[[], None]
    ) -> None:
        self.outcomes: list[CommitOutcome] = []
        self._member = member
        self._before = before
        self._after = after

    def __getattr__(self, name: str) -> object:
        return getattr(self._member, name)

    def commit(self, offsets: Mapping[Place, int]) -> Mapping[Place, CommitOutcome]:
        if self._before:
            self._before.pop(0)()
        found = self._member.commit(offsets)
        self.outcomes += found.values()
        self._after()
        return found


class WatchedStore:
    """A store after each of whose batches something happens."""

    def __init__(self, store: SqliteStore, after: Callable[[], None]) -> None:
        self._store = store
        self._after = after

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def ingest(self, batches: Sequence[Batch], *, most_dead: int | None = None) -> IngestResult:
        result = self._store.ingest(batches, most_dead=most_dead)
        self._after()
        return result


class Bench:
    """A cluster of the test's own, a store, and owners in threads, one after another."""

    def __init__(self, cluster: MockCluster, folder: Path) -> None:
        self.cluster = cluster
        self.url = str(folder / "polly.db")
        self.emitted: set[str] = set()
        self.poison: set[bytes] = set()
        self.told: list[str] = []
        cluster.create_topic(TOPIC, partitions=2)
        cluster.create_topic(f"{TOPIC}.dlq")

    def emit(self, count: int, bad: int = 2) -> None:
        made, rubbish = good(count), poison(bad)
        send(self.cluster.bootstrap, TOPIC, [*made.values(), *rubbish])
        self.emitted |= made.keys()
        self.poison |= set(rubbish)

    def run(
        self,
        *before_commits: Callable[[], None],
        until: Callable[[Owner], bool],
        after_store: Callable[[Owner], None] = lambda _owner: None,
        after_commit: Callable[[], None] = lambda: None,
    ) -> TroubledMember:
        """A sink from its start to its orderly end."""
        member = TroubledMember(_member(self.cluster), list(before_commits), after_commit)
        store = SqliteStore.open(self.url)
        destination = WatchedStore(store, lambda: after_store(owner))
        kafka = KafkaSettings(bootstrap_servers=self.cluster.bootstrap)
        letters = KafkaLetters(lambda: KafkaPublisher(producer_config(kafka)), group=GROUP, client="c")
        owner = Owner(
            options=Options(GROUP, (TOPIC,), StartRule.EARLIEST, Limits(10, 10**6, 0.05), 1000, 1.0, 20.0),
            member=member,  # type: ignore[arg-type]
            destination=destination,  # type: ignore[arg-type]
            topics=letters,
            tell=self.told.append,
        )
        thread = threading.Thread(target=owner.run, daemon=True)
        thread.start()
        _wait(lambda: until(owner))
        owner.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive(), self.told
        assert owner.snapshot.state is State.STOPPED, owner.snapshot.failure
        assert owner.snapshot.tally.duplicates == 0
        letters.close()
        store.close()
        return member

    def is_stored(self, owner: Owner) -> bool:
        tally = owner.snapshot.tally
        return tally.stored + sum(tally.dead.values()) == len(self.emitted) + len(self.poison)

    def everything_is_in_the_store(self, _owner: Owner) -> bool:
        with SqliteStore.open(self.url) as store, store.engine.connect() as connection:
            count = sa.select(sa.func.count())
            found = [connection.scalar(count.select_from(each)) for each in (events, dead_letters)]
        return found == [len(self.emitted), len(self.poison)]

    def holds(self) -> None:
        """Everything is stored or dead-lettered once; the group knows no more than the store."""
        with SqliteStore.open(self.url) as store:
            with store.engine.connect() as connection:
                ids = [row.id for row in connection.execute(events.select())]
                dead = [bytes(row.raw) for row in connection.execute(dead_letters.select())]
            positions = [store.position(f"kafka:{GROUP}:{TOPIC}:{number}") for number in range(2)]
        assert sorted(ids) == sorted(self.emitted)
        assert sorted(dead) == sorted(self.poison)
        assert sum(positions) == len(self.emitted) + len(self.poison)
        for number, offset in enumerate(self.committed()):
            assert offset <= positions[number]

    def committed(self) -> list[int]:
        client = Consumer({"bootstrap.servers": self.cluster.bootstrap, "group.id": GROUP, "log_level": 0})
        try:
            found = client.committed([TopicPartition(TOPIC, number) for number in range(2)], timeout=60)
        finally:
            client.close()
        return [max(each.offset, 0) for each in found]


def _wait(is_true: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not is_true():
        assert time.monotonic() < until, "it did not come true"
        time.sleep(0.01)  # a look at another thread, which has no other way to say how far it is


@pytest.fixture
def bench(mock_kafka: MockCluster, tmp_path: Path) -> Bench:
    return Bench(mock_kafka, tmp_path)


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("REBALANCE_IN_PROGRESS", CommitOutcome.REBALANCING),
        ("UNKNOWN_MEMBER_ID", CommitOutcome.NOT_OURS),
        ("ILLEGAL_GENERATION", CommitOutcome.NOT_OURS),
        ("COORDINATOR_NOT_AVAILABLE", CommitOutcome.DONE),  # the client asks again by itself
        ("COORDINATOR_LOAD_IN_PROGRESS", CommitOutcome.DONE),
        ("REQUEST_TIMED_OUT", CommitOutcome.DONE),
        ("GROUP_AUTHORIZATION_FAILED", CommitOutcome.FAILED),
    ],
)
def test_a_commit_that_the_group_refuses_loses_nothing_and_doubles_nothing(
    bench: Bench, name: str, outcome: CommitOutcome
) -> None:
    code = getattr(KafkaError, name)

    def refuse() -> None:
        bench.cluster.push_errors(Request.OFFSET_COMMIT, [code])

    bench.emit(48)
    member = bench.run(refuse, *[lambda: None] * 2, refuse, until=bench.is_stored)
    assert outcome in member.outcomes
    bench.cluster.clear_errors(Request.OFFSET_COMMIT)
    bench.holds()
    bench.emit(20)
    bench.run(until=lambda owner: owner.snapshot.tally.stored == 20)
    bench.holds()
    assert sum(bench.committed()) == len(bench.emitted) + len(bench.poison)


def test_a_commit_that_nobody_answers_is_given_up_and_the_next_one_covers_it(bench: Bench) -> None:
    cluster = bench.cluster
    for _ in range(10):
        bench.emit(48)
        # A request that was on its way waits for the cluster however long that takes, and is not given up.
        back = threading.Timer(15.0, cluster.set_up)

        def away(back: threading.Timer = back) -> None:
            cluster.set_down()
            back.start()

        member = bench.run(away, until=bench.everything_is_in_the_store, after_commit=cluster.set_up)
        back.cancel()
        bench.holds()
        if CommitOutcome.TRY_AGAIN in member.outcomes:
            break
    else:
        pytest.fail("no commit was given up")
    bench.emit(20)
    bench.run(until=lambda owner: owner.snapshot.tally.stored == 20)
    bench.holds()


@pytest.mark.usefixtures("no_thread_left")
def test_a_sink_ends_in_order_while_no_broker_answers_and_the_next_goes_on_from_the_store(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "LEAVE_SECONDS", 0.5)  # less than the client waits for the commit
    bench.emit(20, bad=0)

    def go_down_and_stop(owner: Owner) -> None:
        bench.cluster.set_down()
        owner.stop()

    bench.run(until=lambda owner: owner.snapshot.state is State.STOPPED, after_store=go_down_and_stop)
    bench.cluster.set_up()
    assert any("the next sink goes on where the store stands" in each for each in bench.told)
    bench.run(until=bench.everything_is_in_the_store)
    bench.emit(20)
    bench.run(until=bench.everything_is_in_the_store)
    bench.holds()


def _quiet(_places: Collection[Place]) -> None:
    """Nothing is answered; the library then answers for us."""


@pytest.fixture
def no_thread_left() -> Iterator[None]:
    yield
    for thread in threading.enumerate():
        if thread.name == LEAVING:
            thread.join(PATIENCE)


@pytest.mark.usefixtures("no_thread_left")
def test_closing_waits_only_as_long_as_it_may(bench: Bench) -> None:
    member, answer = _member(bench.cluster), threading.Event()

    def revoked(_places: Collection[Place]) -> None:
        answer.wait(PATIENCE)

    member.join([TOPIC], Rebalance(_quiet, revoked, _quiet))
    while not member.assignment():
        member.fetch(1, 0.05)
    assert member.close({}, 0.05) is False
    answer.set()


@pytest.mark.usefixtures("no_thread_left")
def test_partitions_that_come_while_the_sink_leaves_are_not_asked_about(bench: Bench) -> None:
    # A question to a client that closes has no answer, and ends the process in some versions of the library.
    for _ in range(20):
        member = _member(bench.cluster)
        came = _answering(member)
        for _ in range(10):  # round trips to the coordinator, so that it has given us partitions by then
            _ask(member)
        assert member.close({}, PATIENCE) is True
        if came:
            return
    pytest.fail("the group never gave partitions to a member that was leaving")


def _answering(member: KafkaMember) -> list[Collection[Place]]:
    """The member joins, and takes what it is given from nowhere on, as a sink does that leaves."""
    came: list[Collection[Place]] = []

    def assigned(places: Collection[Place]) -> None:
        came.append(places)
        member.assign(dict.fromkeys(places))

    member.join([TOPIC], Rebalance(assigned, member.release, member.release))
    return came


def _ask(member: KafkaMember) -> None:
    """Ask the coordinator something; it may not have been found yet."""
    with contextlib.suppress(PollyError):
        member.committed([Place(TOPIC, 0)])
