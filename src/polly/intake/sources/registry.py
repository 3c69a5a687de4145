"""The formats that intake reads, and which of them a document is written in."""

import difflib
import re
from collections.abc import Sequence

from polly.errors import InputError
from polly.intake.document import Document
from polly.intake.sources import inventory
from polly.intake.sources.format import Format, NoFindingError
from polly.intake.sources.github import reader as github
from polly.intake.sources.linters import load as linters
from polly.intake.sources.linters.reader import format_of
from polly.intake.sources.linters.shape import recognised, writes_lists
from polly.intake.sources.linters.tool import Tool
from polly.intake.sources.markdown import reader as markdown
from polly.intake.sources.sarif import reader as sarif
from polly.intake.sources.tasks import reader as tasks

#: By name; the first that recognises a document reads it, unless a linter's report is recognised in it.
FORMATS: dict[str, Format] = {
    each.name: each for each in (inventory.FORMAT, sarif.FORMAT, github.FORMAT, tasks.FORMAT, markdown.FORMAT)
}

#: Known by a glance at their first members; linters, asked next, look into the document.
_LARGE = (inventory.FORMAT, sarif.FORMAT)

_KEYS_SHOWN = 6
#: `src/a.py:3:1: what is wrong`, which is how compilers and linters speak to people.
_PLACE_FIRST = re.compile(r"[^\s:*#|>-][^:]{0,300}:\d+(?::\d+)?:? ")
_HEAD_LINES = 40
_HEAD_LETTERS = 20_000


def format_named(name: str, tools: Sequence[Tool] = ()) -> Format:
    """The format that is called so: one above, a linter of the user's, or one that Polly knows."""
    for each in [FORMATS.get(name), *(format_of(tool) for tool in (*tools, *linters.shipped_tools()))]:
        if each is not None and each.name == name:
            return each
    known = [*FORMATS, *_names(tools)]
    close = difflib.get_close_matches(name.casefold(), known, n=1)
    hint = f"Did you mean {close[0]}? " if close else ""
    raise InputError(f"There is no source format {name!r}.", next_step=f"{hint}Known: {', '.join(known)}.")


def recognise(document: Document, tools: Sequence[Tool] = ()) -> Format:
    """The format of a document, judged by its content. Raises InputError saying what it looks like.

    tools: linters that the user describes; they are asked before those that Polly knows.
    """
    _refuse_own(document)
    for each in _LARGE:
        if each.recognises(document):
            return each
    found = recognised(tools, document) or recognised(linters.shipped_tools(), document)
    if len(found) == 1:
        return format_of(found[0])
    if found:
        raise InputError(
            f"{document.name} may be of {' or '.join(tool.name for tool in found)}.",
            next_step=f"Say which, for instance --from {found[0].name}.",
        )
    _refuse_plain_output(document)
    for each in FORMATS.values():
        if each.recognises(document):
            return each
    raise InputError(
        f"{document.name} is {_looks_like(document)}, which is not among the formats that Polly reads.",
        next_step=_step(document, tools),
    )


def _refuse_own(document: Document) -> None:
    """What Polly writes beside inventories is easily named by mistake."""
    members = document.object_members or {}
    if "plan_version" in members:
        raise InputError(
            f"{document.name} is a plan of Polly's, and a plan does not tell what was found.",
            next_step="Name the report or review that it was made from, or .polly/inventory.json, which has "
            f"its issues. To hold the plan against the repository: polly check {document.name}",
        )
    if "report_version" in members:
        raise InputError(
            f"{document.name} is the report of a run of Polly's, and tells no findings.",
            next_step="Name what the run was about. `polly issues SOURCE --since RUN` compares with a run.",
        )


def _refuse_plain_output(document: Document) -> None:
    """What tools print for people has no rule or severity that could be relied on."""
    lines = document.text[:_HEAD_LETTERS].splitlines()[:_HEAD_LINES] if not document.is_json else []
    places = sum(_PLACE_FIRST.match(line) is not None for line in lines)
    if places and 2 * places >= sum(bool(line.strip()) for line in lines):
        raise NoFindingError(
            f"{document.name} is what a tool prints for people, line by line.",
            next_step="Have the tool write JSON or SARIF instead, such as `mypy --output json` or "
            "`ruff check --output-format sarif`; docs/reference/sources.md lists how others are asked.",
        )


def _step(document: Document, tools: Sequence[Tool]) -> str:
    if document.list_members == ():
        names = [tool.name for tool in (*tools, *linters.shipped_tools()) if writes_lists(tool)]
        return f"If it says that nothing was found, name with --from who says so: {', '.join(names)}."
    known = "; ".join(f"{each.name} ({each.description})" for each in FORMATS.values())
    return f"Known formats: {known}; and the JSON of {', '.join(_names(tools))}."


def _names(tools: Sequence[Tool]) -> list[str]:
    return list(dict.fromkeys(tool.name for tool in (*tools, *linters.shipped_tools())))


def _looks_like(document: Document) -> str:
    if document.list_members is not None:
        return f"a JSON list of {len(document.list_members)} items"
    if document.object_members is not None:
        keys = list(document.object_members)
        shown = ", ".join(repr(key[:40]) for key in keys[:_KEYS_SHOWN]) + (
            ", …" if len(keys) > _KEYS_SHOWN else ""
        )
        return f"a JSON object with {shown}" if keys else "an empty JSON object"
    if document.several is not None:
        return f"JSON in {len(document.several)} parts, one after another"
    return "text"
