"""GitHub's own program, with the login that the user gave it."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from polly.errors import ToolError
from polly.github.pull_request import THREADS, PullRequest
from polly.github.telling import shown

#: Seconds for all pages that gh fetches in one go.
_TIMEOUT = 300.0
#: Variables with which gh writes its whole conversation, or colours, between the answers.
_NOISY = ("DEBUG", "GH_DEBUG", "GH_FORCE_TTY", "CLICOLOR_FORCE")


@dataclass(frozen=True, kw_only=True)
class Gh:
    """GitHub's own program, with the login that the user gave it."""

    program: str
    host: str

    @staticmethod
    def is_logged_in(program: str, host: str) -> bool:
        try:
            return _run(program, "auth", "status", "--hostname", host).returncode == 0
        except (OSError, subprocess.TimeoutExpired):
            return False

    def pages(self, path: str) -> Iterator[bytes]:
        yield self._ask("--paginate", f"{path}?per_page=100")

    def threads(self, pull: PullRequest) -> Iterator[bytes]:
        yield self._ask(
            "graphql", "--paginate", "-f", f"query={THREADS}", "-f", f"owner={pull.owner}",
            "-f", f"name={pull.name}", "-F", f"number={pull.number}",
        )  # fmt: skip

    def _ask(self, *args: str) -> bytes:
        try:
            done = _run(self.program, "api", "--hostname", self.host, *args)
        except subprocess.TimeoutExpired as error:
            raise ToolError(
                f"gh did not answer within {_TIMEOUT:.0f} seconds.", next_step="Try again later."
            ) from error
        except OSError as error:
            raise ToolError(
                f"gh cannot be started: {error.strerror}.", next_step="Install it again."
            ) from error
        if done.returncode:
            said = done.stderr.decode("utf-8", errors="replace")
            raise ToolError(f"gh could not fetch the comments: {shown(said)}", next_step=_gh_step(said))
        return done.stdout


def _run(program: str, *args: str) -> subprocess.CompletedProcess[bytes]:
    env = {name: value for name, value in os.environ.items() if name not in _NOISY}
    quiet = {"GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1", "GH_PAGER": "cat"}
    return subprocess.run(
        (program, *args),
        env=env | quiet,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_TIMEOUT,
        check=False,
    )


def _gh_step(said: str) -> str:
    if "404" in said or "Could not resolve" in said:
        return "Check owner, repository and number, and whether your login may read it: gh auth status"
    return "See whether gh works by itself: gh auth status"
