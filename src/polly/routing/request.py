"""What a role is looked for, made of issues and files."""

from collections.abc import Sequence

from polly.work.issues import Issue
from polly.work.routing import Request, kind_of


def request_of(issues: Sequence[Issue], paths: Sequence[str], agent: str | None = None) -> Request:
    """The request for a package: what its issues say, each with the same weight, and where they are."""
    first, *further = [text_of(issue) for issue in issues] or [""]
    return Request(
        text=first,
        further=tuple(further),
        paths=tuple(paths),
        rules=tuple(rule for issue in issues for rule in _rules_of(issue)),
        kinds=tuple(kind_of(issue) for issue in issues),
        agent=agent,
    )


def text_of(issue: Issue) -> str:
    """What an issue says, as a text to route by."""
    return f"{issue.title}\n\n{issue.problem}" if issue.problem else issue.title


def _rules_of(issue: Issue) -> tuple[str, ...]:
    sources = (issue.source, *issue.also_reported_by)
    return tuple(dict.fromkeys(f"{each.tool or ''}:{each.rule}" for each in sources if each.rule))
