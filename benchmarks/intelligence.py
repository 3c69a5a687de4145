"""A question and its answer over Kafka, against a bare record there and back; and the client's memory.

Both use the same Apache Kafka on loopback, the same library and the same settings, in turn, several rounds.
The bare round trip: a process produces to one topic, another one that reads it produces the same bytes to a
second topic, which the first one reads; no JSON, no queue, no pool, no commit. The floor: the same bytes with
what every question needs besides, an event loop that asks and a process that the other end hands them to. The
question: client, server, one process of its pool whose analysis takes no time, and back. One at a time, so
that times are latencies.
Run: make bench, or python benchmarks/intelligence.py
"""

import asyncio
import os
import queue
import statistics
import subprocess
import sys
import threading
import time
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
from confluent_kafka import Consumer, Producer, TopicPartition

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.services import kafka as kafka_service
from tests.services import run as test_run

from polly.errors import BusError
from polly.intelligence.analysis import Analysis, AnalysisRequest, OperationType
from polly.intelligence.bus.client import IntelligenceClient
from polly.intelligence.bus.server import Server
from polly.kafka.clients import Trouble, new_consumer, new_producer
from polly.kafka.settings import producer_config, reader_config
from polly.kafka.topics import create_topics
from polly.kafka.watermarks import watermarks
from polly.settings import IntelligenceSettings, KafkaSettings

ROUNDS = 9
#: Round trips of one round.
TRIPS = int(os.environ.get("POLLY_BENCH_TRIPS", "400"))
QUESTIONS = int(os.environ.get("POLLY_BENCH_QUESTIONS", "10000"))
AT_ONCE = 50
AIM = 1.3
BARE, FLOOR, OURS = "bare there and back", "floor", "question and answer"
THERE, BACK = "agent-actions", "agent-executions"
#: How the keys of records begin that the other end hands to a process before it sends them back.
HANDED = b"handed"
CONTENT = "def double(number):\n    return number * 2\n\n\n" * 50
ASK = AnalysisRequest(operation=OperationType.CODE_ANALYSIS, source_path="double.py", content=CONTENT)
SETTINGS = IntelligenceSettings(fallback=False, workers=1)


def no_time(request: AnalysisRequest) -> Analysis:
    """An answer about as large as a small one is."""
    return Analysis(
        operation=request.operation,
        source_path=request.source_path,
        language="python",
        insights=("x" * 2000,),
    )


def bare_ends(kafka: KafkaSettings, topic: str) -> tuple[Consumer, Producer]:
    """A consumer at the end of the topic, in no group, and a producer."""
    own = {"auto.offset.reset": "earliest"}
    consumer = new_consumer(reader_config(kafka, role="admin", group="bench", own=own), Trouble())
    while True:
        try:
            found = watermarks(kafka, [topic])
            break
        except BusError:  # the topics were made a moment ago
            time.sleep(0.1)
    consumer.assign([TopicPartition(each.topic, each.partition, each.high) for each in found])
    return consumer, new_producer(producer_config(kafka, linger_ms=0), Trouble())


def echo(bootstrap: str) -> None:
    """The other end of the bare round trip, until it is killed."""
    from benchmarks import intelligence  # noqa: PLC0415 - the process must find the function by name

    consumer, producer = bare_ends(KafkaSettings(bootstrap_servers=bootstrap), THERE)
    context = get_context("spawn")
    process, theirs = context.Pipe()
    context.Process(target=intelligence.hand_back, args=(theirs,), daemon=True).start()
    keys: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def send_what_is_handed_back() -> None:
        while True:
            producer.produce(BACK, process.recv_bytes(), keys.get())

    threading.Thread(target=send_what_is_handed_back, daemon=True).start()
    print("ready", flush=True)
    while True:
        message = consumer.poll(1.0)
        if message is not None:
            key, value = message.key() or b"", message.value() or b""
            if key.startswith(HANDED):
                keys.put(key)
                process.send_bytes(value)
            else:
                producer.produce(BACK, value, key)
        producer.poll(0)


def hand_back(connection: Connection) -> None:
    """The process of the floor, until the other side closes."""
    with suppress(EOFError, OSError):
        while True:
            connection.send_bytes(connection.recv_bytes())


def bare_trips(consumer: Consumer, producer: Producer, number: int) -> list[float]:
    """Seconds of each round trip."""
    taken = []
    value = CONTENT.encode()
    for trip in range(number):
        begun = time.perf_counter()
        producer.produce(THERE, value, b"key %d" % trip)
        while consumer.poll(1.0) is None:
            pass
        taken.append(time.perf_counter() - begun)
        producer.poll(0)
    return taken


async def floor_trips(consumer: Consumer, producer: Producer, number: int) -> list[float]:
    """Seconds of each round trip that an event loop waits for, through a process at the other end."""
    loop = asyncio.get_running_loop()
    pending: list[asyncio.Future[None]] = []
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set():
            if consumer.poll(0.1) is not None:
                loop.call_soon_threadsafe(lambda: pending.pop().set_result(None))

    reader = threading.Thread(target=read)
    reader.start()
    taken = []
    value = CONTENT.encode()
    for trip in range(number):
        begun = time.perf_counter()
        pending.append(loop.create_future())
        producer.produce(THERE, value, HANDED + b" %d" % trip)
        await pending[0]
        taken.append(time.perf_counter() - begun)
        producer.poll(0)
    is_over.set()
    await asyncio.to_thread(reader.join)
    return taken


async def trips(client: IntelligenceClient, number: int) -> list[float]:
    """Seconds of each question with its answer."""
    taken = []
    for _ in range(number):
        begun = time.perf_counter()
        await client.request(ASK)
        taken.append(time.perf_counter() - begun)
    return taken


def latencies(kafka: KafkaSettings) -> None:
    consumer, producer = bare_ends(kafka, BACK)
    rounds: dict[str, list[list[float]]] = {BARE: [], FLOOR: [], OURS: []}

    async def compare() -> None:
        async with IntelligenceClient(kafka, SETTINGS) as client:

            async def measure(name: str, number: int) -> list[float]:
                if name == BARE:
                    return bare_trips(consumer, producer, number)
                if name == FLOOR:
                    return await floor_trips(consumer, producer, number)
                return await trips(client, number)

            for name in rounds:
                await measure(name, max(1, TRIPS // 4))
            for number in range(ROUNDS):
                first = number % len(rounds)
                for name in [*rounds, *rounds][first : first + len(rounds)]:
                    rounds[name].append(await measure(name, TRIPS))

    asyncio.run(compare())
    consumer.close()
    tell_latencies(rounds)


def tell_latencies(rounds: dict[str, list[list[float]]]) -> None:
    print(f"{TRIPS} round trips of {len(CONTENT)} bytes, one at a time, {ROUNDS} rounds in turn")
    for name, each in rounds.items():
        p50, p95 = (statistics.median(percentile(one, share) for one in each) for share in (50, 95))
        print(f"  {name:20s} p50 {p50 * 1000:6.2f} ms, p95 {p95 * 1000:6.2f} ms")
    for name in (FLOOR, OURS):
        for share in (50, 95):
            ratios = sorted(
                percentile(one, share) / percentile(other, share)
                for one, other in zip(rounds[name], rounds[BARE], strict=True)
            )
            aim = f"; aim: at most {AIM}" if name == OURS else ""
            print(
                f"  {name:20s} {statistics.median(ratios):6.2f} times the bare p{share}"
                f" (from {ratios[0]:.2f} to {ratios[-1]:.2f}{aim})"
            )


def percentile(values: list[float], share: int) -> float:
    return statistics.quantiles(values, n=100)[share - 1]


def rss_mib() -> float:
    return psutil.Process().memory_info().rss / 2**20


def ask_many(bootstrap: str) -> None:
    """A client of its own process: memory after a tenth of the questions, and after all of them."""

    async def ask() -> None:
        async with IntelligenceClient(KafkaSettings(bootstrap_servers=bootstrap), SETTINGS) as client:
            begun = time.perf_counter()
            for done in range(AT_ONCE, QUESTIONS + 1, AT_ONCE):
                await asyncio.gather(*(client.request(ASK) for _ in range(AT_ONCE)))
                if done == QUESTIONS // 10:
                    print(f"{rss_mib():.1f}", flush=True)
            print(f"{rss_mib():.1f}")
            print(f"{QUESTIONS / (time.perf_counter() - begun):.0f}")

    asyncio.run(ask())


def serve(bootstrap: str) -> None:
    """The server, until it is killed; it writes its memory when its input has a line."""
    from benchmarks import intelligence  # noqa: PLC0415 - the processes for analyses must find the function by name

    def ready(said: str) -> None:
        print(said, flush=True)

    Server(
        KafkaSettings(bootstrap_servers=bootstrap),
        SETTINGS,
        root=Path(),
        analyze=intelligence.no_time,
        tell=ready,
    ).run()


def start(what: str, bootstrap: str) -> "subprocess.Popen[str]":
    program = "from benchmarks.intelligence import *; import sys; globals()[sys.argv[1]](sys.argv[2])"
    process = subprocess.Popen(
        [sys.executable, "-c", program, what, bootstrap],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        text=True,
    )
    if process.stdout is None or not process.stdout.readline():
        sys.exit(f"the process {what} did not start")
    return process


def memory(bootstrap: str, server: "subprocess.Popen[str]") -> None:
    of_server = psutil.Process(server.pid)
    client = start("ask_many_told", bootstrap)
    few_server = 0.0
    lines = []
    for line in client.stdout or ():
        lines.append(float(line))
        few_server = few_server or of_server.memory_info().rss / 2**20
    client.wait()
    few, many, rate = lines
    print(f"  {AT_ONCE} at once: {rate:,.0f} questions/s with one process for analyses")
    print(
        f"  memory of the client {few:.0f} MiB after {QUESTIONS // 10:,} questions, "
        f"{many:.0f} MiB after {QUESTIONS:,}"
    )
    print(
        f"  memory of the server {few_server:.0f} MiB after {QUESTIONS // 10:,} questions, "
        f"{of_server.memory_info().rss / 2**20:.0f} MiB after {QUESTIONS:,}"
    )


def ask_many_told(bootstrap: str) -> None:
    print("begun", flush=True)
    ask_many(bootstrap)


def main() -> None:
    run = test_run.begin()
    started = []
    try:
        bootstrap = kafka_service.shared_bootstrap(run)
        kafka = KafkaSettings(bootstrap_servers=bootstrap, partitions=6)
        create_topics(kafka, dry_run=False)
        started = [start("echo", bootstrap), start("serve", bootstrap)]
        latencies(kafka)
        memory(bootstrap, started[1])
    finally:
        for process in started:
            process.kill()
            process.wait()
        test_run.finish(run)


if __name__ == "__main__":
    main()
