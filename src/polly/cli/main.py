"""The `polly` program: the list of its commands, and the edge at which every error becomes an exit code.

A command is the function of its own name in the module of its own name (`polly commit` is
`polly.cli.commit.commit`, a `polly two-words` would be `polly.cli.two_words.two_words`). Its
docstring is its help; the last paragraph is an example. It returns an ExitCode, or None for 0.
A module with `SUBCOMMANDS` (name -> function) is a group of commands (`polly db upgrade`); the function of
the group's own name is called before them, and alone as well when it takes parameters. `COMMAND_CLASS` of
such a module says how its commands read their arguments.
"""

import errno
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Annotated

import typer
from typer.main import get_command

from polly import __version__
from polly.cli.exit_code import ExitCode
from polly.cli.output import print_error, say
from polly.errors import PollyError

#: What the system refuses is nobody's fault in Polly: rights, a full disk, a read-only file system.
_REFUSED_BY_THE_SYSTEM = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)

#: Panel of `polly --help` -> its commands, both in the order in which they are shown.
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "Main job": ("fix", "issues", "plan", "run", "resume"),
    "Decide": ("diff", "approve", "reject", "apply", "commit", "undo"),
    "Look": ("status", "report", "runs", "sessions", "session", "check"),
    "Record": ("log", "request-file", "drain", "relay", "sink", "topics", "observe", "db", "dlq", "events"),
    "Roles and quality": ("roles", "route", "routing", "detections", "analyze", "intelligence"),
    "Set up": ("agents", "doctor", "hooks", "demo", "version"),
}


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"polly {__version__}")
        raise typer.Exit


def build_app(names: Collection[str] = ()) -> typer.Typer:
    """The whole application, or only the commands named: the others are then not even imported."""
    app = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(polly)
    for panel, commands in COMMANDS.items():
        for name in commands:
            if not names or name in names:
                _add(app, name, panel)
    return app


def _add(app: typer.Typer, name: str, panel: str) -> None:
    identifier = name.replace("-", "_")
    module = importlib.import_module(f"polly.cli.{identifier}")
    function: Callable[..., object] = getattr(module, identifier)
    subcommands: Mapping[str, Callable[..., object]] = getattr(module, "SUBCOMMANDS", {})
    if not subcommands:
        app.command(name, rich_help_panel=panel)(function)
        return
    works_alone = bool(inspect.signature(function).parameters)
    group = typer.Typer(no_args_is_help=not works_alone, rich_markup_mode="markdown")
    group.callback(invoke_without_command=works_alone)(function)
    for each, subcommand in subcommands.items():
        group.command(each, cls=getattr(module, "COMMAND_CLASS", None))(subcommand)
    app.add_typer(group, name=name, rich_help_panel=panel)


def polly(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Polly fixes the open findings of a change with coding agents that work side by side, proves each fix,
    and lets you decide what is committed.

    Findings are review comments, scanner reports (SARIF) and issue lists. Every file belongs to exactly one
    agent, each agent works in a private checkout, and your repository stays as it is until you say
    `polly apply` or `polly commit`.

    Example: `polly fix findings.sarif --agent command -- ./fix-it.sh`, then `polly diff` and `polly commit`.
    Without a repository at hand: `polly demo`.
    """


def run() -> None:
    """The console entry point."""
    sys.exit(exit_code_of(_main))


def exit_code_of(action: Callable[[], object]) -> int:
    """Run the action and turn its end, whatever it is, into an exit code and a message for a person."""
    _speak_utf8()
    try:
        result = action()
        sys.stdout.flush()
        return _code(result)
    except (PollyError, typer.TyperException) as error:
        return _wrong_use(error)
    except (KeyboardInterrupt, typer.Abort):
        say("Stopped.")
        return ExitCode.INTERRUPTED
    except SystemExit as stop:
        # typer and rich answer a closed pipe with sys.exit(1), which would mean "something is unfixed"
        return _reader_gone() if _is_closed_pipe(stop.__context__) else _code(stop.code)
    except Exception as error:  # noqa: BLE001 - the program ends here, and the fault is recorded in a file
        return _unforeseen(error)


def _main() -> object:
    known = {name for commands in COMMANDS.values() for name in commands}
    app = build_app(known.intersection(sys.argv[1:2]))
    return get_command(app).main(prog_name="polly", standalone_mode=False)


def _code(result: object) -> int:
    return int(result) if isinstance(result, int) else ExitCode.VERIFIED


def _wrong_use(error: PollyError | typer.TyperException) -> int:
    if isinstance(error, PollyError):
        print_error(error.what, error.next_step)
        return ExitCode.WRONG_USE
    message = error.format_message()
    if message:  # without one, the help has just been printed
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "polly"
        print_error(message, f"`{path} --help` shows what can be given.")
    return ExitCode.WRONG_USE


def _unforeseen(error: Exception) -> int:
    if _is_closed_pipe(error):
        return _reader_gone()
    if isinstance(error, OSError) and error.errno in _REFUSED_BY_THE_SYSTEM:
        where = f": {error.filename}" if error.filename else ""
        print_error(f"The system refused: {error.strerror}{where}", "What was finished before is kept.")
        return ExitCode.WRONG_USE
    return _our_bug(error)


def _is_closed_pipe(error: BaseException | None) -> bool:
    """Windows reports a closed pipe as an invalid argument."""
    windows_form = sys.platform == "win32" and isinstance(error, OSError) and error.errno == errno.EINVAL
    return isinstance(error, BrokenPipeError) or windows_form


def _reader_gone() -> int:
    # Python flushes stdout once more at exit and would complain about the closed pipe
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return ExitCode.READER_GONE


def _our_bug(error: Exception) -> int:
    from polly.cli.crash import write_crash_report  # noqa: PLC0415 - only needed once something broke

    written = write_crash_report(error, sys.argv)
    print_error("Polly made a mistake and stopped; what was finished before is kept.", written)
    return ExitCode.OUR_BUG


def _speak_utf8() -> None:
    # A Windows code page (or LC_ALL=C) must neither crash a run nor change the bytes of JSON
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(encoding="utf-8", errors="backslashreplace")
