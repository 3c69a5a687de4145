import difflib
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from polly.cli.earlier import past_outcomes
from polly.cli.exit_code import ExitCode
from polly.cli.options import OutputFormat
from polly.cli.output import Format, print_json, say, warn
from polly.cli.pages import show_page
from polly.cli.record_settings import polly_folder
from polly.errors import InputError, PollyError, SettingsError
from polly.events.event import EventData
from polly.pipeline.project import Project, read_inventory
from polly.reporting.routing_page import decision_page
from polly.routing.library import load_roles
from polly.routing.recording import events_of, text_of
from polly.routing.request import request_of
from polly.routing.router import Router
from polly.tracking.origin import Origin, origin
from polly.tracking.plain import plain_text
from polly.tracking.spooled import record
from polly.work.issues import Issue
from polly.work.routing import Request, RoutingDecision, Strategy

#: Bytes of standard input; nobody asks for anything in more words.
_MOST_BYTES = 1_000_000
_ISSUE_ID = re.compile(r"[A-Za-z]{1,8}-?\d{1,6}")


def route(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="TEXT|ISSUE...",
            help="What is asked for, in any words; ids of issues of the kept plan (C1 M3); or `-` for "
            "standard input.",
            show_default=False,
        ),
    ],
    *,
    path: Annotated[
        list[str] | None,
        typer.Option("--path", metavar="PATH", help="A file that it is about. Can be repeated."),
    ] = None,
    rule: Annotated[
        list[str] | None,
        typer.Option("--rule", metavar="TOOL:RULE", help="A rule that reported it. Can be repeated."),
    ] = None,
    agent: Annotated[
        str | None,
        typer.Option("--agent", metavar="AGENT", help="Who will work; earlier successes count by agent."),
    ] = None,
    output_format: OutputFormat = Format.TABLE,
    no_record: Annotated[bool, typer.Option("--no-record", help="Do not record the decision.")] = False,
) -> ExitCode:
    """Choose a role for a request or for issues, and say why. Works outside of a repository as well.

    Exit code 0: a role was found. 1: none was, so that the general role is taken; that is recorded as a
    detection failure (`polly detections list`). 2: wrong use.

    Example: `polly route "the migration locks the whole table" --path db/migrations/0004.sql`
    """
    project = _project()
    issues = _issues(words, project)
    request = _request(words, issues, path or [], rule or [], agent)
    outcomes = past_outcomes(project) if project else ()
    folder = project.folder if project else polly_folder()
    decision = Router(load_roles(folder / "roles"), outcomes=outcomes).route(request)
    text = text_of(request)
    recorded = False
    if not no_record:
        recorded = _record(text, request, issues, decision)
    is_found = decision.strategy is not Strategy.GENERAL
    if output_format is Format.JSON:
        told = {"route_version": 1, "found": is_found, "recorded": recorded, "request": request}
        print_json({**told, "decision": decision})
    else:
        show_page(decision_page(decision), output_format)
    if is_found:
        return ExitCode.VERIFIED
    say(_not_found(decision, recorded=recorded))
    return ExitCode.UNFIXED


def _not_found(decision: RoutingDecision, *, recorded: bool) -> str:
    why = (
        f"No role reached {decision.threshold:.2f} (the best {decision.best:.2f})"
        if decision.best
        else "Nothing in it speaks for a role"
    )
    then = "; recorded as a detection failure: `polly detections list`." if recorded else "; not recorded."
    return f"{why}, so the general role {decision.role} is taken{then}"


def _project() -> Project | None:
    """The project of the current folder; None outside of repositories. Raises SettingsError."""
    try:
        return Project.find(Path.cwd())
    except SettingsError:
        raise
    except PollyError:  # no repository here, or no git on this machine: neither is needed
        return None


def _issues(words: Sequence[str], project: Project | None) -> list[Issue]:
    """The issues of the kept plan whose ids these words are; none when they are words of a request."""
    if project is None or not project.inventory_file.is_file():
        return []
    if not all(_ISSUE_ID.fullmatch(word) for word in words):
        return []
    known = {issue.id.casefold(): issue for issue in read_inventory(project.inventory_file).issues}
    unknown = next((word for word in words if word.casefold() not in known), None)
    if unknown is not None:
        close = difflib.get_close_matches(unknown.casefold(), known, n=1, cutoff=0.5)
        hint = (
            f"Did you mean {known[close[0]].id}?" if close else "`polly plan` shows the issues of the plan."
        )
        raise InputError(f"The kept plan has no issue {unknown}.", next_step=hint)
    return [known[word.casefold()] for word in words]


def _request(
    words: Sequence[str],
    issues: Sequence[Issue],
    paths: Sequence[str],
    rules: Sequence[str],
    agent: str | None,
) -> Request:
    for rule in rules:
        if not all(part.strip() for part in rule.partition(":")):
            raise InputError(f"--rule {rule!r} is no TOOL:RULE", next_step="Such as --rule ruff:S608.")
    paths = [plain_text(each).replace("\\", "/").removeprefix("./") for each in paths]
    rules = [plain_text(each) for each in rules]
    if issues:
        named = dict.fromkeys(path for issue in issues for path in issue.paths)
        request = request_of(issues, (*named, *paths), agent)
        return replace(request, rules=(*request.rules, *rules))
    text = _standard_input() if list(words) == ["-"] else plain_text(" ".join(words))
    return Request(text=text, paths=tuple(paths), rules=tuple(rules), kinds=tuple(rules), agent=agent)


def _standard_input() -> str:
    data = sys.stdin.buffer.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise InputError(
            f"Standard input has more than {_MOST_BYTES:,} bytes.", next_step="Send what is asked for alone."
        )
    return data.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _record(text: str, request: Request, issues: Sequence[Issue], decision: RoutingDecision) -> bool:
    """Whether all events of the decision are in the spool; trouble is told and costs no answer."""
    whose = origin()
    context = {
        "paths": list(request.paths[:20]),
        "rules": list(request.rules[:20]),
        "issues": [issue.id for issue in issues[:20]],
        "agent": request.agent,
        "asked_by": "polly route",
    }
    return all(
        _is_recorded(event, whose)
        for event in events_of(
            text, decision, run=whose.run, project_path=whose.project_path, context=context
        )
    )


def _is_recorded(event: EventData, whose: Origin) -> bool:
    done = record(event, whose)
    if done.trouble:
        warn(f"the decision could not be recorded: {done.trouble}")
    return not done.trouble
