"""GitHub's REST and GraphQL interfaces, asked with a token."""

import http.client
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from polly.errors import InputError, PollyError, ToolError
from polly.github.pull_request import LOOPBACK, MOST_PAGES, THREADS, PullRequest
from polly.github.telling import shown

#: Seconds without a word.
_TIMEOUT = 30.0
_MOST_BYTES = 64 << 20
_NEXT = re.compile(r'<([^<>]+)>\s*;[^,]*\brel="?next\b')
_NOT_FOUND_STEP = "Check owner, repository and number, and whether the token may read the repository."


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows a move within the host, as of a renamed repository; elsewhere the token must not go."""

    def redirect_request(  # noqa: PLR0917 - the signature is the standard library's
        self,
        req: urllib.request.Request,
        fp: object,
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if _origin(newurl) != _origin(req.full_url):
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class Web:
    """One GitHub. Its answers are bounded, and its token goes nowhere else."""

    api: str
    token: str = field(repr=False)
    timeout_seconds: float = _TIMEOUT

    def pages(self, path: str) -> Iterator[bytes]:
        address: str | None = f"{self.api}/{path}?per_page=100"
        for _ in range(MOST_PAGES):
            if address is None:
                return
            answer = self._ask(address)
            yield answer.body
            address = answer.next_page
            if address is not None and _origin(address) != _origin(self.api):
                raise ToolError(
                    f"{_origin(self.api)} names a next page on another host, which is not asked.",
                    next_step="Check GITHUB_API_URL: it must be the address that GitHub gives for itself.",
                )
        raise ToolError(
            f"{path} has more than {MOST_PAGES} pages.",
            next_step="Save what you need with `gh api` and name the file.",
        )

    def threads(self, pull: PullRequest) -> Iterator[bytes]:
        cursor: str | None = None
        base = self.api.removesuffix("/v3") if self.api.endswith("/api/v3") else self.api
        for _ in range(MOST_PAGES):
            variables = {"owner": pull.owner, "name": pull.name, "number": pull.number, "endCursor": cursor}
            question = json.dumps({"query": THREADS, "variables": variables}).encode()
            body = self._ask(f"{base}/graphql", question).body
            cursor = _next_cursor(body, pull)
            yield body
            if cursor is None:
                return
        raise ToolError(
            f"{pull} has more than {MOST_PAGES} pages of threads.",
            next_step="Save what you need with `gh api` and name the file.",
        )

    def _opener(self) -> urllib.request.OpenerDirector:
        if urlsplit(self.api).hostname in LOOPBACK:
            # What runs on this machine is not asked by way of another one.
            return urllib.request.build_opener(_SameHost, urllib.request.ProxyHandler({}))
        return urllib.request.build_opener(_SameHost)

    def _ask(self, address: str, question: bytes | None = None) -> "_Answer":
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked: https, or http on loopback
            address,
            data=question,
            headers={
                "Accept": "application/vnd.github+json",
                "Content-Type": "application/json",
                "User-Agent": "polly",
                "X-GitHub-Api-Version": "2022-11-28",
                "Authorization": f"Bearer {self.token}",
            },
        )
        host = _origin(address)
        try:
            with self._opener().open(request, timeout=self.timeout_seconds) as answer:
                body = answer.read(_MOST_BYTES + 1)
                found = _NEXT.search(answer.headers.get("Link") or "")
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(error, host) from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise ToolError(
                f"{host} cannot be reached: {shown(str(reason)) or type(error).__name__}.",
                next_step="Check the connection (HTTPS_PROXY, GITHUB_API_URL) and try again.",
            ) from error
        if len(body) > _MOST_BYTES:
            raise ToolError(f"{host} answers with more than {_MOST_BYTES >> 20} MiB.")
        return _Answer(body=body, next_page=found[1] if found else None)


@dataclass(frozen=True, kw_only=True)
class _Answer:
    body: bytes
    next_page: str | None


def _origin(address: str) -> str:
    """Scheme and host, without a login that the address may carry."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _next_cursor(body: bytes, pull: PullRequest) -> str | None:
    """Where the next page of threads begins. Raises PollyError when the answer holds no threads."""
    try:
        answer: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ToolError("GitHub's answer about threads is not JSON.", next_step="Try again later.") from error
    try:
        page = answer["data"]["repository"]["pullRequest"]["reviewThreads"]["pageInfo"]
        return str(page["endCursor"]) if page["hasNextPage"] else None
    except (KeyError, TypeError) as error:
        raise _without_threads(answer, pull) from error


def _without_threads(answer: Any, pull: PullRequest) -> PollyError:
    errors = answer.get("errors") if isinstance(answer, dict) else None
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    said = shown(str(first.get("message", "no reason is given")))
    if first.get("type") == "NOT_FOUND":
        return InputError(f"GitHub knows no pull request {pull}: {said}", next_step=_NOT_FOUND_STEP)
    return ToolError(
        f"GitHub does not tell the threads of {pull}: {said}", next_step="Check the rights of the token."
    )


def _refusal(error: urllib.error.HTTPError, host: str) -> PollyError:
    """What an answer that is none means for the user."""
    wait = _wait(error)
    if error.code == 429 or (error.code == 403 and wait):
        return ToolError(
            f"{host} takes no more questions for now (HTTP {error.code}).",
            next_step=f"Try again {wait or 'in some minutes'}.",
        )
    if error.code == 401:
        return ToolError(
            f"{host} does not accept the token (HTTP 401).",
            next_step="It may have expired: set GH_TOKEN to another one, or log in with gh.",
        )
    if error.code == 403:
        return ToolError(
            f"{host} does not let this token read the comments (HTTP 403).",
            next_step="It needs read access to pull requests; an organisation may ask you to authorise it.",
        )
    if error.code == 404:
        return InputError(
            f"{host} knows no such pull request, or does not show it to this token (HTTP 404).",
            next_step=_NOT_FOUND_STEP,
        )
    return ToolError(f"{host} answers with HTTP {error.code}.", next_step="Try again later.")


def _wait(error: urllib.error.HTTPError) -> str:
    """When to ask again, in words; "" when the answer does not speak of it."""
    seconds = error.headers.get("Retry-After", "")
    if seconds.isdecimal():
        return f"in {seconds[:9]} seconds"
    reset = error.headers.get("X-RateLimit-Reset", "")
    if error.headers.get("X-RateLimit-Remaining") == "0" and reset.isdecimal():
        return f"after {datetime.fromtimestamp(int(reset[:10]), tz=UTC):%H:%M:%S} UTC"
    return ""
