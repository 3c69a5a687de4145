from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import typer

from polly.cli.exit_code import ExitCode
from polly.cli.observing import ask, window_since
from polly.cli.options import OutputFormat
from polly.cli.output import Format, Table, counted, next_steps, print_json, print_markdown, print_table, say
from polly.cli.record_settings import Config
from polly.reporting.observe_words import window as in_words
from polly.reporting.session_page import list_page

Since = Annotated[
    str,
    typer.Option(
        "--since",
        metavar="AGE|DATE",
        help="How far to look back: 1h, 24h, 7d, 30d, or a date or time (UTC unless it says otherwise).",
    ),
]
OfProject = Annotated[
    str | None,
    typer.Option("--project", metavar="NAME|PATH", help="Only sessions in this project.", show_default=False),
]
OfAgent = Annotated[
    str | None,
    typer.Option(
        "--agent",
        metavar="NAME",
        help="Only sessions in which this agent, or a subagent of this kind, did something.",
        show_default=False,
    ),
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=500, metavar="N", help="At most so many sessions.")]


def sessions(
    *,
    since: Since = "7d",
    project: OfProject = None,
    agent: OfAgent = None,
    limit: Limit = 20,
    output_format: OutputFormat = Format.TABLE,
    config: Config = None,
) -> ExitCode:
    """List the sessions of agents: when, where, what they did, what it cost. The newest first.

    A session that never said its end is over when nothing was heard of it for 30 minutes; its end is then
    derived, and says so. Exit code 2: there is no database; 4: no session in that time.

    Example: `polly sessions --since 24h --agent claude`
    """
    from polly.store.observations import sessions as questions  # noqa: PLC0415 - SQLAlchemy is slow to load

    window = window_since(since, datetime.now(UTC))
    question = partial(questions.sessions, window=window, limit=limit, project=project, agent=agent)
    asked = ask(config, question)
    found = asked.record
    if output_format is Format.JSON:
        print_json(
            {"window": window, "total": found.total, "sessions": found.sessions, "waiting": asked.waiting}
        )
    if found.is_empty:
        said = "".join([f" in {project}" if project else "", f" of {agent}" if agent else ""])
        say(f"No session{said} was heard of from {in_words(window)}.")
        say(
            "Look further back with --since; `polly hooks status` shows whether sessions are recorded at all."
        )
        return ExitCode.NO_DATA
    section = list_page(found).sections[0]
    table = Table(columns=section.columns, rows=section.rows)
    if output_format is Format.MARKDOWN:
        print_markdown(table)
    elif output_format is Format.TABLE:
        print_table(table)
    if section.note:
        say(f"{counted(len(found.sessions), 'session')} of {found.total}; --limit shows more.")
    if output_format is Format.TABLE:
        next_steps([f"polly session {found.sessions[0].session}"])
    return ExitCode.VERIFIED
