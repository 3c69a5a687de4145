"""kill -9 of the relay at random moments, while events are being written: nothing is lost, order is kept."""

import os
import random
import threading
from pathlib import Path

from tests.integration.kafka.relays import (
    Program,
    assert_each_once_or_more_in_order,
    make_bench,
    write_events,
)
from tests.services.kafka import Kafka

from polly.sink.spool import SpoolWriter, spool_files

#: `make chaos` asks for more.
KILLS = int(os.environ.get("POLLY_CHAOS_KILLS", "4"))
PRODUCERS = 3
LONGEST_LIFE_SECONDS = 1.2


def test_kill_9_of_the_relay_loses_nothing_and_keeps_the_order_of_each_key(
    tmp_path: Path, kafka: Kafka
) -> None:
    bench = make_bench(tmp_path, kafka.bootstrap, kafka.topic_prefix)
    chooser = random.Random(3)
    ids: dict[int, list[str]] = {number: [] for number in range(PRODUCERS)}
    is_over = threading.Event()

    def produce(number: int) -> None:
        """Several files one after the other, as a person's programs leave them."""
        first = 0
        while not is_over.wait(0.02):
            with SpoolWriter(bench.folder) as writer:
                count = 100 + 150 * number
                ids[number] += write_events(writer, count, correlations=4, first=first, prefix=f"p{number}-")
                first += count

    producers = [threading.Thread(target=produce, args=(number,)) for number in range(PRODUCERS)]
    for producer in producers:
        producer.start()
    for _ in range(KILLS):
        with Program(bench) as program:
            program.wait_for("Relaying")
            # How far it comes until then is what shall be random.
            is_over.wait(chooser.uniform(0.0, LONGEST_LIFE_SECONDS))
            program.kill()
    is_over.set()
    for producer in producers:
        producer.join()
    with Program(bench, "--once") as program:
        status, _ = program.end()
    found = bench.found()
    assert status == 0
    assert spool_files(bench.folder) == []
    assert list(bench.folder.glob("*.relayed")) == []
    assert_each_once_or_more_in_order(found, [event for number in ids for event in ids[number]])
