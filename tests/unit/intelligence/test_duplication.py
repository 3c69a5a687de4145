"""Copied blocks are found within a source and between sources; tables and short likenesses are not."""

from hypothesis import given
from hypothesis import strategies as st

from polly.intelligence.quality.duplication import BLOCK_LINES, duplicated
from polly.intelligence.quality.functions import plain_prints, shape_of
from polly.intelligence.quality.measured import LinePrint

BODY = "\n".join(f"    total_{n} = read(source, {n}) + offset" for n in range(8))


def prints(*numbers: int) -> list[LinePrint]:
    return [LinePrint(line, number, 10) for line, number in enumerate(numbers, 1)]


def test_a_block_that_two_sources_share_counts_in_both() -> None:
    found = duplicated({"a": prints(*range(10)), "b": prints(99, *range(2, 9), 98)})
    assert found == {"a": (3, 4, 5, 6, 7, 8, 9), "b": (2, 3, 4, 5, 6, 7, 8)}


def test_fewer_lines_than_a_block_are_alike_by_chance() -> None:
    same = range(BLOCK_LINES - 1)
    assert duplicated({"a": prints(*same, 50), "b": prints(*same, 60)}) == {"a": (), "b": ()}


def test_rows_of_a_table_are_no_copies() -> None:
    assert duplicated({"a": prints(*[1] * 40)}) == {"a": ()}


def test_a_copy_with_other_constants_is_still_a_copy() -> None:
    code = f"def f(source):\n{BODY}\n\n\ndef g(source):\n{BODY.replace(', 0)', ', 7)')}\n"
    lines = dict.fromkeys(each.line for each in shape_of(".py", code).prints)
    assert len(duplicated({"a": shape_of(".py", code).prints})["a"]) == len(lines) - 2


def test_comments_and_empty_lines_are_no_code() -> None:
    assert [each.line for each in plain_prints("#!/bin/sh\n\n# a\nls -l\n", "#")] == [4]


@given(st.lists(st.integers(0, 5), max_size=60), st.lists(st.integers(0, 5), max_size=60))
def test_what_is_copied_does_not_depend_on_the_order_of_the_sources(one: list[int], two: list[int]) -> None:
    a, b = prints(*one), prints(*two)
    assert duplicated({"a": a, "b": b}) == duplicated({"b": b, "a": a})
