"""What columns are made of: the types that both databases agree on, and groups of columns with one origin."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

#: Tables that grow all the time. PostgreSQL answers from an index alone where it has tidied the table, and by
#: itself it tidies when a fifth of the rows is new: of a month, the last six days would never be.
BUSY = {"autovacuum_vacuum_insert_scale_factor": 0.01, "autovacuum_analyze_scale_factor": 0.01}

#: JSONB in PostgreSQL, text in SQLite. None is NULL, not the JSON word.
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware time, stored in UTC. SQLite keeps it as text that sorts."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"the time {value} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        aware: datetime = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC)


def text(name: str, **options: Any) -> sa.Column[Any]:
    """Text of any length."""
    return sa.Column(name, sa.Text, **options)


def time(name: str, **options: Any) -> sa.Column[Any]:
    """A time in UTC."""
    return sa.Column(name, UtcDateTime, **options)


def number(name: str, **options: Any) -> sa.Column[Any]:
    """A whole number."""
    return sa.Column(name, sa.Integer, **options)


def amount(name: str, **options: Any) -> sa.Column[Any]:
    """A measured number: a duration, a share."""
    return sa.Column(name, sa.Float, **options)


def truth(name: str, **options: Any) -> sa.Column[Any]:
    """True or false."""
    return sa.Column(name, sa.Boolean, **options)


def json(name: str, **options: Any) -> sa.Column[Any]:
    """A JSON value."""
    return sa.Column(name, JSON, **options)


def part(name: str, *columns: sa.Column[Any]) -> tuple[sa.Column[Any], ...]:
    """Columns that one kind of event fills, with the event that did."""
    return (*columns, time(f"{name}_at"), text(f"{name}_event_id"))


def one_of(column: str, *words: str) -> sa.CheckConstraint:
    """A column that holds one of these words."""
    listed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=f"{column}_is_known")
