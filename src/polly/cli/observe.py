"""`polly observe`: questions to the record. No data, no database and bad health are different answers."""

import shlex
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

import typer

from polly.cli.exit_code import ExitCode
from polly.cli.observing import Asked, ask, window_since
from polly.cli.options import OutputFormat
from polly.cli.output import Format, next_steps, print_json, print_text, say
from polly.cli.pages import print_page
from polly.cli.record_settings import Config
from polly.reporting.observe_health import HealthStatus, Judgement, judge, judge_agent
from polly.reporting.observe_page import Page, markdown
from polly.reporting.observe_pages import agent_page, errors_page, health_page, report_page
from polly.reporting.observe_words import window as in_words
from polly.work.observed import Window

Since = Annotated[
    str,
    typer.Option(
        "--since",
        metavar="AGE|DATE",
        help="How far to look back: 1h, 24h, 7d, 30d, or a date or time (UTC unless it says otherwise).",
    ),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the agent.", show_default=False)]
OfAgent = Annotated[str | None, typer.Option("--agent", metavar="NAME", help="Only errors of this agent.")]


def observe() -> None:
    """Ask the record how agents, hooks, the router and the pipeline are doing.

    Exit code 0: answered, and healthy where that is asked; 1: warning or critical; 2: no database, or wrong
    use; 4: nothing is recorded in that time.

    Example: `polly observe health`
    """


def health(
    *, since: Since = "24h", output_format: OutputFormat = Format.TABLE, config: Config = None
) -> ExitCode:
    """Is everything well? The status, every reason that led to it, and what to do.

    Example: `polly observe health --since 1h`
    """
    from polly.store.observations import questions  # noqa: PLC0415 - SQLAlchemy takes half as long as a command

    window = window_since(since, datetime.now(UTC))
    asked = ask(config, partial(questions.health, window=window))
    judgement = judge(asked.record, asked.waiting)
    page = health_page(asked.record, judgement, asked.waiting)
    return _answer(asked, page, window, output_format, judgement)


def errors(
    *,
    since: Since = "24h",
    agent: OfAgent = None,
    output_format: OutputFormat = Format.TABLE,
    config: Config = None,
) -> ExitCode:
    """What failed: by type, agent, action and hour, with examples.

    Example: `polly observe errors --since 7d`
    """
    from polly.store.observations import questions  # noqa: PLC0415

    window = window_since(since, datetime.now(UTC))
    asked = ask(config, partial(questions.errors, window=window, agent=agent))
    return _answer(asked, errors_page(asked.record, agent), window, output_format)


def report(
    *, since: Since = "7d", output_format: OutputFormat = Format.MARKDOWN, config: Config = None
) -> ExitCode:
    """Everything that happened, in figures: agents, routing, hooks, days, cost.

    Example: `polly observe report --since 30d`
    """
    from polly.store.observations import questions  # noqa: PLC0415

    window = window_since(since, datetime.now(UTC))
    asked = ask(config, partial(questions.report, window=window))
    return _answer(asked, report_page(asked.record), window, output_format)


def agent(
    *, name: Name, since: Since = "24h", output_format: OutputFormat = Format.TABLE, config: Config = None
) -> ExitCode:
    """One agent beside all others: success, durations, errors, its last executions.

    Example: `polly observe agent code-reviewer --since 7d`
    """
    from polly.store.observations import questions  # noqa: PLC0415

    window = window_since(since, datetime.now(UTC))
    asked = ask(config, partial(questions.agent, window=window, name=name))
    judgement = judge_agent(asked.record.figures.executions, asked.record.figures.durations)
    code = _answer(asked, agent_page(asked.record), window, output_format, judgement)
    if code is ExitCode.NO_DATA:
        next_steps([f"polly observe agent {shlex.quote(similar)}" for similar in asked.record.similar_names])
    return code


SUBCOMMANDS: Mapping[str, Callable[..., object]] = {
    "health": health,
    "errors": errors,
    "report": report,
    "agent": agent,
}


def _answer(
    asked: Asked[Any], page: Page, window: Window, output_format: Format, judgement: Judgement | None = None
) -> ExitCode:
    """Prints the page, or says that there is nothing to fill it with."""
    is_bad = judgement is not None and judgement.status is not HealthStatus.HEALTHY
    has_nothing = asked.record.is_empty and not is_bad
    match output_format:
        case Format.JSON:
            status = "no_data" if has_nothing else judgement.status if judgement else None
            print_json(
                {
                    "status": status,
                    "reasons": judgement.reasons if judgement else (),
                    "advice": page.advice,
                    "waiting": asked.waiting,
                    "figures": asked.record,
                }
            )
        case Format.MARKDOWN if not has_nothing:
            print_text(markdown(page))
        case Format.TABLE if not has_nothing:
            print_page(page)
    if asked.record.is_empty:
        say(f"Nothing was recorded for this question from {in_words(window)}.")
    if has_nothing:
        say("Look further back with --since, or see `polly db status` for what there is.")
        return ExitCode.NO_DATA
    return ExitCode.UNFIXED if is_bad else ExitCode.VERIFIED
