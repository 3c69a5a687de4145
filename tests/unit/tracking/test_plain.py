"""Whatever a program hands over becomes JSON that every reader and database takes."""

import enum
import json
import threading
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from polly.tracking.plain import MAX_DEPTH, MAX_ENTRIES, plain, plain_text, table


class Nasty:
    def __str__(self) -> str:
        raise RuntimeError("no text for you")


class Colour(enum.Enum):
    RED = 1


_ANY: Any = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(st.characters()),
        st.binary(),
        st.builds(Nasty),
        st.sampled_from(Colour),
        st.just(threading.Lock()),
    ),
    lambda inner: st.one_of(
        st.lists(inner),
        st.tuples(inner, inner),
        st.dictionaries(st.one_of(st.text(), st.integers(), st.none(), st.tuples(st.integers())), inner),
        st.frozensets(st.integers()),
    ),
)


@given(_ANY)
def test_every_value_becomes_strict_json_without_nul_and_half_characters(value: object) -> None:
    text = json.dumps(plain(value), allow_nan=False, ensure_ascii=False)
    assert "\0" not in text
    assert json.loads(text.encode("utf-8")) == plain(value)


@given(_ANY)
def test_metadata_is_always_a_table(value: object) -> None:
    assert isinstance(table(value), dict)


def test_what_json_can_say_stays_as_it_is() -> None:
    value = {"a": [1, 2.5, True, None, "text"], "b": {"c": -(2**63) + 1}}
    assert plain(value) == value


def test_a_value_that_holds_itself_ends() -> None:
    ring: dict[str, Any] = {}
    ring["ring"] = ring
    depth, value = 0, plain(ring)
    while isinstance(value, dict):
        depth, value = depth + 1, value["ring"]
    assert (depth, value) == (MAX_DEPTH, "… [too deep]")


def test_long_lists_and_tables_say_what_they_leave_out() -> None:
    assert plain(list(range(MAX_ENTRIES + 7)))[-1] == "… [7 more]"
    assert plain({str(each): each for each in range(MAX_ENTRIES + 7)})["_more"] == 7


def test_numbers_that_json_readers_would_change_become_text() -> None:
    assert plain(2**70) == str(2**70)
    assert plain(float("nan")) == "nan"


def test_an_object_without_a_text_says_so() -> None:
    assert plain_text(Nasty()) == "[Nasty without a text: RuntimeError]"
