import re
import time
from contextlib import closing, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from polly.cli import options
from polly.cli.exit_code import ExitCode
from polly.cli.output import Format, Table, counted, say, show, warn
from polly.cli.record_settings import Config, record_settings
from polly.errors import InputError, StoreMisconfigured
from polly.settings import Settings, state_home

if TYPE_CHECKING:
    import sqlalchemy as sa

    from polly.store.retention import Pruned
    from polly.store.retention_disk import Reclaimed

_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([hdw])")
_DAYS = {"h": 1 / 24, "d": 1.0, "w": 7.0}


def db() -> None:
    """The database of events: its schema, its size, and what is old in it.

    Which one it is, `[store] url` of the settings says: SQLite or PostgreSQL.

    Example: `polly db status`
    """


def upgrade(*, config: Config = None) -> None:
    """Make the database, or bring it to the schema of this version. Nothing is lost, and twice is fine.

    Every command that needs the database does the same by itself.

    Example: `polly db upgrade`
    """
    from polly.store.opening import open_store  # noqa: PLC0415 - SQLAlchemy takes half as long as a command
    from polly.store.rebuild import has_events  # noqa: PLC0415
    from polly.store.schema import REVISION  # noqa: PLC0415

    settings = record_settings(config)
    before = _revision(settings)
    with closing(open_store(_url(settings), settings.store.password)) as store:
        say(f"{store.place} has schema {REVISION}.")
        if before not in {None, REVISION} and store.ask(has_events):
            say(
                f"Its schema was {before}, and it holds events. `polly db rebuild` adds the rows and columns "
                "of them that the older schema had no place for."
            )


def downgrade(
    *,
    revision: Annotated[
        str, typer.Argument(help="The schema to go back to, such as 0002; `base` is the empty database.")
    ],
    config: Config = None,
) -> None:
    """Take the database back to an earlier schema, for an earlier version of Polly.

    What that schema has no place for is dropped with its rows; `base` drops everything. This version brings
    the database forward again as soon as it uses it; `polly db rebuild` then adds again what was dropped of
    events that are still stored.

    Example: `polly db downgrade 0002`
    """
    from polly.store.upgrade import current_revision, refuse_foreign  # noqa: PLC0415
    from polly.store.upgrade import downgrade as go_back  # noqa: PLC0415
    from polly.store.visiting import migrating, visit, writing  # noqa: PLC0415

    settings = record_settings(config)
    with visit(_url(settings), settings.store.password) as store:
        with migrating(store) or nullcontext(), writing(store).begin() as connection:
            refuse_foreign(connection, store.place)
            before = current_revision(connection)
            go_back(connection, revision)
            after = current_revision(connection)
        say(f"{store.place} has schema {after or 'base: it is empty'}, before {before or 'base'}.")


def status(*, config: Config = None, output_format: options.OutputFormat = Format.TABLE) -> None:
    """Show where the database is, which schema it has, and the rows and bytes of each table.

    Example: `polly db status --format json`
    """
    from polly.store import inspection  # noqa: PLC0415
    from polly.store.upgrade import refuse_foreign  # noqa: PLC0415
    from polly.store.visiting import visit  # noqa: PLC0415

    settings = record_settings(config)
    with visit(_url(settings), settings.store.password) as store, store.engine.connect() as connection:
        refuse_foreign(connection, store.place)
        found = inspection.status(connection)
    value = {
        "url": store.place,
        "state": found.state,
        "revision": found.revision,
        "newest": found.newest,
        "tables": found.tables,
    }
    rows = tuple((each.table, each.rows, each.bytes) for each in found.tables)
    title = f"{store.place}: schema {found.revision or 'none'}, newest {found.newest}"
    empty = f"{title}\nThe database is empty: `polly db upgrade` makes the tables."
    show(value, Table(columns=("table", "rows", "bytes"), rows=rows, title=title, empty=empty), output_format)


def check(*, config: Config = None, output_format: options.OutputFormat = Format.TABLE) -> ExitCode:
    """Compare the database with what this version needs, and let it check its own data.

    Exit code 0: all is well. 1: something is wrong, and named. 2: there is no database to look at.

    Example: `polly db check`
    """
    from polly.store import inspection  # noqa: PLC0415
    from polly.store.upgrade import refuse_foreign  # noqa: PLC0415
    from polly.store.visiting import visit  # noqa: PLC0415

    settings = record_settings(config)
    with visit(_url(settings), settings.store.password) as store, store.engine.connect() as connection:
        refuse_foreign(connection, store.place)
        problems = inspection.check(connection)
    table = Table(
        columns=("place", "what is wrong"),
        rows=tuple((each.place, each.what) for each in problems),
        empty=f"{store.place} is as it should be.",
    )
    show({"url": store.place, "problems": problems}, table, output_format)
    return ExitCode.UNFIXED if problems else ExitCode.VERIFIED


def prune(
    *,
    older_than: Annotated[
        str | None,
        typer.Option(
            "--older-than",
            metavar="AGE",
            help="Such as 90d, 12h or 6w; else `[store] retention_days`.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    rewrite: Annotated[
        bool,
        typer.Option(
            "--rewrite/--no-rewrite",
            help="Write tables anew of which more than half is empty; writers wait for that.",
        ),
    ] = True,
    force: Annotated[
        bool, typer.Option("--force", help="Also remove what topics may still deliver again.")
    ] = False,
    config: Config = None,
    output_format: options.OutputFormat = Format.TABLE,
) -> None:
    """Remove what is older than an age, and give its space back to the disk.

    Runs go as a whole, once nothing about them is recent. Open dead letters stay, however old. Others may
    write at the same time.

    Example: `polly db prune --older-than 90d --dry-run`
    """
    from polly.store import retention, retention_disk  # noqa: PLC0415
    from polly.store.visiting import visit, writing  # noqa: PLC0415

    settings = record_settings(config)
    age = _age(older_than) if older_than else timedelta(days=settings.store.retention_days)
    redelivery = _redelivery(settings, age, force=force)
    with visit(_url(settings), settings.store.password) as store:
        with store.engine.connect() as connection:
            _refuse_other_schemas(connection, f"{store.place} cannot be pruned")
            horizon = retention.horizon(datetime.now(UTC), age, redelivery)
            removed = retention.prunable(connection, horizon) if dry_run else None
        before = after = retention_disk.used_bytes(store.engine)
        reclaimed = retention_disk.Reclaimed()
        if removed is None:
            removed = retention.prune(writing(store), horizon)
            reclaimed = retention_disk.reclaim(store.engine, rewrite=rewrite)
            after = retention_disk.used_bytes(store.engine)
    value = {
        "url": store.place,
        "dry_run": dry_run,
        "before": horizon.cutoff,
        "runs": removed.runs,
        "rows": removed.rows,
        "bytes_before": before,
        "bytes_after": after,
        "rewritten": reclaimed.rewritten,
        "left": reclaimed.left,
    }
    table = Table(
        columns=("table", "rows to remove" if dry_run else "rows removed"),
        rows=tuple(removed.rows.items()),
        empty=f"Nothing is older than {horizon.cutoff:%Y-%m-%d %H:%M} UTC.",
    )
    show(value, table, output_format)
    _tell(removed, reclaimed, before, after, dry_run=dry_run)


def rebuild(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be written.")] = False,
    config: Config = None,
    output_format: options.OutputFormat = Format.TABLE,
) -> ExitCode:
    """Fill the tables anew from the events that are stored: what is missing is added, nothing is removed.

    After a downgrade, after damage, or when this version knows types of events that an earlier one could only
    keep. Others may write at the same time; when it is interrupted, the next one does the rest.

    Exit code 0: all is there. 1: some events cannot be made into rows, and are named.

    Example: `polly db rebuild --dry-run`
    """
    from polly.cli.rebuild_page import show_rebuilt, watching  # noqa: PLC0415
    from polly.store.rebuild import rebuild as fill_anew  # noqa: PLC0415
    from polly.store.upgrade import refuse_foreign  # noqa: PLC0415
    from polly.store.visiting import visit  # noqa: PLC0415

    settings = record_settings(config)
    with visit(_url(settings), settings.store.password) as store:
        with store.engine.connect() as connection:
            refuse_foreign(connection, store.place)
            _refuse_other_schemas(connection, f"{store.place} cannot be rebuilt")
        began = time.monotonic()
        with watching() as watch:
            found = fill_anew(store, keep=not dry_run, watch=watch)
        show_rebuilt(found, store.place, time.monotonic() - began, output_format, dry_run=dry_run)
    return ExitCode.UNFIXED if found.refused else ExitCode.VERIFIED


SUBCOMMANDS = {
    "upgrade": upgrade,
    "downgrade": downgrade,
    "status": status,
    "check": check,
    "prune": prune,
    "rebuild": rebuild,
}


def _url(settings: Settings) -> str:
    return settings.store.url or str(state_home() / "polly.db")


def _refuse_other_schemas(connection: "sa.Connection", what: str) -> None:
    """Raises StoreMisconfigured for a database that does not have the schema of this version."""
    from polly.store import inspection  # noqa: PLC0415

    problem = inspection.status_of_schema(connection)
    if problem:
        raise StoreMisconfigured(f"{what}: {problem.what}")


def _revision(settings: Settings) -> str | None:
    """The schema that the database has, if there is one; opening it says what is wrong with it."""
    from polly.store.upgrade import current_revision  # noqa: PLC0415
    from polly.store.visiting import visit  # noqa: PLC0415

    with (
        suppress(StoreMisconfigured),
        visit(_url(settings), settings.store.password) as store,
        store.engine.connect() as connection,
    ):
        return current_revision(connection)
    return None


def _age(text: str) -> timedelta:
    found = _AGE.fullmatch(text.strip().lower())
    try:
        age = timedelta(days=float(found[1]) * _DAYS[found[2]]) if found else timedelta()
    except OverflowError:
        age = timedelta.max
    if age <= timedelta():
        raise InputError(
            f"--older-than {text!r} is no age",
            next_step="Write a number above 0 with h, d or w: 12h, 90d, 6w.",
        )
    return age


def _redelivery(settings: Settings, age: timedelta, *, force: bool) -> timedelta:
    """How long an event may be delivered again after it was stored."""
    if force or not settings.kafka.bootstrap_servers:
        return timedelta()
    kept = timedelta(days=settings.kafka.retention_days)
    if age < kept:
        raise InputError(
            f"topics keep records for {settings.kafka.retention_days:g} days: what is removed earlier here "
            "would be stored again if it were delivered again",
            next_step="Choose an older age, keep topics shorter ([kafka] retention_days), or say --force.",
        )
    return kept


def _tell(removed: "Pruned", reclaimed: "Reclaimed", before: int, after: int, *, dry_run: bool) -> None:
    say(f"{counted(removed.runs, 'run')} {'would go' if dry_run else 'removed'} as a whole.")
    if dry_run:
        say(f"The database takes {before:,} bytes; nothing was changed.")
        return
    say(f"Bytes before: {before:,}. After: {after:,}.")
    if reclaimed.rewritten:
        say(f"Written anew: {', '.join(reclaimed.rewritten)}.")
    for name, why in reclaimed.left.items():
        warn(f"{name} is mostly empty and was left as it is: {why}")
