"""How `polly observe` comes to an answer: which stretch of time is meant, what waits, and who is asked."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from polly.cli.output import warn
from polly.cli.record_settings import record_settings
from polly.cli.record_store import existing_store
from polly.cli.recording import store_of
from polly.errors import InputError
from polly.settings import state_home
from polly.sink.backlog import backlog
from polly.sink.recorder import Recorder
from polly.sink.relay.spool_file import relayed_bytes
from polly.sink.session_file import spool_bytes
from polly.work.observed import Waiting, Window

if TYPE_CHECKING:
    import sqlalchemy as sa

    from polly.store.ports import Store

_Record = TypeVar("_Record")

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGE = re.compile(r"(\d{1,5})([mhdw])")


class Asked(NamedTuple, Generic[_Record]):
    """What the store answered, and what had not reached it by then."""

    record: _Record
    waiting: tuple[Waiting, ...]


def window_since(text: str, now: datetime) -> Window:
    """From an age (`24h`) or a date or time (UTC unless it says otherwise) until now. Raises InputError."""
    age = _AGE.fullmatch(text.strip().lower())
    try:
        if age:
            since = now - timedelta(**{_UNITS[age[2]]: int(age[1])})
        else:
            since = datetime.fromisoformat(text.strip())
            since = since if since.tzinfo else since.replace(tzinfo=UTC)
        since = since.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"--since {text!r} is no age and no date",
            next_step="Write 1h, 24h, 7d, 30d, or a date such as 2026-01-31 or 2026-01-31T12:00+01:00.",
        ) from error
    if since >= now:
        raise InputError(
            f"--since {text!r} is not in the past: it is {now:%Y-%m-%d %H:%M} UTC",
            next_step="Write how far to look back, such as 24h.",
        )
    return Window(since=since, until=now)


def ask(config: Path | None, question: "Callable[[sa.Connection], _Record]") -> Asked[_Record]:
    """Asks the store of the settings, after the spool was drained where this process may do that.

    Raises StoreError when there is no database, or none that answers.
    """
    settings = record_settings(config)
    spool = state_home() / "spool"
    relayed = bool(settings.kafka.bootstrap_servers)
    drains = not relayed and bool(spool_bytes(spool))
    with (store_of if drains else existing_store)(settings) as store:
        if drains:
            _drain(spool, store)
        return Asked(store.ask(question), _waiting(spool, store, relayed=relayed))


def _drain(spool: Path, store: "Store") -> None:
    recorder = Recorder(spool)
    recorder.flush_into(store)
    trouble = recorder.close()
    if trouble:
        warn(trouble)


def _waiting(spool: Path, store: "Store", *, relayed: bool) -> tuple[Waiting, ...]:
    """What is in the spool, behind what the relay has published or the store has taken."""
    try:
        found = backlog(spool, lambda path: max(relayed_bytes(path), store.position(f"spool:{path.stem}")))
    except OSError as error:
        warn(f"the spool cannot be read: {error}")
        return ()
    step = "`polly relay` brings them to Kafka." if relayed else "`polly drain` stores them, or says why not."
    return (Waiting(where="in the spool", events=found.events, oldest_at=found.oldest_at, next_step=step),)
