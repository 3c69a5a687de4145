"""Putting changes onto a tree, as pure values."""

from hypothesis import given
from hypothesis import strategies as st

from polly.git import Change, Entry
from polly.landing.placement import Step, after, before, place, put

PATHS = ("a", "b", "c/d", "c/e", "f")
_entries = st.builds(Entry, mode=st.sampled_from(["100644", "100755"]), id=st.sampled_from("xyz"))
_trees = st.dictionaries(st.sampled_from(PATHS), _entries)

Tree = dict[str, Entry]


def _difference(old: Tree, new: Tree) -> tuple[Change, ...]:
    return tuple(
        Change(
            path=path,
            status="M",
            old_mode=old[path].mode if path in old else "000000",
            new_mode=new[path].mode if path in new else "000000",
            old_id=old[path].id if path in old else None,
            new_id=new[path].id if path in new else None,
        )
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    )


@given(_trees, _trees)
def test_a_step_always_fits_the_tree_that_it_was_made_from(old: Tree, new: Tree) -> None:
    step = Step(package="WP1", changes=_difference(old, new))
    assert place(old, [step]).placed == (step,)
    result = dict(old)
    put(result, step.changes)
    assert result == new


@given(_trees, _trees, _trees)
def test_a_step_is_refused_exactly_at_the_paths_that_changed(base: Tree, made: Tree, now: Tree) -> None:
    step = Step(package="WP1", changes=_difference(base, made))
    placement = place(now, [step])
    changed = tuple(change.path for change in step.changes if now.get(change.path) != base.get(change.path))
    assert tuple(path for conflict in placement.conflicts for path in conflict.paths) == changed
    assert bool(placement.placed) != bool(placement.conflicts)


@given(_trees, _trees, _trees)
def test_a_later_step_sees_what_an_earlier_one_left(base: Tree, first: Tree, second: Tree) -> None:
    one = Step(package="WP1", changes=_difference(base, first))
    two = Step(package="WP2", changes=_difference(first, second))
    assert place(base, [one, two]).placed == (one, two)


@given(_trees, _trees)
def test_a_change_and_its_two_sides_agree(old: Tree, new: Tree) -> None:
    for change in _difference(old, new):
        assert before(change) == old.get(change.path)
        assert after(change) == new.get(change.path)
