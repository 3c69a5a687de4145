"""Who is asked for a pull request: gh, or GitHub itself with a token."""

import contextlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from typing import Protocol
from urllib.parse import urlsplit

from polly.errors import InputError, ToolError
from polly.github.gh import Gh
from polly.github.pull_request import GITHUB, LOOPBACK, PullRequest, home_host, parse_source
from polly.github.web import Web

_TOKEN = re.compile(r"[!-~]+")


def fetch_source(source: str) -> bytes | None:
    """The comments, reviews and thread states of a pull request, as JSON documents after each other.

    source: `github:OWNER/REPO#NUMBER`, or the address of the pull request; None for anything else.
    Raises InputError for another address and ToolError for what GitHub does not answer.
    """
    pull = parse_source(source, os.environ)
    if pull is None:
        return None
    client = client_for(pull.host, os.environ)
    pages = [*client.threads(pull), *(page for path in pull.lists for page in client.pages(path))]
    return b"\n".join(pages)


class Client(Protocol):
    """One way to ask GitHub; every answer is JSON."""

    def pages(self, path: str) -> Iterator[bytes]:
        """The pages of a list."""
        ...

    def threads(self, pull: PullRequest) -> Iterator[bytes]:
        """The pages of the states of the threads."""
        ...


def client_for(host: str, environ: Mapping[str, str]) -> Client:
    """The way to ask this host. Raises InputError for a host that is not to be trusted, else ToolError."""
    home = home_host(environ)
    # The host stands in an address that anybody may have written: it must not get the user's token.
    if host not in (GITHUB, home):
        raise InputError(
            f"{host} is not a GitHub that Polly knows.",
            next_step=f"If it is yours, say so with GH_HOST={host}; a token is sent to no other host.",
        )
    default = _default_api(host)
    api = _api_url(environ, default) if host == home else default
    program = shutil.which("gh")
    # gh finds its way by the host alone.
    if program and api == default and Gh.is_logged_in(program, host):
        return Gh(program=program, host=host)
    return Web(api=api, token=_token(host, environ, has_gh=bool(program)))


def _default_api(host: str) -> str:
    if host == GITHUB or host.endswith(".ghe.com"):
        return f"https://api.{host}"
    return f"https://{host}/api/v3"


def _api_url(environ: Mapping[str, str], default: str) -> str:
    stated = environ.get("GITHUB_API_URL", "").rstrip("/") or default
    with contextlib.suppress(ValueError):
        parts = urlsplit(stated)
        if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
            return stated
    raise InputError(
        "GITHUB_API_URL is not an https address; a token would travel for everybody to read.",
        next_step=f"Unset it, or set it to {default}.",
    )


def _token(host: str, environ: Mapping[str, str], *, has_gh: bool) -> str:
    names: tuple[str, ...] = ("GH_TOKEN", "GITHUB_TOKEN")
    if host != GITHUB:
        names = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", *names)
    name = next((each for each in names if environ.get(each)), None)
    if name is None:
        login = f"Log in with `gh auth login --hostname {host}`" if has_gh else "Install gh and log in"
        raise ToolError(
            f"There is no access to {host}: "
            + ("gh is not logged in" if has_gh else "gh is not installed")
            + f", and {names[0]} is not set.",
            next_step=f"{login}, or set {names[0]} to a token that may read pull requests.",
        )
    if not _TOKEN.fullmatch(environ[name].strip()):
        raise ToolError(f"{name} holds something that is no token.", next_step=f"Set {name} again.")
    return environ[name].strip()
