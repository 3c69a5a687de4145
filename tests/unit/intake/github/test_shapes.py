"""Whichever interface of GitHub wrote an answer, the same comments are found in it, each once."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from polly.errors import InputError
from polly.intake.document import parse
from polly.intake.finding import Reading
from polly.intake.sources.registry import recognise

Read = Callable[..., Reading]
Comment = Callable[..., dict[str, Any]]

THREAD = {
    "id": "PRRT_1",
    "isResolved": False,
    "isOutdated": False,
    "path": "src/app.py",
    "line": 5,
    "comments": {
        "nodes": [
            {"id": "A", "databaseId": 1, "body": "This sums twice.", "author": {"login": "ann"}},
            {"id": "B", "databaseId": 2, "body": "Agreed.", "author": {"login": "bob"}},
        ]
    },
}


def threads(*nodes: Any, **page: Any) -> dict[str, Any]:
    return {"repository": {"pullRequest": {"reviewThreads": {"nodes": list(nodes), **page}}}}


def open_titles(reading: Reading) -> list[str]:
    return [each.title for each in reading.findings if not each.left_out]


def reasons(reading: Reading) -> list[str]:
    return [each.left_out for each in reading.findings]


def test_a_list_one_object_lines_and_pages_say_the_same(read: Read, comment: Comment) -> None:
    first, second = comment(1, "One."), comment(2, "Two.", line=6, original_line=6)
    once = read([first, second]).findings
    assert [each.title for each in once] == ["One.", "Two."]
    assert read([first], [second], []).findings == once
    assert read(first, second).findings == once
    assert read(json.dumps([first]) + json.dumps([second])).findings == once
    assert read([[first], [second]]).findings == once


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"data": x}, lambda x: [{"data": x}]])
def test_graphql_threads_are_found_in_every_wrapping(read: Read, wrap: Callable[[Any], Any]) -> None:
    reading = read(wrap(threads(THREAD)))
    assert reasons(reading) == ["", "reply"]
    (place,) = reading.findings[0].places
    assert (place.path, place.start_line) == ("src/app.py", 5)
    assert reading.findings[0].source.tool == "ann"


def test_threads_as_edges_and_as_a_bare_list_are_found(read: Read) -> None:
    edges = {"reviewThreads": {"edges": [{"node": THREAD}]}}
    assert reasons(read(edges)) == reasons(read([THREAD])) == ["", "reply"]


def test_what_gh_prints_about_a_pull_request_is_read(read: Read) -> None:
    author = {"login": "ann"}
    reading = read(
        {
            "title": "A change",
            "state": "OPEN",
            "comments": [{"id": "IC_1", "author": author, "body": "See `src/app.py:5`, it sums twice."}],
            "reviews": [{"id": "PRR_1", "author": author, "body": "", "state": "APPROVED"}],
            "latestReviews": [{"id": "PRR_1", "author": author, "body": "", "state": "APPROVED"}],
        }
    )
    assert reasons(reading) == ["", "informational"]
    assert reading.findings[0].places[0].start_line == 5


@pytest.mark.parametrize(
    ("event", "left_out"),
    [
        ({"action": "created", "comment": "LINE", "pull_request": {"body": "x", "number": 7}}, [""]),
        ({"action": "deleted", "comment": "LINE", "pull_request": {}}, ["resolved"]),
        (
            {
                "action": "created",
                "issue": {"title": "t", "body": "b"},
                "comment": {"id": 4, "user": {"login": "ann"}, "body": "Please test it."},
            },
            ["no_location"],
        ),
        (
            {
                "action": "submitted",
                "review": {"id": 3, "user": {"login": "ann"}, "body": None, "state": "approved"},
                "pull_request": {},
            },
            ["informational"],
        ),
        ({"action": "resolved", "thread": {"node_id": "T", "comments": ["LINE"]}}, ["resolved"]),
        ({"action": "unresolved", "thread": {"node_id": "T", "comments": ["LINE"]}}, [""]),
    ],
)
def test_webhook_payloads_are_read(
    read: Read, comment: Comment, event: dict[str, Any], left_out: list[str]
) -> None:
    payload = json.loads(json.dumps(event).replace('"LINE"', json.dumps(comment())))
    assert reasons(read(payload)) == left_out


def test_replies_belong_to_their_root_and_are_kept_in_its_problem(read: Read, comment: Comment) -> None:
    bob = {"login": "bob", "type": "User"}
    reading = read(
        [
            comment(2, "I think so too.", in_reply_to_id=1, user=bob),
            comment(1),
            comment(3, "Then fix it.", in_reply_to_id=2),
        ]
    )
    assert reasons(reading) == ["", "reply", "reply"]
    assert (
        reading.findings[0].problem
        == "This sums twice.\n\nbob replies:\nI think so too.\n\nann replies:\nThen fix it."
    )


def test_the_first_reply_stands_for_a_root_that_was_not_read(read: Read, comment: Comment) -> None:
    reading = read([comment(2, in_reply_to_id=1), comment(3, in_reply_to_id=1)])
    assert reasons(reading) == ["", "reply"]
    assert [each.code for each in reading.warnings] == ["root_missing"]


def test_comments_that_reply_to_each_other_in_a_ring_are_one_conversation(
    read: Read, comment: Comment
) -> None:
    reading = read([comment(1, in_reply_to_id=2), comment(2, in_reply_to_id=1), comment(3, in_reply_to_id=3)])
    assert sorted(reasons(reading)) == ["", "", "reply"]


def test_states_of_threads_decide_about_comments_that_were_read_apart(read: Read, comment: Comment) -> None:
    states = [
        {"isResolved": True, "isOutdated": False, "comments": {"nodes": [{"databaseId": 1}]}},
        {"isResolved": False, "isOutdated": False, "comments": {"nodes": [{"databaseId": 2}]}},
    ]
    reading = read({"data": threads(*states)}, [comment(1), comment(2, "Another one.")])
    assert reasons(reading) == ["resolved", ""]


def test_a_comment_that_two_interfaces_tell_is_one(read: Read, comment: Comment) -> None:
    reading = read([comment(1)], {"data": threads({**THREAD, "isResolved": True})})
    assert sorted(reasons(reading)) == ["duplicate", "reply", "resolved"]


def test_the_number_of_a_review_is_not_that_of_a_comment(read: Read, comment: Comment) -> None:
    review = {"id": 1, "user": {"login": "ann"}, "state": "COMMENTED", "body": "Thanks.", "submitted_at": "x"}
    assert reasons(read([comment(1)], [review])) == ["", "informational"]


def test_pages_that_were_not_read_are_missed(read: Read) -> None:
    more = {"pageInfo": {"hasNextPage": True, "endCursor": "x"}}
    last = {"pageInfo": {"hasNextPage": False, "endCursor": "y"}}
    assert [each.code for each in read(threads(THREAD, **more)).warnings] == ["comments_missing"]
    other = {**THREAD, "comments": {"nodes": [{"id": "C", "body": "Again.", "author": {"login": "ann"}}]}}
    assert not read(threads(THREAD, **more), threads(other, **last)).warnings


def test_malformed_comments_are_counted_and_cost_nothing_else(read: Read, comment: Comment) -> None:
    reading = read([comment(1), 42, {"body": {}, "path": "a"}, {"other": 1}, comment(2, line={})])
    assert sorted(reasons(reading)) == ["", *["unreadable"] * 4]
    assert [each.code for each in reading.warnings] == ["unreadable"]


@pytest.mark.parametrize(
    "answer",
    [
        {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"},
        {"data": None, "errors": [{"type": "NOT_FOUND", "message": "Not Found"}]},
    ],
)
def test_a_refusal_of_github_is_called_one(read: Read, answer: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"refusal.*Not Found"):
        read(answer)


def test_an_answer_that_is_not_whole_says_so(read: Read) -> None:
    reading = read({"data": threads(THREAD), "errors": [{"message": "Something went wrong"}]})
    assert [each.code for each in reading.warnings] == ["tool_failed"]


def test_a_pull_request_without_comments_has_none(read: Read) -> None:
    assert read({"data": threads()}) == Reading(())


@pytest.mark.parametrize(
    "text",
    ['{"body": "x"}', '[{"title": "An issue", "body": "x", "user": {"login": "a"}}]', '{"data": 1}', "[1]"],
)
def test_other_json_is_not_taken_for_comments(text: str) -> None:
    document = parse(text.encode(), "x.json")
    try:
        name = recognise(document).name
    except InputError:
        name = ""
    assert name != "github"


def test_odd_names_and_addresses_do_not_reach_the_issue(read: Read, comment: Comment) -> None:
    odd = comment(1, user={"login": "a\x1b[31m b"}, html_url="javascript:alert(1)")
    (finding,) = read([odd]).findings
    assert finding.source.tool is None
    assert finding.source.ref == "review.json#/0"
