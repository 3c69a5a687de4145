"""`polly doctor`: what Polly needs around it, looked at one by one. Nothing is changed."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from polly.cli import options
from polly.cli.exit_code import ExitCode
from polly.cli.output import Format, Table, counted, say, show
from polly.cli.record_settings import Config, record_settings
from polly.cli.record_store import existing_store
from polly.errors import PollyError, StoreMisconfigured
from polly.execution.agents.probing import probe_all
from polly.execution.agents.registry import PROGRAMS
from polly.git import Repository
from polly.hooks.programs import guard_argv, record_argv
from polly.intelligence.service import missing_tools
from polly.settings import Settings, state_home
from polly.sink.backlog import backlog
from polly.sink.relay.spool_file import relayed_bytes

Status = Literal["ok", "note", "wrong"]

_ENOUGH_BYTES = 1_000_000_000
_PATIENCE_SECONDS = 30.0


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at. `note` is worth knowing; `wrong` keeps something from working."""

    what: str
    status: Status
    found: str
    next_step: str = ""


def doctor(*, config: Config = None, output_format: options.OutputFormat = Format.TABLE) -> ExitCode:
    """Look at what Polly needs: git, agents, hooks, spool, store, Kafka, what measures code; say how to mend
    what is wrong.

    Ends with 0 when nothing is wrong, else with 1. Nothing is changed.

    Example: `polly doctor`
    """
    settings, wrong = _settings(config)
    looks = (_python, _git, _repository, _agents, _hooks, _state_folder, _spool, _store, _kafka, _measuring)
    findings = [*wrong, *(found for look in looks for found in look(settings))]
    show({"doctor_version": 1, "findings": findings}, _table(findings), output_format)
    faults = sum(found.status == "wrong" for found in findings)
    if output_format is Format.TABLE:
        say(f"\n{counted(faults, 'thing')} to mend." if faults else "\nNothing is wrong.")
    return ExitCode.UNFIXED if faults else ExitCode.VERIFIED


def _table(findings: list[Finding]) -> Table:
    return Table(
        columns=("what", "", "found", "what to do"),
        rows=tuple((each.what, each.status, each.found, each.next_step) for each in findings),
    )


def _settings(config: Path | None) -> tuple[Settings, list[Finding]]:
    try:
        return record_settings(config), []
    except PollyError as error:
        return Settings(), [_wrong("settings", error)]


def _python(_settings: Settings) -> Iterator[Finding]:
    yield Finding(what="Python", status="ok", found=f"{platform.python_version()} ({sys.executable})")


def _git(_settings: Settings) -> Iterator[Finding]:
    program = shutil.which("git")
    if program is None:
        yield Finding(
            what="git", status="wrong", found="not on PATH", next_step="Install git; Polly works with it."
        )
        return
    done = _run([program, "--version"])
    said = (done or "").strip()
    if said:
        yield Finding(what="git", status="ok", found=said.removeprefix("git version "))
    else:
        yield Finding(what="git", status="wrong", found=f"{program} does not start", next_step="Repair it.")


def _repository(_settings: Settings) -> Iterator[Finding]:
    try:
        root = Repository.find(Path.cwd()).root
    except PollyError as error:
        yield Finding(what="repository", status="note", found=error.what, next_step=error.next_step or "")
        return
    yield Finding(what="repository", status="ok", found=str(root))


def _agents(settings: Settings) -> Iterator[Finding]:
    probes = probe_all(PROGRAMS, settings.agents)
    for each in probes:
        if not each.installed and each.name not in settings.agents:
            continue
        status: Status = "note" if each.missing else "ok"
        if not each.installed:
            status = "wrong"  # the settings name it
        found = each.version or ("version unknown" if each.installed else each.missing)
        if each.installed and each.missing:
            found = f"{found}, but {each.missing}"
        yield Finding(what=f"agent {each.name}", status=status, found=found, next_step=each.next_step)
    if not any(each.installed for each in probes):
        yield Finding(
            what="agents",
            status="note",
            found="no coding agent is installed",
            next_step="`polly agents` lists those that Polly knows; any program works with --agent command.",
        )


def _hooks(_settings: Settings) -> Iterator[Finding]:
    guard, record = guard_argv(), record_argv()
    started = _run([*guard[:-1], "-c", "print('started')"])
    files = [Path(command[-1]) for command in (guard, record)]
    unreadable = next((file for file in files if not os.access(file, os.R_OK)), None)
    if unreadable or (started or "").strip() != "started":
        yield Finding(
            what="hooks",
            status="wrong",
            found=f"{unreadable or guard[0]} cannot be used: agents could write nothing",
            next_step="Install Polly again, in a place that agents can read.",
        )
    else:
        yield Finding(what="hooks", status="ok", found="guard and recorder start")


def _state_folder(_settings: Settings) -> Iterator[Finding]:
    folder = state_home()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        yield Finding(
            what="state folder",
            status="wrong",
            found=f"{folder}: {error.strerror}",
            next_step="Make it a folder that you may write, or set POLLY_HOME to one.",
        )
        return
    tight = free < _ENOUGH_BYTES
    yield Finding(
        what="state folder",
        status="note" if tight else "ok",
        found=f"{folder}, {free / 1e9:.1f} GB free",
        next_step="Workspaces are made there: make room, or set POLLY_HOME." if tight else "",
    )


def _spool(settings: Settings) -> Iterator[Finding]:
    folder = state_home() / "spool"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        waiting = backlog(folder, relayed_bytes)
    except OSError as error:
        yield Finding(
            what="spool",
            status="wrong",
            found=f"{folder}: {error.strerror}",
            next_step="Make it writable: events of agents are lost to you until then.",
        )
        return
    relayed = bool(settings.kafka.bootstrap_servers)
    if not waiting.events:
        yield Finding(what="spool", status="ok", found="writable, nothing waits")
        return
    since = f" since {waiting.oldest_at:%Y-%m-%d %H:%M} UTC" if waiting.oldest_at else ""
    yield Finding(
        what="spool",
        status="note",
        found=f"writable, {counted(waiting.events, 'event')} in it{since}",
        next_step="`polly relay` brings them to Kafka." if relayed else "`polly drain` stores them.",
    )


def _store(settings: Settings) -> Iterator[Finding]:
    try:
        with existing_store(settings):
            yield Finding(what="store", status="ok", found=_without_password(settings))
    except StoreMisconfigured as error:
        new = settings.store.url is None
        yield Finding(
            what="store",
            status="note" if new else "wrong",
            found=error.what,
            next_step=error.next_step or "",
        )
    except PollyError as error:
        yield _wrong("store", error)


def _without_password(settings: Settings) -> str:
    url = settings.store.url
    if url is None:
        return str(state_home() / "polly.db")
    return url.rpartition("@")[2] if "@" in url else url


def _kafka(settings: Settings) -> Iterator[Finding]:
    servers = settings.kafka.bootstrap_servers
    if not servers:
        yield Finding(what="Kafka", status="ok", found="not set up, and not needed")
        return
    from polly.kafka.topics import look_at_topics  # noqa: PLC0415 - only where there is a cluster

    try:
        topics = look_at_topics(settings.kafka)
    except PollyError as error:
        yield _wrong("Kafka", error)
        return
    missing = sum(each.state == "missing" for each in topics)
    yield Finding(
        what="Kafka",
        status="wrong" if missing else "ok",
        found=f"{servers}: {counted(missing, 'topic')} missing" if missing else f"{servers}, all topics",
        next_step="`polly topics create` makes them." if missing else "",
    )


def _measuring(_settings: Settings) -> Iterator[Finding]:
    missing = missing_tools()
    if not missing:
        yield Finding(what="quality", status="ok", found="everything that measures code is installed")
        return
    yield Finding(
        what="quality",
        status="note",
        found=f"not measured fully; not installed: {'; '.join(missing)}",
        next_step="Install it with the extra: pip install 'polly-fix[intelligence]'",
    )


def _wrong(what: str, error: PollyError) -> Finding:
    return Finding(what=what, status="wrong", found=error.what, next_step=error.next_step or "")


def _run(command: list[str]) -> str | None:
    """What a harmless command prints; None when it cannot be run."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_PATIENCE_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", errors="replace") if done.returncode == 0 else None
