"""A harmless event in the place of one that was refused: what it meets is the database's doing. Pure."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

from polly.store import schema
from polly.store.facts import Filling, Values
from polly.store.ingest.form import Form
from polly.store.ingest.judge import EVENT_COLUMNS, Event


def tables_of(event: Event) -> frozenset[str]:
    """The tables that the event fills."""
    own, parts = (each.filling for each in event.own), (each.filling for each in event.parts)
    return frozenset({"events", *(filling.table.name for filling in (*own, *parts))})


def canary(event: Event, name: str, form: Form) -> Event:
    """An event that fills the same columns of the same tables, with nothing in them that could be wrong.

    Times stay, since a table may have no partition for them, and so do words of a vocabulary. Numbers are 0,
    JSON is empty, and texts are the name, which is short and no name of anything else.
    """

    def harmless(table: str, columns: Sequence[str], row: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(
            _harmless(table, column, value, name, form) for column, value in zip(columns, row, strict=True)
        )

    def in_place_of(row: tuple[Any, ...], filling: Filling, values: Values) -> tuple[Any, ...]:
        return harmless(filling.table.name, values.columns, row)

    own = [each._replace(row=in_place_of(each.row, each.filling, each.filling.values)) for each in event.own]
    parts = [
        each._replace(
            row=in_place_of(each.row, each.filling, each.filling.values),
            defaults=in_place_of(each.defaults, each.filling, each.filling.defaults),
            order=(each.order[0], name),
        )
        for each in event.parts
    ]
    row = harmless("events", EVENT_COLUMNS, event.row)
    return event._replace(row=row, own=tuple(own), parts=tuple(parts))


def _harmless(table: str, column: str, value: Any, name: str, form: Form) -> Any:
    kind = _replaced(table).get(column)
    if value is None or kind is None:
        return value
    if kind is sa.Text:
        return name
    return form.document({}) if kind is sa.JSON else 0


@cache
def _replaced(table_name: str) -> Mapping[str, type]:
    """The columns whose values are replaced, and what they hold."""
    table = schema.metadata.tables[table_name]
    rules = [str(rule.sqltext) for rule in table.constraints if isinstance(rule, sa.CheckConstraint)]
    kinds = (sa.Text, sa.JSON, sa.Integer, sa.Float)
    return {
        column.name: kind
        for column in table.columns
        if not any(rule.startswith(f"{column.name} IN (") for rule in rules)
        for kind in kinds
        if isinstance(column.type, kind)
    }
