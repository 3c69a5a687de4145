"""The first table of roles."""

from collections.abc import Sequence

import pytest

from polly.routing.roles import GENERAL_ROLE, choose_role
from polly.work.issues import Issue, Severity, Source


def issue(title: str, problem: str = "") -> Issue:
    return Issue(
        id="A",
        severity=Severity.MINOR,
        title=title,
        problem=problem,
        source=Source(format="test"),
        fingerprint="",
    )


@pytest.mark.parametrize(
    ("title", "paths", "role"),
    [
        ("wrong attribute", ["tests/test_client.py"], "testing-specialist"),
        ("wrong attribute", ["web/App.test.tsx"], "testing-specialist"),
        ("no way down", ["sql/migrations/001_a.sql", "sql/migrations/001_a_down.sql"], "database-specialist"),
        ("deadlock when two writers meet", ["app/queue.py"], "debug-intelligence"),
        ("never gets past a poison message", ["app/consumer.py"], "debug-intelligence"),
        ("the assertions of this fixture are wrong", ["app/queue.py"], "testing-specialist"),
        ("unused import", ["app/queue.py"], GENERAL_ROLE),
        ("a deadlock in the test", ["tests/test_queue.py"], "testing-specialist"),
    ],
)
def test_files_speak_louder_than_words_and_the_general_role_takes_the_rest(
    title: str, paths: Sequence[str], role: str
) -> None:
    assert choose_role([issue(title)], paths) == role


def test_triggers_are_whole_words() -> None:
    assert (
        choose_role([issue("the latest crasher contest is gracefully blocked")], ["contest.py"])
        == GENERAL_ROLE
    )


def test_a_sign_in_a_minority_of_issues_does_not_decide() -> None:
    issues = [issue("deadlock"), issue("typo"), issue("unused import")]
    assert choose_role(issues, ["a.py", "b.py", "tests/test_c.py"]) == GENERAL_ROLE


def test_nothing_at_all_goes_to_the_general_role() -> None:
    assert choose_role([], []) == GENERAL_ROLE
