"""What a fact is, and the function that finds those of an event."""

from functools import lru_cache, singledispatch
from typing import Any, NamedTuple

import sqlalchemy as sa

from polly.events.envelope import Envelope
from polly.events.event import EventData

Values = dict[str, Any]


class Fact(NamedTuple):
    """Values for one row. Order of arrival never matters: of two events for the same part, time decides.

    part: the group of columns that this event fills; None when the row belongs to the event alone.
    first_wins: the earliest event of the part counts, instead of the latest.
    defaults: values for columns of other parts, used only when the row is new.
    """

    table: sa.Table
    key: Values
    part: str | None
    values: Values
    first_wins: bool = False
    defaults: Values = {}  # noqa: RUF012 - never written to


@lru_cache(maxsize=1024)
def project_name(project_path: str) -> str:
    """The last name of a path of any system, also with a separator at its end."""
    return project_path.replace("\\", "/").rstrip("/").rpartition("/")[2]


@singledispatch
def facts(data: EventData, envelope: Envelope) -> tuple[Fact, ...]:
    """The rows that this event fills. Raises ValueError when its words are not in the vocabulary."""
    del data, envelope
    return ()
