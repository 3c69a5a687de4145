"""`polly routing`: how the router does."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial

from polly.cli.exit_code import ExitCode
from polly.cli.observe import Since
from polly.cli.observing import ask, window_since
from polly.cli.options import OutputFormat
from polly.cli.output import Format, print_json, say
from polly.cli.pages import show_page
from polly.cli.record_settings import Config
from polly.reporting.observe_words import window as in_words
from polly.reporting.routing_page import routing_page


def routing() -> None:
    """Look at how roles are chosen. `polly route TEXT` asks for one decision.

    Example: `polly routing report`
    """


def report(
    *, since: Since = "7d", output_format: OutputFormat = Format.TABLE, config: Config = None
) -> ExitCode:
    """Decisions of the router in figures: by strategy and role, how often it was right where that is known,
    how sure it was, cache hits, time per stage, and what became of the issues of each role.

    Exit code 0: answered. 2: no database, or wrong use. 4: nothing is recorded in that time.

    Example: `polly routing report --since 30d`
    """
    from polly.store.observations import routing as questions  # noqa: PLC0415 - SQLAlchemy is slow to load

    window = window_since(since, datetime.now(UTC))
    asked = ask(config, partial(questions.report, window=window))
    found = asked.record
    if output_format is Format.JSON:
        status = "no_data" if found.is_empty else None
        print_json({"status": status, "waiting": asked.waiting, "figures": found})
    elif not found.is_empty:
        show_page(routing_page(found), output_format)
    if not found.is_empty:
        return ExitCode.VERIFIED
    say(f"No decision of the router was recorded from {in_words(window)}.")
    say("Look further back with --since, or see `polly db status` for what there is.")
    return ExitCode.NO_DATA


SUBCOMMANDS: Mapping[str, Callable[..., object]] = {"report": report}
