"""Events per second of the relay against a bare loop that produces the same bytes, and the relay's memory.

Both write to the same Apache Kafka on loopback, with the same producer settings, in turn, several rounds; the
bare loop has every record in memory, with its key, and reads no file, no JSON and no outcome but the count.
The memory is that of a process of its own, for N events and for ten times as many.
Run: make bench, or python benchmarks/relay.py
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.services import kafka as kafka_service
from tests.services import run as test_run

from polly.events.agents import ActionRecorded
from polly.events.envelope import Envelope, wrap
from polly.kafka.clients import Trouble, new_producer
from polly.kafka.producer import KafkaPublisher
from polly.kafka.settings import producer_config
from polly.kafka.topics import create_topics
from polly.settings import KafkaSettings
from polly.sink.relay.loop import Relay
from polly.sink.relay.outgoing import Addressing
from polly.sink.spool import SpoolWriter

EVENTS = int(os.environ.get("POLLY_BENCH_EVENTS", "100000"))
ROUNDS = 5
SESSIONS = 100
AIM = 0.7


def write_spool(folder: Path, events: int) -> None:
    """Events as agents make them: about 700 bytes, of many sessions in turn."""
    with SpoolWriter(folder) as writer:
        for number in range(events):
            data = ActionRecorded(
                agent_name="code-quality-specialist",
                action_type="tool_call",
                action_name="Edit",
                action_details={"file": f"src/module_{number % 977}.py", "text": uuid.uuid4().hex * 8},
                duration_ms=float(number % 500),
            )
            session = str(number % SESSIONS)
            writer.append(wrap(data, source="", correlation_id=session, session=session))


def bare_loop(settings: KafkaSettings, topic: str, records: list[tuple[bytes, bytes, int]]) -> float:
    producer = new_producer(producer_config(settings), Trouble())
    producer.list_topics(timeout=10)
    headers: list[tuple[str, str | bytes | None]] = [("content-type", b"application/cloudevents+json")]
    acknowledged = 0

    def count(error: object, _message: object) -> None:
        nonlocal acknowledged
        acknowledged += error is None

    begun = time.perf_counter()
    for value, key, at in records:
        while True:
            try:
                producer.produce(topic, value, key, headers=headers, timestamp=at, on_delivery=count)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    producer.flush()
    seconds = time.perf_counter() - begun
    if acknowledged != len(records):
        sys.exit(f"only {acknowledged} of {len(records)} records were acknowledged")
    return seconds


def relay(settings: KafkaSettings, folder: Path) -> int:
    def connect(gapless: bool) -> KafkaPublisher:
        publisher = KafkaPublisher(producer_config(settings, gapless=gapless))
        publisher.topics(10)
        return publisher

    addressing = Addressing(prefix=settings.topic_prefix, retention_days=settings.retention_days)
    working = Relay(folder, addressing, connect, lambda _said: None)
    return working.run(until_empty=True, patience_seconds=60, flush_seconds=10).published


def relayed(settings: KafkaSettings, folder: Path, events: int) -> float:
    begun = time.perf_counter()
    published = relay(settings, folder)
    seconds = time.perf_counter() - begun
    if published != events:
        sys.exit(f"only {published} of {events} events were published")
    return seconds


def compare(settings: KafkaSettings, folder: Path) -> None:
    write_spool(folder, EVENTS)
    (file,) = folder.glob("*.jsonl")
    content = file.read_bytes()
    records = []
    for line in content.splitlines():
        event = msgspec.json.decode(line, type=Envelope)
        records.append((line, event.correlationid.encode(), int(event.time.timestamp() * 1000)))
    bare, ours = [], []
    for number in range(ROUNDS):
        file.write_bytes(content)
        for is_bare in (bool(number % 2), not number % 2):
            if is_bare:
                bare.append(bare_loop(settings, "agent-actions", records))
            else:
                ours.append(relayed(settings, folder, EVENTS))
    ratios = sorted(one / other for one, other in zip(bare, ours, strict=True))
    print(f"{EVENTS} events of {len(content) // EVENTS} bytes, {ROUNDS} rounds in turn")
    for name, seconds in (("bare loop", bare), ("relay", ours)):
        rates = sorted(EVENTS / each for each in seconds)
        print(
            f"  {name:10s} {statistics.median(rates):9,.0f} events/s"
            f" (from {rates[0]:,.0f} to {rates[-1]:,.0f})"
        )
    print(
        f"  ratio      {statistics.median(ratios):9.2f}"
        f" (from {ratios[0]:.2f} to {ratios[-1]:.2f}; aim: {AIM})"
    )


def memory(settings: KafkaSettings, folder: Path, events: int) -> float:
    """Peak MiB of a process that relays so many events, which wait in files of 10,000."""
    for _ in range(0, events, 10_000):
        write_spool(folder, 10_000)
    done = subprocess.run(
        [sys.executable, __file__, "child", str(settings.bootstrap_servers), str(folder)],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)


def peak_mib() -> float:
    """Of this process alone: on Linux, the figure of getrusage begins with that of the parent."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    (line,) = [each for each in status.read_text().splitlines() if each.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def child(bootstrap: str, folder: Path) -> None:
    relay(KafkaSettings(bootstrap_servers=bootstrap), folder)
    print(peak_mib())


def main() -> None:
    run = test_run.begin()
    try:
        broker = kafka_service.own_broker(run)
        settings = KafkaSettings(bootstrap_servers=broker.bootstrap, partitions=6)
        create_topics(settings, dry_run=False)
        with tempfile.TemporaryDirectory(prefix="polly-bench-") as folder:
            compare(settings, Path(folder))
            few, many = (memory(settings, Path(folder), EVENTS * times) for times in (1, 10))
            print(f"  peak memory {few:.0f} MiB for {EVENTS:,} events, {many:.0f} MiB for {EVENTS * 10:,}")
        broker.stop()
    finally:
        test_run.finish(run)


if __name__ == "__main__":
    child(sys.argv[2], Path(sys.argv[3])) if sys.argv[1:2] == ["child"] else main()
