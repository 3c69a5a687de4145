"""Hours and days of a time, in UTC, as text that sorts: `2026-11-22 19` and `2026-11-22`."""

from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class utc_hour(FunctionElement[str]):  # noqa: N801 - reads as the function of SQL that it is
    """The hour of a time column."""

    type = sa.Text()
    inherit_cache = True


class utc_day(FunctionElement[str]):  # noqa: N801
    """The day of a time column."""

    type = sa.Text()
    inherit_cache = True


@compiles(utc_hour, "sqlite")
def _(element: utc_hour, compiler: SQLCompiler, **options: Any) -> str:
    return f"substr({compiler.process(element.clauses, **options)}, 1, 13)"


@compiles(utc_hour, "postgresql")
def _(element: utc_hour, compiler: SQLCompiler, **options: Any) -> str:
    return f"to_char({compiler.process(element.clauses, **options)} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24')"


@compiles(utc_day, "sqlite")
def _(element: utc_day, compiler: SQLCompiler, **options: Any) -> str:
    return f"substr({compiler.process(element.clauses, **options)}, 1, 10)"


@compiles(utc_day, "postgresql")
def _(element: utc_day, compiler: SQLCompiler, **options: Any) -> str:
    return f"to_char({compiler.process(element.clauses, **options)} AT TIME ZONE 'UTC', 'YYYY-MM-DD')"


def hour_of(text: str) -> datetime:
    """The beginning of the hour that `utc_hour` named."""
    return datetime.fromisoformat(f"{text[:10]}T{text[11:13]}:00").replace(tzinfo=UTC)


def day_of(text: str) -> date:
    """The day that `utc_day` named."""
    return date.fromisoformat(text)
