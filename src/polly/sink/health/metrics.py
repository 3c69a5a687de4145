"""The snapshot as Prometheus reads it. Labels are topics, partitions and words of ours: not many."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from polly import __version__
from polly.sink.consumer.policy import Cause
from polly.sink.consumer.snapshot import Snapshot
from polly.sink.consumer.tally import Distribution
from polly.sink.health.answers import Answers

CONTENT_TYPE = CONTENT_TYPE_LATEST


def exposition(snapshot: Snapshot, verdict: Answers) -> bytes:
    """The text of `/metrics`."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(lambda: _families(snapshot, verdict)))
    return generate_latest(registry)


class _Once(Collector):
    """A registry of one scrape: nothing is kept between two."""

    def __init__(self, families: Callable[[], Iterable[Metric]]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families()

    def describe(self) -> Iterable[Metric]:
        return ()


def _families(snapshot: Snapshot, verdict: Answers) -> Iterator[Metric]:
    tally = snapshot.tally
    yield InfoMetricFamily("polly_build", "The program.", value={"version": __version__})
    yield _gauge("polly_sink_live", "1 while the owner thread is alive.", verdict.dead is None)
    yield _gauge("polly_sink_ready", "1 while events can be stored.", verdict.unready is None)
    yield _count("polly_events_persisted", "Events stored for the first time.", tally.stored)
    yield _count("polly_events_deduplicated", "Events that were stored already.", tally.duplicates)
    yield _labelled("polly_events_dead_lettered", "Records that cannot be stored.", "reason", tally.dead)
    yield _count("polly_sink_batches", "Transactions that were committed.", tally.batches)
    yield _count("polly_sink_records", "Records of these transactions.", tally.records)
    yield _count("polly_sink_empty_records", "Records without a value among them.", tally.empty)
    yield _count("polly_sink_discarded_records", "Records of partitions no longer ours.", tally.discarded)
    yield _labelled("polly_sink_retries", "Steps that were tried again.", "cause", tally.retries)
    yield _labelled(
        "polly_sink_paused_seconds", "Time in which nothing was let in.", "cause", tally.paused_seconds
    )
    yield _paused(snapshot)
    yield _labelled("polly_sink_rebalances", "Calls of the group.", "kind", tally.rebalances)
    yield _count("polly_sink_fenced", "Batches given up because another sink had stored them.", tally.fenced)
    yield _count("polly_sink_fetch_errors", "Errors that came instead of records.", tally.fetch_faults)
    yield _count("polly_sink_commits", "Commits of offsets.", tally.commits)
    yield _labelled(
        "polly_sink_commit_failures",
        "Partitions whose commit was refused.",
        "outcome",
        tally.commit_failures,
    )
    yield _count("polly_sink_dead_letters_published", "Dead letters acknowledged.", tally.published)
    yield _count("polly_sink_dead_letter_failures", "Tries that failed.", tally.publish_failures)
    yield _histogram("polly_sink_batch_records", "Records of a transaction.", tally.batch_records)
    yield _histogram("polly_sink_batch_bytes", "Bytes of a transaction.", tally.batch_bytes)
    yield _histogram("polly_sink_batch_age_seconds", "Age of the first record.", tally.batch_age_seconds)
    yield _histogram("polly_sink_store_seconds", "Time of a transaction.", tally.store_seconds)
    yield _histogram("polly_sink_commit_seconds", "Time of a commit of offsets.", tally.commit_seconds)
    yield _gauge("polly_sink_records_in_hand", "Records read and not stored yet.", snapshot.in_hand)
    yield _gauge("polly_sink_stuck_partitions", "Partitions that wait for somebody.", len(snapshot.stuck))
    yield from _times(snapshot)
    yield from _lags(snapshot)


def _paused(snapshot: Snapshot) -> Metric:
    family = GaugeMetricFamily("polly_sink_paused", "1 for the cause of a pause.", labels=["cause"])
    for cause in Cause:
        family.add_metric([cause.value], float(snapshot.pause is not None and snapshot.pause.cause is cause))
    return family


def _times(snapshot: Snapshot) -> Iterator[Metric]:
    times: tuple[tuple[str, str, datetime | None], ...] = (
        ("polly_sink_start_timestamp_seconds", "When the sink started.", snapshot.started_at),
        ("polly_sink_last_turn_timestamp_seconds", "The owner thread's last turn.", snapshot.at),
        ("polly_sink_last_store_timestamp_seconds", "The last transaction.", snapshot.last_store_at),
        ("polly_sink_last_commit_timestamp_seconds", "The last commit of offsets.", snapshot.last_commit_at),
    )
    for name, what, at in times:
        if at is not None:
            yield _gauge(name, what, at.timestamp())


def _lags(snapshot: Snapshot) -> Iterator[Metric]:
    """What is not known has no sample, and is counted: a 0 would be a lie."""
    labels = ["topic", "partition"]
    records = GaugeMetricFamily("polly_consumer_lag_records", "In the topic and not stored.", labels=labels)
    seconds = GaugeMetricFamily("polly_consumer_lag_seconds", "Age of the newest stored.", labels=labels)
    unknown = 0
    for view in snapshot.partitions:
        where = [view.topic, str(view.partition)]
        unknown += view.lag_records is None
        if view.lag_records is not None:
            records.add_metric(where, view.lag_records)
        if view.lag_seconds is not None:
            seconds.add_metric(where, view.lag_seconds)
    yield records
    yield seconds
    yield _gauge("polly_consumer_lag_unknown_partitions", "Partitions whose lag is not known.", unknown)


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(name, what, value=float(value))


def _count(name: str, what: str, value: float) -> Metric:
    return CounterMetricFamily(name, what, value=float(value))


def _labelled(name: str, what: str, label: str, values: "dict[str, float] | object") -> Metric:
    family = CounterMetricFamily(name, what, labels=[label])
    if isinstance(values, dict):
        for word, value in sorted(values.items()):
            family.add_metric([str(word)], float(value))
    return family


def _histogram(name: str, what: str, values: Distribution) -> Metric:
    buckets, below = [], 0
    for bound, count in zip([*map(str, values.bounds), "+Inf"], values.counts, strict=True):
        below += count
        buckets.append((bound, float(below)))
    return HistogramMetricFamily(name, what, buckets=buckets, sum_value=values.total)
