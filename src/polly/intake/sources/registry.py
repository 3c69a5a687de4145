"""The formats that intake reads, and which of them a document is written in."""

import difflib
from collections.abc import Sequence

from polly.errors import InputError
from polly.intake.document import Document
from polly.intake.sources import inventory
from polly.intake.sources.format import Format
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
    for each in FORMATS.values():
        if each.recognises(document):
            return each
    raise InputError(
        f"{document.name} is {_looks_like(document)}, which is not among the formats that Polly reads.",
        next_step=_step(document, tools),
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
