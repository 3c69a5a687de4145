"""Reads agent actions from a topic and stores them, each one once and in order."""

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

MAX_EVENT_BYTES = 64 * 1024
COLUMNS = ("event_id", "correlation_id", "agent_name", "action_type", "action_name", "recorded_at")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Record:
    """One record of a topic, as it came from the broker."""

    offset: int
    value: bytes


@dataclass(frozen=True)
class DeadLetter:
    """A record that can never be stored, kept so that a person can look at it and replay it."""

    record: Record
    reason: str


class Topic(Protocol):
    """Where records come from."""

    def read(self, offset: int, limit: int) -> Sequence[Record]:
        """At most `limit` records from `offset` on, in order."""


class ActionStore:
    """The table `agent_actions`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def save(self, event: dict[str, str]) -> None:
        """Stores one action; one that is stored already is left alone. Raises IntegrityError for an
        action that the table refuses, another sqlite3.Error when the database cannot be written to."""
        with self._connection:
            self._connection.execute(
                "INSERT INTO agent_actions VALUES"
                " (:event_id, :correlation_id, :agent_name, :action_type, :action_name, :recorded_at)"
                " ON CONFLICT (event_id) DO NOTHING",
                event,
            )


def parse_event(value: bytes) -> dict[str, str]:
    """The columns of the event in a record's value. Raises ValueError, or RecursionError for a deep one."""
    event = json.loads(value)
    if not isinstance(event, dict):
        raise ValueError(f"an event is an object, not {type(event).__name__}")
    for column in COLUMNS:
        if not isinstance(event.get(column), str):
            raise ValueError(f"an event has a text {column}, not {event.get(column)!r:.40}")
    return {column: event[column] for column in COLUMNS}


class Consumer:
    """Moves records from a topic to the store. `health()` may be asked from any thread."""

    def __init__(
        self,
        topic: Topic,
        store: ActionStore,
        *,
        batch_size: int = 100,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._topic = topic
        self._store = store
        self._batch_size = batch_size
        self._clock = clock
        self._lock = threading.Lock()
        self._offset = 0
        self._stored = 0
        self._dead_letters: list[DeadLetter] = []
        self._last_record_at: float | None = None

    @property
    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """The records that were given up, with the reason."""
        with self._lock:
            return tuple(self._dead_letters)

    def run_once(self) -> None:
        """Handles one batch. What the store could not take now is read again by the next call."""
        for record in self._topic.read(self._offset, self._batch_size):
            if len(record.value) > MAX_EVENT_BYTES:
                self._bury(record, f"larger than {MAX_EVENT_BYTES} bytes")
                continue
            try:
                self._store.save(parse_event(record.value))
            except Exception:
                log.exception("the record at offset %d was not stored, trying again", record.offset)
                return
            self._advance(record)

    def health(self) -> dict[str, Any]:
        """What the health endpoint shows: how far the consumer is and what became of the records."""
        return {
            "offset": self._offset,
            "stored": self._stored,
            "dead_lettered": len(self._dead_letters),
            "last_record_at": self._last_record_at,
        }

    def _advance(self, record: Record) -> None:
        with self._lock:
            self._offset = record.offset + 1
            self._last_record_at = self._clock()
            self._stored += 1

    def _bury(self, record: Record, reason: str) -> None:
        log.error("the record at offset %d can never be stored: %s", record.offset, reason)
        with self._lock:
            self._offset = record.offset + 1
            self._last_record_at = self._clock()
            self._dead_letters.append(DeadLetter(record, reason))
