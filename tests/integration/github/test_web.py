"""A pull request is fetched over HTTP with a token, whole or not at all."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from tests.integration.github.conftest import TOKEN, Answer, GitHubServer, comment, thread

from polly.errors import InputError, PollyError, ToolError
from polly.github import fetch_source
from polly.github.fetch import client_for
from polly.github.pull_request import PullRequest, parse_source
from polly.github.web import Web

Polly = Callable[..., CompletedProcess[str]]
COMMENTS = "/repos/o/r/pulls/18/comments"
SOURCE = "github:o/r#18"


def refused(source: str = SOURCE) -> PollyError:
    with pytest.raises(PollyError) as caught:
        fetch_source(source)
    told = f"{caught.value.what} {caught.value.next_step} {caught.value!r}"
    assert TOKEN not in told
    assert caught.value.next_step
    return caught.value


def test_every_page_becomes_issues_and_resolved_threads_are_left_out(
    logged_in: GitHubServer, polly: Polly, repo: Path
) -> None:
    logged_in.lists[COMMENTS] = [*map(comment, range(1, 6)), comment(6, in_reply_to_id=1)]
    logged_in.lists["/repos/o/r/pulls/18/reviews"] = [
        {"id": 9, "state": "APPROVED", "body": "", "user": {"login": "bob"}, "submitted_at": "x"}
    ]
    logged_in.lists["/repos/o/r/issues/18/comments"] = [
        {"id": 7, "issue_url": "x", "body": "Please add a test.", "user": {"login": "bob"}}
    ]
    logged_in.threads = [thread(number, resolved=number in (2, 5)) for number in range(1, 6)]
    done = polly("issues", SOURCE, "--format", "json", cwd=repo)
    assert done.returncode == 0, done.stderr
    inventory = json.loads(done.stdout)
    assert [issue["title"] for issue in inventory["issues"]] == ["Finding 1.", "Finding 3.", "Finding 4."]
    assert {each["reason"]: each["count"] for each in inventory["excluded"]} == {
        "reply": 1,
        "resolved": 2,
        "informational": 1,
        "no_location": 1,
    }
    assert inventory["issues"][0]["source"]["ref"] == "https://github.com/o/r/pull/18#discussion_r1"
    assert logged_in.seen.count("/graphql") == 3
    assert logged_in.seen.count(COMMENTS) == 3
    assert TOKEN not in done.stdout + done.stderr


def test_the_address_of_a_pull_request_names_it_too(
    logged_in: GitHubServer, polly: Polly, repo: Path
) -> None:
    logged_in.lists[COMMENTS] = [comment(1)]
    done = polly("issues", "https://github.com/o/r/pull/18/files#diff-1", cwd=repo)
    assert "1 issue in 1 file" in done.stderr + done.stdout


def test_a_pull_request_without_comments_is_an_empty_inventory(
    logged_in: GitHubServer, polly: Polly, repo: Path
) -> None:
    done = polly("issues", SOURCE, cwd=repo)
    assert done.returncode == 0
    assert "0 findings read" in done.stderr + done.stdout
    assert logged_in.seen


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (Answer(401, {}), ToolError, "does not accept the token.*set GH_TOKEN"),
        (Answer(403, {}), ToolError, "does not let this token read.*read access"),
        (Answer(403, {"Retry-After": "60"}), ToolError, "no more questions.*Try again in 60 seconds"),
        (
            Answer(403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1700000000"}),
            ToolError,
            "no more questions.*after 22:13:20 UTC",
        ),
        (Answer(404, {}), InputError, "knows no such pull request.*Check owner, repository and number"),
        (Answer(429, {"Retry-After": "7"}), ToolError, "no more questions.*Try again in 7 seconds"),
        (Answer(429, {}), ToolError, "no more questions.*in some minutes"),
        (Answer(502, {}), ToolError, "HTTP 502.*Try again later"),
        (Answer(301, {"Location": "https://elsewhere.invalid/x"}), ToolError, "HTTP 301"),
        (
            Answer(200, {"Link": '<https://elsewhere.invalid/x>; rel="next"'}, b"[]"),
            ToolError,
            "another host",
        ),
    ],
)
@pytest.mark.parametrize("path", [COMMENTS, "/graphql"])
def test_what_github_does_not_answer_is_told_with_its_reason(
    logged_in: GitHubServer, path: str, answer: Answer, kind: type[PollyError], told: str
) -> None:
    if path == "/graphql" and answer.status == 200:
        answer, told = Answer(200, {}, b"[]"), "does not tell the threads"
    logged_in.instead[path] = answer
    error = refused()
    assert isinstance(error, kind)
    assert re.search(told, f"{error.what} {error.next_step}")


def test_a_moved_repository_is_followed_on_the_same_host(logged_in: GitHubServer) -> None:
    logged_in.lists["/repositories/1/pulls/18/comments"] = [comment(1)]
    moved = f"{logged_in.address}/repositories/1/pulls/18/comments"
    logged_in.instead[COMMENTS] = Answer(301, {"Location": moved})
    assert b"Finding 1." in (fetch_source(SOURCE) or b"")


def test_a_pull_request_that_does_not_exist_is_an_input_error(logged_in: GitHubServer) -> None:
    error = refused("github:o/r#19")
    assert isinstance(error, InputError)
    assert "knows no pull request o/r#19" in error.what


def test_an_answer_that_is_no_json_is_refused(logged_in: GitHubServer) -> None:
    logged_in.instead["/graphql"] = Answer(200, {}, b"<html>")
    assert "is not JSON" in refused().what


def test_no_answer_in_time_is_told(logged_in: GitHubServer) -> None:
    logged_in.instead[COMMENTS] = Answer(0, {})
    client = client_for("github.com", {"GITHUB_API_URL": logged_in.address, "GH_TOKEN": TOKEN})
    assert isinstance(client, Web)
    with pytest.raises(ToolError, match=r"cannot be reached: .*timed out"):
        list(replace(client, timeout_seconds=0.05).pages(COMMENTS[1:]))


def test_a_server_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, logged_in: GitHubServer) -> None:
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:1")
    assert "http://127.0.0.1:1 cannot be reached" in refused().what


@pytest.mark.parametrize("value", ["two words", "line\nbreak", "käse"])
def test_what_is_no_token_is_not_sent(
    monkeypatch: pytest.MonkeyPatch, logged_in: GitHubServer, value: str
) -> None:
    monkeypatch.setenv("GH_TOKEN", value)
    error = refused()
    assert "GH_TOKEN holds something that is no token" in error.what
    assert value not in str(error)
    assert not logged_in.seen


def test_without_gh_and_token_it_is_said_how_to_get_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, polly: Polly, repo: Path
) -> None:
    for name in ("GH_TOKEN", "GITHUB_TOKEN", "GH_HOST", "GITHUB_API_URL", "GITHUB_SERVER_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    error = refused()
    assert isinstance(error, ToolError)
    assert "gh is not installed, and GH_TOKEN is not set" in error.what


def test_a_token_is_sent_to_the_named_host_only(
    monkeypatch: pytest.MonkeyPatch, logged_in: GitHubServer
) -> None:
    source = "https://github.evil.invalid/o/r/pull/18"
    assert "not a GitHub that Polly knows" in refused(source).what
    monkeypatch.setenv("GITHUB_API_URL", "http://github.evil.invalid")
    assert "not an https address" in refused().what
    assert not logged_in.seen


@pytest.mark.parametrize(
    "source",
    [
        "github:", "github:o/r", "github:o/r#0", "github:o/r#x", "github:o/..#1", "github:o/r/x#1",
        "github:o r/x#1",
        "https://github.com/o/r", "https://github.com/o/r/issues/18", "https://example.org/report.json",
        "github:o/r#1\n",
    ],
)  # fmt: skip
def test_another_address_is_refused(source: str) -> None:
    with pytest.raises(InputError, match="does not name a pull request"):
        parse_source(source, {})


@pytest.mark.parametrize("source", ["review.json", "-", "C:/x.json", "githubs.json"])
def test_files_are_not_fetched(source: str) -> None:
    assert fetch_source(source) is None


@pytest.mark.parametrize(
    ("environ", "host", "api"),
    [
        ({}, "github.com", "https://api.github.com"),
        ({"GH_HOST": "git.example.org"}, "git.example.org", "https://git.example.org/api/v3"),
        ({"GH_HOST": "we.ghe.com"}, "we.ghe.com", "https://api.we.ghe.com"),
        ({"GITHUB_SERVER_URL": "https://git.example.org"}, "git.example.org", "https://git.example.org/api/v3"),
        ({"GH_HOST": "git.example.org", "GITHUB_API_URL": "https://x.org/api/v3"}, "github.com", "https://api.github.com"),
        ({"GITHUB_API_URL": "https://x.org/api/v3/"}, "github.com", "https://x.org/api/v3"),
    ],
)  # fmt: skip
def test_each_host_has_its_interface(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, environ: dict[str, str], host: str, api: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    client = client_for(host, {**environ, "GITHUB_TOKEN": TOKEN})
    assert isinstance(client, Web)
    assert client.api == api
    assert TOKEN not in repr(client)


def test_a_name_stands_for_the_host_of_the_environment() -> None:
    wanted = PullRequest(host="git.example.org", owner="o", name="r", number=18)
    assert parse_source(SOURCE, {"GH_HOST": "Git.Example.org"}) == wanted
