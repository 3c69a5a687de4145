"""Roles that a request names."""

import pytest

from polly.routing.router import Router
from polly.work.routing import Request, Strategy


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("use agent-performance on the export", "performance"),
        ("use agent-api-architect to design the API", "api-architect"),
        ("@debug-intelligence why is this wrong?", "debug-intelligence"),
        ("@agent-debug look", "debug-intelligence"),
        ("AGENT-PERFORMANCE!!", "performance"),
        ("ask the security-audit role to look", "security-audit"),
        ("as testing-specialist, go through this", "testing-specialist"),
        ("with the type-validator", "type-validator"),
        ("use the performance role", "performance"),
        ("ask testing to look at it", "testing-specialist"),
        ("debug-database should look at this", "database-specialist"),
        ("ask the API architect about it", "api-architect"),
        ('Task(subagent_type="performance")', "performance"),
        ("don\u2019t use agent-performance but agent-debug", "debug-intelligence"),
    ],
)
def test_a_named_role_is_taken(router: Router, text: str, role: str) -> None:
    decision = router.route(Request(text=text))
    assert (decision.role, decision.strategy, decision.detection) == (role, Strategy.EXPLICIT, None)
    assert decision.chosen.reasons[0] == "is named"


@pytest.mark.parametrize(
    "text",
    [
        "because polygons overlap",
        "the performance of Hamlet",
        "help with performance",
        "the committee of agents-performance",
        "see .github/workflows/security-audit.yml",
        "https://example.org/agent-performance",
        "mail me@performance.example",
        "myagent-performance",
        "the type-validator crashes on start",
        '"use agent-performance" is what the manual says',
        "```\nuse agent-performance\n```",
    ],
)
def test_a_name_inside_something_else_or_as_an_ordinary_word_names_nobody(router: Router, text: str) -> None:
    assert router.route(Request(text=text)).strategy is not Strategy.EXPLICIT


@pytest.mark.parametrize(
    "text",
    [
        "don't use agent-performance, but it is slow",
        "Do not use the performance role for this slow query",
        "not agent-performance please; the page is slow",
        "without agent-performance: slow query",
    ],
)
def test_a_role_that_is_not_wanted_is_not_taken(router: Router, text: str) -> None:
    decision = router.route(Request(text=text))
    assert decision.role != "performance"
    assert all(each.role != "performance" for each in decision.alternatives)
    assert "Not wanted: performance." in decision.reasoning


def test_of_several_names_the_first_is_taken_and_the_others_come_first_among_the_alternatives(
    router: Router,
) -> None:
    decision = router.route(
        Request(text="first debug-intelligence, then testing-specialist; the query is slow")
    )
    assert decision.role == "debug-intelligence"
    assert decision.alternatives[0].role == "testing-specialist"


def test_a_name_that_does_not_exist_is_told_with_the_nearest(router: Router) -> None:
    decision = router.route(Request(text="use agent-securty-audit here"))
    assert decision.strategy is not Strategy.EXPLICIT
    assert "There is no role agent-securty-audit. Did you mean 'security-audit'?" in decision.reasoning


def test_one_issue_that_names_a_role_does_not_decide_for_the_others(router: Router) -> None:
    request = Request(text="use agent-performance", further=("unused import", "dead code", "duplicate code"))
    assert router.route(request).strategy is not Strategy.EXPLICIT
