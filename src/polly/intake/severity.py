"""How bad a scanner's finding is, from its level, its score and the table in the settings."""

from collections.abc import Iterator, Mapping

from polly.errors import InputError
from polly.work.issues import Severity

#: What a table says for findings that shall not become issues.
NONE = "none"

_OF_LEVEL = {
    "error": Severity.MAJOR,
    "warning": Severity.MINOR,
    "note": Severity.NITPICK,
    "none": None,
}


def scanner_severity(
    *,
    level: str,
    tool: str | None,
    rule: str | None,
    security_severity: float | None,
    table: Mapping[str, str],
) -> Severity | None:
    """The severity; None for what is only informational.

    First what the table says about `tool:rule` or the rule, then the security score, then the table and
    the rule of thumb about the level. A rule `A/b` is also looked for as `A`.
    """
    for key in _rule_keys(tool, rule):
        if key in table:
            return _named(table[key], key)
    if security_severity is not None:
        return of_score(security_severity)
    if level in table:
        return _named(table[level], level)
    return _OF_LEVEL.get(level, Severity.MINOR)


def of_score(score: float) -> Severity:
    """The severity of a security score from 0 to 10."""
    if score >= 9:
        return Severity.CRITICAL
    if score >= 7:
        return Severity.MAJOR
    return Severity.MINOR if score >= 4 else Severity.NITPICK


def _rule_keys(tool: str | None, rule: str | None) -> Iterator[str]:
    while rule:
        if tool:
            yield f"{tool}:{rule}"
            yield f"{tool.lower()}:{rule}"
        yield rule
        rule = rule.rpartition("/")[0]


def _named(value: str, key: str) -> Severity | None:
    if value == NONE:
        return None
    try:
        return Severity(value)
    except ValueError as error:
        known = ", ".join([*Severity, NONE])
        raise InputError(
            f"The severity table says {value!r} for {key!r}.", next_step=f"Use one of: {known}."
        ) from error
