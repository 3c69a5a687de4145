"""How the events of a type become rows: which columns they fill, and where in an event each value stands.

Order of arrival never matters: of two events that fill the same part of a row, time decides.
"""

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any, NamedTuple

import sqlalchemy as sa

from polly.events.envelope import Envelope
from polly.events.event import EventData


class Told(NamedTuple):
    """An event as values are read from it. data: of the type that the filling is for."""

    data: Any
    envelope: Envelope


#: Where a value stands, such as "data.agent_name", or what makes it, which may raise ValueError.
Origin = str | Callable[[Told], Any]
Columns = Mapping[str, Origin]


def same(*names: str) -> dict[str, Origin]:
    """Columns that are called like the fields of the data that they take."""
    return {name: f"data.{name}" for name in names}


def always(value: object) -> Origin:
    """The same value for every event."""
    return lambda _told: value


class Values:
    """Some columns, and the values that an event has for them. `columns` has the order of `read`."""

    __slots__ = ("_computed", "_paths", "columns")

    def __init__(self, origins: Columns) -> None:
        paths = {name: origin for name, origin in origins.items() if isinstance(origin, str)}
        computed = {name: origin for name, origin in origins.items() if not isinstance(origin, str)}
        self.columns = (*paths, *computed)
        self._paths = _reader(tuple(paths.values()))
        self._computed = tuple(computed.values())

    def read(self, told: Told) -> list[Any]:
        """Raises ValueError when a word is not in its vocabulary."""
        return [*self._paths(told), *[compute(told) for compute in self._computed]]


def _reader(paths: tuple[str, ...]) -> Callable[[Told], Iterable[Any]]:
    if len(paths) > 1:
        return attrgetter(*paths)
    only = [attrgetter(path) for path in paths]
    return lambda told: [get(told) for get in only]


class Filling:
    """One row that each event of a type fills, or its part of a row that several events fill.

    key: the columns of the primary key, which stand first in `values`. part: the group of columns that is
    filled; empty when the row belongs to the event alone. first_wins: the earliest event of the part counts,
    instead of the latest. defaults: for columns of other parts, used only when the row is new. needs: where
    something must stand, or there is no row.
    """

    __slots__ = ("_needed", "defaults", "first_wins", "key", "part", "table", "values")

    def __init__(
        self,
        table: sa.Table,
        key: Columns,
        columns: Columns,
        *,
        part: str = "",
        first_wins: bool = False,
        defaults: Columns | None = None,
        needs: str | None = None,
    ) -> None:
        marks = {f"{part}_at": "envelope.time", f"{part}_event_id": "envelope.id"} if part else {}
        self.table = table
        self.key = tuple(key)
        self.part = part
        self.first_wins = first_wins
        self.values = Values({**key, **columns, **marks})
        self.defaults = Values(defaults or {})
        self._needed = attrgetter(needs) if needs else None

    def applies(self, told: Told) -> bool:
        """Does this event fill it?"""
        return self._needed is None or self._needed(told) is not None


def own_row(table: sa.Table, columns: Columns) -> Filling:
    """A row that belongs to one event alone."""
    return Filling(table, {"event_id": "envelope.id"}, {"created_at": "envelope.time", **columns})


#: What the events of each type fill. A type that is not here is kept in `events` alone.
FILLINGS: dict[type[EventData], tuple[Filling, ...]] = {}


def fills(kind: type[EventData], *fillings: Filling) -> None:
    """Say what the events of a type fill."""
    FILLINGS[kind] = fillings
