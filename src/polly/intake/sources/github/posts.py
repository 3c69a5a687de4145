"""What GitHub's answers say about one comment, review or thread, whichever of its interfaces wrote it."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

#: States of a review; a pull request or an issue has others (open, closed).
REVIEW_STATES = frozenset({"APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED", "PENDING"})

_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:\[bot\])?")
_ADDRESS = re.compile(r"https?://[!-~]{1,400}")


class Author(msgspec.Struct, frozen=True):
    """Who wrote a post, as far as the answer says."""

    login: str | None = None
    type: str | None = None
    typename: str | None = msgspec.field(default=None, name="__typename")
    is_bot: bool | None = None


class _Other(msgspec.Struct, frozen=True):
    """A reference to another post."""

    id: int | str | None = None
    database_id: int | None = msgspec.field(default=None, name="databaseId")


class _Fields(msgspec.Struct, frozen=True):
    """The fields of a comment, a review or a thread in REST's spelling; all of them can be missing."""

    id: int | str | None = None
    node_id: str | None = None
    database_id: int | None = None
    full_database_id: int | str | None = None
    body: str | None = None
    user: Author | None = None
    html_url: str | None = None
    url: str | None = None
    path: str | None = None
    line: int | None = None
    start_line: int | None = None
    original_line: int | None = None
    original_start_line: int | None = None
    position: int | None = None
    original_position: int | None = None
    side: str | None = None
    diff_side: str | None = None
    subject_type: str | None = None
    diff_hunk: str | None = None
    in_reply_to_id: int | str | None = None
    reply_to: _Other | None = None
    pull_request_review_id: int | str | None = None
    pull_request_review: _Other | None = None
    state: str | None = None
    outdated: bool | None = None
    is_outdated: bool | None = None
    is_resolved: bool | None = None
    is_minimized: bool | None = None
    minimized_reason: str | None = None


class Post(NamedTuple):
    """A comment on a line, a review, or a comment on the whole pull request (`kind`).

    keys: every id under which other posts may name it. ref: where a person finds it.
    outdated: GitHub gives no place for it any more; None when it does not say.
    """

    kind: str  # "line", "review" or "general"
    keys: tuple[str, ...]
    ref: str
    body: str
    login: str
    is_bot: bool
    path: str = ""
    line: int | None = None
    start_line: int | None = None
    original_line: int | None = None
    original_start_line: int | None = None
    is_left: bool = False
    is_about_file: bool = False
    hunk: str = ""
    reply_to: str = ""
    review: str = ""
    state: str = ""
    outdated: bool | None = None
    hidden: str = ""


class ThreadState(NamedTuple):
    """What GitHub says about a whole thread; `keys` name its comments."""

    keys: tuple[str, ...]
    resolved: bool = False
    outdated: bool = False


def spelled_as_rest(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The object with GraphQL's names of fields in REST's spelling (`diffHunk` -> `diff_hunk`)."""
    spelled = {_CAPITAL.sub("_", key).lower(): value for key, value in raw.items() if isinstance(key, str)}
    if "user" not in spelled and "author" in spelled:
        spelled["user"] = spelled["author"]
    return spelled


def read_post(raw: Mapping[str, Any], kind: str, place: str, thread: Mapping[str, Any] | None = None) -> Post:
    """The post; what it leaves out is taken from its thread. Raises msgspec.ValidationError."""
    own = spelled_as_rest(raw)
    around = spelled_as_rest(thread) if thread else {}
    inherited = {key: value for key, value in around.items() if key in _OF_THREAD and own.get(key) is None}
    fields = _convert({**own, **inherited})
    author = fields.user or Author()
    login = author.login if author.login and _LOGIN.fullmatch(author.login) else ""
    address = fields.html_url or fields.url or ""
    return Post(
        kind=kind,
        keys=_keys(fields, kind),
        ref=address if _ADDRESS.fullmatch(address) and "//api." not in address else place,
        body=fields.body or "",
        login=login,
        is_bot="Bot" in (author.type, author.typename) or bool(author.is_bot) or login.endswith("[bot]"),
        path=fields.path or "",
        line=fields.line,
        start_line=fields.start_line,
        original_line=fields.original_line,
        original_start_line=fields.original_start_line,
        is_left=(fields.side or fields.diff_side or "").upper() == "LEFT",
        is_about_file=_is_about_file(fields),
        hunk=fields.diff_hunk or "",
        reply_to=_key(fields.in_reply_to_id, kind) or _key_of(fields.reply_to, kind),
        review=_key(fields.pull_request_review_id, "review") or _key_of(fields.pull_request_review, "review"),
        state=(fields.state or "").upper(),
        outdated=_outdated(fields, {*own, *inherited}),
        hidden=(fields.minimized_reason or "hidden").lower() if fields.is_minimized else "",
    )


def read_thread_state(raw: Mapping[str, Any], keys: tuple[str, ...], *, resolved: bool) -> ThreadState:
    """The state of a thread. Raises msgspec.ValidationError."""
    fields = _convert(spelled_as_rest(raw))
    return ThreadState(keys, resolved or bool(fields.is_resolved), bool(fields.is_outdated))


def keys_of(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids of a comment of which the answer gives no more. Raises msgspec.ValidationError."""
    return _keys(_convert(spelled_as_rest(raw)), "line")


#: What GraphQL says about a thread instead of about each of its comments.
# fmt: off
_OF_THREAD = frozenset((
    "path", "line", "start_line", "original_line", "original_start_line", "diff_side", "subject_type",
    "is_outdated",
))
# fmt: on


def _convert(raw: Mapping[str, Any]) -> _Fields:
    return msgspec.convert(raw, _Fields, strict=False)


def _keys(fields: _Fields, kind: str) -> tuple[str, ...]:
    ids = (fields.id, fields.database_id, fields.full_database_id, fields.node_id)
    return tuple(dict.fromkeys(key for key in (_key(each, kind) for each in ids) if key))


def _key(value: int | str | None, kind: str) -> str:
    # Comments and reviews are numbered apart, so that a number alone names nothing.
    return "" if value in (None, "") else f"{kind}:{value}"


def _key_of(other: _Other | None, kind: str) -> str:
    return "" if other is None else _key(other.database_id, kind) or _key(other.id, kind)


def _is_about_file(fields: _Fields) -> bool:
    return (fields.subject_type or "").upper() == "FILE"


def _outdated(fields: _Fields, given: set[str]) -> bool | None:
    said = fields.is_outdated if fields.is_outdated is not None else fields.outdated
    if said is not None:
        return said
    if _is_about_file(fields):
        return False
    if "line" in given:
        return fields.line is None
    # Before lines, the interface had positions in the difference alone.
    return fields.position is None if "position" in given else None
