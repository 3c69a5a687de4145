"""What a finding says and proposes, as text for people and agents."""

from collections.abc import Iterator

from polly.intake.edits import Edit, described
from polly.intake.sources.linters.places import path_of, region_of, scopes
from polly.intake.sources.linters.selectors import Scope, number_at, stated_at, text_at
from polly.intake.sources.linters.tool import Edits, Findings, Related, Tool, alternatives
from polly.intake.text import headline

_RELATED_SHOWN = 20


def title_of(text: str) -> str:
    """The first line, shortened where it is long."""
    return headline(text.strip().partition("\n")[0])


def problem_of(scope: Scope, findings: Findings, message: str, tool: Tool) -> str:
    """The message, what the tool adds to it, places that explain it, and where the rule is described."""
    notes = (text_at(scope, [selector]).strip() for selector in findings.notes)
    parts = [message, *dict.fromkeys(note for note in notes if note and note not in message)]
    related = [line for shape in findings.related for line in _related(scope, shape, tool)]
    if related:
        more = [f"- and {len(related) - _RELATED_SHOWN} more"] if len(related) > _RELATED_SHOWN else []
        parts.append("\n".join(["Related:", *related[:_RELATED_SHOWN], *more]))
    url = text_at(scope, alternatives(findings.url))
    return "\n\n".join([*parts, f"See {url}"] if url else parts)


def suggestion_of(scope: Scope, findings: Findings, tool: Tool) -> str:
    """What the tool proposes, as sentences and code; "" without any."""
    said = (text_at(scope, [selector]).strip() for selector in findings.suggestions)
    changes = (text for edits in findings.edits for text in _changes(scope, edits, tool))
    return "\n\n".join(dict.fromkeys(filter(None, (*said, *changes))))


def _related(scope: Scope, shape: Related, tool: Tool) -> Iterator[str]:
    for each in scopes(scope, shape):
        path, line = path_of(each, shape, tool), region_of(each, shape, tool).start_line
        place = f"{path}:{line}" if path and line is not None else path
        said = " ".join(text_at(each, alternatives(shape.message)).split())
        if place or said:
            yield f"- {': '.join(filter(None, (place, said)))}"


def _changes(scope: Scope, edits: Edits, tool: Tool) -> Iterator[str]:
    about = ""
    for each in scopes(scope, edits):
        text = stated_at(each, alternatives(edits.text))
        if text is None:
            continue
        first, last = (number_at(each, alternatives(selector)) for selector in (edits.start, edits.end))
        offsets = (first, last) if first is not None and last is not None else None
        change = described(Edit(text, *region_of(each, edits, tool), offsets))
        before, about = about, text_at(each, alternatives(edits.about)).strip()
        yield f"{about}\n{change}" if about and about != before else change
