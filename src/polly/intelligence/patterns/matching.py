"""Finds the shapes of the rules in one parsed source."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from polly.events.redaction import redact
from polly.intelligence.analysis import Pattern
from polly.intelligence.patterns.rule import Match, Rule, config_of

if TYPE_CHECKING:
    from ast_grep_py import SgNode

#: of a match; its first lines tell what it is
SNIPPET_CHARACTERS = 160


def patterns_in(root: "SgNode", path: str, rules: Iterable[tuple[Rule, Match]]) -> list[Pattern]:
    """Every match with its place, in the order of the source; one of each name at a line."""
    found: dict[tuple[int, str], Pattern] = {}
    for rule, match in rules:
        for node in root.find_all(config_of(match)):
            pattern = _pattern(node, path, rule, match)
            found.setdefault((pattern.start_line, pattern.name), pattern)
    return [found[key] for key in sorted(found)]


def _pattern(node: "SgNode", path: str, rule: Rule, match: Match) -> Pattern:
    place = node.range()
    return Pattern(
        name=rule.name,
        category=rule.category,
        path=path,
        start_line=place.start.line + 1,
        end_line=place.end.line + 1,
        confidence=match.confidence if match.confidence is not None else rule.confidence,
        why=rule.why,
        snippet=redact(node.text()[: 4 * SNIPPET_CHARACTERS]).text[:SNIPPET_CHARACTERS].rstrip(),
    )
