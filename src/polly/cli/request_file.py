import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from polly.cli.exit_code import ExitCode
from polly.cli.output import print_text, say
from polly.errors import InputError
from polly.execution.requests.letterbox import ask
from polly.work.requests import Answer

#: seconds; agent programs stop a command after two minutes
_PATIENCE = 100.0

Path_ = Annotated[str, typer.Argument(metavar="PATH", help="The file, as seen from here.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why it must change.")]


def request_file(path: Path_, *, reason: Reason) -> ExitCode:
    """Ask for a file that is not this agent's; for an agent at work in a run.

    It is granted at once when no other package of the wave has it, and no rule keeps it for a person.
    Otherwise the answer says who has it, and that package is told of the request.

    Exit code 0: granted; 1: refused; 2: not within a run.

    Example: `polly request-file src/errors.py --reason "C3 needs a new kind of error there"`
    """
    if not reason.strip():
        raise InputError("the reason is empty", next_step='Say why the file must change: --reason "…".')
    folder, workspace = _places(os.environ)
    try:
        told = ask(folder, _seen_from(workspace, path), reason, patience_seconds=_PATIENCE)
    except OSError as error:
        raise InputError(
            f"the run cannot be asked: {error.strerror or error}",
            next_step="This attempt is over. Name the file in the note on the issue.",
        ) from error
    if told is None:
        say("No answer yet: Polly is busy or was stopped. Ask again later with the same command.")
        return ExitCode.UNFIXED
    if told.answer == Answer.GRANTED:
        print_text(f"Granted: {told.told}")
        return ExitCode.VERIFIED
    print_text(f"Refused: {told.told}")
    print_text("Leave the file as it is, and name it with the reason in the note on the issue.")
    return ExitCode.UNFIXED


def _places(environ: Mapping[str, str]) -> tuple[Path, Path]:
    """The folder of requests and the workspace."""
    folder, workspace = environ.get("POLLY_REQUESTS"), environ.get("POLLY_WORKSPACE")
    if not folder or not workspace:
        raise InputError(
            "`polly request-file` is for an agent at work in a run, and there is none around this command",
            next_step="A run sets POLLY_REQUESTS for its agents: `polly fix SOURCE --agent AGENT`.",
        )
    return Path(folder), Path(workspace)


def _seen_from(workspace: Path, path: str) -> str:
    """The path relative to the workspace; of one that lies elsewhere the whole, for the run to refuse."""
    folder, name = os.path.split(os.path.normpath(os.path.join(Path.cwd(), path)))  # noqa: PTH118 - `..` is text
    try:
        seen = Path(os.path.realpath(folder), name).relative_to(os.path.realpath(workspace))
    except ValueError:
        return os.path.join(folder, name)  # noqa: PTH118 - as above
    return seen.as_posix()
