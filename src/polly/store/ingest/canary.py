"""A harmless event in the place of one that was refused: what it meets is the database's doing. Pure."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

from polly.store import schema
from polly.store.ingest.form import Form, Values
from polly.store.ingest.judge import EVENT_COLUMNS, Event


def tables_of(event: Event) -> frozenset[str]:
    """The tables that the event fills."""
    return frozenset({"events", *(own.table for own in event.own), *(part.table for part in event.parts)})


def canary(event: Event, name: str, form: Form) -> Event:
    """An event that fills the same columns of the same tables, with nothing in them that could be wrong.

    Times stay, since a table may have no partition for them, and so do words of a vocabulary. Numbers are 0,
    JSON is empty, and texts are the name, which is short and no name of anything else.
    """

    def harmless(table: str, columns: Sequence[str], row: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(
            _harmless(table, column, value, name, form) for column, value in zip(columns, row, strict=True)
        )

    def values(table: str, given: Mapping[str, Any]) -> Values:
        return dict(zip(given, harmless(table, list(given), list(given.values())), strict=True))

    row = harmless("events", EVENT_COLUMNS, event.row)
    own = [each._replace(row=harmless(each.table, each.columns, each.row)) for each in event.own]
    parts = [
        each._replace(
            values=values(each.table, each.values),
            defaults=values(each.table, each.defaults),
            order=(each.order[0], name),
        )
        for each in event.parts
    ]
    return event._replace(
        row=row,
        own=tuple(each._replace(key=each.row[: len(each.key)]) for each in own),
        parts=tuple(each._replace(key=(*each.values.values(),)[: len(each.key)]) for each in parts),
    )


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
