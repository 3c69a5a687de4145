"""From an event to a line in the spool: redacted, bounded, and without an open file left behind.

Each event is appended under the lock of its session, and the file closed again. So threads, tasks, forked
processes and calls of `polly log` may write at once, and a program that is killed leaves nothing half done.
"""

import os
import sys
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from polly.events.envelope import Envelope, uuid7, wrap
from polly.events.event import EventData
from polly.events.redaction import redact_event, redact_json
from polly.sink.fitting import fitted_by, roughly_fitted
from polly.sink.places import is_usable, other_folders, spool_folder
from polly.sink.session_file import SessionFile, write_alone
from polly.tracking.origin import Origin

#: Redaction takes time: larger data is shortened before as well as after it.
_MOST_TO_REDACT = 512 * 1024


class Recorded(NamedTuple):
    """An event and when it was made. trouble: why it is not in the spool; "" when it is."""

    event_id: str
    at: datetime
    trouble: str = ""


def record(data: EventData, origin: Origin) -> Recorded:
    """Appends the event to the first folder that takes it. Never raises."""
    event_id, at = uuid7(), datetime.now(UTC)
    try:
        envelope = wrap(
            data,
            source="",
            correlation_id=origin.correlation_id,
            session=origin.session,
            event_id=event_id,
            at=at,
        )
        trouble = _append(_line(envelope), origin)
    except Exception as error:  # noqa: BLE001 - the work that is recorded must not end because of its record
        trouble = f"{type(error).__name__}: {error}"
    return Recorded(event_id, at, trouble)


def _line(envelope: Envelope) -> bytes:
    """The envelope without its last brace, source and number: those are added by the file."""
    data, first = msgspec.json.decode(envelope.data), 0
    if len(envelope.data) > _MOST_TO_REDACT:
        data, first = roughly_fitted(msgspec.json.encode, data, _MOST_TO_REDACT)
    body = fitted_by(msgspec.json.encode, redact_event(data), first=first)
    bare = msgspec.json.decode(msgspec.json.encode(msgspec.structs.replace(envelope, data=msgspec.Raw(b"0"))))
    named = {name: each for name, each in bare.items() if name not in ("source", "sequence", "data")}
    return msgspec.json.encode(redact_json(named).value)[:-1] + b',"data":' + body


def _append(line: bytes, origin: Origin) -> str:
    """Why no folder took it; "" when one did."""
    home = spool_folder(os.environ, sys.platform)
    others = other_folders(os.environ, origin.project_path or os.curdir)
    said: list[str] = []
    for folder in [*([home] if home else []), *others]:
        if folder != home and not is_usable(folder):
            said.append(f"{folder} is not safe to write into")
            continue
        try:
            if _append_in(folder, line, origin.session):
                return ""
            said.append(f"{folder} is full")
        except OSError as error:
            said.append(f"{folder}: {error.strerror or error}")
    return "; ".join(said)


def _append_in(folder: str, line: bytes, session: str) -> bool:
    try:
        with SessionFile(folder, session) as file:
            return file.append([line])
    except TimeoutError:
        write_alone(folder, [line])
        return True
