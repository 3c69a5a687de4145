"""A plan of another tool becomes findings: its issues in the files of their package, or its tasks."""

import re
from collections.abc import Iterator

from polly.intake.document import Document
from polly.intake.finding import Context, Finding, Place, Reading
from polly.intake.sources.format import Format
from polly.intake.sources.markdown.fields import parse_status
from polly.intake.sources.tasks import recount
from polly.intake.sources.tasks.plan_document import Detail, Package, PlanDocument, is_plan, parse
from polly.work.issues import IssueStatus, Severity, Source, Warning

_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9._-]+")


def recognises(document: Document) -> bool:
    """True for a JSON object with a list of work packages or tasks; Polly's own plan tells no issues."""
    return is_plan(document) and "base_commit" not in (document.object_members or {})


def read(document: Document, context: Context) -> Reading:  # noqa: ARG001 - the signature of every format
    """The issues that the packages name, each in the files of its package, or else the tasks themselves."""
    plan = parse(document)
    findings = tuple(finding for package in plan.packages for finding in _findings(plan, package))
    unnamed = sum(
        not _is_ranked(package, issue) for package in plan.packages for issue in package.issues or ("",)
    )
    warnings = [
        Warning(code="contradiction", message=f"{plan.name}: {each.sentence()}.", ref=plan.ref(each.place))
        for each in recount.recounted(plan)
        if each.agrees is False
    ]
    if unnamed:
        message = (
            f"{plan.name}: no severity is named for {unnamed} of {len(findings)} issues; taken as minor."
        )
        warnings.append(Warning(code="severity_assumed", message=message, ref=plan.name))
    return Reading(findings, tuple(warnings))


FORMAT = Format("tasks", "a plan of another tool: JSON with `work_packages` or `tasks`", recognises, read)


def _findings(plan: PlanDocument, package: Package) -> Iterator[Finding]:
    if not package.issues:
        yield _finding(plan, package, package.id, None)
    for issue in dict.fromkeys(package.issues):
        yield _finding(plan, package, issue, package.details.get(issue))


def _finding(plan: PlanDocument, package: Package, issue: str, detail: Detail | None) -> Finding:
    title = (detail.title if detail else "") or package.title or issue
    told = [detail.problem if detail else ""]
    told += [f"Package: {package.id} {package.title}".strip()] if package.issues else []
    told += [f"After: {', '.join(package.after)}"] if package.after else []
    effort = package.effort
    return Finding(
        id=_NOT_IN_IDS.sub("-", issue).strip("-._")[:100],
        severity=(detail.severity if detail else None) or package.severity or Severity.MINOR,
        status=parse_status(package.status) or IssueStatus.OPEN,
        title=" ".join(title.split()),
        message=title,
        places=tuple(
            Place(path=path) for path in (*package.modify, *(package.reads if not package.writes else ()))
        ),
        creates=package.create,
        problem="\n\n".join(filter(None, told)),
        suggestion=detail.suggestion if detail else "",
        effort_minutes=max(1, effort.middle // max(1, len(package.issues))) if effort else None,
        source=Source(format="tasks", ref=plan.ref(detail.place if detail else package.place)),
    )


def _is_ranked(package: Package, issue: str) -> bool:
    detail = package.details.get(issue)
    return bool(package.severity or (detail and detail.severity))
