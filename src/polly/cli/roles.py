"""`polly roles`: the specialists that a Polly can become, shipped and of this repository."""

import enum
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from polly.cli.exit_code import ExitCode
from polly.cli.options import OutputFormat
from polly.cli.output import (
    Format,
    Table,
    counted,
    print_json,
    print_markdown,
    print_table,
    print_text,
    say,
    shown,
    warn,
)
from polly.cli.output import show as show_table
from polly.cli.record_settings import polly_folder
from polly.errors import InputError, SettingsError
from polly.execution.agents.registry import AGENTS
from polly.routing.checking import Finding, check_document, check_roles
from polly.routing.definition import dump_role
from polly.routing.documents import MOST_BYTES, RoleDocument, read_document
from polly.routing.library import Fault, Roles, assemble, load_roles, read_folder
from polly.work.routing import Role


class RoleFormat(enum.StrEnum):
    """What `polly roles show --format` can ask for; `yaml` is a file for .polly/roles."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    YAML = "yaml"


def roles() -> None:
    """Show and check the roles: what kind of specialist a Polly becomes for a package.

    A repository adds roles, or replaces shipped ones, by files `.polly/roles/NAME.yaml`.

    Example: `polly roles list`
    """


def list_(*, output_format: OutputFormat = Format.TABLE) -> None:
    """List the roles with their origin: shipped with Polly, or a file of this repository.

    Example: `polly roles list --format json`
    """
    known = _usable_roles(tell=True)
    value = {
        "roles_version": 1,
        "roles": [
            {
                "name": role.name,
                "title": role.title,
                "purpose": role.purpose,
                "domain": role.domain,
                "origin": known.origin(role.name),
                "aliases": role.aliases,
                "triggers": len(role.triggers),
                "file_patterns": len(role.file_patterns),
                "rules": len(role.rules),
            }
            for role in known
        ],
    }
    rows = tuple(
        (role.name, role.title, role.domain, known.origin(role.name), len(role.triggers)) for role in known
    )
    show_table(
        value, Table(columns=("role", "title", "domain", "origin", "triggers"), rows=rows), output_format
    )


def show(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="A name or alias, with or without `agent-`.", show_default=False),
    ],
    *,
    output_format: Annotated[
        RoleFormat,
        typer.Option("--format", help="How to print it; `yaml` is a file to begin a role of your own with."),
    ] = RoleFormat.TABLE,
) -> None:
    """Show everything about one role: what speaks for it, and what its agent is told.

    Example: `polly roles show testing-specialist --format yaml`
    """
    # `… --format yaml > .polly/roles/NAME.yaml` finds the file made empty by the shell
    known = _usable_roles(tell=output_format is not RoleFormat.YAML)
    role = known.find(name)
    origin = known.origin(role.name)
    match output_format:
        case RoleFormat.JSON:
            print_json({"roles_version": 1, "origin": origin, "role": role})
        case RoleFormat.YAML:
            sys.stdout.write(dump_role(role))
        case RoleFormat.MARKDOWN:
            print_markdown(_facts(role, origin))
            print_text(f"\n{role.instructions}")
        case RoleFormat.TABLE:
            print_table(_facts(role, origin))
            print_text(f"\n{role.instructions}")


def check(
    documents: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[DOCUMENT]...",
            help="Plans (JSON) and registries of roles (YAML or JSON) to check as well; "
            "`.polly/plan.json` always is, where there is one.",
            show_default=False,
        ),
    ] = None,
    *,
    output_format: OutputFormat = Format.TABLE,
) -> ExitCode:
    """Check that the roles can be used, can be told apart, and that those named in plans exist.

    Exit code 0: nothing is wrong; there may be notes. 1: something is. 2: a document cannot be read.

    Example: `polly roles check` or `polly roles check agent-registry.yaml`
    """
    folder = polly_folder()
    known, faults = _read(folder)
    read = [_document(file) for file in _files(folder, documents or [])]
    findings = [
        *(_unusable(fault) for fault in faults),
        *check_roles(known, agents=AGENTS),
        *(finding for document in read for finding in check_document(document, known)),
    ]
    value = {
        "roles_check_version": 1,
        "roles": len(known),
        "documents": [document.name for document in read],
        "findings": findings,
    }
    problems = sum(finding.level == "problem" for finding in findings)
    show_table(value, _findings(findings), output_format)
    looked_at = f"{counted(len(known), 'role')} and {counted(len(read), 'document')} checked"
    say(f"{looked_at}: {counted(problems, 'problem')}, {counted(len(findings) - problems, 'note')}.")
    return ExitCode.UNFIXED if problems else ExitCode.VERIFIED


SUBCOMMANDS: Mapping[str, Callable[..., object]] = {"list": list_, "show": show, "check": check}


def _read(folder: Path) -> tuple[Roles, list[Fault]]:
    """All roles that can be used, and what is wrong with the others."""
    own = read_folder(folder / "roles")
    try:
        return assemble(own), [*own.faults]
    except SettingsError as error:  # names in each other's way: what ships is still there
        return load_roles(), [*own.faults, Fault(".polly/roles", error)]


def _usable_roles(*, tell: bool) -> Roles:
    known, faults = _read(polly_folder())
    for fault in faults if tell else ():
        warn(f"{fault.error.what} {fault.error.next_step}")
    return known


def _facts(role: Role, origin: str) -> Table:
    facts: dict[str, Any] = {
        "role": role.name,
        "title": role.title,
        "purpose": role.purpose,
        "domain": role.domain,
        "origin": origin,
        "aliases": role.aliases,
        "triggers": role.triggers,
        "hints": role.hints,
        **{f"triggers, {language}": phrases for language, phrases in role.translations.items()},
        "capabilities": role.capabilities,
        "file patterns": role.file_patterns,
        "languages": role.languages,
        "rules": role.rules,
        "gates": tuple(gate.label for gate in role.gates),
        "agent": role.agent,
    }
    rows = [(name, ", ".join(value) if isinstance(value, tuple) else value) for name, value in facts.items()]
    return Table(columns=("what", "value"), rows=tuple((name, value) for name, value in rows if value))


def _files(folder: Path, documents: list[Path]) -> list[Path]:
    plan = folder / "plan.json"
    return [*([plan] if plan.exists() or plan.is_symlink() else []), *documents]


def _document(file: Path) -> RoleDocument:
    name = shown(file)
    try:
        with file.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"{name} cannot be read: {error.strerror}.", next_step="Name a plan or a registry of roles."
        ) from error
    return read_document(data, name)


def _unusable(fault: Fault) -> Finding:
    told = (fault.error.what, fault.error.next_step)
    return Finding(kind="unusable", where=fault.file, message=" ".join(text for text in told if text))


def _findings(findings: list[Finding]) -> Table:
    return Table(
        columns=("level", "kind", "where", "what"),
        rows=tuple((each.level, each.kind, each.where, each.message) for each in findings),
        empty="Nothing is wrong with the roles.",
    )
