"""How `polly db rebuild` looks: while it works, and what it did."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from polly.cli.output import Format, Table, counted, print_markdown, print_table, say, show, stderr, warn

if TYPE_CHECKING:
    from polly.store.rebuild import Rebuilt

#: Events that are named to a person; JSON has more of them.
_MOST_SHOWN = 10


@contextmanager
def watching() -> Iterator[Callable[[int, int], None]]:
    """A line on stderr that grows; where nobody watches, one at every tenth of the way."""
    console = stderr()
    if console.is_terminal:
        with console.status("Counting") as line:
            yield lambda done, total: line.update(f"{done:,} of {total:,} events read")
        return
    tenths = 0

    def tell(done: int, total: int) -> None:
        nonlocal tenths
        if done * 10 // total > tenths and done < total:
            tenths = done * 10 // total
            say(f"{done:,} of {total:,} events read")

    yield tell


def show_rebuilt(found: "Rebuilt", url: str, seconds: float, output_format: Format, *, dry_run: bool) -> None:
    """Prints what was written, or would be."""
    value = {
        "url": url,
        "dry_run": dry_run,
        "events": found.events,
        "seconds": round(seconds, 3),
        "tables": found.tables,
        "refused": found.refused,
        "unusable": found.unusable,
    }
    changed = [each for each in found.tables if each.written]
    table = Table(
        columns=("table", "rows", "rows to write")
        if dry_run
        else ("table", "rows before", "rows after", "written"),
        rows=tuple(
            (each.table, each.before, each.written)
            if dry_run
            else (each.table, each.before, each.after, each.written)
            for each in changed
        ),
        empty=f"Nothing {'else ' if found.refused else ''}is missing in {url}.",
    )
    show(value, table, output_format)
    if found.refused and output_format is not Format.JSON:
        _show_unusable(found, output_format)
    said = "; nothing was changed" if dry_run else ""
    say(f"{counted(found.events, 'event')} read in {seconds:.1f} s{said}.")


def _show_unusable(found: "Rebuilt", output_format: Format) -> None:
    named = found.unusable[:_MOST_SHOWN]
    warn(f"{counted(found.refused, 'event')} cannot be made into rows (any more) and stay in `events` alone.")
    if found.refused > len(named):
        say(f"The first {len(named)} are named; --format json names more.")
    table = Table(
        columns=("event", "source", "why no rows can be made of it"),
        rows=tuple((each.id, each.source, each.reason) for each in named),
    )
    (print_markdown if output_format is Format.MARKDOWN else print_table)(table)
