import asyncio
import math
from collections.abc import Callable
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from polly.verification.bisect import blame


def packages(number: int) -> list[str]:
    return [f"WP{place}" for place in range(1, number + 1)]


class Oracle:
    """Answers from a pure function and keeps the questions."""

    def __init__(self, red: Callable[[frozenset[str]], bool]) -> None:
        self.red = red
        self.questions: list[frozenset[str]] = []

    async def is_red(self, chosen: frozenset[str]) -> bool:
        self.questions.append(chosen)
        return self.red(chosen)


def ask(names: list[str], red: Callable[[frozenset[str]], bool]) -> tuple[tuple[str, ...], Oracle]:
    oracle = Oracle(red)
    return asyncio.run(blame(names, oracle.is_red)), oracle


def test_two_packages_that_only_fail_together_are_found() -> None:
    found, _ = ask(packages(7), lambda chosen: {"WP3", "WP6"} <= chosen)
    assert found == ("WP3", "WP6")


def test_a_package_that_the_post_gate_alone_refuses_is_found() -> None:
    found, _ = ask(packages(5), lambda chosen: "WP5" in chosen)
    assert found == ("WP5",)


def test_a_gate_that_is_green_when_asked_again_blames_nobody() -> None:
    found, oracle = ask(packages(4), lambda _chosen: False)
    assert found == ()
    assert oracle.questions == [frozenset(packages(4))]


def test_no_packages_means_no_question() -> None:
    found, oracle = ask([], lambda _chosen: True)
    assert (found, oracle.questions) == ((), [])


@given(st.integers(1, 40), st.data())
def test_the_culprits_of_a_gate_that_never_heals_are_found_in_few_questions(
    number: int, data: st.DataObject
) -> None:
    names = packages(number)
    guilty = data.draw(st.sets(st.sampled_from(names), min_size=1, max_size=4))
    found, oracle = ask(names, lambda chosen: guilty <= chosen)
    assert set(found) == guilty
    assert len(oracle.questions) <= 1 + len(guilty) * (3 + math.log2(number))


@given(st.integers(1, 6), st.data())
def test_without_any_one_member_the_blamed_set_is_not_red(number: int, data: st.DataObject) -> None:
    names = packages(number)
    subsets = [frozenset(some) for size in range(1, number + 1) for some in combinations(names, size)]
    red_sets = data.draw(st.sets(st.sampled_from(subsets)))
    found, oracle = ask(names, red_sets.__contains__)
    if frozenset(names) not in red_sets:
        assert found == ()
        return
    assert frozenset(found) in red_sets
    assert all(frozenset(found) - {member} not in red_sets for member in found)
    assert list(found) == [name for name in names if name in found]
    assert len(oracle.questions) == len(set(oracle.questions))
    assert frozenset() not in oracle.questions
    assert len(oracle.questions) <= 1 + number * number * (3 + math.log2(number))


@given(st.integers(1, 6), st.sets(st.integers(0, 63)))
def test_the_same_gate_always_blames_the_same(number: int, codes: set[int]) -> None:
    names = packages(number)

    def red(chosen: frozenset[str]) -> bool:
        return sum(1 << place for place, name in enumerate(names) if name in chosen) in codes

    assert ask(names, red)[0] == ask([*names, *names], red)[0]
