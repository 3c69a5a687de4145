"""What holds for every request."""

import string

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polly.routing.history import UNKNOWN, OutcomeHistory
from polly.routing.inflections import forms_of
from polly.routing.library import load_roles
from polly.routing.ranking import score_of
from polly.routing.router import Router
from polly.routing.words import split
from polly.work.routing import GENERAL_ROLE, Outcome, Request, Strategy

ROLES = load_roles()
ROUTER = Router(ROLES)
TRIGGERS = [(role.name, trigger) for role in ROLES for trigger in role.triggers]
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

WORDS = st.sampled_from(
    ["the", "slow", "sql", "do not", "without", "agent-performance", "`x`", "\n", ".", "é"]
)
TEXTS = st.one_of(st.text(max_size=300), st.lists(WORDS, max_size=30).map(" ".join))
PATHS = st.lists(st.sampled_from(["a.py", "tests/test_a.py", "b.sql", "README.md", "", "/", "..", "ä/x.ts"]))


@FEW
@given(TEXTS, PATHS, st.lists(st.sampled_from(["ruff:S1", "mypy:x", ":", "", "eslint:@a/b"])))
def test_every_request_gets_a_decision_within_its_bounds(
    text: str, paths: list[str], rules: list[str]
) -> None:
    decision = ROUTER.route(Request(text=text, paths=tuple(paths), rules=tuple(rules)))
    assert decision.role in {role.name for role in ROLES}
    assert (decision.detection is None) == (decision.strategy is not Strategy.GENERAL)
    for each in (decision.chosen, *decision.alternatives):
        parts = each.components
        assert 0 <= each.confidence <= 1
        assert each.score == score_of(parts)
        assert all(0 <= part <= 1 for part in (parts.trigger, parts.context, parts.capability, parts.history))


@FEW
@given(TEXTS, PATHS)
def test_the_same_request_gets_the_same_decision_whatever_the_order_of_paths(
    text: str, paths: list[str]
) -> None:
    one = Router(ROLES).route(Request(text=text, paths=tuple(paths)))
    other = ROUTER.route(Request(text=text, paths=tuple(reversed(paths))))
    assert (one.chosen, one.alternatives, one.reasoning) == (
        other.chosen,
        other.alternatives,
        other.reasoning,
    )


@FEW
@given(st.sampled_from(TRIGGERS), st.text(string.ascii_lowercase, min_size=1, max_size=6), st.booleans())
def test_a_word_that_contains_a_trigger_is_not_that_trigger(
    named: tuple[str, str], letters: str, is_before: bool
) -> None:
    role, trigger = named
    words = split(trigger)
    longer = f"{letters}{words[0]}" if is_before else f"{words[0]}{letters}"
    if longer in forms_of(words[0]):
        return
    text = " ".join((longer, *words[1:]))
    matched = {each.role: each.matched for each in ROUTER.rank(Request(text=text))}
    assert " ".join(words) not in matched[role]


@FEW
@given(
    st.sampled_from(TRIGGERS),
    st.sampled_from(
        ["do not touch the", "no need for", "without changing the", "this is not about", "never mind the"]
    ),
    st.sampled_from(["", "the worker is wrong, ", "please have a look: "]),
)
def test_a_negation_never_raises_a_score(named: tuple[str, str], negation: str, before: str) -> None:
    role, trigger = named
    plain, denied = (
        {each.role: each.components.trigger for each in ROUTER.rank(Request(text=text))}
        for text in (f"{before}{trigger}", f"{before}{negation} {trigger}")
    )
    assert denied[role] <= plain[role]


OUTCOMES = st.lists(
    st.builds(
        lambda agent, kind, tried, share: Outcome(
            role="r", agent=agent, kind=kind, tried=tried, fixed=round(tried * share)
        ),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["k", "l"]),
        st.integers(0, 50),
        st.floats(0, 1),
    ),
    max_size=6,
)
QUESTION = ("r", "a", ("k",))


@given(OUTCOMES, st.sampled_from(["a", "b"]), st.sampled_from(["k", "l"]))
def test_success_is_between_0_and_1_and_one_more_fix_never_lowers_it(
    outcomes: list[Outcome], agent: str, kind: str
) -> None:
    fixed, failed = (
        OutcomeHistory([*outcomes, Outcome(role="r", agent=agent, kind=kind, tried=1, fixed=count)])
        for count in (1, 0)
    )
    assert 0 <= failed.success(*QUESTION) <= fixed.success(*QUESTION) <= 1


@given(st.integers(0, 1), st.integers(1, 200))
def test_little_evidence_moves_little_and_more_moves_more(fixed: int, tried: int) -> None:
    def moved(count: int) -> float:
        outcome = Outcome(role="r", agent="a", kind="k", tried=count, fixed=count * fixed)
        return abs(OutcomeHistory([outcome]).success(*QUESTION) - UNKNOWN)

    assert moved(1) < 0.2
    assert moved(tried) < moved(tried + 1)


def test_without_outcomes_success_is_unknown() -> None:
    assert OutcomeHistory([]).success(*QUESTION) == UNKNOWN
    other = Outcome(role=GENERAL_ROLE, agent="a", kind="k", tried=9, fixed=9)
    assert OutcomeHistory([other]).success(*QUESTION) == UNKNOWN
