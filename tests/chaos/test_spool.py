"""Producers and drains are killed at any moment; nothing complete is lost and nothing is there twice."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from polly.sink.drain import drain
from polly.sink.spool import spool_files
from polly.store import schema
from polly.store.sqlite import SqliteStore

NEVER = 10**9

pytestmark = pytest.mark.skipif(os.name == "nt", reason="SIGKILL is what is tested")

#: Appends events for ever; prints the id of each once it is written. Killed by the test, or, when told to,
#: by itself in the middle of a line.
PRODUCER = """
import os, signal, sys, pathlib
from polly.events.catalog import RunInterrupted
from polly.events.envelope import wrap
from polly.sink.spool import SpoolWriter
writer = SpoolWriter(pathlib.Path(sys.argv[1]))
tear_at = int(sys.argv[2])
write = os.write
number = 0
while True:
    number += 1
    event = wrap(
        RunInterrupted(run="run", reason="x" * (number % 300)), source="", correlation_id="run", session="s"
    )
    if number == tear_at:
        def torn(file, raw):
            write(file, raw[: len(raw) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        os.write = torn
    writer.append(event)
    print(event.id, flush=True)
"""

#: Drains for ever; says when a batch is about to be stored and when it was.
DRAIN = """
import sys, pathlib
from polly.sink import drain
from polly.store import schema
from polly.store.sqlite import SqliteStore
drain.BATCH_BYTES = 4_096
class Telling:
    def __init__(self, store):
        self.store, self.position, self.forget = store, store.position, store.forget
    def ingest(self, batches, *, most_dead=None):
        print("about to store", flush=True)
        result = self.store.ingest(batches)
        print("stored", flush=True)
        return result
with SqliteStore.open(sys.argv[2]) as store:
    print("ready", flush=True)
    while True:
        drain.drain(pathlib.Path(sys.argv[1]), Telling(store))
"""


class _KilledOnCue:
    """A child that is killed after it has printed a number of lines. `lines` are those that it finished."""

    def __init__(self, program: str, *arguments: object, after_lines: int) -> None:
        self.lines: list[str] = []
        self.has_begun = threading.Event()
        self.has_stored = threading.Event()
        self._after = after_lines
        command = [sys.executable, "-u", "-c", program, *(str(each) for each in arguments)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as printed:
            for line in printed:
                if line.endswith("\n"):
                    self.lines.append(line.strip())
                self.has_begun.set()
                if self.lines[-1:] == ["stored"]:
                    self.has_stored.set()
                if len(self.lines) == self._after:
                    self.kill()
        self.has_begun.set()
        self.has_stored.set()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def wait(self) -> int:
        self._thread.join()
        return self._process.wait()


def test_kill_9_of_producers_and_drains_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    folder, database = tmp_path / "spool", tmp_path / "polly.db"
    SqliteStore.open(database).close()
    chooser = random.Random(2)
    finished: set[str] = set()
    for _ in range(3):
        draining = _KilledOnCue(DRAIN, folder, database, after_lines=chooser.randint(3, 12))
        draining.has_begun.wait()
        producers = [
            _KilledOnCue(PRODUCER, folder, 40, after_lines=NEVER),
            _KilledOnCue(PRODUCER, folder, 0, after_lines=chooser.randint(20, 400)),
        ]
        for producer in producers:
            assert producer.wait() == -signal.SIGKILL
            finished.update(producer.lines)
        draining.has_stored.wait()  # something waits for it: what the producers have written
        draining.kill()
        draining.wait()

    stored_before = _stored(database)
    assert stored_before  # the drains did reach the store before they were killed
    with SqliteStore.open(database) as store:
        drain(folder, store)
        with store.engine.connect() as connection:
            counted = sa.select(sa.func.count()).select_from(schema.dead_letters)
            torn = connection.execute(counted).scalar_one()
    assert spool_files(folder) == []
    stored = _stored(database)
    ids = [event_id for event_id, _, _ in stored]
    assert len(ids) == len(set(ids))
    assert finished <= set(ids)
    assert 3 <= torn <= 6  # those torn on purpose, and at most the last line of each other producer
    by_source: dict[str, list[str]] = {}
    for event_id, source, _ in stored:
        by_source.setdefault(source, []).append(event_id)
    assert len(by_source) == 6
    for source, of_source in by_source.items():
        numbers = [int(sequence) for _, each, sequence in stored if each == source]
        assert sorted(numbers) == list(range(1, len(numbers) + 1))
        # One line may be complete whose producer died before it could say so.
        assert len(set(of_source) - finished) <= 1


def _stored(database: Path) -> list[tuple[str, str, str]]:
    with SqliteStore.open(database) as store, store.engine.connect() as connection:
        table = schema.events
        found = connection.execute(sa.select(table.c.id, table.c.source, table.c.sequence))
        return [(row.id, row.source, row.sequence) for row in found]
