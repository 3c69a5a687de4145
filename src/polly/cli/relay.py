"""`polly relay`: from the spool to Kafka, until it is told to stop."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from polly.cli.exit_code import ExitCode
from polly.cli.output import counted, say
from polly.cli.record_settings import Config, record_settings, require_bootstrap_servers
from polly.cli.recording import store_of
from polly.events.transfer import DeadLetter
from polly.kafka.producer import KafkaPublisher
from polly.kafka.settings import producer_config
from polly.kafka.topics import require_topics
from polly.settings import KafkaSettings, Settings, state_home
from polly.sink.relay.loop import Relay, RelayResult
from polly.sink.relay.outgoing import Addressing

#: How long the first answer of the cluster is awaited.
_CONNECT_SECONDS = 5.0
#: How long `--once` tries without getting anywhere.
_PATIENCE_SECONDS = 30.0
#: How long a relay that is told to stop waits for what is on its way.
_FLUSH_SECONDS = 8.0


def relay(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="End when the spool is empty, instead of waiting for more.")
    ] = False,
    config: Config = None,
) -> ExitCode:
    """Publish the events that wait in this user's spool to Kafka, in order, each at least once.

    Keep it running beside your work: while the cluster is away, events wait in the spool and nothing else
    notices. A file of the spool is deleted when Kafka has acknowledged all of it. With --once the exit code
    is 0 when everything is in Kafka, 1 when something became a dead letter or is still in the spool, and 2
    when the cluster could not be used.

    Example: `polly relay --once`
    """
    settings = record_settings(config)
    kafka, servers = settings.kafka, require_bootstrap_servers(settings)
    spool = state_home() / "spool"
    working = Relay(
        spool,
        Addressing(prefix=kafka.topic_prefix, retention_days=kafka.retention_days),
        lambda gapless: _connect(kafka, gapless=gapless),
        say,
        partial(_keep, settings),
    )
    if not once:
        say(f"Relaying {spool} to Kafka at {servers}. Ctrl-C or SIGTERM ends it.")
    with _stopped_by_signals(working) as received:
        result = working.run(
            until_empty=once, patience_seconds=_PATIENCE_SECONDS, flush_seconds=_FLUSH_SECONDS
        )
    return _told(result, spool, received, once=once)


def _keep(settings: Settings, letters: Sequence[DeadLetter]) -> None:
    """Dead letters of the relay, where `polly dlq` looks for them."""
    from polly.store.letters import keep_letters  # noqa: PLC0415 - SQLAlchemy is slow to load, letters are rare

    with store_of(settings) as store:
        store.change(partial(keep_letters, letters=letters, now=datetime.now(UTC)))


def _connect(kafka: KafkaSettings, *, gapless: bool) -> KafkaPublisher:
    publisher = KafkaPublisher(producer_config(kafka, role="relay", gapless=gapless))
    require_topics(kafka, publisher.topics(_CONNECT_SECONDS))
    return publisher


@contextmanager
def _stopped_by_signals(working: Relay) -> Iterator[list[int]]:
    """The first signal lets the relay finish, a second one ends the process at once."""
    received: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        signal.signal(number, signal.SIG_DFL)
        if len(received) > 1:
            signal.raise_signal(number)
        working.stop()

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _told(result: RelayResult, spool: Path, received: list[int], *, once: bool) -> ExitCode:
    if result.waiting:
        say(f"{counted(result.waiting, 'file')} in {spool} hold events that are not in Kafka yet.")
    if received:
        return ExitCode.INTERRUPTED if received[0] == signal.SIGINT else ExitCode.VERIFIED
    if once and not (result.published or result.dead_letters or result.waiting):
        say("Nothing waits in the spool.")
    return ExitCode.UNFIXED if result.waiting or result.dead_letters else ExitCode.VERIFIED
