"""C2, M6: observability/consumer.py."""

import json
import logging
import sqlite3
import threading
from contextlib import closing
from typing import Any
from unittest import mock

from outcome import ROOT, expect

GOOD = {
    "correlation_id": "c1",
    "agent_name": "fixer",
    "action_type": "tool_call",
    "action_name": "edit",
    "recorded_at": "2025-10-25T08:00:00+00:00",
}


def _good(event_id: str, **changes: Any) -> bytes:
    return json.dumps({**GOOD, "event_id": event_id, **changes}).encode()


POISON = (
    b"{not json",
    b"\xff\xfe",
    b"[]",
    b"[" * 20_000,
    _good("p", agent_name={"not": "text"}),
    _good("p", agent_name="\ud800"),
    _good("p", action_type="dance"),
)


class _Topic:
    def __init__(self, values: list[bytes]) -> None:
        from observability.consumer import Record

        self._records = [Record(offset, value) for offset, value in enumerate(values)]

    def read(self, offset: int, limit: int) -> list[Any]:
        return self._records[offset : offset + limit]


def _consume(connection: sqlite3.Connection, values: list[bytes], rounds: int) -> Any:
    from observability.consumer import ActionStore, Consumer

    consumer = Consumer(_Topic(values), ActionStore(connection))
    for _ in range(rounds):
        consumer.run_once()
    return consumer


def _database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.executescript((ROOT / "sql/migrations/001_project_context.sql").read_text("utf-8"))
    return connection


def _stored(connection: sqlite3.Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT event_id FROM agent_actions ORDER BY event_id")]


def c2() -> None:
    """poison records become dead letters, their neighbours are stored, an outage costs nothing"""
    logging.disable()
    for poison in POISON:
        with closing(_database()) as connection:
            consumer = _consume(connection, [_good("a"), poison, _good("b")], rounds=5)
            stored = _stored(connection)
            expect(
                stored == ["a", "b"],
                f"of two good records around {poison!r:.40}, five rounds stored {stored}",
            )
            letters = [(letter.record.offset, letter.record.value) for letter in consumer.dead_letters]
            expect(
                letters == [(1, poison)], f"{poison!r:.40} left {len(letters)} dead letters instead of itself"
            )
    with closing(_database()) as connection:
        connection.execute("PRAGMA query_only = ON")
        consumer = _consume(connection, [_good("a"), _good("b")], rounds=2)
        lost = len(consumer.dead_letters)
        expect(lost == 0, f"a database that could not be written to cost {lost} good records")
        connection.execute("PRAGMA query_only = OFF")
        consumer.run_once()
        expect(_stored(connection) == ["a", "b"], "what came during an outage was not stored after it")


class _WatchedLock:
    """A lock that tells when another thread than its maker asks for it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._maker = threading.get_ident()
        self.asked = threading.Event()

    def acquire(self, *arguments: Any, **options: Any) -> bool:
        if threading.get_ident() != self._maker:
            self.asked.set()
        return self._lock.acquire(*arguments, **options)

    def release(self) -> None:
        self._lock.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def m6() -> None:
    """a health probe in the middle of an update sees the state before or after it, never a mixture"""
    from observability import consumer as module

    answers: list[dict[str, Any]] = []
    probes: list[threading.Thread] = []

    def clock() -> float:
        # Called inside the writer's update: the probe asks now, and gets on or has to wait.
        progressed = threading.Event()
        lock.asked = progressed

        def probe() -> None:
            answers.append(consumer.health())
            progressed.set()

        probes.append(threading.Thread(target=probe))
        probes[-1].start()
        progressed.wait(timeout=30)
        return 1.0

    lock = _WatchedLock()
    with closing(_database()) as connection:
        with mock.patch.object(module.threading, "Lock", lambda: lock):
            consumer = module.Consumer(
                _Topic([_good("a"), _good("b")]), module.ActionStore(connection), clock=clock
            )
        consumer.run_once()
    for probe in probes:
        probe.join()
    expect(len(answers) == 2, f"two updates were probed, {len(answers)} answers came")
    for health in answers:
        handled = health["stored"] + health["dead_lettered"]
        expect(
            handled == health["offset"],
            f"in the middle of an update, health says offset {health['offset']} but {handled} handled",
        )
