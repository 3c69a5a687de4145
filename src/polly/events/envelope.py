"""The CloudEvents 1.0 envelope: one per line in the spool, one per record in Kafka."""

import os
import secrets
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from polly.events.catalog import CATALOG
from polly.events.event import EventData


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """One recorded fact. `(source, id)` is its identity; `sequence` numbers the facts of one source."""

    specversion: str = "1.0"
    id: str
    source: str
    type: str
    time: datetime
    subject: str
    correlationid: str
    sessionid: str
    sequence: str = ""
    traceparent: str | None = None
    datacontenttype: str = "application/json"
    data: msgspec.Raw


#: Where a stage hands over what happened. The caller decides what becomes of it; it never raises.
Emit = Callable[[EventData], None]


def uuid7() -> str:
    """A UUID of version 7 (RFC 9562): sorts by its millisecond of creation."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def session_id() -> str:
    """The session that this process belongs to: the environment's, else a new UUID; never "unknown"."""
    return os.environ.get("POLLY_SESSION_ID") or os.environ.get("CLAUDE_CODE_SESSION_ID") or uuid7()


def wrap(
    data: EventData,
    *,
    source: str,
    correlation_id: str,
    session: str,
    event_id: str | None = None,
    at: datetime | None = None,
    sequence: str = "",
) -> Envelope:
    """The envelope of one fact, made now unless its id and time are already known."""
    return Envelope(
        id=event_id or uuid7(),
        source=source,
        type=data.type,
        time=at or datetime.now(UTC),
        subject=data.subject,
        correlationid=correlation_id,
        sessionid=session,
        sequence=sequence,
        data=msgspec.Raw(msgspec.json.encode(data)),
    )


def unwrap(envelope: Envelope) -> EventData:
    """The typed data. Raises KeyError for an unknown type, msgspec.ValidationError for other data."""
    return msgspec.json.decode(envelope.data, type=CATALOG[envelope.type])
