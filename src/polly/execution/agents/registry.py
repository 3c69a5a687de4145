"""The agents that there are. A new one is a file of its own and a line here."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from polly.errors import InputError
from polly.execution.agents.base import Agent
from polly.execution.agents.command import open_command
from polly.execution.agents.options import nearest
from polly.execution.agents.patch import open_patch
from polly.execution.agents.scripted import open_scripted

#: name -> from (what follows "name:", what follows "--", options) to the agent
AGENTS: dict[str, Callable[[str, Sequence[str], Mapping[str, Any]], Agent]] = {
    "command": open_command,
    "patch": lambda argument, _argv, options: open_patch(argument, options),
    "scripted": lambda argument, _argv, options: open_scripted(argument, options),
}
TAKES_PROGRAM = frozenset({"command"})


def resolve(spec: str, argv: Sequence[str] = (), options: Mapping[str, Any] | None = None) -> Agent:
    """The agent that `--agent SPEC [-- ARGV]` means, with its options of polly.toml.

    Raises InputError or SettingsError when it is unknown or could not work: before a run starts.
    """
    name, _, argument = spec.partition(":")
    if name not in AGENTS:
        raise InputError(f"there is no agent {name!r}", next_step=nearest(name, AGENTS, "Agents"))
    if argv and name not in TAKES_PROGRAM:
        raise InputError(
            f"the agent `{name}` takes no program, but {argv[0]!r} stands after `--`",
            next_step="Leave it out, or write `--agent command -- PROGRAM ARG…`.",
        )
    return AGENTS[name](argument, argv, options or {})


def reopen(spec: str, options: Mapping[str, Mapping[str, Any]]) -> Agent:
    """The agent of a stored spec again; `options` are those of all agents, by name."""
    return resolve(spec, (), options.get(spec.partition(":")[0], {}))
