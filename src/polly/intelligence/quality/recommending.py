"""What to do first: each recommendation names what was measured, where, and is worth what the score gains."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from polly.intelligence.analysis import Component, Quality
from polly.intelligence.quality.measured import Function, Measured, Part, Remark
from polly.intelligence.quality.scoring import (
    COMPLEXITY_LIMIT,
    FILE_LINES,
    FUNCTION_LINES,
    PARAMETERS,
)

#: a component that is better is not worth a recommendation
GOOD = 0.95
#: places that are named
PLACES = 3


class Advice(NamedTuple):
    """gain: how much the score of the source would rise if the component were perfect."""

    gain: float
    text: str


def advice_on(measured: Measured, quality: Quality, duplicates: Sequence[int] = ()) -> list[Advice]:
    """What would raise the score, the most valuable first. duplicates: lines that stand elsewhere as well."""
    if measured.broken:
        return [Advice(1.0, f"Mend line {measured.broken_line}, which cannot be parsed: {measured.broken}.")]
    weight = sum(each.weight for each in quality.components.values() if each.measured)
    found = [
        Advice(component.weight * (1 - component.score) / weight, text)
        for part, component in _lacking(quality.components)
        for text in _texts(part, measured, duplicates)
    ]
    return sorted(found, key=lambda each: (-each.gain, each.text))


def _lacking(components: Mapping[str, Component]) -> Iterator[tuple[Part, "_Scored"]]:
    for name, component in components.items():
        if component.score is not None and component.score < GOOD:
            yield Part(name), _Scored(component.score, component.weight)


class _Scored(NamedTuple):
    score: float
    weight: float


def _texts(part: Part, measured: Measured, duplicates: Sequence[int]) -> Iterator[str]:
    remarks = [each for each in measured.remarks if each.part is part]
    match part:
        case Part.CORRECTNESS | Part.SECURITY:
            yield from _mend(part, remarks)
        case Part.COMPLEXITY:
            yield from _split(measured.functions)
        case Part.SIZE:
            yield from _shorten(measured)
        case Part.DUPLICATION:
            yield f"Write once what stands elsewhere as well: {_ranges(duplicates)}."
        case Part.DOCUMENTATION:
            things = _count(len(remarks), "public definition", "public definitions")
            yield f"Document {things} without a text: {_lines(remarks)}."
        case Part.TYPES:
            things = _count(len(remarks), "parameter or result", "parameters and results")
            yield f"Give a type to {things}: {_lines(remarks)}."


def _mend(part: Part, remarks: Sequence[Remark]) -> Iterator[str]:
    if not remarks:
        return
    rules = Counter(each.rule for each in remarks)
    worst = min(remarks, key=lambda each: (each.severity.rank, each.line))
    often = ", ".join(f"{rule} {count} times" for rule, count in rules.most_common(PLACES) if count > 1)
    more = f"; most often {often}" if often else ""
    yield (
        f"Mend {_count(len(remarks), 'remark', 'remarks')} about {part.value}, first line {worst.line}: "
        f"{worst.message.rstrip('.')} ({worst.rule}){more}."
    )


def _split(functions: Sequence[Function]) -> Iterator[str]:
    over = [each for each in functions if each.complexity > COMPLEXITY_LIMIT]
    if not over:
        return
    worst = sorted(over, key=lambda each: (-each.complexity, each.start_line))[:PLACES]
    named = ", ".join(
        f"`{each.name}` (line {each.start_line}, complexity {each.complexity})" for each in worst
    )
    yield f"Split {named}: {len(over)} of {len(functions)} functions are over complexity {COMPLEXITY_LIMIT}."


def _shorten(measured: Measured) -> Iterator[str]:
    long = sorted(
        (each for each in measured.functions if each.lines > FUNCTION_LINES), key=lambda each: -each.lines
    )
    if long:
        named = ", ".join(
            f"`{each.name}` (line {each.start_line}, {each.lines} lines)" for each in long[:PLACES]
        )
        yield f"Shorten {named} to at most {FUNCTION_LINES} lines."
    many = sorted(
        (each for each in measured.functions if each.parameters > PARAMETERS),
        key=lambda each: -each.parameters,
    )
    if many:
        named = ", ".join(
            f"`{each.name}` (line {each.start_line}, {each.parameters})" for each in many[:PLACES]
        )
        yield f"Give fewer parameters to {named}: more than {PARAMETERS} are hard to call rightly."
    if measured.lines > FILE_LINES:
        yield f"Divide the file: it has {measured.lines} lines of code, more than {FILE_LINES}."


def _lines(remarks: Sequence[Remark]) -> str:
    lines = sorted({each.line for each in remarks})
    shown = ", ".join(str(line) for line in lines[:PLACES])
    more = f" and {len(lines) - PLACES} more" if len(lines) > PLACES else ""
    return f"line {shown}{more}" if len(lines) == 1 else f"lines {shown}{more}"


def _ranges(lines: Sequence[int]) -> str:
    spans: list[list[int]] = []
    for line in lines:
        if spans and line <= spans[-1][1] + 2:  # an empty line between two does not divide a block
            spans[-1][1] = line
        else:
            spans.append([line, line])
    shown = ", ".join(f"lines {start} to {end}" for start, end in spans[:PLACES])
    return shown + (f" and {len(spans) - PLACES} more blocks" if len(spans) > PLACES else "")


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
