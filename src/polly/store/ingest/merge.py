"""Many events about the same rows, as one row each: what storing them one by one would come to. Pure."""

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple

from polly.store.facts import Filling
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
    groups: dict[Filling, list[tuple[tuple[Any, ...], tuple[Any, ...], int]]] = {}
    for number, event in events:
        for own in event.own:
            filling, key = own.filling, own.key
            if (filling.table.name, key) not in seen:
                seen.add((filling.table.name, key))
                groups.setdefault(filling, []).append((key, own.row, number))
    made = []
    for filling in sorted(groups, key=lambda each: (each.table.name, each.values.columns)):
        found = sorted(groups[filling], key=itemgetter(0))
        rows, numbers = [row for _, row, _ in found], [number for _, _, number in found]
        made.append(OwnRows(filling.table.name, filling.values.columns, rows, numbers))
    return made


class _Row(NamedTuple):
    values: dict[str, Any]
    orders: dict[str, tuple[datetime, str]]
    events: set[int]


class _Table:
    """What a batch says about the rows of one table."""

    def __init__(self) -> None:
        self.fillings: dict[Filling, None] = {}
        self.rows: dict[tuple[Any, ...], _Row] = {}


def part_rows(events: Sequence[tuple[int, Event]]) -> list[PartRows]:
    """The last word of the events (in the order of arrival, with their numbers) about each row.

    Defaults are those of the first event, as it is the one that would make the row.
    """
    tables: dict[str, _Table] = {}
    for number, event in events:
        for part_row in event.parts:
            filling, said, defaults, order = part_row
            key, part = part_row.key, filling.part
            table = tables.setdefault(filling.table.name, _Table())
            table.fillings[filling] = None
            row = table.rows.get(key)
            if row is None:
                values = dict(zip(filling.defaults.columns, defaults, strict=True))
                row = table.rows[key] = _Row(values, {}, set())
            before = row.orders.get(part)
            if before is None or (order < before if filling.first_wins else order > before):
                row.values.update(zip(filling.values.columns, said, strict=True))
                row.orders[part] = order
            row.events.add(number)
    return [_sorted(name, table) for name, table in sorted(tables.items())]


def _sorted(name: str, table: _Table) -> PartRows:
    # In an order that does not depend on what came first: each order of columns is another statement.
    fillings = sorted(table.fillings, key=lambda each: (each.part, each.values.columns))
    key = fillings[0].key
    columns = tuple(
        dict.fromkeys(
            column for each in fillings for column in (*each.values.columns, *each.defaults.columns)
        )
    )
    parts = {each.part: (each.part, each.values.columns[len(key) :], each.first_wins) for each in fillings}
    found = [row for _, row in sorted(table.rows.items(), key=itemgetter(0))]
    return PartRows(
        name,
        key,
        columns,
        tuple(parts.values()),
        [tuple(map(row.values.get, columns)) for row in found],
        [min(row.events) if len(row.events) == 1 else None for row in found],
    )
