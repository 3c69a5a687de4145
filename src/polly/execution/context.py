"""What the packages of one run share."""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from polly.execution.agents.base import Agent
from polly.execution.agents.prompt import Evidence, Note
from polly.execution.agents.registry import keys_of
from polly.execution.executor import Executor
from polly.execution.fold import RunFold
from polly.execution.journal import Journal
from polly.execution.ports import BudgetError, Judge, KeyRefusedError, Limits
from polly.execution.prompts.templates import Templates
from polly.work.issues import Issue
from polly.work.plan import Files, Plan, WorkPackage
from polly.work.requests import Answer, files_with
from polly.workspaces.checkout import Workspaces


@dataclass(kw_only=True)
class RunContext:
    """Plan, tools and limits of one run. `folder` is the run directory, for the records of packages.

    role_instructions: what a specialist of each role is told. role_agents: who works on the packages of a
    role instead of `agent`.
    protected: why no agent is given this file, or None when it may be.
    """

    run: str
    project_path: str
    plan: Plan
    issues: Mapping[str, Issue]
    agent: Agent
    executor: Executor
    workspaces: Workspaces
    journal: Journal
    fold: RunFold
    judge: Judge
    limits: Limits
    folder: Path
    evidence: Evidence = field(default_factory=Evidence)
    templates: Templates | None = None
    role_instructions: Mapping[str, str] = field(default_factory=dict)
    role_agents: Mapping[str, Agent] = field(default_factory=dict)
    protected: Callable[[str], str | None] = field(default=lambda _: None)

    def __post_init__(self) -> None:
        # Of an agent by name: why the model took no key of it, once one of its attempts has been told so.
        self.key_refused: dict[str, str] = {}
        self.agents = asyncio.Semaphore(self.limits.agents)
        # Checkouts compute. Made one after another, the first agent starts while the next is being made.
        self.checkouts = asyncio.Semaphore(os.cpu_count() or 1)
        # A few workspaces are made ahead, so that no agent waits for one; not all of them, for the disk.
        self.places = asyncio.Semaphore(self.limits.agents + min(self.limits.agents, 4))

    def agent_of(self, package: WorkPackage) -> Agent:
        """Who works on the package."""
        return self.role_agents.get(package.role, self.agent)

    def files_of(self, package: WorkPackage) -> Files:
        """What the package may write: by the plan, and by what it was granted since."""
        return files_with(package.files, self.fold.package(package.id).requests)

    def wave_files(self, wave: int) -> dict[str, Files]:
        """The files of each package of a wave, as they are now."""
        return {package.id: self.files_of(package) for package in self.plan.in_wave(wave)}

    def notes_for(self, package: WorkPackage) -> tuple[Note, ...]:
        """What other packages wanted of this one's files and were not given, each wish once."""
        files = self.files_of(package)
        wishes = (
            Note(package=other.id, path=asked.path, reason=asked.reason)
            for other in self.plan.packages
            if other.id != package.id
            for asked in self.fold.package(other.id).requests
            if asked.answer is Answer.OWNED and (asked.owner == package.id or files.owns(asked.path))
        )
        return tuple(dict.fromkeys(wishes))

    def refuse_in_vain(self) -> None:
        """Raises PauseError when another attempt can only fail, or would cost more than the run may."""
        for agent, why in self.key_refused.items():
            named = " or ".join(keys_of(agent)[:3]) or "the key of the agent"
            raise KeyRefusedError(
                f"The agent {agent} cannot work: {why}",
                next_step=f"Set {named} right in this shell, and go on with: polly resume",
            )
        self._refuse_without_budget()

    def _refuse_without_budget(self) -> None:
        limit = self.limits.max_cost_usd
        spent = sum(
            attempt.cost_usd or 0.0
            for package in self.plan.packages
            for attempt in self.fold.package(package.id).attempts
        )
        if limit is not None and spent >= limit:
            raise BudgetError(
                f"The agents reported {spent:.2f} USD, and the limit of this run is {limit:.2f}",
                next_step="Raise [run] max_cost and go on with: polly resume",
            )
