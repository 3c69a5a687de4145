"""Lines that stand in more than one place, within a source or over all that were given.

A block is a duplicate when at least six lines of code follow each other twice, alike but for
constants. One pass over numbers: the time and the memory grow with the lines, whatever they repeat.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from polly.intelligence.quality.measured import LinePrint

#: fewer lines than this are alike by chance or by custom
BLOCK_LINES = 6
#: tokens of such a block: six closing brackets are no code
BLOCK_TOKENS = 24


def duplicated(prints: Mapping[str, Sequence[LinePrint]]) -> Mapping[str, tuple[int, ...]]:
    """For each source the lines, in order, which are part of a block that stands elsewhere as well."""
    seen = Counter(block for lines in prints.values() for _, block in _blocks(lines))
    found: dict[str, tuple[int, ...]] = {}
    for path, lines in prints.items():
        inside: set[int] = set()
        for start, block in _blocks(lines):
            if seen[block] > 1:
                inside.update(each.line for each in lines[start : start + BLOCK_LINES])
        found[path] = tuple(sorted(inside))
    return found


def _blocks(lines: Sequence[LinePrint]) -> Iterator[tuple[int, int]]:
    for start in range(len(lines) - BLOCK_LINES + 1):
        block = lines[start : start + BLOCK_LINES]
        # Lines that are all alike are a table: rows of data, not code that somebody copied.
        if sum(each.tokens for each in block) >= BLOCK_TOKENS and len({each.print for each in block}) > 2:
            yield start, hash(tuple(each.print for each in block))
