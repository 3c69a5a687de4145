"""What the packages of one run share."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from polly.execution.agents.base import Agent
from polly.execution.agents.prompt import Evidence
from polly.execution.executor import Executor
from polly.execution.fold import RunFold
from polly.execution.journal import Journal
from polly.execution.ports import BudgetError, Judge, Limits
from polly.execution.prompts.templates import Templates
from polly.work.issues import Issue
from polly.work.plan import Plan
from polly.workspaces.checkout import Workspaces


@dataclass(kw_only=True)
class RunContext:
    """Plan, tools and limits of one run. `folder` is the run directory, for the records of packages."""

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

    def __post_init__(self) -> None:
        self.agents = asyncio.Semaphore(self.limits.agents)
        # Checkouts compute. Made one after another, the first agent starts while the next is being made.
        self.checkouts = asyncio.Semaphore(os.cpu_count() or 1)
        # A few workspaces are made ahead, so that no agent waits for one; not all of them, for the disk.
        self.places = asyncio.Semaphore(self.limits.agents + min(self.limits.agents, 4))

    def refuse_without_budget(self) -> None:
        """Raises BudgetError when the agents have reported as much as the run may cost."""
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
