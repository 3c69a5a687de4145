"""Tables for people: on a terminal nothing is wider than it, elsewhere every row is one line."""

import re

from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from polly.cli.columns import aligned, fitted, folded, markdown

NAMES = ("id", "count", "title")
CELLS = st.text(st.characters(codec="utf-8"), max_size=60)
ROWS = st.lists(st.tuples(CELLS, st.integers(0, 10**6), st.one_of(st.none(), CELLS)), max_size=8)


def plain(text: str, style: str) -> str:
    return text


def test_columns_are_as_wide_as_their_widest_cell_and_numbers_stand_right() -> None:
    assert list(aligned(NAMES, [("a", 1, "one"), ("漢字", 1000, None)])) == [
        "id    count  title",
        "a         1  one",
        "漢字   1000",
    ]


def test_a_cell_is_one_harmless_line() -> None:
    assert list(aligned(("a",), [("x\n\n  y\x1b[2J\u202e",)]))[1] == "x y\\x1b[2J\\u202e"


def test_cells_that_are_too_wide_are_broken_between_words() -> None:
    lines = list(fitted(NAMES, [("a", 1, "one two three four five six")], 30, plain))
    assert lines == ["id  count  title", "a       1  one two three four", "           five six"]


def test_a_word_alone_in_a_cell_has_its_colour_and_the_space_beside_it_too() -> None:
    lines = list(fitted(("severity", "x"), [("major", "y")], 80, lambda text, style: f"<{style}|{text}>"))
    assert lines[1] == "<red|major   >  <|y>"


def test_a_terminal_too_narrow_for_columns_gets_cells_below_each_other() -> None:
    rows = [("a", 1, "one two"), ("b", 2, "three")]
    names = ("identifier", "count of it", "title of it")
    assert list(fitted(names, rows, 20, plain)) == [
        *("identifier: a", "count of it: 1", "title of it: one two"),
        *("", "identifier: b", "count of it: 2", "title of it: three"),
    ]


@given(ROWS, st.integers(20, 100))
@example(rows=[("0000000000000\x1b", 0, None)], width=20)
def test_nothing_is_wider_than_the_terminal_and_no_letter_is_lost(
    rows: list[tuple[str, int, str | None]], width: int
) -> None:
    lines = list(fitted(NAMES, rows, width, plain))
    assert all(cell_len(line) <= width for line in lines)
    unfitted = "".join(aligned(NAMES, rows))
    letters = sorted(re.sub(r"\s", "", unfitted))
    one_below_the_other = bool(lines) and lines[0].startswith("id:")
    assert one_below_the_other or sorted(re.sub(r"\s", "", "".join(lines))) == letters


@given(CELLS, st.integers(2, 30))
def test_folding_keeps_every_word(text: str, width: int) -> None:
    line = " ".join(text.split())
    assert "".join(folded(line, width)).replace(" ", "") == line.replace(" ", "")


def test_markdown_cells_cannot_become_markup() -> None:
    assert list(markdown(("a",), [("|*x*|<b>[y](z)\\",)]))[2] == "| \\|\\*x\\*\\|\\<b\\>\\[y\\](z)\\\\ |"
