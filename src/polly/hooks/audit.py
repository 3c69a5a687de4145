"""Looks at the working tree after a shell command: what was written beside the owned files."""

import os

TYPE_CHECKING = False  # the name is what type checkers know; `typing` would be slow to load
if TYPE_CHECKING:
    from polly.hooks.ownership import Owned

#: A tree in which git takes longer is looked at when the attempt ends.
_SECONDS = 5.0
_MOST_PATHS = 200
#: No program of the repository's configuration is started, and the index is not written.
_QUIET = ("-c", f"core.hooksPath={os.devnull}", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false")


def strays(owned: "Owned") -> list[str]:
    """Changed paths that are not owned, at most 200; none when git cannot tell within some seconds."""
    raw = _git(owned.root, "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames")
    found = []
    for entry in (raw or b"").split(b"\0"):
        path = os.fsdecode(entry[3:])
        if path and not owned.owns(path, is_new=entry.startswith((b"??", b"A"))):
            found.append(path)
    return found[:_MOST_PATHS]


def is_tracked(root: str, path: str) -> bool:
    """Whether git knows the path; when it cannot tell, it is taken to."""
    found = _git(root, "--literal-pathspecs", "ls-files", "-z", "--", path)
    return found is None or bool(found)


def _git(root: str, *arguments: str) -> bytes | None:
    import subprocess

    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", *_QUIET, "-C", root, *arguments],
            env={**env, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
