"""`polly intelligence`: servers that answer questions about code over Kafka, how they are, and questions."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from polly.cli.exit_code import ExitCode
from polly.cli.intelligence_request import request
from polly.cli.options import OutputFormat
from polly.cli.output import Format, Table, counted, print_json, say, show
from polly.cli.record_settings import Config, record_settings, require_bootstrap_servers
from polly.errors import InputError
from polly.events.event import ANALYSIS_REQUESTED_TOPIC
from polly.process.files import write_whole
from polly.settings import IntelligenceSettings, KafkaSettings

if TYPE_CHECKING:
    from polly.intelligence.bus.server import Server
    from polly.intelligence.bus.state import Health, ServerState

Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        max=256,
        metavar="N",
        help="Processes that analyse; by default as the settings say, else one per processor.",
        show_default=False,
    ),
]
Root = Annotated[
    Path,
    typer.Option(
        "--root", metavar="DIR", help="Files that questions only name are read in this folder, nowhere else."
    ),
]
HealthFile = Annotated[
    Path | None,
    typer.Option(
        "--health-file",
        metavar="FILE",
        help="Write how the server is into this file about each second, as JSON.",
        show_default=False,
    ),
]
Timeout = Annotated[
    float, typer.Option("--timeout", min=0.1, max=600, metavar="SECONDS", help="How long an answer may take.")
]


def intelligence() -> None:
    """Questions about code (quality, patterns) over Kafka: servers that answer them, and how they are.

    Example: `polly intelligence serve --workers 4`
    """


def serve(
    *, workers: Workers = None, root: Root = Path(), health_file: HealthFile = None, config: Config = None
) -> ExitCode:
    """Answer questions about code from Kafka, until it is told to stop.

    Start as many as you like, on as many machines: they share the questions. A question is committed when
    Kafka has its answer, so what a server had in hand when it died is answered by another one. SIGTERM (or
    Ctrl-C) lets it finish what is in hand; a second one ends it at once.

    Exit code 0: stopped in order; 1: ended before everything in hand was answered (another server answers
    it); 2: the settings or the cluster cannot be used.

    Example: `polly intelligence serve --workers 4 --root .`
    """
    settings = record_settings(config)
    servers = require_bootstrap_servers(settings)
    folder = _folder(root)
    from polly.intelligence.bus.server import Server  # noqa: PLC0415 - only this command needs it

    server = Server(
        settings.kafka,
        settings.intelligence.model_copy(update={"workers": workers or settings.intelligence.workers}),
        root=folder,
        tell=say,
        show=_writer(health_file),
    )
    say(
        f"Reading {settings.kafka.topic_prefix}{ANALYSIS_REQUESTED_TOPIC} of Kafka at {servers}; "
        f"files are read in {folder}. Ctrl-C or SIGTERM ends it."
    )
    return _until_stopped(server)


def status(
    *,
    timeout: Timeout = 5.0,
    output_format: OutputFormat = Format.TABLE,
    config: Config = None,
) -> ExitCode:
    """Ask the cluster and the servers whether questions about code can be answered now.

    Exit code 0: a server answers; 1: none does, or questions are switched off; 2: the cluster cannot be
    reached, or none is set up.

    Example: `polly intelligence status --format json`
    """
    from polly.intelligence.bus.state import Way  # noqa: PLC0415 - only this command needs it

    settings = record_settings(config)
    health = asyncio.run(_health(settings.kafka, settings.intelligence, timeout))
    _show_health(health, output_format)
    if health.is_ok:
        return ExitCode.VERIFIED
    return ExitCode.UNFIXED if health.way in (Way.NO_SERVER, Way.DISABLED) else ExitCode.WRONG_USE


SUBCOMMANDS: dict[str, Callable[..., object]] = {"serve": serve, "status": status, "request": request}


def health_file(path: Path) -> "Callable[[ServerState], None]":
    """What writes the state of a server into this file, whole each time."""
    return lambda state: write_whole(str(path), msgspec.json.encode(state).decode() + "\n")


def _writer(path: Path | None) -> "Callable[[ServerState], None]":
    if path is None:
        return lambda _state: None
    if not path.absolute().parent.is_dir() or path.is_dir():
        raise InputError(f"{path} cannot be written: no such folder", next_step="Name a file in a folder.")
    return health_file(path)


def _folder(root: Path) -> Path:
    if not root.is_dir():
        raise InputError(
            f"--root {root} is {'no folder' if root.exists() else 'not there'}",
            next_step="Name the folder whose files may be read, or leave it out for the current one.",
        )
    return root.resolve()


def _until_stopped(server: "Server") -> ExitCode:
    """Run the server; the first signal lets it finish, a second one ends the process at once."""
    told = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        if told.is_set():
            # Not through a console, which may be in the middle of a line of its own.
            os.write(2, b"Ended at once. What was in hand is answered by another server.\n")
            os._exit(ExitCode.UNFIXED)
        told.set()
        server.stop()

    names = [name for name in ("SIGTERM", "SIGINT", "SIGBREAK") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), stop) for name in names}
    try:
        has_finished = server.run()
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
    state = server.state
    say(f"Stopped. Answered {counted(state.answered, 'question')}, {state.failed} more with a failure.")
    return ExitCode.VERIFIED if has_finished else ExitCode.UNFIXED


async def _health(kafka: KafkaSettings, settings: IntelligenceSettings, seconds: float) -> "Health":
    from polly.intelligence.bus.client import IntelligenceClient  # noqa: PLC0415

    # With a fallback it starts without a bus, and says itself what is the matter.
    client = IntelligenceClient(kafka, settings.model_copy(update={"fallback": True}))
    async with client:
        return await client.health(timeout=seconds)


def _show_health(health: "Health", output_format: Format) -> None:
    if output_format is Format.JSON:
        print_json(health)
        return
    served, seconds = health.partitions - health.unserved, health.answer_seconds
    facts = (
        ("questions", health.way.value),
        *((("reason", health.reason),) if health.reason else ()),
        *((("brokers", health.brokers),) if health.brokers else ()),
        *((("partitions", f"{served} of {health.partitions} served"),) if health.partitions else ()),
        *((("answer", f"{seconds * 1000:.1f} ms"),) if seconds is not None else ()),
    )
    show(None, Table(columns=("intelligence", ""), rows=facts), output_format)
    rows = tuple(
        (
            each.server,
            f"{each.started_at:%Y-%m-%d %H:%M:%S} UTC",
            each.workers,
            each.partitions,
            each.in_hand,
            each.answered,
            each.failed,
            each.late,
            each.unreadable,
        )
        for each in health.servers
    )
    columns = (
        "server", "since", "workers", "partitions", "in hand", "answered", "failed", "late", "unreadable"
    )  # fmt: skip
    if rows:
        show(None, Table(columns=columns, rows=rows), output_format)
    if health.next_step:
        say(health.next_step)
