"""Many events about the same rows, as one row each: what storing them one by one would come to. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from polly.store.ingest.form import Values
from polly.store.ingest.judge import Event

#: Of a part: its columns without those of the key, and whether its earliest event counts.
PartShape = tuple[str, tuple[str, ...], bool]


class OwnRows(NamedTuple):
    """New rows of one table, sorted by key. `events[i]` is the number of the event that `rows[i]` is of."""

    table: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    events: list[int]


class PartRows(NamedTuple):
    """Rows of one table that may be there already, sorted by key. Each part then counts by itself.

    events: the number of the one event that says all of the row; None when several do.
    """

    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    parts: tuple[PartShape, ...]
    rows: list[tuple[Any, ...]]
    events: list[int | None]

    def halves(self) -> "tuple[PartRows, PartRows]":
        """The first rows and the others."""
        middle = len(self.rows) // 2
        first = self._replace(rows=self.rows[:middle], events=self.events[:middle])
        return first, self._replace(rows=self.rows[middle:], events=self.events[middle:])


def own_rows(events: Sequence[tuple[int, Event]]) -> list[OwnRows]:
    """The rows that events (with their numbers) add. Of two events with one id the first one counts."""
    seen: set[tuple[str, tuple[Any, ...]]] = set()
    groups: dict[tuple[str, tuple[str, ...]], list[tuple[tuple[Any, ...], tuple[Any, ...], int]]] = {}
    for number, event in events:
        for table, columns, key, row in event.own:
            if (table, key) not in seen:
                seen.add((table, key))
                groups.setdefault((table, columns), []).append((key, row, number))
    return [
        OwnRows(table, columns, [row for _, row, _ in found], [number for _, _, number in found])
        for (table, columns), rows in sorted(groups.items())
        for found in (sorted(rows, key=lambda each: each[0]),)
    ]


class _Row(NamedTuple):
    values: Values
    orders: dict[str, tuple[datetime, str]]
    events: set[int]


class _Table:
    """What a batch says about the rows of one table."""

    def __init__(self) -> None:
        self.key: tuple[str, ...] = ()
        self.columns: dict[str, None] = {}
        #: Parts with the names of their defaults, whose columns are known.
        self.seen: set[tuple[str, ...]] = set()
        self.parts: dict[str, PartShape] = {}
        self.rows: dict[tuple[Any, ...], _Row] = {}


def part_rows(events: Sequence[tuple[int, Event]]) -> list[PartRows]:
    """The last word of the events (in the order of arrival, with their numbers) about each row.

    Defaults are those of the first event, as it is the one that would make the row.
    """
    tables: dict[str, _Table] = {}
    for number, event in events:
        for table_name, key, part, first_wins, order, values, defaults in event.parts:
            table = tables.setdefault(table_name, _Table())
            if (part, *defaults) not in table.seen:
                names = tuple(values)
                table.seen.add((part, *defaults))
                table.key = names[: len(key)]
                table.parts[part] = part, names[len(key) :], first_wins
                table.columns |= dict.fromkeys(values) | dict.fromkeys(defaults)
            row = table.rows.get(key)
            if row is None:
                row = table.rows[key] = _Row(defaults | values, {part: order}, set())
            elif part not in row.orders or (
                order < row.orders[part] if first_wins else order > row.orders[part]
            ):
                row.values.update(values)
                row.orders[part] = order
            row.events.add(number)
    return [_sorted(name, table) for name, table in sorted(tables.items())]


def _sorted(name: str, table: _Table) -> PartRows:
    columns = tuple(table.columns)
    found = [row for _, row in sorted(table.rows.items())]
    return PartRows(
        name,
        table.key,
        columns,
        tuple(shape for _, shape in sorted(table.parts.items())),
        [tuple(map(row.values.get, columns)) for row in found],
        [min(row.events) if len(row.events) == 1 else None for row in found],
    )
