"""What a result tells beside its message: related places, flows, stacks, graphs, taxa, rank; within bounds.

It is read by people and agents only, so a fault in it costs no finding (SARIF 2.1.0 §3.27.13 to §3.27.25).
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import msgspec

from polly.intake import json_text
from polly.intake.sources.sarif.log import (
    CodeFlow,
    Component,
    FlowStep,
    Graph,
    Location,
    Message,
    Result,
    RuleReference,
    Run,
    Stack,
    Told,
    ToldLocation,
)
from polly.intake.sources.sarif.places import Places
from polly.intake.sources.sarif.rules import at
from polly.intake.text import headline

#: The length of `null` and `[{}]`.
_NOTHING = 4
_MOST_LINES = 12
_MOST_LETTERS = 200
_Value = TypeVar("_Value")


class Details:
    """The details of the results of one run."""

    def __init__(self, run: Run, places: Places) -> None:
        self._run = run
        self._places = places
        self._told = msgspec.json.Decoder(Told, strict=False)
        self._steps: list[FlowStep] | None = None
        self._taxonomies: list[Component] | None = None

    def of_result(self, result: Result, raw: msgspec.Raw) -> str:
        """Some paragraphs; "" for a result that tells nothing more."""
        if not _tells(result):
            return ""
        try:
            told = json_text.decode(raw, self._told)
        except msgspec.DecodeError:
            return ""
        return "\n\n".join(filter(None, self._paragraphs(told)))

    def _paragraphs(self, told: Told) -> Iterator[str]:
        yield self._list("Related places", (told.related_locations or ()))
        for flow in islice(told.code_flows or (), 1):
            yield self._flow(flow, more=len(told.code_flows or ()) - 1)
        for stack in islice(told.stacks or (), 1):
            yield self._stack(stack)
        for graph in islice(told.graphs or (), 1):
            yield self._graph(graph)
        taxa = list(dict.fromkeys(filter(None, map(self._taxon, told.taxa or ()))))
        if taxa:
            yield f"Classified as: {', '.join(taxa[:_MOST_LINES])}"
        if told.rank is not None and 0 <= told.rank <= 100:
            yield f"Rank: {told.rank:g} of 100"

    def _list(self, title: str, locations: Sequence[ToldLocation]) -> str:
        return _bounded(title, (self._line(each) for each in locations))

    def _flow(self, flow: CodeFlow, *, more: int) -> str:
        steps = [step for thread in flow.thread_flows or () for step in thread.locations or ()]
        title = _text(flow.message) or "How it comes about"
        others = f" (one of {more + 1} ways)" if more else ""
        return _bounded(f"{title}{others}", (self._line(self._step(each).location) for each in steps))

    def _step(self, step: FlowStep) -> FlowStep:
        if step.location is not None or step.index is None:
            return step
        if self._steps is None:
            self._steps = _decoded(self._run.thread_flow_locations, list[FlowStep]) or []
        return at(self._steps, step.index) or step

    def _stack(self, stack: Stack) -> str:
        frames = (self._line(frame.location) for frame in stack.frames or ())
        return _bounded(_text(stack.message) or "Call stack", frames)

    def _graph(self, graph: Graph) -> str:
        names = {node.id: _text(node.label) or node.id or "" for node in graph.nodes or ()}
        title = _text(graph.description) or f"Graph of {len(names)} nodes"
        edges = (
            f"{names.get(edge.source_node_id, '?')} → {names.get(edge.target_node_id, '?')}"
            for edge in graph.edges or ()
        )
        return _bounded(title, edges)

    def _taxon(self, reference: RuleReference) -> str:
        if self._taxonomies is None:
            self._taxonomies = _decoded(self._run.taxonomies, list[Component]) or []
        component = reference.tool_component
        named = component.name if component else None
        if component is not None:
            found = at(self._taxonomies, component.index) or next(
                (each for each in self._taxonomies if each.name and each.name == component.name), None
            )
            taxon = at(found.taxa, reference.index) if found else None
            named = (found.name if found else None) or named
            return _short(" ".join(filter(None, (named, reference.id or (taxon.id if taxon else None)))))
        return _short(reference.id or "")

    def _line(self, location: ToldLocation | None) -> str:
        if location is None:
            return ""
        where = self._where(location) or next(
            (each.fully_qualified_name or each.name or "" for each in location.logical_locations or ()), ""
        )
        return ": ".join(filter(None, (where, _text(location.message))))

    def _where(self, location: Location) -> str:
        place = self._places.of_location(location)
        if place is None:
            return ""
        return place.path if place.start_line is None else f"{place.path}:{place.start_line}"


def _tells(result: Result) -> bool:
    lists = result.related_locations or result.code_flows or result.stacks or result.graphs or result.taxa
    if not lists:
        return bool(result.rank)
    parts = (result.related_locations, result.code_flows, result.stacks, result.graphs, result.taxa)
    return bool(result.rank) or any(len(bytes(each)) > _NOTHING for each in parts)


def _bounded(title: str, lines: Iterable[str]) -> str:
    told = list(filter(None, lines))
    if not told:
        return ""
    shown = [f"- {_short(line)}" for line in told[:_MOST_LINES]]
    if len(told) > _MOST_LINES:
        shown.append(f"- … and {len(told) - _MOST_LINES} more")
    return "\n".join([f"{_short(title).rstrip('.:')}:", *shown])


def _text(message: Message | None) -> str:
    return (message.text or message.markdown or "") if message else ""


def _short(text: str) -> str:
    return headline(text, most=_MOST_LETTERS)


def _decoded(raw: msgspec.Raw, shape: type[_Value]) -> _Value | None:
    if not raw:
        return None
    try:
        return json_text.decode(raw, msgspec.json.Decoder(shape, strict=False))
    except msgspec.DecodeError:
        return None
