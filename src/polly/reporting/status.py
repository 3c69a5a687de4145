"""Where each package of a run stands, one row each."""

import msgspec

from polly.reporting.figures import package_cost, package_seconds, package_tokens
from polly.work.plan import Plan
from polly.work.run import Decision, PackageState, RunRecord, Verdict


class StatusRow(msgspec.Struct, frozen=True, kw_only=True):
    """One package: how many of its issues are proved fixed; seconds, tokens and USD of its attempts (None
    when unknown), files changed, how many of its gates are not red, and what a person decided.
    """

    package: str
    title: str
    state: PackageState
    attempts: int
    seconds: float | None
    tokens: int | None
    cost_usd: float | None
    verified: int
    issues: int
    files: int
    strays: int
    gates_green: int
    gates: int
    decision: Decision
    detail: str


def status_rows(record: RunRecord, plan: Plan) -> tuple[StatusRow, ...]:
    """One row per package, in the order of the plan."""
    packages = {package.id: package for package in record.packages}
    return tuple(
        StatusRow(
            package=planned.id,
            title=planned.title,
            state=package.state,
            attempts=len(package.attempts),
            seconds=package_seconds(package),
            tokens=package_tokens(package),
            cost_usd=package_cost(package),
            verified=sum(outcome.verdict is Verdict.FIXED for outcome in package.outcomes),
            issues=len(planned.issues),
            files=len(package.owned_changed),
            strays=len(package.strays),
            gates_green=sum(not gate.status.is_red for gate in package.gates),
            gates=len(package.gates),
            decision=package.decision,
            detail=package.detail,
        )
        for planned in plan.packages
        if (package := packages.get(planned.id))
    )
