"""`polly sink`: the consumer from Kafka into the store, with its health over HTTP."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polly.cli.exit_code import ExitCode
from polly.cli.options import OutputFormat
from polly.cli.output import Format, say
from polly.cli.record_settings import Config, record_settings, require_bootstrap_servers
from polly.events.event import TOPICS
from polly.events.transfer import Batch, DeadLetter, IngestResult, Record
from polly.garbage import spare_what_is_there
from polly.settings import Settings, SinkSettings, state_home

if TYPE_CHECKING:
    from polly.sink.consumer.owner import Options, Owner
    from polly.store.ports import Store

#: How late the main thread may see that the other one has ended, or that a signal came (Windows).
_LOOK_SECONDS = 0.5
#: After how long the cluster has not acknowledged a dead letter; shorter than the wait for it.
_LETTER_MILLISECONDS = 8_000
_NOTHING_LOST = "Nothing is lost: the next start reads it again."

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        help="Where its health is served; by default as the settings say.",
        show_default=False,
    ),
]


def sink(context: typer.Context, *, config: Config = None) -> ExitCode | None:
    """Store what arrives in Kafka, without loss and without doubles, until it is told to stop.

    It reads every topic of events, writes them into the store of the settings, and sends what can never
    be stored to `TOPIC.dlq`. While the store is away it waits, and goes on by itself. SIGTERM (or Ctrl-C)
    lets it finish what is in hand; a second one ends it at once. Health is at `/healthz`, `/readyz`,
    `/startupz` and `/health`, metrics at `/metrics`.

    Exit code 0: stopped in order; 1: ended before that (the next start reads again what was in hand).

    Example: `polly sink --config /etc/polly/polly.toml`
    """
    if context.invoked_subcommand is not None:
        return None
    return _run(record_settings(config))


def status(*, url: Url = None, output_format: OutputFormat = Format.TABLE, config: Config = None) -> ExitCode:
    """Ask a sink that runs how it is: lag, what it stored, and why it waits if it does.

    Exit code 0: it runs and is ready; 1: it runs and is not ready; 2: nothing answers.

    Example: `polly sink status --format json`
    """
    from polly.cli.sink_status import ask_sink, show_status  # noqa: PLC0415 - only for this

    settings = record_settings(config).sink
    report = ask_sink(url or address(settings.host, settings.port))
    show_status(report, output_format)
    return ExitCode.VERIFIED if report.ready else ExitCode.UNFIXED


SUBCOMMANDS = {"status": status}


def address(host: str, port: int) -> str:
    """The URL at which a sink with these settings serves its health to this machine."""
    # S104: nothing is bound here
    everywhere = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104  # nosec B104
    reachable = everywhere.get(host, host)
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def _run(settings: Settings) -> ExitCode:
    servers = require_bootstrap_servers(settings)
    from polly.kafka.producer import KafkaPublisher  # noqa: PLC0415 - only this command needs them
    from polly.kafka.settings import client_id, consumer_config, producer_config  # noqa: PLC0415
    from polly.sink.consumer.kafka_letters import KafkaLetters  # noqa: PLC0415
    from polly.sink.consumer.kafka_member import KafkaMember  # noqa: PLC0415
    from polly.sink.consumer.owner import Owner  # noqa: PLC0415
    from polly.sink.health.server import HealthServer, Watched  # noqa: PLC0415

    group = settings.sink.group
    destination = OpenedWhenNeeded(lambda: _open_store(settings))
    letters = KafkaLetters(
        lambda: KafkaPublisher(
            producer_config(settings.kafka, role="dead-letters", timeout_ms=_LETTER_MILLISECONDS)
        ),
        group=group,
        client=client_id("sink"),
    )
    owner = Owner(
        options=owner_options(settings),
        member=KafkaMember(consumer_config(settings.kafka, settings.sink)),
        destination=destination,
        topics=letters,
        tell=say,
    )
    thread = _OwnerThread(owner, at_end=(letters.close, destination.close))
    watched = Watched(snapshot=lambda: owner.snapshot, is_running=thread.is_alive)
    with HealthServer(settings.sink.host, settings.sink.port, watched) as health:
        say(
            f"Reading {len(TOPICS)} topics ({settings.kafka.topic_prefix}{TOPICS[0]}, …) "
            f"of Kafka at {servers} as group {group}, "
            f"storing in {_shown_store(settings)}; health at {health.url}/health"
        )
        thread.start()
        return _until_stopped(owner, thread, settings.sink)


def owner_options(settings: Settings) -> "Options":
    """What the settings say to the consumer."""
    from polly.sink.consumer.hand import Limits  # noqa: PLC0415
    from polly.sink.consumer.owner import Options  # noqa: PLC0415
    from polly.sink.consumer.ports import StartRule  # noqa: PLC0415

    of_sink = settings.sink
    return Options(
        group=of_sink.group,
        topics=tuple(f"{settings.kafka.topic_prefix}{topic}" for topic in TOPICS),
        start=StartRule(of_sink.start),
        limits=Limits(of_sink.batch_records, int(of_sink.batch_mb * 1024 * 1024), of_sink.linger_ms / 1000),
        flood_window=of_sink.flood_window,
        flood_share=of_sink.flood_share,
        drain_seconds=of_sink.drain_seconds,
    )


class OpenedWhenNeeded:
    """A store that is opened by its first use, and as often as that fails: a sink may start before it."""

    def __init__(self, open_store: "Callable[[], Store]") -> None:
        self._open_store = open_store
        self._opened: Store | None = None

    @property
    def _store(self) -> "Store":
        if self._opened is None:
            self._opened = self._open_store()
            spare_what_is_there()  # the last large part of the program is loaded now
        return self._opened

    def ingest(self, batches: Sequence[Batch], *, most_dead: int | None = None) -> IngestResult:
        return self._store.ingest(batches, most_dead=most_dead)

    def expect(self, records: Mapping[str, Sequence[Record]]) -> None:
        if self._opened is not None:  # a hint is not worth the trouble that opening can be
            self._opened.expect(records)

    def position(self, stream: str) -> int:
        return self._store.position(stream)

    def unpublished_letters(self, streams: Collection[str]) -> tuple[DeadLetter, ...]:
        return self._store.unpublished_letters(streams)

    def mark_published(self, letters: Sequence[DeadLetter]) -> None:
        self._store.mark_published(letters)

    def check_writable(self) -> None:
        self._store.check_writable()

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()


def _open_store(settings: Settings) -> "Store":
    from polly.store.opening import open_store  # noqa: PLC0415 - SQLAlchemy takes half as long as a command

    return open_store(_store_url(settings), settings.store.password)


def _store_url(settings: Settings) -> str:
    return settings.store.url or str(state_home() / "polly.db")


def _shown_store(settings: Settings) -> str:
    """The store without a password that its URL may carry."""
    url = _store_url(settings)
    scheme, separator, rest = url.partition("://")
    if not separator:
        return str(Path(url))
    user, at, place = rest.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}{at}{place.partition('?')[0]}"


class _OwnerThread(threading.Thread):
    """Runs the owner; keeps how it ended."""

    def __init__(self, owner: "Owner", at_end: Sequence[Callable[[], None]]) -> None:
        super().__init__(name="sink", daemon=True)
        self.error: BaseException | None = None
        self._owner = owner
        self._at_end = at_end

    def run(self) -> None:
        try:
            self._owner.run()
            for close in self._at_end:
                close()
        except BaseException as error:  # noqa: BLE001 - the thread ends here; the main thread raises it
            self.error = error


def _until_stopped(owner: "Owner", thread: _OwnerThread, settings: SinkSettings) -> ExitCode:
    """Wait for the thread, or for the signal and then for at most `exit_seconds`."""
    told = threading.Event()
    previous = {each: signal.signal(each, _stopper(owner, told)) for each in _signals()}
    try:
        while thread.is_alive() and not told.is_set():
            thread.join(_LOOK_SECONDS)
        if thread.is_alive():
            say("Stopping: what is in hand is finished first. A second signal ends it at once.")
            thread.join(settings.exit_seconds)
        if thread.is_alive():
            say(f"Ended after {settings.exit_seconds:g} s without finishing. {_NOTHING_LOST}")
            sys.stderr.flush()
            # Neither the thread nor a library may keep the process, and nothing may be committed any more.
            os._exit(ExitCode.UNFIXED)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if thread.error is not None:
        raise thread.error
    say("Stopped.")
    return ExitCode.VERIFIED


def _signals() -> list[signal.Signals]:
    names = ("SIGTERM", "SIGINT", "SIGBREAK")
    return [signal.Signals[name] for name in names if hasattr(signal, name)]


def _stopper(owner: "Owner", told: threading.Event) -> Callable[[int, object], None]:
    def stop(_number: int, _frame: object) -> None:
        if told.is_set():
            # Not through a console, which may be in the middle of a line of its own.
            os.write(2, f"Ended at once. {_NOTHING_LOST}\n".encode())
            os._exit(ExitCode.UNFIXED)
        told.set()
        owner.stop()

    return stop
