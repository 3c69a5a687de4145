"""What probes and metrics say about a snapshot."""

import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.unit.sink.consumer.stand_ins import World, events

from polly.errors import PollyError
from polly.sink.consumer.policy import Cause
from polly.sink.consumer.snapshot import PartitionView, Pause, Snapshot, State
from polly.sink.consumer.tally import Counter
from polly.sink.health.answers import LIVE_SECONDS, answers, report
from polly.sink.health.metrics import exposition
from polly.sink.health.server import HealthServer, Watched, answer

NOW = 1000.0
FINE = Snapshot(state=State.RUNNING, joined=True, beat=NOW)
PAUSE = Pause(cause=Cause.FLOOD, reason="41 of 50 records", since=datetime(2026, 1, 1, tzinfo=UTC))


def _with(**changes: object) -> Snapshot:
    return msgspec.structs.replace(FINE, **changes)


@pytest.mark.parametrize(
    ("snapshot", "runs", "live", "ready"),
    [
        (FINE, True, True, True),
        (_with(state=State.PAUSED, pause=PAUSE), True, True, False),
        (_with(state=State.STARTING, joined=False), True, True, False),
        (_with(state=State.STOPPING), True, True, False),
        (_with(stuck={"t/0": "gone"}), True, True, False),
        (_with(unplaced=2), True, True, False),
        (_with(trouble="a topic is missing"), True, True, True),
        (_with(state=State.STOPPED), False, False, False),
        (_with(state=State.FAILED, failure="ValueError"), True, False, False),
        (FINE, False, False, False),
        (_with(beat=NOW - LIVE_SECONDS - 1), True, False, False),
    ],
)
def test_alive_and_ready_are_two_questions(snapshot: Snapshot, runs: bool, live: bool, ready: bool) -> None:
    verdict = answers(snapshot, is_running=runs, now=NOW)
    assert (verdict.dead is None, verdict.unready is None) == (live, ready)
    told = report(snapshot, verdict)
    assert told.status == ("healthy" if live and ready else "unhealthy")
    assert told.consumer == ("running" if live else "stopped")


def test_an_unknown_lag_is_told_as_unknown_and_never_as_none() -> None:
    known = _view(0, end=10, lag=4)
    unknown = _view(1, end=None, lag=None)
    snapshot = _with(partitions=(known, unknown))
    assert report(snapshot, answers(snapshot, is_running=True, now=NOW)).lag_records is None
    samples = _samples(snapshot)
    assert samples["polly_consumer_lag_records", ("0", "t")] == 4
    assert ("polly_consumer_lag_records", ("1", "t")) not in samples
    assert samples["polly_consumer_lag_unknown_partitions", ()] == 1


def _view(number: int, *, end: int | None, lag: int | None) -> PartitionView:
    return PartitionView(
        topic="t",
        partition=number,
        position=6,
        stored=6,
        committed=6,
        end=end,
        lag_records=lag,
        lag_seconds=None,
    )


def _samples(snapshot: Snapshot) -> dict[tuple[str, tuple[str, ...]], float]:
    text = exposition(snapshot, answers(snapshot, is_running=True, now=NOW)).decode()
    return {
        (
            sample.name,
            tuple(value for name, value in sorted(sample.labels.items()) if name != "le"),
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_bucket")
    }


def test_metrics_say_what_was_counted() -> None:
    counter = Counter()
    counter.add(stored=5, duplicates=2, batches=1)
    counter.add_to("dead", "decode", 3)
    counter.measure(batch_records=10, store_seconds=0.02)
    samples = _samples(_with(tally=counter.tally, pause=PAUSE))
    assert samples["polly_events_persisted_total", ()] == 5
    assert samples["polly_events_deduplicated_total", ()] == 2
    assert samples["polly_events_dead_lettered_total", ("decode",)] == 3
    assert samples["polly_sink_batch_records_count", ()] == 1
    assert samples["polly_sink_store_seconds_sum", ()] == pytest.approx(0.02)
    assert samples["polly_sink_paused", ("flood",)] == 1
    assert samples["polly_sink_paused", ("store_unavailable",)] == 0
    assert samples["polly_sink_ready", ()] == 0


def test_the_old_endpoint_keeps_its_shape_and_tells_the_truth() -> None:
    watched = Watched(snapshot=lambda: Snapshot(state=State.STOPPED), is_running=lambda: False)
    told = answer("/health?verbose", watched)
    assert told.status == 503
    body = msgspec.json.decode(told.body)
    assert (body["status"], body["consumer"]) == ("unhealthy", "stopped")
    assert answer("/nothing", watched).status == 404


def test_a_port_that_is_taken_is_told() -> None:
    watched = Watched(snapshot=lambda: FINE, is_running=lambda: True)
    with HealthServer("127.0.0.1", 0, watched) as server:
        port = int(server.url.rsplit(":", 1)[1])
        with pytest.raises(PollyError, match=f"127.0.0.1:{port}"):
            HealthServer("127.0.0.1", port, watched)


def test_probes_in_eight_threads_never_touch_the_client_or_the_store() -> None:
    world = World({0: events(300, "a"), 1: events(300, "b")}, batch=20)
    owner_thread = threading.get_ident()
    strangers: list[str] = []
    for port in (world.member, world.store, world.topics):
        _guard(port, owner_thread, strangers)
    world.new_owner()
    owner = world.owner
    hammering = threading.Event()
    enough = threading.Event()
    answered: list[int] = []

    def hammer(url: str) -> None:
        while not hammering.is_set():
            if len(answered) > 200:
                enough.set()
            for path in ("/healthz", "/readyz", "/health", "/metrics", "/status", "/startupz"):
                try:
                    with urllib.request.urlopen(url + path, timeout=30) as reply:
                        answered.append(reply.status)
                except urllib.error.HTTPError as error:
                    with error:
                        answered.append(error.code)

    watched = Watched(snapshot=lambda: owner.snapshot, is_running=lambda: True)
    with HealthServer("127.0.0.1", 0, watched) as server:
        threads = [threading.Thread(target=hammer, args=(server.url,)) for _ in range(8)]
        for thread in threads:
            thread.start()

        def rebalance() -> None:
            world.member.takes(1)
            world.member.gives(1)

        world.member.script = [lambda: None, rebalance] * 20
        world.run()
        assert enough.wait(60)
        hammering.set()
        for thread in threads:
            thread.join()
    assert strangers == []
    assert set(answered) <= {200, 503}
    world.holds()


def _guard(port: object, thread: int, strangers: list[str]) -> None:
    for name in [
        each for each in dir(type(port)) if not each.startswith("_") and callable(getattr(port, each))
    ]:
        method = getattr(port, name)

        def guarded(*args: object, _method: object = method, _name: str = name, **options: object) -> object:
            if threading.get_ident() != thread:
                strangers.append(_name)
            return _method(*args, **options)  # type: ignore[operator]

        setattr(port, name, guarded)
