"""One package judged: gates, evidence, verdicts and tampering of its frozen tree."""

import asyncio
import re
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from polly.errors import ToolError
from polly.settings import CheckSettings, Settings
from polly.verification.checks import CheckRun, checks_at, judge_check
from polly.verification.feedback import feedback
from polly.verification.gates import excuse, run_gates
from polly.verification.once import OncePerKey
from polly.verification.rescan import ReadFindings, Scan, rescan
from polly.verification.rescan_evidence import belongs, judge_rescan
from polly.verification.side_by_side import side_by_side
from polly.verification.silencing import silenced
from polly.verification.syntax import syntax_gates
from polly.verification.tampering import find_tampering
from polly.verification.text_changes import read_changes
from polly.verification.verdict import claim_evidence, verdict
from polly.work.issues import Inventory, Issue
from polly.work.plan import GateCommand, Plan, WorkPackage
from polly.work.run import (
    Claim,
    Evidence,
    GateResult,
    GateScope,
    GateStatus,
    IssueOutcome,
    QualityChange,
    Tampering,
)
from polly.workspaces.checkout import Workspaces

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What gates, checks (by their place in the settings) and scanners say about a base commit."""

    red_before: frozenset[str]
    checks: Mapping[int, CheckRun]
    scans: Mapping[str, Scan]


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """All that is known of one attempt's tree. `feedback` is for a next attempt, None when nothing is left.

    `seconds` of wall time by stage, `gates` and `evidence`; they go side by side. `quality` is None unless
    somebody measured it.
    """

    gates: tuple[GateResult, ...] = ()
    outcomes: tuple[IssueOutcome, ...] = ()
    tampering: tuple[Tampering, ...] = ()
    feedback: str | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    quality: QualityChange | None = None

    @property
    def is_green(self) -> bool:
        """True when no gate is red."""
        return not any(gate.status.is_red for gate in self.gates)


class PackageJudge:
    """Judges the packages of one run. `limit` bounds the commands at the same time, `serial` those that
    must run alone. `role_gates`, by role, judge the packages of that role besides the gates of the plan.
    """

    def __init__(
        self,
        *,
        workspaces: Workspaces,
        plan: Plan,
        settings: Settings,
        inventory: Inventory,
        read_findings: ReadFindings,
        limit: asyncio.Semaphore,
        serial: asyncio.Lock,
        role_gates: Mapping[str, tuple[GateCommand, ...]] | None = None,
    ) -> None:
        self._workspaces = workspaces
        self._store = workspaces.store
        self._plan = plan
        self._settings = settings
        self._issues = {issue.id: issue for issue in inventory.issues}
        self._read_findings = read_findings
        self._limit = limit
        self._serial = serial
        self._role_gates = role_gates or {}
        self._baselines = OncePerKey[Baseline]()
        self._red_before_post = OncePerKey[frozenset[str]]()

    async def prepare(self, base: str) -> Baseline:
        """What is red, failing and reported at `base` already; found once per commit, shared by callers.

        Raises ToolError when a package gate cannot be started at all.
        """
        return await self._baselines.get(base, lambda: self._prepare(base))

    async def judge(
        self,
        package: WorkPackage,
        *,
        base: str,
        commit: str,
        changed: Sequence[str],
        claims: Mapping[str, Claim],
        label: str,
    ) -> Judgement:
        """Judge `commit`, which is `base` plus the `changed` files of one package.

        When a file does not even parse, commands are spared. `label` names checkouts, so it must be the
        caller's own while this runs.
        """
        said: dict[str, list[Evidence]] = {}
        if not changed:
            note = "You changed none of the files that you own."
            return Judgement(outcomes=self._outcomes(package, said, claims, landable=False), feedback=note)
        started = time.monotonic()
        changes = await asyncio.to_thread(read_changes, self._store, base, commit, changed)
        tampering = await asyncio.to_thread(find_tampering, package.id, changes)
        gates = await asyncio.to_thread(syntax_gates, self._store, base, commit, changed)
        seconds = {"gates": time.monotonic() - started}
        if not any(gate.status.is_red for gate in gates):
            baseline = await self.prepare(base)
            ran, seen = await side_by_side(
                _timed(self._package_gates([package], commit, f"{label}-gates", baseline.red_before)),
                _timed(self._evidence(package, baseline, commit, changed, label)),
            )
            gates, said = (*gates, *ran.result), seen.result
            seconds = {"gates": seconds["gates"] + ran.seconds, "evidence": seen.seconds}
        landable = not any(gate.status.is_red for gate in gates)
        said = silenced(said, self._issues, tampering)
        outcomes = self._outcomes(package, said, claims, landable=landable)
        return Judgement(
            gates=gates,
            outcomes=outcomes,
            tampering=tampering,
            feedback=feedback(gates, outcomes),
            seconds=seconds,
        )

    async def judge_combined(self, commit: str, label: str) -> tuple[GateResult, ...]:
        """The post gates on `commit`. What is red at the run's base too blames nobody; the base is asked
        only when something is red, and once.
        """
        results = await self._gates(self._plan.gates.post, GateScope.POST, commit, label)
        if not any(result.status.is_red for result in results):
            return results
        base = self._plan.base_commit
        return excuse(results, await self._red_before_post.get(base, lambda: self._red_post(base)))

    async def _prepare(self, base: str) -> Baseline:
        label = f"base-{base[:16]}"
        planned = [issue for package in self._plan.packages for issue in package.issues]
        gates, checks, scans = await side_by_side(
            self._package_gates(self._plan.packages, base, f"{label}-gates", frozenset()),
            self._run_checks(self._checks_of(planned), base, f"{label}-checks"),
            self._scan(self._tools_of(planned), base, label),
        )
        for gate in gates:
            if gate.status is GateStatus.ERROR:
                raise ToolError(
                    f"The gate `{gate.name}` cannot be run: {gate.output}",
                    next_step="Install the program, or correct the command in [gates] of polly.toml.",
                )
        red = frozenset(gate.name for gate in gates if gate.status.is_red)
        return Baseline(red_before=red, checks=checks, scans=scans)

    async def _red_post(self, base: str) -> frozenset[str]:
        label = f"base-{base[:16]}-post"
        results = await self._gates(self._plan.gates.post, GateScope.POST, base, label)
        return frozenset(result.name for result in results if result.status.is_red)

    async def _package_gates(
        self, packages: Sequence[WorkPackage], commit: str, label: str, red_before: frozenset[str]
    ) -> tuple[GateResult, ...]:
        roles = dict.fromkeys(package.role for package in packages)
        of_roles = (gate for role in roles for gate in self._role_gates.get(role, ()))
        gates = tuple(dict.fromkeys((*self._plan.gates.package, *of_roles)))
        return excuse(await self._gates(gates, GateScope.PACKAGE, commit, label), red_before)

    async def _gates(
        self, gates: Sequence[GateCommand], scope: GateScope, commit: str, label: str
    ) -> tuple[GateResult, ...]:
        return await run_gates(
            gates,
            scope=scope,
            commit=commit,
            label=label,
            workspaces=self._workspaces,
            limit=self._limit,
            serial=self._serial,
        )

    async def _evidence(
        self, package: WorkPackage, baseline: Baseline, commit: str, changed: Sequence[str], label: str
    ) -> dict[str, list[Evidence]]:
        """What was executed for each issue of the package: rescans first, then checks."""
        tools = [tool for tool in self._tools_of(package.issues) if not baseline.scans[tool].error]
        numbers = self._checks_of(package.issues)
        runs, scans = await side_by_side(
            self._run_checks(numbers, commit, f"{label}-checks"), self._scan(tools, commit, label)
        )
        evidence: dict[str, list[Evidence]] = {issue: [] for issue in package.issues}
        issues = self._known(package.issues)
        for tool in self._tools_of(package.issues):
            before = baseline.scans[tool]
            # A scanner without an answer at the base was not asked again.
            after = scans.get(tool, before)
            judged = await asyncio.to_thread(judge_rescan, issues, before, after, changed)
            for issue, found in judged.items():
                evidence[issue].append(found)
        for number, check in numbers.items():
            for issue in [each for each in package.issues if each in check.issues]:
                evidence[issue].append(judge_check(baseline.checks[number], runs[number]))
        return evidence

    async def _run_checks(
        self, checks: Mapping[int, CheckSettings], commit: str, label: str
    ) -> dict[int, CheckRun]:
        return await checks_at(
            checks, commit=commit, label=label, workspaces=self._workspaces, limit=self._limit
        )

    async def _scan(self, tools: Sequence[str], commit: str, label: str) -> dict[str, Scan]:
        async def one(tool: str) -> Scan:
            async with self._limit:
                return await rescan(
                    tool,
                    self._settings.rescan[tool],
                    commit=commit,
                    label=f"{label}-rescan-{re.sub(r'[^A-Za-z0-9_-]', '_', tool)}",
                    workspaces=self._workspaces,
                    read_findings=self._read_findings,
                )

        return dict(zip(tools, await side_by_side(*(one(tool) for tool in tools)), strict=True))

    def _outcomes(
        self,
        package: WorkPackage,
        said: Mapping[str, Sequence[Evidence]],
        claims: Mapping[str, Claim],
        *,
        landable: bool,
    ) -> tuple[IssueOutcome, ...]:
        outcomes = []
        for issue in package.issues:
            claimed = [claim_evidence(claims[issue])] if issue in claims else []
            evidence = (*said.get(issue, ()), *claimed)
            outcomes.append(
                IssueOutcome(issue=issue, verdict=verdict(evidence, landable=landable), evidence=evidence)
            )
        return tuple(outcomes)

    def _known(self, ids: Sequence[str]) -> list[Issue]:
        return [self._issues[each] for each in ids if each in self._issues]

    def _checks_of(self, ids: Sequence[str]) -> dict[int, CheckSettings]:
        wanted = set(ids)
        return {
            number: check
            for number, check in enumerate(self._settings.checks)
            if not wanted.isdisjoint(check.issues)
        }

    def _tools_of(self, ids: Sequence[str]) -> list[str]:
        issues = self._known(ids)
        return [tool for tool in self._settings.rescan if any(belongs(issue, tool) for issue in issues)]


@dataclass(frozen=True, kw_only=True)
class _Timed(Generic[T]):
    result: T
    seconds: float


async def _timed(work: Coroutine[Any, Any, T]) -> "_Timed[T]":
    started = time.monotonic()
    return _Timed(result=await work, seconds=time.monotonic() - started)
