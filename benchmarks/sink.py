"""The whole way of events, from Apache Kafka into PostgreSQL by `polly sink`, against COPY of the same rows.

The broker and PostgreSQL (fsync on) run here. The sink is the program itself, with its own settings: what it
stores went through fetch, decoding, checks, de-duplication, positions, commit and the group's offsets. Its
time is that from its first transaction to its last, as `stored_at` says, so that its start and the join of
the group are left out. Plain COPY fills the same tables with the same indexes, in transactions of as many.
Medians of rounds in turn; ratios are taken within a round.
Run: make bench, or python benchmarks/sink.py
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

import msgspec
import psutil
import psycopg
from benchmarks.ingest import (
    BATCH,
    EVENTS,
    ROUNDS,
    copy_all,
    emptied,
    judged,
    plain_rows,
    postgresql,
    records,
    seconds_of,
    spread,
)
from tests.services import kafka as kafka_service
from tests.services import run as service_run

from polly.events.agents import ActionRecorded
from polly.events.catalog import CATALOG
from polly.events.envelope import Envelope, wrap
from polly.kafka.clients import Trouble, new_producer
from polly.kafka.settings import producer_config
from polly.kafka.topics import create_topics
from polly.settings import KafkaSettings
from polly.store.ingest.form import postgres_form
from polly.store.postgres import PostgresStore

#: How many records of a batch hold one that cannot be stored.
POISONED = 500


class Place(NamedTuple):
    """Where a sink reads and writes."""

    bootstrap: str
    url: str


class Sunk(NamedTuple):
    """What one sink did. seconds: for all events, as the pace of all but its last transaction tells."""

    seconds: float
    cpu_seconds: float
    batches: int
    dead: int
    peak_mib: float


def kafka_settings(place: Place, prefix: str) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=place.bootstrap, topic_prefix=prefix)


def publish(place: Place, prefix: str, raws: Iterator[bytes]) -> int:
    """Sends events as the relay does: by type to their topics, keyed by correlation. How many."""
    settings = kafka_settings(place, prefix)
    create_topics(settings, dry_run=False)
    producer = new_producer(producer_config(settings), Trouble())
    sent = acknowledged = 0

    def count(error: object, _message: object) -> None:
        nonlocal acknowledged
        acknowledged += error is None

    for raw in raws:
        event = msgspec.json.decode(raw, type=Envelope)
        topic = f"{prefix}{CATALOG[event.type].topic}"
        # What follows the event makes it unreadable, and leaves its topic and key to be read.
        value = raw + b"}" if event.subject == "undecodable" else raw
        while True:
            try:
                producer.produce(topic, value, event.correlationid, on_delivery=count)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
        sent += 1
    producer.flush()
    if acknowledged != sent:
        sys.exit(f"only {acknowledged} of {sent} records were acknowledged")
    return sent


@contextmanager
def sink_process(place: Place, prefix: str, batch: int) -> Iterator[subprocess.Popen[bytes]]:
    """A `polly sink` of a group of its own, which begins at the beginning."""
    with tempfile.TemporaryDirectory(prefix="polly-bench-") as folder:
        config = Path(folder) / "polly.toml"
        config.write_text(
            f'[kafka]\nbootstrap_servers = "{place.bootstrap}"\ntopic_prefix = "{prefix}"\n'
            f'[sink]\ngroup = "{uuid.uuid4()}"\nport = 0\nbatch_records = {batch}\n'
        )
        log = Path(folder) / "log"
        command = [sys.executable, "-m", "polly", "sink", "--config", str(config)]
        environment = {**os.environ, "XDG_STATE_HOME": folder, "POLLY_STORE__URL": place.url}
        with log.open("wb") as output:
            process = subprocess.Popen(command, stderr=output, stdout=output, env=environment)
        try:
            yield process
        except BaseException:
            sys.stderr.write(log.read_text())
            raise
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def sunk(place: Place, prefix: str, count: int, batch: int = BATCH) -> Sunk:
    """Lets a sink store all of the topics, and looks at what it wrote."""
    emptied(place.url)
    with (
        psycopg.connect(place.url, autocommit=True) as connection,
        sink_process(place, prefix, batch) as process,
    ):
        watched = psutil.Process(process.pid)
        while True:
            if process.poll() is not None:
                raise RuntimeError(f"the sink ended with {process.returncode}")
            asked = "SELECT coalesce(sum(next_offset), 0) FROM sink_offsets"
            ((done,),) = connection.execute(asked).fetchall()
            if done >= count:
                break
            time.sleep(0.2)
        times = watched.cpu_times()
        peak = peak_mib(process.pid)
        asked = (
            "SELECT extract(epoch FROM max(stored_at) - min(stored_at)), count(DISTINCT stored_at), "
            "count(*), count(*) FILTER (WHERE stored_at = (SELECT max(stored_at) FROM events)) FROM events"
        )
        ((span, batches, stored, last),) = connection.execute(asked).fetchall()
        ((dead,),) = connection.execute("SELECT count(*) FROM dead_letters").fetchall()
    if stored + dead != count:
        sys.exit(f"{stored} events and {dead} dead letters of {count} records")
    return Sunk(float(span) * stored / (stored - last), times.user + times.system, batches, dead, peak)


def peak_mib(process: int) -> float:
    """The most memory that a process has had; what it has now, where the system does not tell."""
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        return float(psutil.Process(process).memory_info().rss) / 1024**2
    found = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(found.split()[1]) / 1024


def many(count: int) -> Iterator[bytes]:
    """So many events, made as they are asked for."""
    for start in range(0, count, BATCH):
        yield from (record.raw for record in records(min(BATCH, count - start), start))


def poisoned(count: int, subject: str) -> Iterator[bytes]:
    """Events of which one in so many cannot be stored, for the reason that its subject names."""
    for number, raw in enumerate(many(count)):
        if number % POISONED != POISONED // 2:
            yield raw
            continue
        bad = ActionRecorded(agent_name=subject, action_type="error", action_name=subject)
        yield msgspec.json.encode(
            wrap(bad, source="urn:polly:bench:bad", correlation_id=f"correlation-{number}", session="s")
        )


def compare(place: Place) -> None:
    """The whole way against COPY."""
    found = records(EVENTS)
    made = plain_rows(judged(found, postgres_form()))
    publish(place, "all.", (record.raw for record in found))
    copied: list[float] = []
    ours: list[Sunk] = []
    for number in range(ROUNDS + 1):
        emptied(place.url)
        plain = seconds_of(lambda: copy_all(place.url, made))
        one = sunk(place, "all.", EVENTS)
        if number:  # the first round warms everything up
            copied.append(plain)
            ours.append(one)
    print(f"Kafka to PostgreSQL, {EVENTS} events in batches of {BATCH}, {ROUNDS} rounds, fsync on")
    for name, seconds in (("binary COPY", copied), ("polly sink", [each.seconds for each in ours])):
        rate = EVENTS / statistics.median(seconds)
        print(f"  {name:18}{spread(seconds):>24} s {rate:10,.0f} events/s")
    ratios = [a / b.seconds for a, b in zip(copied, ours, strict=True)]
    print(f"  binary COPY / polly sink: {spread(ratios)}  (aim: 0.5 at least)")
    print(
        f"  transactions: {statistics.median([each.batches for each in ours]):.0f}; CPU of the sink with "
        f"its start: {spread([each.cpu_seconds for each in ours])} s; peak memory: {peak_of(ours):.0f} MiB"
    )


def peak_of(found: Sequence[Sunk]) -> float:
    return max(each.peak_mib for each in found)


def grow(place: Place) -> None:
    """Ten times the events."""
    publish(place, "many.", many(10 * EVENTS))
    ratios, few, much = [], [], []
    for _ in range(ROUNDS // 2 + 1):
        few.append(sunk(place, "all.", EVENTS))
        much.append(sunk(place, "many.", 10 * EVENTS))
        ratios.append(much[-1].seconds / few[-1].seconds)
    print(f"  10 times the events take {spread(ratios)} times as long (aim: 10.5)")
    print(
        f"  peak memory: {peak_of(few):.0f} MiB, with 10 times the events {peak_of(much):.0f} MiB (aim: 120)"
    )


def poison(place: Place) -> None:
    """One record in 500 that cannot be stored, in batches of 500."""
    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute("ALTER TABLE agent_actions ADD CONSTRAINT odd CHECK (action_name <> 'refused')")
    publish(place, "good.", many(EVENTS))
    kinds = {
        "undecodable": "bytes that are no event",
        "refused": "a constraint of the database",
    }
    for subject in kinds:
        publish(place, f"{subject}.", poisoned(EVENTS, subject))
    print(f"One poisonous record in {POISONED}, in batches of {POISONED} (aim: it costs 1.5 batches at most)")
    costs: dict[str, list[float]] = {subject: [] for subject in kinds}
    for _ in range(ROUNDS):
        clean = sunk(place, "good.", EVENTS, POISONED)
        for subject, found in costs.items():
            bad = sunk(place, f"{subject}.", EVENTS, POISONED)
            found.append((bad.seconds - clean.seconds) / (clean.seconds / (EVENTS / POISONED)) / bad.dead)
    for subject, found in costs.items():
        print(f"  {kinds[subject]}: {spread(found)} batches more")


def main() -> None:
    run = service_run.begin()
    try:
        broker = kafka_service.own_broker(run)
        with postgresql() as url:
            place = Place(broker.bootstrap, url)
            with closing(PostgresStore.open(url)):
                pass
            compare(place)
            grow(place)
            poison(place)
        broker.stop()
    finally:
        service_run.finish(run)


if __name__ == "__main__":
    main()
