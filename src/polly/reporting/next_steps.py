"""What is left of a run, and the commands that lead on from where it stands."""

from polly.reporting.report import Report
from polly.work.plan import Plan
from polly.work.run import Decision, PackageRecord, PackageState, RunRecord, RunState, Verdict


def left_over(report: Report, record: RunRecord, plan: Plan) -> tuple[tuple[str, str], ...]:
    """(issue, reason) for every open issue that is not both fixed with evidence and committed."""
    packages = {package.id: package for package in record.packages}
    unplanned = {each.issue: each.reason for each in plan.unplanned}
    found = []
    for issue in report.issues:
        package = packages.get(issue.package or "")
        if package is None:
            found.append((issue.id, f"not planned: {unplanned.get(issue.id, 'in no package')}"))
        elif package.state is not PackageState.READY:
            found.append((issue.id, f"its package {package.id}: {package.state.value}"))
        elif issue.verdict is not Verdict.FIXED:
            said = "not judged" if issue.verdict is None else issue.verdict.value.replace("_", " ")
            found.append((issue.id, said))
        elif package.decision is not Decision.COMMITTED:
            found.append((issue.id, f"fixed in {package.id}, which is not committed"))
    return tuple(found)


def next_commands(record: RunRecord) -> tuple[str, ...]:
    """The commands that make sense now, most useful first."""
    if record.state is not RunState.FINISHED:
        return ("polly resume", "polly status")
    undecided = [package for package in record.packages if _can_land(package)]
    landed = [
        package for package in record.packages if package.decision in (Decision.APPLIED, Decision.COMMITTED)
    ]
    commands = []
    if undecided:
        first = min(undecided, key=_is_quieter)
        how = " --accept-tampering" if _is_quieter(first) else ""
        commands += [
            f"polly diff {first.id}",
            f"polly approve {first.id}{how}",
            "polly apply",
            "polly commit",
        ]
    if landed:
        commands.append(f"polly undo {landed[0].id}")
    return (*commands, "polly status")


def _is_quieter(package: PackageRecord) -> bool:
    return bool(package.tampering) and package.approved_tree != package.tree


def _can_land(package: PackageRecord) -> bool:
    return package.state is PackageState.READY and package.decision in (Decision.OPEN, Decision.APPROVED)
