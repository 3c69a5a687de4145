"""Which agent programs this machine has: asked, not guessed."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from polly.errors import InputError, SettingsError
from polly.execution.agents.program import AgentProgram, find_program
from polly.execution.agents.wording import one_line
from polly.process import small_environment

#: Python programs take seconds to say their version.
_PATIENCE_SECONDS = 30.0
_VERSION = re.compile(r"\d+(?:\.\d+)+[\w.+-]*")


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """One agent on this machine.

    path, version: None when it is not installed, or does not say. keys: variables with a key that are set.
    guard: `hooks`, `rules` or `afterwards`. missing: what keeps a run from starting; next_step: what helps.
    """

    name: str
    title: str
    installed: bool
    path: str | None
    version: str | None
    guard: str
    hooks: bool
    tells_actions: bool
    tells_cost: bool
    resume: bool
    keys: tuple[str, ...]
    missing: str = ""
    next_step: str = ""


def probe_all(
    programs: Sequence[AgentProgram], options: Mapping[str, Mapping[str, Any]]
) -> tuple[Probe, ...]:
    """Every program, asked at the same time. `options`: [agents] of the settings."""
    with ThreadPoolExecutor(max_workers=len(programs)) as pool:
        return tuple(pool.map(lambda known: probe(known, options.get(known.name, {})), programs))


def probe(known: AgentProgram, options: Mapping[str, Any]) -> Probe:
    """What is there of one program. Never raises for what is not."""
    keys = tuple(name for name in known.keys if os.environ.get(name))
    path, missing, next_step = _find(known, options)
    named = options.get("env")
    if path and not keys and not named:
        missing = f"no key for its model: {' or '.join(known.keys[:3])}"
        next_step = f"Set {known.keys[0]} in the shell in which you start Polly."
    return Probe(
        name=known.name,
        title=known.title,
        installed=path is not None,
        path=path,
        version=_version(known, path) if path else None,
        guard=known.guard.value,
        hooks=known.hooks,
        tells_actions=known.tells_actions,
        tells_cost=known.tells_cost,
        resume=known.resume,
        keys=keys,
        missing=missing,
        next_step=next_step,
    )


def _find(known: AgentProgram, options: Mapping[str, Any]) -> tuple[str | None, str, str]:
    given = options.get("program")
    try:
        return find_program(known, given if isinstance(given, str) else None), "", ""
    except (InputError, SettingsError) as error:
        missing = "not installed" if given is None else f"there is no program {given!r}"
        return None, missing, error.next_step or ""


def _version(known: AgentProgram, path: str) -> str | None:
    if known.version:
        command = [path, *known.version]
    else:
        python = Path(path).resolve().with_name("python.exe" if os.name == "nt" else "python")
        ask = f"from importlib.metadata import version; print(version('{known.distribution}'))"
        command = [str(python), "-I", "-c", ask]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=small_environment(),
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = done.stdout.decode("utf-8", errors="replace")
    found = _VERSION.search(said) if done.returncode == 0 else None
    return one_line(found[0], 60) if found else None
