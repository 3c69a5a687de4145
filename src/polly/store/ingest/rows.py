"""The rows that an event fills, as parameters of a database. Pure."""

from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import msgspec

from polly.events.catalog import CATALOG
from polly.events.envelope import Envelope
from polly.events.event import EventData
from polly.store.facts import FILLINGS, Filling, Told, Values
from polly.store.ingest.form import Conversions, Form, converted


class OwnRow(NamedTuple):
    """A row that belongs to one event alone: the values of `filling.values.columns`."""

    filling: Filling
    row: tuple[Any, ...]

    @property
    def key(self) -> tuple[Any, ...]:
        """The values of its primary key."""
        return self.row[: len(self.filling.key)]


class PartRow(NamedTuple):
    """What one event says about a part of a row that several events fill.

    row, defaults: the values of `filling.values.columns` and `filling.defaults.columns`.
    order: decides between events about the same part.
    """

    filling: Filling
    row: tuple[Any, ...]
    defaults: tuple[Any, ...]
    order: tuple[datetime, str]

    @property
    def key(self) -> tuple[Any, ...]:
        """The values of the primary key of the row."""
        return self.row[: len(self.filling.key)]


class _Plan(NamedTuple):
    """How the events of one type become rows in one form."""

    decoder: msgspec.json.Decoder[EventData]
    own: tuple[tuple[Filling, Conversions], ...]
    parts: tuple[tuple[Filling, Conversions, Conversions], ...]


@cache
def _plan(kind: type[EventData], form: Form) -> _Plan:
    fillings = FILLINGS.get(kind, ())

    def conversions(filling: Filling, values: Values) -> Conversions:
        return form.conversions(filling.table, values.columns)

    return _Plan(
        msgspec.json.Decoder(kind),
        tuple((each, conversions(each, each.values)) for each in fillings if not each.part),
        tuple(
            (each, conversions(each, each.values), conversions(each, each.defaults))
            for each in fillings
            if each.part
        ),
    )


def rows_of(
    envelope: Envelope, form: Form, *, may_have_nul: bool
) -> tuple[tuple[OwnRow, ...], tuple[PartRow, ...]]:
    """The rows that an event fills, in the form of a database; none for a type that is not known.

    may_have_nul: it must be looked for. Raises ValueError, OverflowError, RecursionError, and
    msgspec.DecodeError for data that is not of the type.
    """
    kind = CATALOG.get(envelope.type)
    if kind is None:
        if may_have_nul:
            _refuse_nul(envelope, [])
        return (), ()
    plan = _plan(kind, form)
    told = Told(plan.decoder.decode(envelope.data), envelope)
    if may_have_nul:
        found = [each.values.read(told) for each in FILLINGS.get(kind, ()) if each.applies(told)]
        _refuse_nul(envelope, found)
    own = [
        OwnRow(filling, converted(filling.values.read(told), conversions))
        for filling, conversions in plan.own
        if filling.applies(told)
    ]
    if not plan.parts:
        return tuple(own), ()
    order = envelope.time, envelope.id
    parts = [
        PartRow(
            filling,
            converted(filling.values.read(told), conversions),
            converted(filling.defaults.read(told), of_defaults),
            order,
        )
        for filling, conversions, of_defaults in plan.parts
        if filling.applies(told)
    ]
    return tuple(own), tuple(parts)


def _refuse_nul(envelope: Envelope, rows: list[list[Any]]) -> None:
    # What is not known by its columns is kept as JSON text, in which NUL has a spelling.
    texts = [getattr(envelope, name) for name in ("source", "id", "type", "subject", "sequence")]
    texts += [envelope.correlationid, envelope.sessionid]
    if _has_nul(msgspec.to_builtins([texts, rows])):
        raise ValueError("it holds the character NUL, which a text of a database cannot")


def _has_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(each) for pair in value.items() for each in pair)
    return isinstance(value, list | tuple) and any(_has_nul(each) for each in value)
