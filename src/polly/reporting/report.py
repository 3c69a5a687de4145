"""The report of a run for programs: format "report_version 1"; a field may be added, none may change."""

import msgspec

from polly.reporting.figures import Figures, figures
from polly.work.issues import Inventory, Warning
from polly.work.plan import Plan
from polly.work.requests import Answer
from polly.work.run import (
    EvidenceKind,
    EvidenceStatus,
    GateResult,
    GateScope,
    GateStatus,
    IssueOutcome,
    PackageRecord,
    PackageState,
    QualityChange,
    RunRecord,
    RunState,
    Verdict,
)


class ReportGate(msgspec.Struct, frozen=True, kw_only=True):
    """One gate on one frozen tree."""

    name: str
    scope: GateScope
    tree: str
    status: GateStatus
    seconds: float


class ReportRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A file that the agent asked for while it worked; `owner` is the package that has it in this wave."""

    path: str
    reason: str
    answer: Answer
    owner: str | None


class ReportPackage(msgspec.Struct, frozen=True, kw_only=True):
    """One package as it stands; `attempts` is their number, `commit` the one on the user's branch."""

    id: str
    state: PackageState
    attempts: int
    agent: str
    tree: str | None
    owned_changed: tuple[str, ...]
    strays: tuple[str, ...]
    gates: tuple[ReportGate, ...]
    commit: str | None
    quality: QualityChange | None = None
    requests: tuple[ReportRequest, ...] = ()


class ReportEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of evidence; a claim is what the agent said, and proves nothing."""

    kind: EvidenceKind
    status: EvidenceStatus
    command: str | None
    tree: str | None


class ReportIssue(msgspec.Struct, frozen=True, kw_only=True):
    """One open issue. `verdict` is None when it was not judged, `package` when it was not planned."""

    id: str
    verdict: Verdict | None
    evidence: tuple[ReportEvidence, ...]
    package: str | None
    commit: str | None


class ReportTampering(msgspec.Struct, frozen=True, kw_only=True):
    """A change that makes checks quieter."""

    package: str
    path: str
    line: int | None
    kind: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. `gates` are those of the base and of the combined tree; a package has its own."""

    report_version: int = 1
    run: str
    base_commit: str
    state: RunState
    packages: tuple[ReportPackage, ...]
    issues: tuple[ReportIssue, ...]
    gates: tuple[ReportGate, ...]
    tampering: tuple[ReportTampering, ...]
    figures: Figures
    warnings: tuple[Warning, ...]


def build(record: RunRecord, plan: Plan, inventory: Inventory) -> Report:
    """The report of a run, finished or not."""
    return Report(
        run=record.run,
        base_commit=record.base_commit,
        state=record.state,
        packages=tuple(_package(package, record.agent) for package in record.packages),
        issues=_issues(record, plan, inventory),
        gates=tuple(_gate(gate) for gate in record.gates),
        tampering=tuple(
            ReportTampering(package=found.package, path=found.path, line=found.line, kind=found.kind)
            for package in record.packages
            for found in package.tampering
        ),
        figures=figures(record, plan),
        warnings=(
            *inventory.warnings,
            *plan.warnings,
            *record.warnings,
            *(warning for package in record.packages for warning in quality_warnings(package)),
        ),
    )


def _package(package: PackageRecord, agent: str) -> ReportPackage:
    return ReportPackage(
        id=package.id,
        state=package.state,
        attempts=len(package.attempts),
        agent=package.attempts[-1].agent if package.attempts else agent,
        tree=package.tree,
        owned_changed=package.owned_changed,
        strays=package.strays,
        gates=tuple(_gate(gate) for gate in package.gates),
        commit=package.landed_commit,
        quality=package.quality,
        requests=tuple(
            ReportRequest(path=each.path, reason=each.reason, answer=each.answer, owner=each.owner)
            for each in package.requests
        ),
    )


def quality_warnings(package: PackageRecord) -> tuple[Warning, ...]:
    """What a person should know who sees that the issues are fixed."""
    change = package.quality
    if change is None or not change.is_clearly_worse or change.before is None or change.after is None:
        return ()
    fell = f" ({'; '.join(change.fell)})" if change.fell else ""
    figures = f"quality {change.before:.2f}, now {change.after:.2f}{fell}"
    message = f"The files of {package.id} were better before: {figures}"
    return (Warning(code="quality-fell", message=message, ref=package.id),)


def _gate(gate: GateResult) -> ReportGate:
    return ReportGate(
        name=gate.name, scope=gate.scope, tree=gate.tree, status=gate.status, seconds=gate.seconds
    )


def _issues(record: RunRecord, plan: Plan, inventory: Inventory) -> tuple[ReportIssue, ...]:
    owners = {issue: package.id for package in plan.packages for issue in package.issues}
    records = {package.id: package for package in record.packages}
    outcomes = {outcome.issue: outcome for package in record.packages for outcome in package.outcomes}
    known = dict.fromkeys(
        issue.id for issue in inventory.issues if issue.status.is_open or issue.id in owners
    )
    reported = []
    for issue in [*known, *(issue for issue in owners if issue not in known)]:
        package = records.get(owners.get(issue, ""))
        reported.append(_issue(issue, outcomes.get(issue), owners.get(issue), package))
    return tuple(reported)


def _issue(
    issue: str, outcome: IssueOutcome | None, owner: str | None, package: PackageRecord | None
) -> ReportIssue:
    return ReportIssue(
        id=issue,
        verdict=outcome.verdict if outcome else None,
        evidence=tuple(
            ReportEvidence(
                kind=evidence.kind, status=evidence.status, command=evidence.command, tree=evidence.tree
            )
            for evidence in (outcome.evidence if outcome else ())
        ),
        package=owner,
        commit=package.landed_commit if package else None,
    )
