"""The file that is written when Polly itself is to blame: enough to find the fault, safe to publish."""

import os
import platform
import re
import shlex
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from polly import __version__
from polly.errors import PollyError
from polly.events.redaction import redact
from polly.git import Git
from polly.settings import state_home


def write_crash_report(error: BaseException, command_line: Sequence[str]) -> str:
    """Write the report, and return the sentence that says where it is and what to do with it.

    It is written into the state folder, else the temp folder; when neither can be written, the sentence
    is followed by the report itself.
    """
    report = crash_report(error, command_line)
    name = f"polly-crash-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}.md"
    for folder in _folders():
        path = folder / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(report.encode("utf-8", "backslashreplace"))
        except OSError:
            continue
        return f"Please paste the text of this file into a new issue of Polly: {path}"
    return f"Please paste what follows into a new issue of Polly.\n\n{report}"


def crash_report(error: BaseException, command_line: Sequence[str]) -> str:
    """The report as Markdown: without secrets of the usual shapes, and with `~` for the home folder."""
    trace = _publishable("".join(traceback.format_exception(error)))
    called = _publishable(shlex.join(["polly", *command_line[1:]]))
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", trace + called)), default=0))
    facts = "\n".join(f"- {part}: {version}" for part, version in surroundings().items())
    return (
        f"# Polly stopped: {type(error).__name__}\n\n"
        f"What I did, and what I expected (please fill in):\n\n"
        f"## Command\n\n{fence}text\n{called}\n{fence}\n\n"
        f"## Versions\n\n{facts}\n\n"
        f"## Traceback\n\n{fence}text\n{trace.rstrip()}\n{fence}\n"
    )


def surroundings() -> dict[str, str]:
    """The versions that a bug report needs: Polly, Python, platform, git."""
    try:
        git = Git(cwd=Path(tempfile.gettempdir())).text("version").removeprefix("git version ")
    except PollyError as error:
        git = error.what
    return {
        "polly": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "git": git,
    }


def _publishable(text: str) -> str:
    return redact(text).text.replace(str(Path.home()), "~")


def _folders() -> Iterator[Path]:
    yield state_home() / "crashes"
    yield Path(tempfile.gettempdir())
