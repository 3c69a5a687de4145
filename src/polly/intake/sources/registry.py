"""The formats that intake reads, and which of them a document is written in."""

from polly.errors import InputError
from polly.intake.document import Document
from polly.intake.sources import inventory
from polly.intake.sources.format import Format
from polly.intake.sources.markdown import reader as markdown
from polly.intake.sources.sarif import reader as sarif

#: By name; the first that recognises a document reads it.
FORMATS: dict[str, Format] = {each.name: each for each in (inventory.FORMAT, sarif.FORMAT, markdown.FORMAT)}

_KEYS_SHOWN = 6


def recognise(document: Document) -> Format:
    """The format of a document, judged by its content. Raises InputError saying what it looks like."""
    for each in FORMATS.values():
        if each.recognises(document):
            return each
    known = "; ".join(f"{each.name} ({each.description})" for each in FORMATS.values())
    raise InputError(
        f"{document.name} is {_looks_like(document)}, which is not among the formats that Polly reads.",
        next_step=f"Known formats: {known}.",
    )


def _looks_like(document: Document) -> str:
    if document.list_members is not None:
        return f"a JSON list of {len(document.list_members)} items"
    if document.object_members is not None:
        keys = list(document.object_members)
        shown = ", ".join(repr(key[:40]) for key in keys[:_KEYS_SHOWN]) + (
            ", …" if len(keys) > _KEYS_SHOWN else ""
        )
        return f"a JSON object with {shown}" if keys else "an empty JSON object"
    return "text"
