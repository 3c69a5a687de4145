"""The agents that there are. A new one is a file or folder of its own and a line here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from polly.errors import InputError
from polly.execution.agents.aider.about import AIDER
from polly.execution.agents.aider.agent import open_aider
from polly.execution.agents.base import Agent
from polly.execution.agents.claude.about import CLAUDE
from polly.execution.agents.claude.agent import open_claude
from polly.execution.agents.codex.about import CODEX
from polly.execution.agents.codex.agent import open_codex
from polly.execution.agents.command import open_command
from polly.execution.agents.hook_programs import HookPrograms
from polly.execution.agents.mini.about import MINI
from polly.execution.agents.mini.agent import open_mini
from polly.execution.agents.opencode.about import OPENCODE
from polly.execution.agents.opencode.agent import open_opencode
from polly.execution.agents.options import nearest
from polly.execution.agents.patch import open_patch
from polly.execution.agents.program import AgentProgram
from polly.execution.agents.scripted import open_scripted


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What `--agent NAME:ARGUMENT -- ARGV` says, the options of the settings, and the hooks."""

    argument: str
    argv: Sequence[str]
    options: Mapping[str, Any]
    hooks: HookPrograms | None


#: name -> from what was asked for to the agent
AGENTS: dict[str, Callable[[Asked], Agent]] = {
    "claude": lambda asked: open_claude(asked.argument, asked.options, asked.hooks),
    "codex": lambda asked: open_codex(asked.argument, asked.options, asked.hooks),
    "opencode": lambda asked: open_opencode(asked.argument, asked.options),
    "aider": lambda asked: open_aider(asked.argument, asked.options),
    "mini": lambda asked: open_mini(asked.argument, asked.options),
    "command": lambda asked: open_command(asked.argument, asked.argv, asked.options),
    "patch": lambda asked: open_patch(asked.argument, asked.options),
    "scripted": lambda asked: open_scripted(asked.argument, asked.options),
}
TAKES_PROGRAM = frozenset({"command"})

#: The agents that are programs of others.
PROGRAMS: tuple[AgentProgram, ...] = (CLAUDE, CODEX, OPENCODE, AIDER, MINI)


def keys_of(name: str) -> tuple[str, ...]:
    """The variables of which one holds the key of this agent's model; () for an agent that has none."""
    return next((each.keys for each in PROGRAMS if each.name == name), ())


def resolve(
    spec: str,
    argv: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    hooks: HookPrograms | None = None,
) -> Agent:
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
    return AGENTS[name](Asked(argument=argument, argv=argv, options=options or {}, hooks=hooks))


def reopen(spec: str, options: Mapping[str, Mapping[str, Any]], hooks: HookPrograms | None = None) -> Agent:
    """The agent of a stored spec again; `options` are those of all agents, by name."""
    return resolve(spec, (), options.get(spec.partition(":")[0], {}), hooks)
