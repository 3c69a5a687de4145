"""A pull request by its name or address, and what is asked about it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from polly.errors import InputError

GITHUB = "github.com"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
#: No pull request that a person reviews has more pages of 100.
MOST_PAGES = 300

_SCHEME = "github:"
_NAME = r"([A-Za-z0-9][A-Za-z0-9_-]{0,99})/([A-Za-z0-9._-]{1,100})"
_SHORT = re.compile(rf"{_NAME}#([1-9]\d{{0,9}})")
_ADDRESS = re.compile(rf"https?://([A-Za-z0-9.-]+(?::\d+)?)/{_NAME}/pull/([1-9]\d{{0,9}})(?:[/?#].*)?")

_LISTS = ("pulls/{number}/comments", "pulls/{number}/reviews", "issues/{number}/comments")
#: Whether a thread is resolved is known to GraphQL alone; its first comment tells which thread it is.
THREADS = """query($owner: String!, $name: String!, $number: Int!, $endCursor: String) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) {
    reviewThreads(first: 100, after: $endCursor) {
      nodes { isResolved isOutdated comments(first: 1) { nodes { databaseId } } }
      pageInfo { hasNextPage endCursor }
    } } } }"""


@dataclass(frozen=True, kw_only=True)
class PullRequest:
    """A pull request on one host."""

    host: str
    owner: str
    name: str
    number: int

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}#{self.number}"

    @property
    def lists(self) -> tuple[str, ...]:
        """The paths of its review comments, its reviews and the comments on the whole of it."""
        return tuple(f"repos/{self.owner}/{self.name}/{each.format(number=self.number)}" for each in _LISTS)


def home_host(environ: Mapping[str, str]) -> str:
    """The GitHub that the environment speaks of: GH_HOST, that of a workflow, else github.com."""
    server = environ.get("GITHUB_SERVER_URL", "").partition("://")[2].strip("/")
    return (environ.get("GH_HOST") or server or GITHUB).lower()


def parse_source(source: str, environ: Mapping[str, str]) -> PullRequest | None:
    """The pull request that a source names; None for a source that is no address. Raises InputError."""
    if source.startswith(_SCHEME):
        found = _SHORT.fullmatch(source.removeprefix(_SCHEME))
        host = home_host(environ)
        parts = (host, *found.groups()) if found else None
    elif source.startswith(("https://", "http://")):
        match = _ADDRESS.fullmatch(source)
        parts = match.groups() if match else None
    else:
        return None
    if parts is None or set(parts[2]) == {"."}:
        raise InputError(
            f"{source} does not name a pull request.",
            next_step="Write github:OWNER/REPO#NUMBER, or the address https://github.com/OWNER/REPO/pull/NUMBER.",
        )
    return PullRequest(host=parts[0].lower(), owner=parts[1], name=parts[2], number=int(parts[3]))
