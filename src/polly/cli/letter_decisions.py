"""`polly dlq replay` and `polly dlq discard`: what a person decides about dead letters."""

import getpass
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from polly.cli import letter_options as chosen
from polly.cli.exit_code import ExitCode
from polly.cli.options import OutputFormat
from polly.cli.output import Format, Table, counted, say, show
from polly.cli.record_settings import Config, record_settings
from polly.cli.record_store import existing_store
from polly.cli.replaying import Outcome, Replayer, letters_in_order
from polly.errors import InputError

if TYPE_CHECKING:
    from polly.store.letters import LetterFilter
    from polly.store.ports import Store

DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
By = Annotated[
    str | None, typer.Option("--by", metavar="NAME", help="Who decides; your login name by default.")
]
Everything = Annotated[bool, typer.Option("--all", help="Every open letter, without choosing any.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, metavar="N", help="At most so many letters.")]

#: Outcomes after which a letter still needs somebody.
_NOT_WELL = ("failed again", "not sent", "given up")


def replay(
    letters: chosen.Names = None,
    *,
    topic: chosen.Topics = None,
    stream: chosen.Streams = None,
    stage: chosen.OfStage = None,
    error_class: chosen.ErrorClass = None,
    event_id: chosen.EventId = None,
    since: chosen.Since = None,
    until: chosen.Until = None,
    position: chosen.Positions = None,
    everything: Everything = False,
    limit: Limit = None,
    direct: Annotated[
        bool, typer.Option("--direct", help="Store letters of topics at once, not by way of Kafka.")
    ] = False,
    dry_run: DryRun = False,
    rate: Annotated[
        float | None, typer.Option("--rate", min=0.001, metavar="N", help="At most N letters per second.")
    ] = None,
    max_replays: Annotated[
        int, typer.Option("--max-replays", min=1, metavar="N", help="Give up what failed again so often.")
    ] = 3,
    by: By = None,
    output_format: OutputFormat = Format.TABLE,
    config: Config = None,
) -> ExitCode:
    """Send dead letters again, unchanged: to the topic that they came from, or (spool files) into the store.

    A letter that was sent is marked as replayed; one that fails again is open again and counts one replay
    more. What is in the store already is not stored twice, so that replaying again changes nothing.

    Example: `polly dlq replay --topic agent-actions --error-class ValidationError --dry-run`
    """
    wanted = chosen.letter_filter(
        letters, topic, stream, stage, error_class, event_id, since, until, position
    )
    _require_choice(wanted, everything=everything)
    settings = record_settings(config)
    with existing_store(settings) as store:
        replayer = Replayer(
            store,
            settings.kafka,
            by=_who(by),
            direct=direct,
            max_replays=max_replays,
            rate=rate,
            dry_run=dry_run,
        )
        try:
            replayer.replay(_open_unless_named(wanted), limit)
        finally:
            _tell(replayer.outcomes, output_format)
    return _exit_code(replayer.outcomes)


def discard(
    letters: chosen.Names = None,
    *,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why nobody has to look at them any more.")
    ],
    topic: chosen.Topics = None,
    stream: chosen.Streams = None,
    stage: chosen.OfStage = None,
    error_class: chosen.ErrorClass = None,
    event_id: chosen.EventId = None,
    since: chosen.Since = None,
    until: chosen.Until = None,
    position: chosen.Positions = None,
    everything: Everything = False,
    limit: Limit = None,
    dry_run: DryRun = False,
    by: By = None,
    output_format: OutputFormat = Format.TABLE,
    config: Config = None,
) -> ExitCode:
    """Put dead letters away: they are marked with the reason and kept, and no replay takes them.

    Example: `polly dlq discard --error-class DecodeError --reason "test of the network team"`
    """
    if not reason.strip():
        raise InputError("--reason is empty", next_step="Say why; it is kept with each letter.")
    wanted = chosen.letter_filter(
        letters, topic, stream, stage, error_class, event_id, since, until, position
    )
    _require_choice(wanted, everything=everything)
    with existing_store(record_settings(config)) as store:
        outcomes = _discarded(
            store, _open_unless_named(wanted), limit, by=_who(by), reason=reason, dry_run=dry_run
        )
    _tell(outcomes, output_format)
    return _exit_code(outcomes)


def _discarded(
    store: "Store", wanted: "LetterFilter", limit: int | None, *, by: str, reason: str, dry_run: bool
) -> list[Outcome]:
    from polly.store.letters import Decision, discard  # noqa: PLC0415 - SQLAlchemy is slow to load

    outcomes = []
    for seen in letters_in_order(store, wanted, limit):
        if seen.status != "open":
            outcomes.append(Outcome(letter=seen.name, result="left alone", detail=f"{seen.status} already"))
        elif dry_run:
            outcomes.append(Outcome(letter=seen.name, result="would be discarded"))
        else:
            decision = Decision(by=by, at=datetime.now(UTC), note=reason)
            done = store.change(partial(discard, seen=seen, decision=decision))
            outcomes.append(Outcome(letter=seen.name, result="discarded" if done else "left alone"))
    return outcomes


def _require_choice(wanted: "LetterFilter", *, everything: bool) -> None:
    if not everything and not wanted.chooses:
        raise InputError(
            "no dead letters are chosen",
            next_step="Name letters, use options such as --topic and --since, or say --all.",
        )


def _open_unless_named(wanted: "LetterFilter") -> "LetterFilter":
    """A letter that was named and is not open any more is told; others are passed over."""
    return wanted if wanted.names else msgspec.structs.replace(wanted, statuses=("open",))


def _exit_code(outcomes: list[Outcome]) -> ExitCode:
    well = outcomes and not any(each.result in _NOT_WELL for each in outcomes)
    return ExitCode.VERIFIED if well else ExitCode.UNFIXED


def _tell(outcomes: list[Outcome], output_format: Format) -> None:
    counts = Counter(each.result for each in outcomes)
    table = Table(
        columns=("letter", "result", "way", "detail"),
        rows=tuple((each.letter, each.result, each.way, " ".join(each.detail.split())) for each in outcomes),
        empty="No dead letter matches.",
    )
    show({"letters": outcomes, "counts": counts}, table, output_format)
    if outcomes and output_format is Format.TABLE:
        parts = ", ".join(f"{count} {result}" for result, count in sorted(counts.items()))
        say(f"{counted(len(outcomes), 'letter')}: {parts}")


def _who(by: str | None) -> str:
    name = by.strip() if by else ""
    if not name:
        with suppress(OSError, KeyError, ImportError):
            name = getpass.getuser()
    return name or "someone"
