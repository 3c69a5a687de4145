"""A dead letter as a record of its topic: the original as it was, and headers that explain it. Pure."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from polly.events.transfer import DeadLetter
from polly.sink.consumer.ports import Place, place_of

#: What the dead letters of a topic are published in.
SUFFIX = ".dlq"
#: Every header of ours begins so.
PREFIX = "dlq."
#: Where a record came from the first time; a replayed one keeps these for ever.
ORIGINAL = f"{PREFIX}original."
#: The longest reason that travels with a letter. The table has all of it.
MAX_REASON_BYTES = 2048

Headers = tuple[tuple[str, bytes | None], ...]


class LetterRecord(NamedTuple):
    """What is handed to the producer."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers
    timestamp_ms: int | None


def letter_record(letter: DeadLetter, *, group: str, client: str) -> LetterRecord:
    """The letter for its topic: key, value, timestamp and headers of the original, plus `dlq.*`."""
    record = letter.record
    kept = tuple((name, value) for name, value in record.headers if not name.startswith(PREFIX))
    return LetterRecord(
        topic=_topic(letter) + SUFFIX,
        key=record.key,
        value=record.raw,
        headers=kept + _original(letter) + _explanation(letter, group, client),
        timestamp_ms=record.timestamp_ms,
    )


def envelope_record(letter: DeadLetter, *, group: str, client: str) -> LetterRecord:
    """The letter without its payload, for a topic that does not take it: the table of dead letters has it."""
    record, whole = letter.record, letter_record(letter, group=group, client=client)
    digest = hashlib.sha256(record.raw).hexdigest()
    value = {
        "payload": "dead_letters",
        "stream": letter.stream,
        "position": record.position,
        "bytes": len(record.raw),
        "sha256": digest,
    }
    ours = tuple((name, each) for name, each in whole.headers if name.startswith(PREFIX))
    # The headers of the original are left out as well: they may be what is too large.
    return whole._replace(
        value=json.dumps(value).encode(), headers=(*ours, (f"{PREFIX}payload", b"dead_letters"))
    )


def _topic(letter: DeadLetter) -> str:
    original = dict(_headers_of(letter, ORIGINAL)).get(f"{ORIGINAL}topic")
    if original:
        return original.decode("utf-8", "replace")
    return _place(letter).topic


def _place(letter: DeadLetter) -> Place:
    place = place_of(letter.stream)
    if place is None:
        raise ValueError(f"{letter.stream} is no partition of a topic")
    return place


def _headers_of(letter: DeadLetter, prefix: str) -> Headers:
    return tuple((name, value) for name, value in letter.record.headers if name.startswith(prefix))


def _original(letter: DeadLetter) -> Headers:
    kept = _headers_of(letter, ORIGINAL)
    if kept:
        return kept
    place, record = _place(letter), letter.record
    facts: dict[str, object] = {
        "topic": place.topic,
        "partition": place.partition,
        "offset": record.position,
        "timestamp": record.timestamp_ms,
        "timestamp_type": None if record.timestamp_ms is None else "CreateTime",
    }
    return _encoded(ORIGINAL, facts)


def _explanation(letter: DeadLetter, group: str, client: str) -> Headers:
    return _encoded(
        PREFIX,
        {
            "consumer.group": group,
            "client.id": client,
            "stage": letter.stage,
            "error.class": letter.error_class,
            "error.sqlstate": letter.sqlstate,
            "error.message": letter.reason,
            "disposition": letter.disposition,
            "attempts": letter.attempts,
            "first_failure_at": letter.first_failed_at,
            "failed_at": letter.failed_at,
            "event_id": letter.event_id,
            "replay.count": letter.replays,
        },
    )


def _encoded(prefix: str, facts: dict[str, object]) -> Headers:
    return tuple((prefix + name, _text(value)) for name, value in facts.items() if value is not None)


def _text(value: object) -> bytes:
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    # A cut in the middle of a character would not be UTF-8 any more.
    return text.encode("utf-8", "replace")[:MAX_REASON_BYTES].decode("utf-8", "ignore").encode()


def streams_of(letters: Sequence[DeadLetter]) -> set[str]:
    """The partitions under which these letters are kept."""
    return {letter.stream for letter in letters if place_of(letter.stream) is not None}
