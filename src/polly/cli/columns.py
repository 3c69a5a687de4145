"""Rows in columns, line by line: a long table costs looking at each row twice, and no memory.

Cells are untrusted: what leaves here is on one line, and cannot steer a terminal.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len, chop_cells

from polly.intake.text import printable

#: Puts the colour of a style around a text.
Paint = Callable[[str, str], str]

_GAP = 2
#: Characters that a column keeps before its cells stand one below the other; words like `unverifiable` stay
#: nearly whole.
_LEAST_WIDTH = 10
#: The colour of a word, wherever it stands alone in a cell: one word per idea, one colour per word.
_STYLES = {
    "critical": "bold red",
    "major": "red",
    "minor": "yellow",
    "nitpick": "dim",
    "fixed": "green",
    "partly": "yellow",
    "not_fixed": "red",
    "unverifiable": "yellow",
    "declined": "dim",
    "passed": "green",
    "failed": "red",
    "ready": "green",
    "red": "red",
    "dropped": "red",
    "running": "cyan",
    "verifying": "cyan",
    "approved": "green",
    "committed": "bold green",
    "rejected": "red",
}
_MARKUP = str.maketrans({each: f"\\{each}" for each in "\\|*_`<>[]"})


class Columns(NamedTuple):
    """How wide the widest cell of each column is, and which columns hold numbers alone."""

    widths: list[int]
    numeric: list[bool]


def aligned(names: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The header and one unbroken line per row. `rows` is gone through twice."""
    columns = measured(names, rows)
    yield _line([cell_text(name) for name in names], columns.widths, columns.numeric)
    for row in rows:
        yield _line([cell_text(cell) for cell in row], columns.widths, columns.numeric)


def fitted(names: Sequence[str], rows: Iterable[Sequence[object]], width: int, paint: Paint) -> Iterator[str]:
    """Coloured lines for a terminal of that width: columns with folded cells, else cells below each other."""
    columns = measured(names, rows)
    widths = _squeezed(columns.widths, width)
    if widths is None:
        yield from _blocks(names, rows, width, paint)
        return
    yield from _folded_row(
        [cell_text(name) for name in names], widths, columns.numeric, lambda text, _: paint(text, "bold")
    )
    for row in rows:
        yield from _folded_row([cell_text(cell) for cell in row], widths, columns.numeric, paint)


def markdown(names: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines of a GitHub-flavoured Markdown table in which cells cannot become markup."""
    yield f"| {' | '.join(map(markdown_cell, names))} |"
    yield f"| {' | '.join(['---'] * len(names))} |"
    for row in rows:
        yield f"| {' | '.join([markdown_cell(cell) for cell in row])} |"


def markdown_cell(cell: object) -> str:
    """The cell as Markdown that says nothing but its text."""
    return cell_text(cell).translate(_MARKUP)


def cell_text(cell: object) -> str:
    """What stands in the cell, on one line and harmless; None is an empty cell."""
    if cell is None:
        return ""
    text = str(cell)
    if text.isprintable() and "  " not in text and text[:1] != " " and text[-1:] != " ":
        return text
    return printable(" ".join(text.split()))


def measured(names: Sequence[str], rows: Iterable[Sequence[object]]) -> Columns:
    """The widths in columns of a terminal."""
    widths = [_width(cell_text(name)) for name in names]
    numeric = [True] * len(widths)
    for row in rows:
        for number, cell in enumerate(row):
            widths[number] = max(widths[number], _width(cell_text(cell)))
            if numeric[number] and not isinstance(cell, int | float):
                numeric[number] = False
    return Columns(widths, numeric)


def folded(text: str, width: int) -> list[str]:
    """The text in lines of at most that width, broken between words where that is possible."""
    if _width(text) <= width:
        return [text]
    lines, line = [], ""
    for word in text.split(" "):
        if line and _width(line) + 1 + _width(word) <= width:
            line += f" {word}"
            continue
        lines += [line] if line else []
        *whole, line = [word] if _width(word) <= width else chop_cells(word, width)
        lines += whole
    return [*lines, line]


def _width(text: str) -> int:
    return len(text) if text.isascii() else cell_len(text)


def _line(cells: list[str], widths: list[int], numeric: list[bool]) -> str:
    return (" " * _GAP).join(map(_padded, cells, widths, numeric)).rstrip()


def _padded(text: str, width: int, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space


def _squeezed(widths: list[int], width: int) -> list[int] | None:
    """Widths that fit side by side, of which only the widest columns give something; None when none do."""
    room = width - _GAP * (len(widths) - 1)
    if sum(min(each, _LEAST_WIDTH) for each in widths) > room:
        return None
    most = max(widths, default=0)
    low, high = _LEAST_WIDTH, max(most, _LEAST_WIDTH)
    while low < high:  # the widest that every column may have
        middle = (low + high + 1) // 2
        low, high = (middle, high) if sum(min(each, middle) for each in widths) <= room else (low, middle - 1)
    return [min(each, low) for each in widths]


def _folded_row(cells: list[str], widths: list[int], numeric: list[bool], paint: Paint) -> Iterator[str]:
    folds = list(map(folded, cells, widths))
    styles = [_STYLES.get(cell, "") for cell in cells]
    for number in range(max(map(len, folds))):
        parts = []
        for fold, width, right, style in zip(folds, widths, numeric, styles, strict=True):
            text = _padded(fold[number] if number < len(fold) else "", width, right)
            parts.append(paint(text, style) if text.strip() else text)
        yield (" " * _GAP).join(parts).rstrip()


def _blocks(
    names: Sequence[str], rows: Iterable[Sequence[object]], width: int, paint: Paint
) -> Iterator[str]:
    """The cells one below the other, for a terminal that is too narrow for columns."""
    first = True
    for row in rows:
        if not first:
            yield ""
        first = False
        for name, cell in zip(names, map(cell_text, row), strict=True):
            head, *rest = folded(f"{name}: {cell}", width)
            told = head.removeprefix(f"{name}: ")
            style = _STYLES.get(cell, "")
            yield (paint(f"{name}: ", "dim") + paint(told, style)) if told != head else head
            yield from (paint(line, style) for line in rest)
