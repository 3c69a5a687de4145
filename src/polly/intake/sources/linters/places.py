"""Where a finding is, in Polly's counting: lines and columns from 1, whatever the tool counts from."""

from collections.abc import Iterator
from typing import NamedTuple

from polly.intake.finding import Offset, Place
from polly.intake.paths import from_uri
from polly.intake.sources.linters.selectors import Scope, holds, items, number_at, range_at, text_at
from polly.intake.sources.linters.tool import Selector, Tool, Where, alternatives


class Region(NamedTuple):
    """Lines and columns; None where the tool says nothing usable. The last column is exclusive."""

    start_line: int | None
    end_line: int | None
    columns: tuple[int | None, int | None]


def scopes(scope: Scope, where: Where) -> Iterator[Scope]:
    """What the place is looked up in: the finding itself, or each of the items that `each` names."""
    found = items(scope, where.each) if where.each else iter([scope])
    return (each for each in found if isinstance(each, Scope) and holds(each, where.when))


def places_of(scope: Scope, where: Where, tool: Tool) -> Iterator[Place]:
    """The places of a finding; none when it names no file."""
    for each in list(scopes(scope, where)) or [scope]:
        path = path_of(each, where, tool)
        if path:
            region = region_of(each, where, tool)
            yield Place(
                path=path,
                start_line=region.start_line,
                end_line=region.end_line,
                columns=region.columns,
                offset=_offset(each, where, tool) if region.start_line is None else None,
            )


def path_of(scope: Scope, where: Where, tool: Tool) -> str:
    """The path as the tool writes it, without what it adds to paths; "" when there is none."""
    path = text_at(scope, alternatives(where.path))
    if path[:5].lower() == "file:":
        path = from_uri(path) or path
    if tool.path_ends_at:
        path = path.partition(tool.path_ends_at)[0]
    return path.lstrip("/") if tool.rooted_paths else path


def region_of(scope: Scope, where: Where, tool: Tool) -> Region:
    """The lines and columns of a place."""
    start, last = range_at(scope, alternatives(where.line))
    end = number_at(scope, alternatives(where.end_line))
    start, end = _line(start, tool), _line(last if end is None else end, tool)
    first_column = _column(scope, where.column, tool)
    last_column = _column(scope, where.end_column, tool)
    if start is not None and end is not None and end > start and last_column == 1:
        # It ends before the first character of that line.
        end, last_column = end - 1, None
    return Region(start, end, (first_column, last_column))


def _line(number: int | None, tool: Tool) -> int | None:
    return None if number is None or number < tool.lines_from else number + 1 - tool.lines_from


def _column(scope: Scope, selector: Selector, tool: Tool) -> int | None:
    column = number_at(scope, alternatives(selector))
    return None if column is None or column < tool.columns_from else column + 1 - tool.columns_from


def _offset(scope: Scope, where: Where, tool: Tool) -> Offset | None:
    start = number_at(scope, alternatives(where.start))
    end = number_at(scope, alternatives(where.end))
    if start is None or start < 0:
        return None
    return Offset(unit=tool.offsets, start=start, length=max((end or start) - start, 0))
