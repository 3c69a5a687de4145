"""Nothing is committed before it is answered, and everything in the end."""

from hypothesis import given
from hypothesis import strategies as st

from polly.intelligence.bus.offsets import Offsets


@given(
    gaps=st.lists(st.integers(1, 3), min_size=1, max_size=30),
    data=st.data(),
)
def test_a_commit_never_passes_an_open_question(gaps: list[int], data: st.DataObject) -> None:
    offsets, taken, at = Offsets(), [], 5
    for gap in gaps:
        at += gap
        offsets.take(at)
        taken.append(at)
    open_ones = set(taken)
    for each in data.draw(st.permutations(taken)):
        offsets.end(each)
        offsets.end(each)
        open_ones.remove(each)
        due = offsets.due()
        assert due is None or all(due <= other for other in open_ones)
        assert offsets.in_hand == len(open_ones)
    offsets.take(at + 1)
    assert offsets.due() in (at + 1, None)
    offsets.end(at + 1)
    assert offsets.due() == at + 2
    assert offsets.due() is None


def test_what_was_never_taken_changes_nothing() -> None:
    offsets = Offsets()
    offsets.end(3)
    assert (offsets.due(), offsets.in_hand) == (None, 0)
    offsets.take(4)
    offsets.end(9)
    assert (offsets.due(), offsets.in_hand) == (4, 1)
