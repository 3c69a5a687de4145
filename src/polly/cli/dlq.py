"""`polly dlq`: dead letters are looked at, sent again, or put away; none is ever deleted."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated

import typer

from polly.cli import letter_options as chosen
from polly.cli.exit_code import ExitCode
from polly.cli.letter_decisions import discard, replay
from polly.cli.letter_page import letter_json, letter_lines, letter_table
from polly.cli.options import OutputFormat
from polly.cli.output import Format, print_json, print_text, say
from polly.cli.output import show as show_table
from polly.cli.record_settings import Config, record_settings
from polly.cli.record_store import existing_store


def dlq() -> None:
    """Look after dead letters: records that could not be stored as they are.

    Exit code 0: done. 1: nothing matched, or a letter failed again or was not sent. 2: wrong use, or a
    service that does not answer.

    Example: `polly dlq list`
    """


def list_(
    *,
    topic: chosen.Topics = None,
    stream: chosen.Streams = None,
    stage: chosen.OfStage = None,
    error_class: chosen.ErrorClass = None,
    event_id: chosen.EventId = None,
    since: chosen.Since = None,
    until: chosen.Until = None,
    position: chosen.Positions = None,
    status: Annotated[
        chosen.Status, typer.Option("--status", help="Only letters of which this became.")
    ] = chosen.Status.OPEN,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="At most so many letters.")] = 50,
    output_format: OutputFormat = Format.TABLE,
    config: Config = None,
) -> ExitCode:
    """List dead letters, those that failed last first.

    Example: `polly dlq list --topic agent-actions --since 24h`
    """
    from polly.store.letters import count_letters, list_letters  # noqa: PLC0415 - SQLAlchemy is slow to load

    wanted = chosen.letter_filter(
        None, topic, stream, stage, error_class, event_id, since, until, position, status
    )
    with existing_store(record_settings(config)) as store:
        found = store.ask(partial(list_letters, wanted=wanted, limit=limit))
        matching = sum(store.ask(partial(count_letters, wanted=wanted)).values())
    value = {"letters": [letter_json(each) for each in found], "matching": matching}
    kind = "" if status is chosen.Status.ALL else f"{status.value} "
    show_table(value, letter_table(found, empty=f"No {kind}dead letter matches."), output_format)
    if matching > len(found):
        say(f"{matching - len(found)} more match; --limit shows more of them.")
    return ExitCode.VERIFIED if found else ExitCode.UNFIXED


def show(
    letter: Annotated[
        str, typer.Argument(metavar="LETTER", help="Its name: STREAM@POSITION.", show_default=False)
    ],
    *,
    output_format: OutputFormat = Format.TABLE,
    config: Config = None,
) -> ExitCode:
    """Show one dead letter whole: why it was refused, what was decided about it, its headers and its bytes.

    Example: `polly dlq show spool:0190b6c2-7c1e-7d31-9f5a-2f6f0d1f5b11@4096`
    """
    from polly.store.letters import LetterFilter, list_letters  # noqa: PLC0415 - SQLAlchemy is slow to load

    wanted = LetterFilter(names=(chosen.letter_name(letter),))
    with existing_store(record_settings(config)) as store:
        found = store.ask(partial(list_letters, wanted=wanted, limit=1))
    if not found:
        say(f"There is no dead letter {letter}.")
        return ExitCode.UNFIXED
    if output_format is Format.JSON:
        print_json(letter_json(found[0], whole=True))
    else:
        print_text("\n".join(letter_lines(found[0])))
    return ExitCode.VERIFIED


SUBCOMMANDS: Mapping[str, Callable[..., object]] = {
    "list": list_,
    "show": show,
    "replay": replay,
    "discard": discard,
}
