"""`polly hooks`: what agent programs call while they work, put in and taken out."""

import enum
import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal

import typer

from polly.cli.exit_code import ExitCode
from polly.cli.options import OutputFormat
from polly.cli.output import Format, Table, counted, print_json, print_text, say, shown
from polly.cli.output import show as show_table
from polly.errors import InputError, PollyError
from polly.git import Repository
from polly.hooks.plugin import export_plugin
from polly.hooks.programs import guard_argv, record_argv
from polly.hooks.registration import Agent, Found, Place, Scope, look, place_of
from polly.hooks.registration import install as install_at
from polly.hooks.registration import uninstall as uninstall_at


class AgentProgram(enum.StrEnum):
    """Agent programs that have hooks."""

    CLAUDE = "claude"
    CODEX = "codex"


_AgentOption = Annotated[
    AgentProgram | None,
    typer.Option("--agent", help="Only this agent program; otherwise both.", show_default=False),
]
_ProjectOption = Annotated[
    bool,
    typer.Option(
        "--project/--user", help="For this project and this person, or for all projects of this user."
    ),
]
_SuggestOption = Annotated[
    bool | None,
    typer.Option(
        "--suggest-roles/--no-suggest-roles",
        help="Have prompts of Claude Code get a role suggested as context; without it, as it was.",
        show_default=False,
    ),
]
_WHERE: Mapping[AgentProgram, Agent] = {AgentProgram.CLAUDE: "claude", AgentProgram.CODEX: "codex"}


def hooks() -> None:
    """Record the sessions of Claude Code and Codex, with no service running: their hooks write to the spool.

    Example: `polly hooks install`
    """


def show(*, output_format: OutputFormat = Format.TABLE) -> None:
    """Print how the two programs are started: the recorder, and the guard that Polly registers in its runs.

    Example: `polly hooks show --format json`
    """
    programs = {"record": record_argv(), "guard": guard_argv()}
    if output_format is Format.JSON:
        print_json(programs)
        return
    rows = tuple((name, shlex.join(argv)) for name, argv in programs.items())
    show_table(programs, Table(columns=("program", "command"), rows=rows), output_format)


def install(
    *, agent: _AgentOption = None, project: _ProjectOption = False, suggest_roles: _SuggestOption = None
) -> ExitCode:
    """Register the recorder. What others have registered stays as it is; doing it twice changes nothing.

    Exit code 0: registered now or before. 2: a file cannot be edited, and nothing was changed in it.

    Example: `polly hooks install --agent claude`
    """
    if suggest_roles and agent is AgentProgram.CODEX:
        raise InputError("Roles are suggested to Claude Code only", next_step="Leave --suggest-roles out.")
    for place in _places(agent, project=project):
        suggests = suggest_roles if place.agent == "claude" else None
        other = _also_recorded(place)
        if other:
            say(f"{place.agent}: recorded already by {shown(other.file)}; twice would be once too much.")
            if suggests:
                where = "--project " if other.scope == "project" else ""
                say(f"Suggestions belong there too: polly hooks install {where}--suggest-roles")
        elif install_at(place, suggest_roles=suggests):
            say(f"{place.agent}: sessions are recorded from now on ({shown(place.file)}).")
            _say_more(place)
        else:
            say(f"{place.agent}: is recorded already ({shown(place.file)}).")
        if not other and look(place).suggests_roles:
            say(f"{place.agent}: prompts get a role suggested; --no-suggest-roles ends that.")
    return ExitCode.VERIFIED


def uninstall(*, agent: _AgentOption = None, project: _ProjectOption = False) -> ExitCode:
    """Take the recorder out again. What else stands in the file keeps every byte.

    Example: `polly hooks uninstall --agent codex`
    """
    for place in _places(agent, project=project):
        if uninstall_at(place):
            say(f"{place.agent}: sessions are not recorded any more ({shown(place.file)}).")
        else:
            say(f"{place.agent}: was not recorded ({shown(place.file)}).")
    return ExitCode.VERIFIED


def status(*, agent: _AgentOption = None, output_format: OutputFormat = Format.TABLE) -> ExitCode:
    """Say where the recorder is registered, for this user and this project.

    Exit code 0: it is registered somewhere, as this version of Polly does it. 1: nowhere, or otherwise.

    Example: `polly hooks status`
    """
    scopes: tuple[Literal[False, True], ...] = (False, True)
    found = [look(place) for project in scopes for place in _places(agent, project=project)]
    rows = tuple(
        (one.place.agent, one.place.scope, one.state, _details(one), one.place.file) for one in found
    )
    table = Table(columns=("agent", "for", "state", "events", "file"), rows=rows)
    show_table([_json(one) for one in found], table, output_format)
    is_right = any(one.is_current for one in found) and not any(one.state == "outdated" for one in found)
    return ExitCode.VERIFIED if is_right else ExitCode.UNFIXED


def plugin(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder to make.", show_default=False)],
) -> None:
    """Write the recorder and the skills as a plugin of Claude Code, for this machine.

    Where the recorder stands in the settings as well, the plugin's copy leaves the recording to it.

    Example: `polly hooks plugin ./polly-plugin`
    """
    files = export_plugin(folder)
    say(f"{counted(len(files), 'file')} in {shown(folder)}. Try it: claude --plugin-dir {shown(folder)}")
    print_text("\n".join(str(path.relative_to(folder)) for path in files))


def _places(agent: AgentProgram | None, *, project: bool) -> list[Place]:
    agents = [_WHERE[agent]] if agent else list(_WHERE.values())
    scope: Scope = "project" if project else "user"
    return [place_of(each, scope, _root(), os.environ) for each in agents]


def _root() -> Path:
    here = Path.cwd()
    try:
        return Repository.find(here).root
    except PollyError:  # no repository here, or no git: the folder is the project
        return here


def _also_recorded(place: Place) -> Place | None:
    """The same agent program records by the other file already: both would be called."""
    scope: Scope = "user" if place.scope == "project" else "project"
    other = place_of(place.agent, scope, _root(), os.environ)
    if other.file == place.file:
        if place.scope == "user":
            return None
        raise InputError(
            f"{place.file} is the file of this user, not of a project",
            next_step="Leave --project out, or start in the folder of a project.",
        )
    return other if look(other).events else None


def _say_more(place: Place) -> None:
    if place.agent == "codex":
        say("Codex runs hooks once you have looked at them: type /hooks in Codex and trust Polly's.")


def _details(found: Found) -> str:
    if found.problem:
        return found.problem
    missing = f", without {', '.join(found.missing)}" if found.missing else ""
    suggests = ", suggests roles" if found.suggests_roles else ""
    return f"{len(found.events)}{missing}{suggests}"


def _json(found: Found) -> dict[str, object]:
    place = found.place
    return {
        "agent": place.agent,
        "scope": place.scope,
        "file": place.file,
        "state": found.state,
        "events": found.events,
        "missing": found.missing,
        "suggests_roles": found.suggests_roles,
        "problem": found.problem,
    }


SUBCOMMANDS: Mapping[str, Callable[..., object]] = {
    "show": show,
    "install": install,
    "uninstall": uninstall,
    "status": status,
    "plugin": plugin,
}
