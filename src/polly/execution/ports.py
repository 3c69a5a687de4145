"""What execution needs from the stages beside it, as ports that the pipeline fills."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from polly.errors import PollyError
from polly.work.plan import WorkPackage
from polly.work.run import Claim, GateResult, IssueOutcome, QualityChange, Tampering


class Judgement(Protocol):
    """What gates and evidence said about one package's frozen tree.

    `feedback` is what another attempt should know, None when there is nothing to improve. `seconds` by stage.
    `quality` of the changed files is None when it was not measured.
    """

    @property
    def gates(self) -> tuple[GateResult, ...]: ...
    @property
    def outcomes(self) -> tuple[IssueOutcome, ...]: ...
    @property
    def tampering(self) -> tuple[Tampering, ...]: ...
    @property
    def feedback(self) -> str | None: ...
    @property
    def seconds(self) -> Mapping[str, float]: ...
    @property
    def quality(self) -> QualityChange | None: ...


class Judge(Protocol):
    """The port to verification."""

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
        """Gates and evidence for base + this one package."""
        ...


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a run may use. `max_cost_usd` counts what agents reported."""

    agents: int
    attempts: int
    timeout_seconds: float
    output_bytes: int
    disk_bytes: int
    max_cost_usd: float | None


class PauseError(PollyError):
    """More attempts would be in vain now; the run pauses, loses nothing, and can be resumed."""


class BudgetError(PauseError):
    """The money of the run is used up."""


class KeyRefusedError(PauseError):
    """The model refuses the key of the agent: every other attempt would end as this one did."""
