import shlex
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import typer

from polly.cli.exit_code import ExitCode
from polly.cli.observing import ask
from polly.cli.options import OutputFormat
from polly.cli.output import Format, next_steps, print_json, print_text, say
from polly.cli.pages import print_page
from polly.cli.record_settings import Config
from polly.errors import InputError
from polly.reporting.observe_page import markdown
from polly.reporting.session_page import session_page

SessionId = Annotated[
    str, typer.Argument(metavar="ID", help="The session by its id or its beginning.", show_default=False)
]


def session(
    *, session_id: SessionId, output_format: OutputFormat = Format.TABLE, config: Config = None
) -> ExitCode:
    """Show one session as a timeline: tools, durations and outcomes, subagents below their launch, what was
    denied, which files were written, and the totals.

    Exit code 2: there is no database, or no such session (similar ids are named); 4: nothing is recorded.

    Example: `polly session 01a20392-bb50 --format markdown`
    """
    from polly.store.observations import sessions as questions  # noqa: PLC0415 - SQLAlchemy is slow to load

    if not session_id.strip():
        raise InputError("the id of the session is empty", next_step="`polly sessions` lists the ids.")
    asked = ask(config, partial(questions.one_session, name=session_id.strip(), now=datetime.now(UTC)))
    found = asked.record
    if found.session is None:
        if not found.any_recorded:
            say("No session is recorded yet; `polly hooks status` shows whether hooks record them.")
            return ExitCode.NO_DATA
        next_steps([f"polly session {shlex.quote(each)}" for each in found.similar])
        raise InputError(
            _unknown(session_id, found.similar), next_step="`polly sessions --since 30d` lists more of them."
        )
    page = session_page(found.session)
    match output_format:
        case Format.JSON:
            print_json({"session": found.session, "waiting": asked.waiting})
        case Format.MARKDOWN:
            print_text(markdown(page))
        case Format.TABLE:
            print_page(page)
    return ExitCode.VERIFIED


def _unknown(session_id: str, similar: tuple[str, ...]) -> str:
    begins = [each for each in similar if each.startswith(session_id)]
    if len(begins) > 1:
        return f"{session_id!r} is the beginning of several sessions: {', '.join(begins)}"
    return f"there is no session {session_id!r}; near it are: {', '.join(similar)}"
