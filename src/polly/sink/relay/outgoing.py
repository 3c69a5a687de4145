"""From a line of the spool to a record of Kafka: the line travels unchanged, and gets an address."""

import hashlib
import time
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from polly.events.catalog import CATALOG
from polly.events.event import RUNS_TOPIC
from polly.events.numbering import number_of
from polly.events.transfer import DeadLetter, Disposition, Record, Stage
from polly.kafka.faults import Fault
from polly.kafka.producer import Failure, Headers, Message

#: What the dead letters of a topic are published in.
DEAD_LETTERS = ".dlq"
#: A CloudEvent as JSON is the whole value: the structured mode of its Kafka binding.
_HEADERS: Headers = (("content-type", b"application/cloudevents+json"),)
_MAX_REASON_CHARACTERS = 2000
_DAY_MS = 24 * 3600 * 1000


class Outgoing(NamedTuple):
    """A line on its way. source and number: of the event, to tell later which ones were published.

    reason: why the line is a dead letter; None for an event.
    """

    message: Message
    source: str | None
    number: int | None
    reason: str | None = None
    event_id: str | None = None


class _Head(msgspec.Struct):
    """The part of an envelope that decides where it travels. The sink judges the rest."""

    id: str
    source: str
    type: str
    time: datetime
    correlationid: str
    sequence: str = ""


_HEAD = msgspec.json.Decoder(_Head)


class Addressing:
    """Topic, key and time of each event.

    An event of a type that this version does not know goes to the topic of runs, where the sink judges it.
    """

    def __init__(self, *, prefix: str, retention_days: float) -> None:
        self._topics = {name: prefix + data.topic for name, data in CATALOG.items()}
        self._default = prefix + RUNS_TOPIC
        # An older time would make the topic delete the record before anybody has read it.
        self._oldest_ms = min(_DAY_MS, int(retention_days * _DAY_MS / 2))
        self._now_ms = 0

    def look_at_clock(self) -> None:
        """Take the time against which the events' own times are held; once per batch is enough."""
        self._now_ms = int(time.time() * 1000)

    def outgoing(self, stream: str, record: Record) -> Outgoing:
        """The record of Kafka for a line of the spool; for a line that is no event, a dead letter."""
        try:
            head = _HEAD.decode(record.raw)
            key = (head.correlationid or head.source).encode()
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            reason = f"{type(error).__name__}: {error}"
            headers = _letter_headers(stream, record.position, "decode", "poison", reason)
            message = Message(
                self._default + DEAD_LETTERS, record.raw, stream.encode(), headers, self._now_ms
            )
            return Outgoing(message, None, None, reason)
        topic = self._topics.get(head.type, self._default)
        message = Message(topic, record.raw, key, _HEADERS, self._timestamp(head.time))
        return Outgoing(message, head.source, number_of(head.sequence), event_id=head.id)

    def _timestamp(self, at: datetime) -> int:
        """The event's time, within what brokers take: not in the future, and not as old as retention."""
        aware = at if at.tzinfo else at.replace(tzinfo=UTC)
        own = int(aware.timestamp() * 1000)
        return min(max(own, self._now_ms - self._oldest_ms), self._now_ms)


def letter(message: Message, stream: str, position: int, reason: str) -> Message:
    """The dead letter of a record that its own topic does not take."""
    if message.topic.endswith(DEAD_LETTERS):
        return message
    headers = _letter_headers(stream, position, "publish", "oversize", reason)
    return message._replace(topic=message.topic + DEAD_LETTERS, headers=message.headers + headers)


def refused_letter(outgoing: Outgoing, stream: str, position: int, failure: Failure) -> DeadLetter:
    """The same for the table of dead letters: the line that Kafka refuses for what it is."""
    is_large = failure.fault is Fault.OVERSIZE
    return _table_letter(
        outgoing,
        stream,
        position,
        stage="validate",
        error_class="RecordTooLarge" if is_large else "RecordRefused",
        reason=f"Kafka does not take it: {failure.reason}",
        disposition="oversize" if is_large else "poison",
    )


def unreadable_letter(outgoing: Outgoing, stream: str, position: int) -> DeadLetter:
    """The line that is no event, for the table of dead letters."""
    error_class, _, reason = (outgoing.reason or "").partition(": ")
    return _table_letter(
        outgoing,
        stream,
        position,
        stage="decode",
        error_class=error_class,
        reason=reason,
        disposition="poison",
    )


def _table_letter(
    outgoing: Outgoing,
    stream: str,
    position: int,
    *,
    stage: Stage,
    error_class: str,
    reason: str,
    disposition: Disposition = "poison",
) -> DeadLetter:
    now, raw = datetime.now(UTC), outgoing.message.value or b""
    return DeadLetter(
        stream=stream,
        record=Record(position, raw),
        stage=stage,
        error_class=error_class,
        reason=reason,
        event_id=outgoing.event_id,
        disposition=disposition,
        first_failed_at=now,
        failed_at=now,
    )


def without_payload(message: Message, kept_in: str) -> Message:
    """A dead letter without its payload, which was too large even there and is kept in a file."""
    value = message.value or b""
    facts = {"bytes": len(value), "sha256": hashlib.sha256(value).hexdigest(), "kept_in": kept_in}
    headers = (*message.headers, ("dlq.payload", b"omitted"))
    return message._replace(value=msgspec.json.encode({"omitted": facts}), headers=headers)


def _letter_headers(stream: str, position: int, stage: str, disposition: str, reason: str) -> Headers:
    facts = {
        "dlq.original.stream": stream,
        "dlq.original.offset": str(position),
        "dlq.stage": stage,
        "dlq.disposition": disposition,
        "dlq.error.message": reason[:_MAX_REASON_CHARACTERS],
        "dlq.failed_at": datetime.now(UTC).isoformat(),
        "dlq.attempts": "1",
    }
    return tuple((name, value.encode("utf-8", "replace")) for name, value in facts.items())
