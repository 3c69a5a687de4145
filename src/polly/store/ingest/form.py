"""Values as a database's client takes them: one form per kind of database."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

import msgspec
import sqlalchemy as sa

Convert = Callable[[Any], Any]

_BITS = {sa.SmallInteger: 16, sa.BigInteger: 64, sa.Integer: 32}


#: What some places of a row are turned into.
Conversions = tuple[tuple[int, Convert], ...]


class Form:
    """How values become parameters. The same record is accepted or refused in every form.

    time: turns an aware time; document: turns what JSON can say.
    """

    def __init__(self, *, time: Callable[[datetime], Any], document: Convert) -> None:
        self.time = time
        self.document = document

    def conversions(self, table: sa.Table, columns: Iterable[str]) -> Conversions:
        """What the values of these columns must go through, by their places."""
        found = ((place, self._conversion(table.c[name])) for place, name in enumerate(columns))
        return tuple((place, convert) for place, convert in found if convert is not None)

    def _conversion(self, column: sa.Column[Any]) -> Convert | None:
        kind = column.type
        if isinstance(kind, sa.types.TypeDecorator):
            kind = kind.impl_instance
        if isinstance(kind, sa.DateTime):
            return None if self.time is as_it_is else self.time
        if isinstance(kind, sa.JSON):
            return self.document
        for integer, bits in _BITS.items():
            if isinstance(kind, integer):
                return partial(_whole_number, column.name, 1 << bits - 1)
        return None


def converted(row: list[Any], conversions: Conversions) -> tuple[Any, ...]:
    """The row as parameters. Raises ValueError for a value that no database has room for."""
    for place, convert in conversions:
        if row[place] is not None:
            row[place] = convert(row[place])
    return tuple(row)


def as_it_is(value: Any) -> Any:
    """The value."""
    return value


def _whole_number(name: str, limit: int, value: float) -> int:
    number = round(value)
    if -limit <= number < limit:
        return number
    raise ValueError(f"{name} is too large: a number of {limit.bit_length()} bits is stored")


def _encoded(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value)
    except OverflowError:  # a number of more than 64 bits; JSON has no limit
        return json.dumps(value, separators=(",", ":")).encode()


@cache
def sqlite_form() -> Form:
    """Times and JSON are text, times as SQLAlchemy reads them, so that they sort."""
    last: tuple[datetime | None, str] = None, ""

    def time(value: datetime) -> str:
        # The time of an event stands in several of its rows.
        nonlocal last
        if value is not last[0]:
            last = value, value.astimezone(UTC).isoformat(" ", "microseconds").removesuffix("+00:00")
        return last[1]

    return Form(time=time, document=lambda value: _encoded(value).decode())


@cache
def postgres_form() -> Form:
    """Times as they are; JSON as its bytes, for the dumper of `polly.store.ingest.postgres_writer`."""
    return Form(time=as_it_is, document=_encoded)
