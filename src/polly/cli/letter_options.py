"""Which dead letters are meant: the arguments and options of `polly dlq`, each written once."""

import enum
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from polly.cli.observing import window_since
from polly.errors import InputError

if TYPE_CHECKING:
    from polly.store.letters import LetterFilter


class Stage(enum.StrEnum):
    """The step that refused a record."""

    DECODE = "decode"
    VALIDATE = "validate"
    STORE = "store"


class Status(enum.StrEnum):
    """What became of a letter."""

    OPEN = "open"
    REPLAYED = "replayed"
    DISCARDED = "discarded"
    ALL = "all"


Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[LETTER]...", help="Letters by name: STREAM@POSITION.", show_default=False),
]
Topics = Annotated[
    list[str] | None,
    typer.Option("--topic", metavar="TOPIC", help="Only letters of this topic. Can be repeated."),
]
Streams = Annotated[
    list[str] | None,
    typer.Option(
        "--stream",
        metavar="STREAM",
        help="Only of this spool file or partition, by its name. Can be repeated.",
    ),
]
OfStage = Annotated[Stage | None, typer.Option("--stage", help="Only letters that this step refused.")]
ErrorClass = Annotated[
    str | None, typer.Option("--error-class", metavar="CLASS", help="Only letters with this kind of error.")
]
EventId = Annotated[str | None, typer.Option("--event-id", metavar="ID", help="Only letters of this event.")]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="AGE|DATE", help="Only letters that failed since then: 24h, 7d, a date."),
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="AGE|DATE", help="Only letters that failed before that.")
]
Positions = Annotated[
    list[str] | None,
    typer.Option("--position", metavar="N|N-M", help="Only letters at these positions. Can be repeated."),
]


_STATUSES: "Mapping[Status, tuple[Literal['open', 'replayed', 'discarded'], ...]]" = {
    Status.OPEN: ("open",),
    Status.REPLAYED: ("replayed",),
    Status.DISCARDED: ("discarded",),
    Status.ALL: (),
}


def letter_filter(  # noqa: PLR0917 - in the order in which the commands declare their options
    names: list[str] | None,
    topics: list[str] | None,
    streams: list[str] | None,
    stage: Stage | None,
    error_class: str | None,
    event_id: str | None,
    since: str | None,
    until: str | None,
    positions: list[str] | None,
    status: Status = Status.ALL,
) -> "LetterFilter":
    """The letters that these options ask for. Raises InputError."""
    from polly.store.letters import LetterFilter  # noqa: PLC0415 - SQLAlchemy takes half as long as a command

    now = datetime.now(UTC)
    return LetterFilter(
        names=tuple(letter_name(name) for name in names or ()),
        topics=tuple(topics or ()),
        streams=tuple(streams or ()),
        stage=stage.value if stage else None,
        error_class=error_class,
        event_id=event_id,
        since=window_since(since, now).since if since else None,
        until=_until(until, now) if until else None,
        positions=tuple(_positions(text) for text in positions or ()),
        statuses=_STATUSES[status],
    )


def letter_name(text: str) -> tuple[str, int]:
    """The stream and the position in it. Raises InputError."""
    stream, _, position = text.rpartition("@")
    if not stream or not _is_position(position):
        raise InputError(
            f"{text!r} is no name of a dead letter",
            next_step="`polly dlq list` prints the names: a stream, @ and a position.",
        )
    return stream, int(position)


def _positions(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    last = last or first
    if not (_is_position(first) and _is_position(last) and int(first) <= int(last)):
        raise InputError(f"--position {text!r} is no position and no range", next_step="Write 17 or 17-40.")
    return int(first), int(last)


def _is_position(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


def _until(text: str, now: datetime) -> datetime:
    try:
        return window_since(text, now).since
    except InputError as error:
        raise InputError(error.what.replace("--since", "--until", 1), next_step=error.next_step) from error
