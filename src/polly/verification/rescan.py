"""Run a scanner again on a frozen tree and read what it reports."""

import asyncio
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from polly.errors import PollyError
from polly.settings import Command, RescanSettings
from polly.verification.commands import Ran, run_command, shown
from polly.work.issues import Issue
from polly.work.run import GateStatus
from polly.workspaces.checkout import Workspaces

#: Reads a scanner's output: the bytes, the format of the settings, the root of the checkout scanned.
#: Raises PollyError for what is not that format. The pipeline fills it with intake.
ReadFindings = Callable[[bytes, str, Path], tuple[Issue, ...]]

PLACEHOLDER = "{output}"

#: More than any scanner's report of a repository that can be worked on.
_OUTPUT_LIMIT = 512_000_000

#: Of a source file whose lines are looked at; above are generated ones.
_SOURCE_LIMIT = 10_000_000


@dataclass(frozen=True, kw_only=True)
class Scan:
    """What a scanner reports on one tree: its findings by fingerprint, and the line that each points at.

    `error` says why there is no answer; then there are no findings.
    """

    tool: str
    commit: str
    tree: str
    command: str
    findings: Mapping[str, Issue] = field(default_factory=dict)
    lines: Mapping[str, str] = field(default_factory=dict)
    exit_code: int | None = None
    error: str | None = None


async def rescan(
    tool: str,
    settings: RescanSettings,
    *,
    commit: str,
    label: str,
    workspaces: Workspaces,
    read_findings: ReadFindings,
) -> Scan:
    """Scan a checkout of `commit`. The exit status says nothing by itself: scanners fail when they find.

    What cannot be read as findings becomes `error`, with the end of what the scanner said. Raises ToolError
    or SettingsError when the checkout cannot be set up.
    """
    tree = await asyncio.to_thread(workspaces.store.tree_of, commit)
    async with workspaces.frozen(commit, label) as checkout:
        folder = workspaces.folder(label, "scan")
        output = folder / "findings"
        ran = await run_command(
            _command(settings.command, output),
            checkout=checkout,
            folder=folder,
            env=workspaces.environment(),
            timeout_seconds=settings.timeout,
        )
        problem = _problem(ran, output)
        issues: tuple[Issue, ...] = ()
        if problem is None:
            try:
                issues = await asyncio.to_thread(
                    lambda: read_findings(output.read_bytes(), settings.format, checkout)
                )
            except PollyError as error:
                problem = f"its output cannot be read as {settings.format}: {error}"
        lines = await asyncio.to_thread(_lines, issues, checkout)
    return Scan(
        tool=tool,
        commit=commit,
        tree=tree,
        command=shown(settings.command),
        findings={issue.fingerprint: issue for issue in issues},
        lines=lines,
        exit_code=ran.exit_code,
        error=f"{problem}\n{ran.output}".strip() if problem else None,
    )


def _command(command: Command, output: Path) -> Command:
    """The command with `{output}` filled in, or with its standard output in that file."""
    if isinstance(command, str):
        if PLACEHOLDER in command:
            return command.replace(PLACEHOLDER, _quoted(output))
        return _redirected(output, "shell", (command,))
    if any(PLACEHOLDER in part for part in command):
        return tuple(part.replace(PLACEHOLDER, str(output)) for part in command)
    return _redirected(output, "program", command)


def _redirected(output: Path, how: str, command: Sequence[str]) -> tuple[str, ...]:
    program = Path(__file__).with_name("stdout_to.py")
    return (sys.executable, "-I", "-S", str(program), str(output), how, *command)


def _quoted(path: Path) -> str:
    return subprocess.list2cmdline([str(path)]) if os.name == "nt" else shlex.quote(str(path))


def _problem(ran: Ran, output: Path) -> str | None:
    if ran.status is GateStatus.TIMED_OUT:
        return "it was not done in time"
    if ran.status is GateStatus.ERROR:
        return "it could not be run"
    size = output.stat().st_size if output.is_file() else 0
    if size == 0 and output.is_file() and ran.exit_code == 0:
        return None  # some scanners say nothing when they find nothing; their format knows
    if size == 0:
        ended = "a signal" if ran.exit_code is None else f"status {ran.exit_code}"
        return f"it wrote no findings and ended with {ended}"
    return f"it wrote {size} bytes, more than can be read" if size > _OUTPUT_LIMIT else None


def _lines(issues: Sequence[Issue], checkout: Path) -> dict[str, str]:
    """The stripped line that each finding starts at, by fingerprint, where there is one."""
    sources: dict[str, list[str]] = {}
    lines = {}
    for issue in issues:
        for location in issue.locations[:1]:
            if location.path not in sources:
                sources[location.path] = _source(checkout, location.path)
            number = location.start_line or 0
            if 0 < number <= len(sources[location.path]):
                lines[issue.fingerprint] = sources[location.path][number - 1].strip()
    return lines


def _source(checkout: Path, path: str) -> list[str]:
    file = checkout / path
    inside = not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts
    if not inside or not file.is_file() or file.stat().st_size > _SOURCE_LIMIT:
        return []
    return file.read_text(encoding="utf-8", errors="replace").split("\n")
