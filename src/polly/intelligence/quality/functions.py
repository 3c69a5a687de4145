"""Functions with their complexity and length, and every line as a number, in one reading by lizard."""

import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any, NamedTuple

from polly.intelligence.quality.measured import Function, LinePrint

_CONSTANT = re.compile(r"[0-9\"'`]")


class Shape(NamedTuple):
    """What lizard sees of one source. lines: lines that hold code."""

    functions: tuple[Function, ...]
    lines: int
    prints: tuple[LinePrint, ...]


class LizardFailed(Exception):  # noqa: N818 - reads as what is the matter
    """Lizard could not read the source; the text says why."""


def shape_of(suffix: str, text: str) -> Shape:
    """The shape of a source whose language has this ending. Raises LizardFailed."""
    import lizard  # type: ignore[import-untyped]  # noqa: PLC0415 - of an extra that may be missing

    recorder = _LineRecorder()
    analyzer = lizard.FileAnalyzer([*lizard.get_extensions([]), recorder])
    # lizard takes a comment such as "#lizard forgives" as an order to look away; that one is not obeyed.
    name, own = f"source{suffix}", re.sub(r"(?i)lizard\s+forgive", "lizard-forgive", text)
    try:
        info = analyzer.analyze_source_code(name, own)
    except (RecursionError, IndexError, AttributeError, TypeError, ValueError, KeyError) as error:
        # A reader of lizard stumbles in many ways over code that is not finished.
        raise LizardFailed(f"lizard cannot read it ({type(error).__name__})") from error
    functions = tuple(
        Function(
            name=each.name,
            start_line=each.start_line,
            end_line=max(each.start_line, each.end_line),
            complexity=each.cyclomatic_complexity,
            parameters=len([name for name in each.parameters if name not in ("self", "cls")]),
        )
        for each in info.function_list
    )
    return Shape(functions, len(recorder.lines), tuple(recorder.prints()))


def plain_prints(text: str, comment: str) -> tuple[LinePrint, ...]:
    """The lines of a language that lizard does not know, apart from empty ones and comments."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if words and not words[0].startswith(comment):
            tokens = re.findall(r"\w+|[^\w\s]", line)
            found.append(LinePrint(number, _print(tokens), len(tokens)))
    return tuple(found)


class _LineRecorder:
    """An extension of lizard: sees the tokens as they pass, without the comments."""

    #: lizard sorts its extensions by this
    ordering_index = None

    def __init__(self) -> None:
        self.lines: dict[int, list[str]] = {}

    def __call__(self, tokens: Iterable[str], reader: Any) -> Iterator[str]:
        for token in tokens:
            self.lines.setdefault(reader.context.current_line, []).append(_general(token))
            yield token

    def prints(self) -> Iterator[LinePrint]:
        for line, tokens in sorted(self.lines.items()):
            yield LinePrint(line, _print(tokens), len(tokens))


def _general(token: str) -> str:
    """The token; a constant without its value. Names stay: fields of two records are alike but for them."""
    return "1" if _CONSTANT.match(token) else token


def _print(tokens: list[str]) -> int:
    return int.from_bytes(blake2b("\0".join(tokens).encode("utf-8", "replace"), digest_size=7).digest())
