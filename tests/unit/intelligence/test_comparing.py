"""Before and after: like is compared with like, and what got worse is named."""

from polly.intelligence.analysis import Component, Quality
from polly.intelligence.comparing import CLEARLY_WORSE, compare, overall


def quality(score: float | None, *, lines: int = 100, reason: str = "") -> Quality:
    component = Component(score=score, weight=0.25, measured=score is not None, detail="")
    return Quality(score=score, components={"correctness": component}, lines=lines, reason=reason)


def test_the_same_code_is_not_worse() -> None:
    change = compare({"a": quality(0.8)}, {"a": quality(0.8)})
    assert (change.before, change.after, change.is_clearly_worse, change.fell) == (0.8, 0.8, False, ())


def test_a_fall_by_the_threshold_is_clearly_worse_and_names_the_component() -> None:
    change = compare({"a": quality(0.8)}, {"a": quality(0.8 - CLEARLY_WORSE - 0.02)})
    assert change.is_clearly_worse
    assert change.fell == ("correctness 0.80 → 0.73",)


def test_a_small_fall_is_not() -> None:
    assert not compare({"a": quality(0.8)}, {"a": quality(0.78)}).is_clearly_worse


def test_a_file_that_can_no_longer_be_parsed_is_clearly_worse_however_small_it_is() -> None:
    before = {"a": quality(0.9, lines=10_000), "b": quality(0.9, lines=1)}
    after = {**before, "b": quality(0.0, lines=1, reason="line 1 cannot be parsed: x")}
    change = compare(before, after)
    assert change.is_clearly_worse
    assert change.fell == ("b: line 1 cannot be parsed: x",)


def test_long_files_count_for_more() -> None:
    assert overall([quality(1.0, lines=300), quality(0.0, lines=100)]).score == 0.75


def test_files_with_one_score_are_left_out_and_told() -> None:
    change = compare(
        {"a": quality(0.8), "gone": quality(0.1)},
        {"a": quality(0.8), "slow": quality(None, reason="not analysed within 1 seconds")},
    )
    assert (change.before, change.after) == (0.8, 0.8)
    assert change.note == "2 files are not compared, such as slow (not analysed within 1 seconds)"


def test_a_new_file_alone_has_only_an_after() -> None:
    change = compare({}, {"a": quality(0.4)})
    assert (change.before, change.after, change.is_clearly_worse) == (None, 0.4, False)
    assert change.note == "before: there is nothing to measure"


def test_nothing_at_all_says_so() -> None:
    assert compare({}, {}).note == "there is nothing to measure"
