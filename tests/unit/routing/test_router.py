"""From a request to a decision."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from polly.routing.cache import DecisionCache
from polly.routing.library import load_roles
from polly.routing.request import request_of
from polly.routing.router import Router
from polly.work.issues import Issue, Severity, Source
from polly.work.routing import GENERAL_ROLE, Outcome, Request, Strategy


def role_of(router: Router, text: str, *paths: str) -> str:
    return router.route(Request(text=text, paths=paths)).role


def issue(title: str, problem: str = "", rule: str | None = None) -> Issue:
    return Issue(
        id="A",
        severity=Severity.MINOR,
        title=title,
        problem=problem,
        source=Source(format="test", tool="ruff" if rule else None, rule=rule),
        fingerprint="",
    )


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("The two workers deadlock when both hold a lock", "debug-intelligence"),
        ("There are no unit tests for the parser", "testing-specialist"),
        ("The migration drops a column that the foreign key needs", "database-specialist"),
        ("User input goes into the shell: command injection", "security-audit"),
        ("optimize my database queries", "performance"),
        ("Replace the print statements by the logger", "structured-logging"),
    ],
)
def test_what_a_request_is_about_decides(router: Router, text: str, role: str) -> None:
    decision = router.route(Request(text=text))
    assert (decision.role, decision.strategy, decision.detection) == (role, Strategy.SCORE, None)
    assert decision.chosen.matched


@pytest.mark.parametrize(
    "text",
    [
        "my polymer chemistry homework",
        "the committee meets on Thursday",
        "because polygons overlap",
        "use polyester fabric",
        "",
        " \n\t ",
        "???",
    ],
)
def test_where_nothing_speaks_for_a_role_the_general_one_takes_it_and_no_detection_is_told(
    router: Router, text: str
) -> None:
    decision = router.route(Request(text=text))
    assert (decision.role, decision.strategy, decision.best) == (GENERAL_ROLE, Strategy.GENERAL, 0.0)
    assert decision.detection == "no_detection"


def test_a_word_that_contains_a_trigger_says_nothing(router: Router) -> None:
    assert router.route(Request(text="latest fastest contest results")).detection is not None


def test_too_little_is_told_with_the_role_that_was_likeliest() -> None:
    decision = Router(load_roles(), threshold=0.995).route(Request(text="The page is slow"))
    assert (decision.role, decision.strategy) == (GENERAL_ROLE, Strategy.GENERAL)
    assert decision.detection == "low_confidence"
    assert decision.alternatives[0].role == "performance"
    assert 0 < decision.best < decision.threshold
    assert "performance is the likeliest" in decision.reasoning


def test_files_alone_are_enough(router: Router) -> None:
    assert role_of(router, "", "db/migrations/001_a.sql") == "database-specialist"
    assert role_of(router, "", "src/a.py") == GENERAL_ROLE


def test_a_rule_alone_is_enough_and_the_most_exact_glob_counts(router: Router) -> None:
    assert router.route(Request(text="", rules=("bandit:B602",))).role == "security-audit"
    assert router.route(Request(text="", rules=("ruff:S602",))).role == "security-audit"
    assert router.route(Request(text="", rules=("ruff:SIM102",))).role == GENERAL_ROLE


def test_the_score_is_made_of_its_parts(router: Router) -> None:
    for each in router.rank(Request(text="slow query in a migration", paths=("a.sql", "b.py"))):
        parts = each.components
        whole = 0.4 * parts.trigger + 0.3 * parts.context + 0.2 * parts.capability + 0.1 * parts.history
        assert each.score == pytest.approx(whole, abs=1e-6)


def test_without_files_and_rules_the_context_is_neutral_for_all(router: Router) -> None:
    assert {each.components.context for each in router.rank(Request(text="slow query"))} == {0.5}


def test_files_that_speak_for_another_role_count_against_it(router: Router) -> None:
    ranked = {each.role: each.components.context for each in router.rank(Request(text="", paths=("a.sql",)))}
    assert ranked["database-specialist"] == 1.0
    assert set(ranked.values()) == {1.0, 0.0}


def test_equal_scores_are_in_the_order_of_names(router: Router) -> None:
    ranked = [each.role for each in router.rank(Request(text=""))]
    assert ranked == sorted(ranked)


def test_alternatives_are_at_most_five_and_never_the_chosen_one(router: Router) -> None:
    text = (
        "slow sql migration with a deadlock, no unit tests, an api key in the log message, and mypy complains"
    )
    decision = router.route(Request(text=text))
    roles = [each.role for each in decision.alternatives]
    assert len(roles) == 5
    assert decision.role not in roles
    scores = [each.score for each in decision.alternatives]
    assert scores == sorted(scores, reverse=True)


def test_the_order_of_paths_and_rules_does_not_matter(router: Router) -> None:
    paths, rules = ["a.py", "tests/test_a.py", "b.sql"], ["ruff:S1", "mypy:arg-type"]
    one = Router(load_roles()).route(Request(text="a fixture", paths=tuple(paths), rules=tuple(rules)))
    random.Random(3).shuffle(paths)
    other = Router(load_roles()).route(
        Request(text="a fixture", paths=tuple(paths), rules=tuple(reversed(rules)))
    )
    assert (one.chosen, one.alternatives) == (other.chosen, other.alternatives)


def test_one_issue_of_many_does_not_decide(router: Router) -> None:
    issues = [issue("deadlock"), *(issue(f"unused import {number}") for number in range(6))]
    assert router.choose_role(issues, ["a.py"]) == GENERAL_ROLE
    assert router.choose_role(issues[:1], ["a.py"]) == "debug-intelligence"


def test_choosing_a_role_is_routing_the_request_of_the_issues(router: Router) -> None:
    issues = [
        issue("no docstring", rule="D103"),
        issue("missing docstring", "in public function", rule="D101"),
    ]
    request = request_of(issues, ["a.py"], agent="claude")
    assert request.kinds == ("ruff:D103", "ruff:D101")
    assert request.rules == request.kinds
    assert router.choose_role(issues, ["a.py"]) == router.route(request).role == "documentation-architect"
    assert router.choose_role([], ["a.sql"]) == router.route(request_of([], ["a.sql"])).role


def test_the_same_request_again_comes_from_the_cache_and_is_told_so() -> None:
    router = Router(load_roles())
    first, second = (router.route(Request(text="deadlock in the worker")) for _ in range(2))
    assert (first.cache_hit, second.cache_hit) == (False, True)
    assert (first.chosen, first.reasoning) == (second.chosen, second.reasoning)
    assert list(second.stage_microseconds) == ["cache"]
    assert (router.metrics.requests, router.metrics.cache_hits) == (2, 1)


def test_routers_with_other_outcomes_share_a_cache_without_mixing_up() -> None:
    cache = DecisionCache()
    bad = Outcome(role="debug-intelligence", agent="a", kind="major", tried=400, fixed=0)
    request = Request(text="deadlock in the worker")
    plain = Router(load_roles(), cache=cache).route(request)
    taught = Router(load_roles(), outcomes=(bad,), cache=cache).route(request)
    assert not taught.cache_hit
    assert taught.best < plain.best


def test_the_cache_is_bounded_and_what_was_asked_for_last_stays() -> None:
    cache = DecisionCache(2)
    router = Router(load_roles(), cache=cache)
    for text in ("one", "two", "one", "three"):
        router.route(Request(text=text))
    assert len(cache) == 2
    assert router.route(Request(text="one")).cache_hit
    assert not router.route(Request(text="two")).cache_hit


def test_threads_share_a_router() -> None:
    router = Router(load_roles(), cache=DecisionCache(8))
    requests = [Request(text=f"deadlock number {number % 20}") for number in range(400)]
    with ThreadPoolExecutor(8) as pool:
        roles = set(pool.map(lambda request: router.route(request).role, requests))
    assert roles == {"debug-intelligence"}
    assert router.metrics.requests == 400


def test_every_stage_has_its_time(router: Router) -> None:
    decision = router.route(Request(text="a request that nobody made before"))
    stages = "cache names words triggers capabilities context history ranking decision"
    assert " ".join(decision.stage_microseconds) == stages
    assert decision.milliseconds > 0


def test_of_a_long_text_the_beginning_and_samples_are_read(router: Router) -> None:
    padding = "The parcel was weighed at the depot. " * 3_000
    assert role_of(router, f"A deadlock in the worker thread. {padding}") == "debug-intelligence"
    assert (
        role_of(router, "The worker threads deadlock, says the traceback. " * 2_000) == "debug-intelligence"
    )
