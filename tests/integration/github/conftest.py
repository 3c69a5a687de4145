"""A server on loopback that behaves like the ends of GitHub that are asked."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest

TOKEN = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"


class Answer(NamedTuple):
    """What the server says instead of its usual answer."""

    status: int
    headers: dict[str, str]
    body: bytes = b"{}"


class GitHubServer(ThreadingHTTPServer):
    """Holds one pull request, o/r#18, and serves it in pages of two."""

    daemon_threads = True
    page = 2

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lists: dict[str, list[Any]] = {
            "/repos/o/r/pulls/18/comments": [],
            "/repos/o/r/pulls/18/reviews": [],
            "/repos/o/r/issues/18/comments": [],
        }
        self.threads: list[dict[str, Any]] = []
        self.instead: dict[str, Answer] = {}
        self.seen: list[str] = []
        self.silent = threading.Event()

    @property
    def address(self) -> str:
        """Where its REST interface begins."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: GitHubServer

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if self._refused(path):
            return
        items = self.server.lists.get(path)
        if items is None:
            self._say(Answer(404, {}, b'{"message": "Not Found"}'))
            return
        number = int(parse_qs(urlsplit(self.path).query).get("page", ["1"])[0])
        end = number * self.server.page
        more = f'<{self.server.address}{path}?page={number + 1}>; rel="next", <x>; rel="last"'
        headers = {"Link": more} if end < len(items) else {}
        self._say(Answer(200, headers, json.dumps(items[end - self.server.page : end]).encode()))

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["variables"]
        if self._refused("/graphql"):
            return
        if (asked["owner"], asked["name"], asked["number"]) != ("o", "r", 18):
            errors = [{"type": "NOT_FOUND", "message": "Could not resolve to a PullRequest"}]
            self._say(Answer(200, {}, json.dumps({"data": None, "errors": errors}).encode()))
            return
        start = int(asked["endCursor"] or 0)
        end = start + self.server.page
        page = {"hasNextPage": end < len(self.server.threads), "endCursor": str(end)}
        threads = {"nodes": self.server.threads[start:end], "pageInfo": page}
        data = {"repository": {"pullRequest": {"reviewThreads": threads}}}
        self._say(Answer(200, {}, json.dumps({"data": data}).encode()))

    def _refused(self, path: str) -> bool:
        self.server.seen.append(path)
        if path in self.server.instead:
            answer = self.server.instead[path]
            if answer.status == 0:
                self.server.silent.wait(20)
                self.close_connection = True
            else:
                self._say(answer)
            return True
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._say(Answer(401, {}, b'{"message": "Bad credentials"}'))
            return True
        return False

    def _say(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the standard library's
        """Quiet."""


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    server = GitHubServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.silent.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def logged_in(github: GitHubServer, monkeypatch: pytest.MonkeyPatch) -> GitHubServer:
    """The environment leads to the server, with the right token."""
    for name in ("GH_HOST", "GITHUB_SERVER_URL", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_API_URL", github.address)
    monkeypatch.setenv("GH_TOKEN", TOKEN)
    return github


def comment(number: int, **more: Any) -> dict[str, Any]:
    """A review comment on the first line of README.md."""
    return {
        "id": number,
        "path": "README.md",
        "line": 1,
        "body": f"Finding {number}.",
        "user": {"login": "ann", "type": "User"},
        "html_url": f"https://github.com/o/r/pull/18#discussion_r{number}",
        **more,
    }


def thread(number: int, *, resolved: bool) -> dict[str, Any]:
    """The state of the thread that a comment began."""
    nodes = [{"databaseId": number}]
    return {"isResolved": resolved, "isOutdated": False, "comments": {"nodes": nodes}}
