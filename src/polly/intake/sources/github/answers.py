"""The posts in answers of GitHub, found by what they look like: REST, GraphQL, gh, webhooks, pages."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from polly.intake.sources.github.posts import (
    REVIEW_STATES,
    Post,
    ThreadState,
    keys_of,
    read_post,
    read_thread_state,
    spelled_as_rest,
)

#: Members in which an answer packs what was asked for.
_WRAPPERS = (
    "data", "payload", "viewer", "organization", "repository", "resource", "node", "pullRequest",
    "pullRequests", "reviewThreads", "reviews", "latestReviews", "comments", "nodes", "edges",
)  # fmt: skip
_WEBHOOK = ("comment", "review", "thread")
_DELETED = "deleted"


class Answers(NamedTuple):
    """Everything found: posts in their order, states of threads, and what does not let them be complete.

    unreadable: places of what should be a post and is none. refusals: what GitHub says instead of an
    answer. more: places after which GitHub has more than the answer holds.
    """

    posts: list[Post]
    states: list[ThreadState]
    unreadable: list[str]
    refusals: list[str]
    more: list[str]
    wrappers: set[str]

    @property
    def is_of_github(self) -> bool:
        """True when at least one thing was found that only GitHub writes."""
        return bool(self.posts or self.states or self.refusals or "reviewThreads" in self.wrappers)


def read_answers(values: Iterable[tuple[str, Any]]) -> Answers:
    """What these JSON values, each with its place, say. Never raises for what they hold."""
    reader = _Reader()
    for place, value in values:
        reader.read(value, place)
    return reader.found


class _Step(NamedTuple):
    """One value still to be looked at; `in_list` says that it stands where a post is expected."""

    value: Any
    place: str
    in_list: bool = False
    deleted: bool = False


class _Reader:
    def __init__(self) -> None:
        self.found = Answers([], [], [], [], [], set())

    def read(self, value: Any, place: str) -> None:
        """Look through the value without recursion: its depth is the writer's choice."""
        waiting = [_Step(value, place)]
        while waiting:
            step = waiting.pop()
            try:
                inner = list(self._look(step))
            except msgspec.ValidationError:
                self.found.unreadable.append(step.place)
                continue
            waiting.extend(reversed(inner))

    def _look(self, step: _Step) -> Iterator[_Step]:
        value, place = step.value, step.place
        if isinstance(value, list):
            yield from (_Step(each, f"{place}/{number}", True) for number, each in enumerate(value))
        elif not isinstance(value, dict):
            if step.in_list:
                self.found.unreadable.append(place)
        elif isinstance(value.get("action"), str) and any(isinstance(value.get(k), dict) for k in _WEBHOOK):
            yield from self._webhook(value, place)
        elif _is_thread(value):
            self._thread(value, place, resolved=False)
        elif "body" in value and _kind(value):
            yield from self._post(value, _kind(value), step)
        else:
            yield from self._wrapper(value, step)

    def _post(self, value: Mapping[str, Any], kind: str, step: _Step) -> Iterator[_Step]:
        post = read_post(value, kind, step.place)
        self.found.posts.append(post._replace(hidden=_DELETED) if step.deleted else post)
        if kind == "review" and isinstance(value.get("comments"), dict | list):
            yield _Step(value["comments"], f"{step.place}/comments")

    def _wrapper(self, value: Mapping[str, Any], step: _Step) -> Iterator[_Step]:
        self._note_refusals(value)
        inner = [key for key in _WRAPPERS if isinstance(value.get(key), dict | list)]
        if "reviews" in inner and "latestReviews" in inner:
            inner.remove("latestReviews")  # they are among the reviews
        self.found.wrappers.update(inner)
        if _has_next_page(value):
            self.found.more.append(step.place)
        elif "pageInfo" in value:
            self.found.more.clear()  # pages stand in their order; this is the last one
        for key in sorted(inner, key=list(value).index):
            if key == "edges":
                nodes = [edge.get("node") if isinstance(edge, dict) else edge for edge in _list(value[key])]
                yield _Step(nodes, f"{step.place}/edges")
            else:
                yield _Step(value[key], f"{step.place}/{key}")
        if step.in_list and not inner:
            self.found.unreadable.append(step.place)

    def _webhook(self, value: Mapping[str, Any], place: str) -> Iterator[_Step]:
        for key in _WEBHOOK:
            part = value.get(key)
            if not isinstance(part, dict):
                continue
            if key == "thread":
                self._thread(part, f"{place}/thread", resolved=value["action"] == "resolved")
            else:
                yield _Step(part, f"{place}/{key}", True, value["action"] == _DELETED)

    def _thread(self, thread: Mapping[str, Any], place: str, *, resolved: bool) -> None:
        keys: list[str] = []
        first = ""
        for number, comment in enumerate(_nodes(thread.get("comments"))):
            where = f"{place}/comments/{number}"
            try:
                post = read_post(comment, "line", where, thread) if isinstance(comment, dict) else None
            except msgspec.ValidationError:
                post = None
            if post is None:
                self.found.unreadable.append(where)
                continue
            if "body" not in comment:
                # Only the state was asked for; the comments themselves come from elsewhere.
                keys += keys_of(comment)
                continue
            post = post._replace(keys=post.keys or (where,))
            first = first or post.keys[0]
            keys += post.keys
            self.found.posts.append(post if post.keys[0] == first else post._replace(reply_to=first))
        comments = thread.get("comments")
        if isinstance(comments, dict) and _has_next_page(comments):
            self.found.more.append(place)
        self.found.states.append(read_thread_state(thread, tuple(keys), resolved=resolved))

    def _note_refusals(self, value: Mapping[str, Any]) -> None:
        if isinstance(value.get("message"), str) and "documentation_url" in value:
            self.found.refusals.append(value["message"])
        for error in _list(value.get("errors")):
            if isinstance(error, dict) and isinstance(error.get("message"), str):
                self.found.refusals.append(error["message"])


def _is_thread(value: Mapping[str, Any]) -> bool:
    return "comments" in value and ("isResolved" in value or "is_resolved" in value)


def _kind(value: Mapping[str, Any]) -> str:
    """Which kind of post this is; "" when it is none."""
    fields = spelled_as_rest(value)
    if {"path", "diff_hunk", "pull_request_review_id"} & fields.keys():
        return "line"
    state = fields.get("state")
    if isinstance(state, str) and state.upper() in REVIEW_STATES:
        return "review"
    author = fields.get("user")
    has_author = isinstance(author, dict) and "login" in author
    return "general" if (has_author or "issue_url" in fields) and "title" not in fields else ""


def _nodes(comments: Any) -> list[Any]:
    if not isinstance(comments, dict):
        return _list(comments)
    if "nodes" in comments:
        return _list(comments["nodes"])
    return [edge.get("node") if isinstance(edge, dict) else edge for edge in _list(comments.get("edges"))]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _has_next_page(value: Mapping[str, Any]) -> bool:
    page = value.get("pageInfo")
    return isinstance(page, dict) and page.get("hasNextPage") is True
