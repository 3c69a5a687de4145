"""Comments of a pull request become findings: every comment is one, or is left out for a reason."""

from collections.abc import Iterator
from typing import Any

import msgspec

from polly.errors import InputError
from polly.intake import json_text
from polly.intake.document import Document
from polly.intake.finding import Context, Finding, Reading
from polly.intake.sources.format import Format
from polly.intake.sources.github.answers import Answers, read_answers
from polly.intake.sources.github.authors import is_program, tool_of
from polly.intake.sources.github.findings import FORMAT_NAME, FindingsReader
from polly.intake.sources.github.head import Head
from polly.intake.sources.github.threads import converse
from polly.work.issues import Severity, Source, Warning

#: Members that a JSON object of GitHub has; any other object need not be looked into.
# fmt: off
_MEMBERS = frozenset((
    "data", "repository", "pullRequest", "reviewThreads", "reviews", "latestReviews", "comments", "nodes",
    "edges", "node", "payload", "comment", "review", "thread", "body", "isResolved", "errors",
    "documentation_url",
))
# fmt: on
#: So many items of a list, or documents of several, are looked at to recognise them.
_LOOKED_AT = 5


def recognises(document: Document) -> bool:
    """True for JSON in which comments, reviews or threads of GitHub are found."""
    if document.object_members is not None:
        if not _MEMBERS & document.object_members.keys():
            return False
        values: tuple[msgspec.Raw, ...] = (msgspec.Raw(document.text.encode("utf-8", errors="replace")),)
    else:
        values = (document.list_members or document.several or ())[:_LOOKED_AT]
    try:
        return read_answers(_decoded(values, "")).is_of_github
    except msgspec.DecodeError:
        return False


def read(document: Document, context: Context) -> Reading:
    """The findings of all comments, and of the bodies of reviews."""
    try:
        answers = read_answers(_values(document))
    except msgspec.DecodeError as error:
        raise InputError(
            f"{document.name} cannot be read as an answer of GitHub: {error}.",
            next_step="Fetch it again, or name the pull request: polly issues github:OWNER/REPO#NUMBER",
        ) from error
    _refuse_refusals(document, answers)
    reader = FindingsReader(Head(context.snapshot), context.snapshot.paths, context.severity_table)
    findings = reader.read(converse(answers.posts, answers.states))
    unreadable = (_unreadable(place) for place in answers.unreadable)
    warnings = (*_warnings(document, answers), *reader.warnings)
    return Reading((*findings, *unreadable), warnings, tools=_programs(answers))


FORMAT = Format(FORMAT_NAME, "comments, reviews and threads of a GitHub pull request", recognises, read)


def _programs(answers: Answers) -> tuple[str, ...]:
    """The reviewing programs that wrote anything, if only that all is well."""
    named = (tool_of(post) for post in answers.posts if is_program(post))
    return tuple(dict.fromkeys(filter(None, named)))


def _values(document: Document) -> Iterator[tuple[str, Any]]:
    if document.several is not None:
        return _decoded(document.several, f"{document.name}#")
    text = document.text.encode("utf-8", errors="replace")
    return iter([(f"{document.name}#", json_text.decode(text, msgspec.json.Decoder()))])


def _decoded(values: tuple[msgspec.Raw, ...], place: str) -> Iterator[tuple[str, Any]]:
    decoder = msgspec.json.Decoder()
    for number, raw in enumerate(values):
        yield f"{place}/{number}", json_text.decode(raw, decoder)


def _refuse_refusals(document: Document, answers: Answers) -> None:
    if answers.posts or answers.states or (not answers.refusals and answers.is_of_github):
        return
    if answers.refusals:
        raise InputError(
            f"{document.name} holds GitHub's refusal instead of comments: {answers.refusals[0][:200]!r}.",
            next_step="Check the name of the pull request and the rights of the token, and fetch it again.",
        )
    if not answers.unreadable and (document.object_members is None or answers.wrappers):
        return  # lists without an item, which is how GitHub says that there is none
    raise InputError(
        f"{document.name} holds no comment, review or thread of GitHub.",
        next_step="Polly reads what `gh api repos/OWNER/REPO/pulls/NUMBER/comments` and the like print.",
    )


def _warnings(document: Document, answers: Answers) -> Iterator[Warning]:
    if answers.refusals:
        message = f"GitHub did not answer everything: {answers.refusals[0][:200]!r}."
        yield Warning(code="tool_failed", message=message, ref=document.name)
    for place in answers.more:
        message = "GitHub has more than this answer holds (hasNextPage); read the other pages as well."
        yield Warning(code="comments_missing", message=message, ref=place)
    if answers.unreadable:
        count = len(answers.unreadable)
        message = f"Malformed comments were left out: {count}; the first is {answers.unreadable[0]}."
        yield Warning(code="unreadable", message=message, ref=document.name)


def _unreadable(place: str) -> Finding:
    source = Source(format=FORMAT_NAME, ref=place)
    return Finding(source=source, severity=Severity.NITPICK, title="", message="", left_out="unreadable")
