"""`polly detections`: requests for which no role was found, looked at by a person."""

import enum
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from polly.cli.exit_code import ExitCode
from polly.cli.observing import ask
from polly.cli.options import OutputFormat
from polly.cli.output import Format, print_json, say
from polly.cli.pages import show_page
from polly.cli.record_settings import Config, polly_folder
from polly.errors import InputError
from polly.events.agents import DetectionReviewed
from polly.reporting.observe_words import window as in_words
from polly.reporting.routing_page import Similar, failure_page, list_page, similar_page, stats_page
from polly.reporting.similar_texts import similarities
from polly.routing.library import load_roles
from polly.tracking.origin import origin
from polly.tracking.plain import plain_text
from polly.tracking.spooled import record
from polly.work.observed import Window
from polly.work.routed import DetectionFailure

#: Different requests that a text is compared with, the newest ones: a second at most.
_MOST_COMPARED = 5_000
#: What has less in common with a text has nothing to do with it.
_LEAST_SIMILARITY = 0.1

FailureId = Annotated[
    str, typer.Argument(metavar="ID", help="The failure by its id or its beginning.", show_default=False)
]


class Status(enum.StrEnum):
    """How a request failed to find its role."""

    NO_DETECTION = "no_detection"
    LOW_CONFIDENCE = "low_confidence"
    WRONG_AGENT = "wrong_agent"
    TIMEOUT = "timeout"
    ERROR = "error"


def detections() -> None:
    """Review requests for which no role was found, or not for certain: the router is measured by them.

    Exit code 0: answered or done. 2: no database, no such failure, or wrong use. 4: nothing is recorded.

    Example: `polly detections list`
    """


def list_(
    *,
    all_: Annotated[bool, typer.Option("--all", help="Also those that were reviewed.")] = False,
    status: Annotated[
        Status | None, typer.Option("--status", help="Only those that failed in this way.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="At most so many.")] = 50,
    output_format: OutputFormat = Format.TABLE,
    config: Config = None,
) -> ExitCode:
    """List the failures that nobody has reviewed, the newest first.

    Example: `polly detections list --status low_confidence`
    """
    from polly.store.observations import detections as questions  # noqa: PLC0415 - SQLAlchemy is slow to load

    wanted = status.value if status else None
    reviewed = None if all_ else False
    asked = ask(config, partial(questions.listed, reviewed=reviewed, status=wanted, limit=limit))
    found = asked.record
    if output_format is Format.JSON:
        print_json({"waiting": asked.waiting, "found": found})
    elif found.failures:
        show_page(list_page(found), output_format)
    if not found.recorded:
        return _nothing()
    if not found.failures:
        say("No failure matches." if all_ or status else "Every failure was reviewed; --all shows them.")
    return ExitCode.VERIFIED


def show(
    failure: FailureId, *, output_format: OutputFormat = Format.TABLE, config: Config = None
) -> ExitCode:
    """Show one failure whole: the request, what was found, and what was said about it.

    Example: `polly detections show 01a20392`
    """
    found = _find(config, failure)
    if found is None:
        return _nothing()
    _print(found, output_format)
    return ExitCode.VERIFIED


def review(
    failure: FailureId,
    *,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who reviewed it.", show_default=False)],
    expected: Annotated[
        str | None,
        typer.Option("--expected", metavar="ROLE", help="The role that would have been right."),
    ] = None,
    notes: Annotated[str | None, typer.Option("--notes", metavar="TEXT", help="What was found out.")] = None,
    pattern_update: Annotated[
        str | None,
        typer.Option(
            "--pattern-update", metavar="TYPE", help="What of a role was changed for it, such as `trigger`."
        ),
    ] = None,
    pattern_details: Annotated[
        str | None, typer.Option("--pattern-details", metavar="TEXT", help="How that was changed.")
    ] = None,
    output_format: OutputFormat = Format.TABLE,
    config: Config = None,
) -> ExitCode:
    """Say what would have been right. A later review of the same failure takes the place of an earlier one.

    The expected role is what `polly routing report` measures accuracy and calibration by.

    Example: `polly detections review 01a20392 --by ann --expected database-specialist`
    """
    if not by.strip():
        raise InputError("--by is empty", next_step="Say who reviewed it.")
    if pattern_details and not pattern_update:
        raise InputError(
            "--pattern-details says how something was changed, and --pattern-update, what, is missing",
            next_step="Give both.",
        )
    role = load_roles(polly_folder() / "roles").find(expected).name if expected is not None else None
    found = _find(config, failure)
    if found is None:
        return _nothing()
    event = DetectionReviewed(
        failure=found.id,
        reviewed_by=plain_text(by.strip()),
        expected_agent=role,
        resolution_notes=_plain(notes),
        pattern_update_type=_plain(pattern_update),
        pattern_update_details=_plain(pattern_details),
    )
    whose = origin(correlation_id=found.correlation_id)
    done = record(event, whose)
    if done.trouble:
        raise InputError(f"The review could not be recorded: {done.trouble}", next_step="Try again.")
    stored = _find(config, found.id)
    if stored is None or stored.reviewed_at is None or stored.reviewed_at < done.at:
        say("The review is recorded and on its way; `polly drain` or `polly relay` brings it to the store.")
        return ExitCode.VERIFIED
    _print(stored, output_format)
    return ExitCode.VERIFIED


def similar(
    text: Annotated[
        str,
        typer.Argument(
            metavar="TEXT|ID", help="Words of a request, or a failure by its id.", show_default=False
        ),
    ],
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="At most so many.")] = 10,
    output_format: OutputFormat = Format.TABLE,
    config: Config = None,
) -> ExitCode:
    """Find failures whose requests are alike, by the cosine of their pieces of three characters (TF-IDF).

    Example: `polly detections similar "make the queries faster"`
    """
    from polly.store.observations import detections as questions  # noqa: PLC0415 - SQLAlchemy is slow to load

    meant = next(iter(ask(config, partial(questions.named, name=text)).record.failures), None)
    is_one = meant is not None and _is_id(text)
    request = meant.request if meant is not None and is_one else text
    asked = ask(config, partial(questions.newest, limit=_MOST_COMPARED))
    others = [each for each in asked.record if not is_one or each.request != request]
    if not asked.record:
        return _nothing()
    alike = zip(others, similarities(request, [each.request for each in others]), strict=True)
    near = sorted(
        (Similar(each, share) for each, share in alike if share >= _LEAST_SIMILARITY),
        key=lambda each: (-each.similarity, each.failure.id),
    )[:limit]
    if output_format is Format.JSON:
        told = [{"similarity": round(each.similarity, 4), "failure": each.failure} for each in near]
        print_json({"request": request, "compared": len(others), "similar": told})
    else:
        show_page(similar_page(near, len(others)), output_format)
    return ExitCode.VERIFIED


def stats(
    *,
    hours: Annotated[
        float, typer.Option("--hours", min=0.01, metavar="N", help="How far to look back.")
    ] = 24,
    output_format: OutputFormat = Format.TABLE,
    config: Config = None,
) -> ExitCode:
    """Count failures: by status, by the role that was found, and by the one that would have been right.

    Example: `polly detections stats --hours 168`
    """
    from polly.store.observations import detections as questions  # noqa: PLC0415 - SQLAlchemy is slow to load

    window = _last(hours)
    asked = ask(config, partial(questions.stats, window=window))
    if output_format is Format.JSON:
        print_json({"waiting": asked.waiting, "figures": asked.record})
    elif not asked.record.is_empty:
        show_page(stats_page(asked.record), output_format)
    if asked.record.is_empty:
        say(f"No detection failure was recorded from {in_words(window)}.")
        return ExitCode.NO_DATA
    return ExitCode.VERIFIED


SUBCOMMANDS: Mapping[str, Callable[..., object]] = {
    "list": list_,
    "show": show,
    "review": review,
    "similar": similar,
    "stats": stats,
}


def _find(config: Path | None, name: str) -> DetectionFailure | None:
    """The failure of this id; None when none is recorded at all. Raises InputError."""
    from polly.store.observations import detections as questions  # noqa: PLC0415 - SQLAlchemy is slow to load

    if not name.strip():
        raise InputError("the id of the failure is empty", next_step="`polly detections list` shows the ids.")
    found = ask(config, partial(questions.named, name=name.strip())).record
    if not found.recorded:
        return None
    if len(found.failures) != 1:
        told = (
            f"{name!r} is the beginning of several failures: {', '.join(each.id for each in found.failures)}"
            if found.failures
            else f"there is no detection failure {name!r}"
        )
        raise InputError(told, next_step="`polly detections list --all` shows the ids.")
    return found.failures[0]


def _is_id(text: str) -> bool:
    """Ids are hexadecimal; eight digits of one are enough, and too many to be a word of a request."""
    plain = text.replace("-", "")
    return len(plain) >= 8 and all(each in "0123456789abcdef" for each in plain.lower())


def _last(hours: float) -> Window:
    now = datetime.now(UTC)
    try:
        return Window(since=now - timedelta(hours=hours), until=now)
    except OverflowError as error:
        raise InputError(f"--hours {hours:g} is before all time", next_step="Give fewer.") from error


def _print(found: DetectionFailure, output_format: Format) -> None:
    if output_format is Format.JSON:
        print_json({"failure": found})
    else:
        show_page(failure_page(found), output_format)


def _plain(text: str | None) -> str | None:
    return plain_text(text) if text else None


def _nothing() -> ExitCode:
    say("No detection failure is recorded.")
    return ExitCode.NO_DATA
