"""Running a plan: pre gates, then wave after wave, each combined and judged as a whole."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence

from polly.errors import PollyError
from polly.events.catalog import (
    GateEnded,
    IssuePlanned,
    PackageEnded,
    PackagePlanned,
    RunEnded,
    RunInterrupted,
    RunResumed,
    RunStarted,
    StageEnded,
    WaveEnded,
    WaveStarted,
)
from polly.events.event import EventData
from polly.execution.agents.base import Agent
from polly.execution.context import RunContext
from polly.execution.executor import Executor
from polly.execution.fleet import run_wave
from polly.execution.ports import Limits
from polly.pipeline.briefing import evidence_of, instructions_of, templates_of
from polly.pipeline.judging import Judging
from polly.pipeline.project import Project
from polly.pipeline.protection import protection
from polly.pipeline.quality import MeasuringJudge
from polly.pipeline.routing import ROUTING_FILE, read_decisions, run_events
from polly.pipeline.runs import OpenRun
from polly.settings import RunSettings
from polly.verification.bisect import blame
from polly.work.run import GateResult, PackageState, RunRecord, RunState, Verdict


class PreGateError(PollyError):
    """A gate that must pass before the run fails on the base commit."""


async def execute(
    project: Project,
    run: OpenRun,
    *,
    agent: Agent,
    executor: Executor,
    seconds: dict[str, float],
    role_agents: Mapping[str, Agent] | None = None,
) -> RunRecord:
    """Bring the run to its end, from its beginning or from where an earlier process left it.

    `role_agents`, by role, work instead of `agent`. `seconds` are those of the stages before it. When the
    task is cancelled, every process of the run is stopped, the journal says so, and CancelledError goes on.
    Raises PreGateError and PauseError.
    """
    flow = _Flow(project, run, agent, executor, role_agents or {})
    flow.start(seconds)
    try:
        await flow.go()
    except asyncio.CancelledError:
        run.journal.append(RunInterrupted(run=run.run, reason="stopped by the user"))
        raise
    except PollyError as error:
        run.journal.append(RunInterrupted(run=run.run, reason=str(error)))
        raise
    finally:
        run.write_record()
    return run.record


class _Flow:
    """One process's work on one run."""

    def __init__(
        self,
        project: Project,
        run: OpenRun,
        agent: Agent,
        executor: Executor,
        role_agents: Mapping[str, Agent],
    ) -> None:
        self._project = project
        self._run = run
        roles = project.roles()
        self._judging = Judging.of(project, run, roles)
        self._judge = self._judging.judge
        self._workspaces = self._judging.workspaces
        self._context = RunContext(
            run=run.run,
            project_path=str(project.root),
            plan=run.plan,
            issues={issue.id: issue for issue in run.inventory.issues},
            agent=agent,
            executor=executor,
            workspaces=self._workspaces,
            journal=run.journal,
            fold=run.fold,
            judge=MeasuringJudge(judge_of=self._judge, store=run.store),
            limits=_limits(project.settings.run, run.agents),
            folder=run.folder,
            evidence=evidence_of(project, run.plan, run.inventory, roles),
            templates=templates_of(project),
            role_instructions=instructions_of(roles),
            role_agents=role_agents,
            protected=protection(project, run.plan, roles),
        )

    def start(self, seconds: dict[str, float]) -> None:
        """Record the beginning, or that the run goes on."""
        if self._run.journal.rows():
            self._append(RunResumed(run=self._run.run))
            return
        self._append(
            RunStarted(
                run=self._run.run,
                project_path=str(self._project.root),
                base_commit=self._run.plan.base_commit,
                branch=self._project.repository.head().branch,
                agent=self._context.agent.name,
                agents=self._run.agents,
                attempts=self._context.limits.attempts,
                packages=len(self._run.plan.packages),
                issues=len(self._run.inventory.issues),
            ),
            *self._planned_events(),
            *self._routing_events(),
            *(StageEnded(run=self._run.run, stage=stage, seconds=took) for stage, took in seconds.items()),
        )

    async def go(self) -> None:
        """The waves in order, each from the tree that the one before left."""
        await self._pre_gates()
        base = self._run.plan.base_commit
        for wave in self._run.plan.waves:
            done = next((w for w in self._run.record.waves if w.number == wave and w.commit), None)
            base = done.commit if done and done.commit else await self._wave(wave, base)
        if self._run.record.state is not RunState.FINISHED:
            self._append(self._ended())
        await asyncio.to_thread(self._workspaces.remove, "")

    async def _pre_gates(self) -> None:
        gates = self._run.plan.gates.pre
        if not gates or self._run.record.waves:
            return
        results = await self._judging.pre_gates(gates, self._run.plan.base_commit)
        self._append(*(GateEnded(run=self._run.run, gate=gate) for gate in results))
        red = next((gate for gate in results if gate.status.is_red), None)
        if red:
            raise PreGateError(
                f"The gate `{red.name}` fails on the base commit, before any agent:\n{red.output.strip()}",
                next_step="Make it pass and commit, or take it out of [gates] pre.",
            )

    async def _wave(self, wave: int, base: str) -> str:
        self._append(WaveStarted(run=self._run.run, wave=wave, base_commit=base))
        await self._work(wave, base)
        landable = {
            package.id: record.commit
            for package in self._run.plan.in_wave(wave)
            if (record := self._run.fold.package(package.id)).state is PackageState.READY and record.commit
        }
        commit = await self._combine(wave, base, landable)
        self._append(
            WaveEnded(
                run=self._run.run,
                wave=wave,
                commit=commit,
                tree=self._run.store.tree_of(commit),
                packages=tuple(landable),
            )
        )
        self._run.write_record()
        return commit

    async def _work(self, wave: int, base: str) -> None:
        # What gates and scanners say about the base is found while the agents work. A gate that cannot be
        # run at all is known before the first agent is done, and stops the wave.
        baseline = asyncio.create_task(self._judge.prepare(base))
        agents = asyncio.create_task(run_wave(self._context, wave, base))
        try:
            await asyncio.wait({baseline, agents}, return_when=asyncio.FIRST_EXCEPTION)
            if baseline.done():
                baseline.result()
            await agents
        finally:
            for task in (agents, baseline):
                task.cancel()
            await asyncio.gather(agents, baseline, return_exceptions=True)

    async def _combine(self, wave: int, base: str, landable: dict[str, str]) -> str:
        """The combined commit of the packages that are green together; the guilty ones leave `landable`."""
        while True:
            commit = await self._combined(wave, base, landable)
            if not landable:
                return commit
            results = await self._judge.judge_combined(commit, label=f"wave-{wave}")
            self._append(*(GateEnded(run=self._run.run, gate=gate) for gate in results))
            if not any(gate.status.is_red for gate in results):
                return commit
            guilty = await self._blame(wave, base, landable)
            if not guilty:
                # It was red once and green when asked again; what it says last is what counts.
                again = await self._judge.judge_combined(commit, label=f"wave-{wave}-again")
                self._append(*(GateEnded(run=self._run.run, gate=gate) for gate in again))
                return commit
            self._drop(guilty, results, landable)

    async def _combined(self, wave: int, base: str, landable: dict[str, str]) -> str:
        begun = time.monotonic()
        if not landable:
            return base
        ref = f"refs/polly/wave-{wave}"
        commit = await asyncio.to_thread(self._run.store.combine, base, landable, ref)
        self._append(StageEnded(run=self._run.run, stage="combine", seconds=time.monotonic() - begun))
        return commit

    async def _blame(self, wave: int, base: str, landable: dict[str, str]) -> tuple[str, ...]:
        begun = time.monotonic()

        async def is_red(packages: frozenset[str]) -> bool:
            chosen = {each: landable[each] for each in landable if each in packages}
            label = f"blame-{wave}-" + "-".join(chosen)
            ref = "refs/polly/blame"
            commit = await asyncio.to_thread(self._run.store.combine, base, chosen, ref) if chosen else base
            results = await self._judge.judge_combined(commit, label=label[:100])
            return any(gate.status.is_red for gate in results)

        guilty = await blame(tuple(landable), is_red)
        self._append(StageEnded(run=self._run.run, stage="blame", seconds=time.monotonic() - begun))
        return guilty

    def _drop(self, guilty: Sequence[str], results: Sequence[GateResult], landable: dict[str, str]) -> None:
        names = ", ".join(gate.name for gate in results if gate.status.is_red)
        together = f" (together: {', '.join(guilty)})" if len(guilty) > 1 else ""
        for package in guilty:
            del landable[package]
            self._append(
                PackageEnded(
                    run=self._run.run,
                    package=package,
                    attempt=None,
                    state=PackageState.DROPPED,
                    detail=f"the combined tree is red with it: {names}{together}",
                )
            )

    def _ended(self) -> RunEnded:
        record = self._run.record
        outcomes = [outcome for package in record.packages for outcome in package.outcomes]
        fixed = sum(outcome.verdict is Verdict.FIXED for outcome in outcomes)
        planned = sum(len(package.issues) for package in self._run.plan.packages)
        return RunEnded(
            run=self._run.run,
            verified=fixed,
            unverified=planned + len(self._run.plan.unplanned) - fixed,
            red=any(package.state is not PackageState.READY for package in record.packages),
        )

    def _planned_events(self) -> list[EventData]:
        run, plan = self._run.run, self._run.plan
        owner = {issue: package.id for package in plan.packages for issue in package.issues}
        return [
            *(
                PackagePlanned(
                    run=run,
                    package=package.id,
                    title=package.title,
                    role=package.role,
                    priority=package.priority,
                    wave=package.wave,
                    issues=package.issues,
                    modify=package.files.modify,
                    create=package.files.create,
                    estimated_minutes=package.estimated_minutes,
                )
                for package in plan.packages
            ),
            *(
                IssuePlanned(
                    run=run,
                    issue=issue.id,
                    package=owner.get(issue.id),
                    severity=issue.severity,
                    title=issue.title,
                    fingerprint=issue.fingerprint,
                    locations=issue.locations,
                    tool=issue.source.tool,
                    rule=issue.source.rule,
                )
                for issue in self._run.inventory.issues
            ),
        ]

    def _routing_events(self) -> Iterable[EventData]:
        run = self._run
        decisions = read_decisions(run.folder / ROUTING_FILE)
        return run_events(run.run, str(self._project.root), run.plan, run.inventory, decisions)

    def _append(self, *events: EventData) -> None:
        self._run.journal.append(*events)


def _limits(settings: RunSettings, agents: int) -> Limits:
    return Limits(
        agents=agents,
        attempts=settings.attempts,
        timeout_seconds=settings.timeout_minutes * 60,
        output_bytes=int(settings.max_output_mb * 1_000_000),
        disk_bytes=int(settings.max_disk_mb * 1_000_000),
        max_cost_usd=settings.max_cost,
    )
