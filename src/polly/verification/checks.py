"""Checks: commands that fail as long as an issue is open and succeed once it is fixed."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from polly.settings import CheckSettings
from polly.verification.commands import run_command, shown
from polly.verification.side_by_side import side_by_side
from polly.work.run import Evidence, EvidenceKind, EvidenceStatus, GateStatus
from polly.workspaces.checkout import Workspaces

#: Of a check's output in its evidence.
_DETAIL_LIMIT = 2_000


@dataclass(frozen=True, kw_only=True)
class CheckRun:
    """One check on one tree. `passed` is None when it could not be run or was not done in time."""

    command: str
    tree: str
    passed: bool | None
    status: GateStatus
    seconds: float
    output: str


async def run_check(
    check: CheckSettings, *, checkout: Path, folder: Path, tree: str, workspaces: Workspaces
) -> CheckRun:
    """What the check says about the files in `checkout`, whose tree hash is `tree`."""
    ran = await run_command(
        check.command,
        checkout=checkout,
        folder=folder,
        env=workspaces.environment(),
        timeout_seconds=check.timeout,
    )
    told = {GateStatus.PASSED: True, GateStatus.FAILED: False}
    return CheckRun(
        command=shown(check.command),
        tree=tree,
        passed=told.get(ran.status),
        status=ran.status,
        seconds=ran.seconds,
        output=ran.output,
    )


async def checks_at(
    checks: Mapping[int, CheckSettings],
    *,
    commit: str,
    label: str,
    workspaces: Workspaces,
    limit: asyncio.Semaphore,
) -> dict[int, CheckRun]:
    """Every check by its number, side by side in one checkout of `commit`."""
    if not checks:
        return {}
    tree = await asyncio.to_thread(workspaces.store.tree_of, commit)

    async def one(number: int, check: CheckSettings, checkout: Path) -> CheckRun:
        async with limit:
            folder = workspaces.folder(label, f"check-{number}")
            return await run_check(check, checkout=checkout, folder=folder, tree=tree, workspaces=workspaces)

    async with workspaces.frozen(commit, label) as checkout:
        runs = await side_by_side(*(one(number, check, checkout) for number, check in checks.items()))
    return dict(zip(checks, runs, strict=True))


def judge_check(before: CheckRun, after: CheckRun) -> Evidence:
    """Only a check that failed at the base and passes now proves something was fixed."""

    def evidence(status: EvidenceStatus, detail: str) -> Evidence:
        return Evidence(
            kind=EvidenceKind.CHECK,
            status=status,
            command=after.command,
            tree=after.tree,
            detail=detail,
        )

    if after.passed is None:
        return evidence(EvidenceStatus.INCONCLUSIVE, _no_answer(after, "on the changed tree"))
    if not after.passed:
        return evidence(
            EvidenceStatus.NOT_FIXED, f"the check fails:\n{after.output[-_DETAIL_LIMIT:]}".strip()
        )
    if before.passed is None:
        return evidence(EvidenceStatus.INCONCLUSIVE, _no_answer(before, "at the base"))
    if before.passed:
        return evidence(
            EvidenceStatus.INCONCLUSIVE, "the check passes at the base already, so it proves nothing"
        )
    return evidence(EvidenceStatus.FIXED, "the check failed at the base and passes now")


def _no_answer(run: CheckRun, where: str) -> str:
    how = "was not done in time" if run.status is GateStatus.TIMED_OUT else "could not be run"
    return f"the check {how} {where}:\n{run.output[-_DETAIL_LIMIT:]}".strip()
