"""`polly events`: is every event that was recorded in the store, and what does it say?"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from polly.cli.auditing import look
from polly.cli.exit_code import ExitCode
from polly.cli.observing import window_since
from polly.cli.options import OutputFormat
from polly.cli.output import Format, Table, counted, print_text, say, show
from polly.cli.record_settings import Config, record_settings
from polly.cli.record_store import existing_store
from polly.errors import InputError
from polly.settings import state_home
from polly.sink.audit import Absent, Audit, SourceAudit

if TYPE_CHECKING:
    from polly.store.event_list import StoredEvent

#: Ranges of missing numbers that a row shows; JSON has all.
_MOST_RANGES = 5


def events() -> None:
    """Look at recorded events, and account for every one of them.

    Example: `polly events audit`
    """


def audit(
    *,
    grace: Annotated[
        float,
        typer.Option(
            "--grace",
            min=0.0,
            metavar="SECONDS",
            help="A gap is missing once it was noticed so long ago, although records still wait in a topic.",
        ),
    ] = 300.0,
    output_format: OutputFormat = Format.TABLE,
    config: Config = None,
) -> ExitCode:
    """Follow the numbers of every producer through spool, topics, store and dead letters: what is missing?

    Exit code 0: nothing is missing, though some may be on their way. 1: something is missing. 2: a place
    cannot be looked at.

    Example: `polly events audit --format json`
    """
    settings = record_settings(config)
    with existing_store(settings) as store:
        found = look(settings, store, state_home() / "spool", grace=timedelta(seconds=grace))
    if output_format is not Format.JSON:
        print_text("\n".join(_lines(found)))
    show(found, _table(found), output_format)
    return ExitCode.VERIFIED if found.complete else ExitCode.UNFIXED


def _lines(found: Audit) -> list[str]:
    totals = found.totals
    figures: dict[str, object] = {
        "stored": f"{totals.stored} of {counted(totals.sources, 'source')}",
        "without a number": totals.unnumbered or None,
        "in the spool": totals.spooled,
        "no events in the spool": totals.spooled_unreadable or None,
        "published, as far as known": totals.published,
        "in topics, not stored": totals.in_topics,
        "expired in topics": totals.expired or None,
        "dead letters": f"{totals.dead_lettered}, {totals.replayed} of them replayed",
        "letters without a number": totals.letters_without_number or None,
        "removed for their age": totals.removed or None,
        "numbers used twice": totals.repeats or None,
        "on their way": totals.on_its_way,
        "missing": totals.missing,
    }
    width = max(map(len, figures)) + 2
    return [f"{name + ':':<{width}}{value}" for name, value in figures.items() if value is not None]


def _table(found: Audit) -> Table:
    return Table(
        title="" if not found.sources else "Sources that are not complete",
        columns=("source", "state", "highest", "stored", "spooled", "dead", "missing", "which", "could be"),
        rows=tuple(_row(each) for each in found.sources),
        empty="Every source is complete.",
    )


def _row(each: SourceAudit) -> tuple[object, ...]:
    absent = each.missing or each.on_its_way
    places = dict.fromkeys(place for one in absent for place in one.could_be)
    missing = sum(one.count for one in each.missing)
    return (
        each.source,
        each.state,
        each.expected,
        each.stored,
        each.spooled,
        each.dead_lettered,
        missing,
        _ranges(absent),
        ", ".join(places) or ("spool" if each.spooled else ""),
    )


def _ranges(absent: tuple[Absent, ...]) -> str:
    shown = [str(one.first) if one.count == 1 else f"{one.first}-{one.last}" for one in absent[:_MOST_RANGES]]
    more = [f"and {len(absent) - _MOST_RANGES} more"] if len(absent) > _MOST_RANGES else []
    return ", ".join(shown + more)


def list_(
    *,
    source: Annotated[
        str | None, typer.Option("--source", metavar="URN", help="Only of this producer.")
    ] = None,
    session: Annotated[
        str | None, typer.Option("--session", metavar="ID", help="Only of this session.")
    ] = None,
    run: Annotated[str | None, typer.Option("--run", metavar="RUN", help="Only about this run.")] = None,
    of_type: Annotated[
        str | None,
        typer.Option("--type", metavar="TYPE", help="Only of this type: dev.polly.run.started.v1."),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="AGE|DATE", help="Only since then: 1h, 7d, or a date.")
    ] = None,
    after: Annotated[
        str | None, typer.Option("--after", metavar="ID", help="The page after the event with this id.")
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=10_000, metavar="N", help="At most so many events.")
    ] = 20,
    output_format: OutputFormat = Format.TABLE,
    config: Config = None,
) -> ExitCode:
    """List stored events, the newest first, a page at a time. JSON has them whole.

    Example: `polly events list --type dev.polly.run.started.v1 --since 7d`
    """
    from polly.store.event_list import EventFilter, list_events  # noqa: PLC0415 - SQLAlchemy is slow to load

    wanted = EventFilter(
        source=source,
        session=session,
        run=run,
        type=of_type,
        since=window_since(since, datetime.now(UTC)).since if since else None,
    )
    with existing_store(record_settings(config)) as store:
        found = store.ask(partial(list_events, wanted=wanted, after=after, limit=limit + 1))
    if found is None:
        raise InputError(f"no event has the id {after!r}", next_step="`polly events list` prints ids.")
    page = found[:limit]
    following = page[-1].id if len(found) > limit else None
    table = Table(
        columns=("time", "type", "subject", "session", "source", "number", "id"),
        rows=tuple(
            (
                f"{each.time:%Y-%m-%d %H:%M:%S} UTC",
                each.type,
                each.subject,
                each.session_id,
                each.source,
                each.sequence.lstrip("0") or None,
                each.id,
            )
            for each in page
        ),
        empty="No stored event matches.",
    )
    show({"events": [_json(each) for each in page], "after": following}, table, output_format)
    if following and output_format is Format.TABLE:
        say(f"There are older ones: --after {following}")
    return ExitCode.VERIFIED if page else ExitCode.NO_DATA


def _json(each: "StoredEvent") -> dict[str, object]:
    return {"stored_at": each.stored_at, "event": each.envelope}


SUBCOMMANDS: Mapping[str, Callable[..., object]] = {"audit": audit, "list": list_}
