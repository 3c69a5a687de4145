"""What a report says about itself: that its tool did not finish, and figures to hold against the rest."""

from collections.abc import Iterator

from polly.intake.sources.linters.selectors import Scope, holds, items, number_at, text_at
from polly.intake.sources.linters.tool import Failure, Figure, Tool, alternatives
from polly.work.issues import Warning

_SHOWN = 5
_LENGTH = 200


def failures(tool: Tool, root: Scope, name: str) -> Iterator[Warning]:
    """One warning when the report says that something could not be examined."""
    said = [text for failure in tool.failures for text in _said(failure, root)]
    if said:
        more = f" and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
        message = f"{tool.name} reports that it did not finish: {'; '.join(said[:_SHOWN])}{more}"
        yield Warning(code="tool_failed", message=message, ref=f"{name}#{root.ref}")


def contradictions(tool: Tool, root: Scope, name: str) -> Iterator[Warning]:
    """One warning for each figure that disagrees with what the report holds, with both places."""
    for figure in tool.figures:
        for scope in _scopes(root, figure.each):
            stated, held = number_at(scope, [figure.says]), _held(figure, scope)
            if stated is not None and stated != held:
                place = f"{name}#{scope.ref}"
                ref = f"{place}/{figure.says.replace('.', '/')}"
                message = f"{ref} says {stated}, but {place}/{figure.counts} holds {held}."
                yield Warning(code="contradiction", message=message, ref=ref)


def _said(failure: Failure, root: Scope) -> Iterator[str]:
    for scope in _scopes(root, failure.at):
        if holds(scope, failure.when):
            text = scope.value if isinstance(scope.value, str) else ""
            text = text or text_at(scope, alternatives(failure.text)) or "no reason is given"
            yield " ".join(text.split())[:_LENGTH]


def _held(figure: Figure, scope: Scope) -> int:
    return sum(holds(each, figure.when) for each in _scopes(scope, figure.counts))


def _scopes(scope: Scope, path: str) -> Iterator[Scope]:
    if not path:
        yield scope
    else:
        yield from (each for each in items(scope, path) if isinstance(each, Scope))
