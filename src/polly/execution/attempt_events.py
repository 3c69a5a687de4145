"""What the journal says of one attempt. Pure: from what happened to the events that tell it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from polly.events.agents import ExecutionCompleted, ExecutionStarted
from polly.events.catalog import (
    AttemptEnded,
    AttemptJudged,
    AttemptStarted,
    ChangesCaptured,
    GateEnded,
    QualityMeasured,
    StageEnded,
    TamperingFound,
    VerdictReached,
)
from polly.events.event import EventData
from polly.execution.agents.base import Result
from polly.execution.agents.listening import Said
from polly.execution.journal import correlation_id
from polly.execution.ports import Judgement
from polly.execution.watch import Ending
from polly.work.run import AttemptOutcome
from polly.workspaces.capture import Capture

#: OperationStatus of the execution record by how the attempt ended; everything else is a failure.
_STATUS = {AttemptOutcome.FINISHED: "success", AttemptOutcome.CANCELLED: "cancelled"}


@dataclass(frozen=True)
class AttemptEvents:
    """The events of one attempt. agent: the name of the agent that made it."""

    run: str
    package: str
    number: int
    agent: str

    @property
    def execution(self) -> str:
        """The id of its execution record: the same whenever it is asked for."""
        return correlation_id(f"{self.run}/{self.package}/{self.number}")

    def started(
        self, *, role: str, base: str, workspace: str, project_path: str
    ) -> tuple[EventData, EventData]:
        """It begins, on this commit and in this folder."""
        return (
            AttemptStarted(
                run=self.run,
                package=self.package,
                attempt=self.number,
                agent=self.agent,
                role=role,
                base_commit=base,
                workspace=workspace,
            ),
            ExecutionStarted(
                run=self.run,
                execution=self.execution,
                agent_name=self.agent,
                package=self.package,
                attempt=self.number,
                project_path=project_path,
            ),
        )

    def not_started(self, why: str) -> tuple[EventData, EventData]:
        """There was nothing to begin in."""
        outcome = AttemptOutcome.NOT_STARTED
        return (
            AttemptEnded(
                run=self.run, package=self.package, attempt=self.number, outcome=outcome, detail=why
            ),
            self._completed(Ending(outcome=outcome, seconds=0.0, detail=why), {}),
        )

    def ended(
        self,
        ending: Ending,
        said: Said,
        result: Result,
        *,
        redactions: Mapping[str, int],
        requests_left_out: int,
    ) -> tuple[EventData, EventData]:
        """How it ended, what it cost by its own words, and what it claims to have done."""
        figures = {
            **said.figures,
            **({"_redacted": redactions} if redactions else {}),
            **({"tokens": asdict(said.tokens)} if said.tokens else {}),
            **({"cost_usd": said.cost_usd} if said.cost_usd is not None else {}),
            **({"requests_left_out": requests_left_out} if requests_left_out else {}),
        }
        return (
            AttemptEnded(
                run=self.run,
                package=self.package,
                attempt=self.number,
                outcome=ending.outcome,
                exit_code=ending.exit_code,
                seconds=ending.seconds,
                output_bytes=ending.output_bytes,
                tokens=said.tokens.total if said.tokens else None,
                cost_usd=said.cost_usd,
                detail="; ".join(filter(None, (ending.detail, result.note))),
                claims=result.claims,
                redactions=dict(redactions),
                key_refused=ending.key_refused,
            ),
            self._completed(ending, figures),
        )

    def _completed(self, ending: Ending, figures: Mapping[str, Any]) -> ExecutionCompleted:
        finished = ending.outcome is AttemptOutcome.FINISHED
        return ExecutionCompleted(
            run=self.run,
            execution=self.execution,
            agent_name=self.agent,
            status=_STATUS.get(ending.outcome, "failed"),
            duration_ms=round(ending.seconds * 1000),
            error_message=None if finished else ending.detail or ending.outcome.value,
            metadata=dict(figures),
        )

    def captured(self, taken: Capture) -> EventData:
        """What it left behind."""
        return ChangesCaptured(
            run=self.run,
            package=self.package,
            attempt=self.number,
            tree=taken.tree,
            commit=taken.commit,
            owned_changed=taken.owned_changed,
            strays=taken.strays,
        )

    def findings(self, judgement: Judgement) -> list[EventData]:
        """What was found out about it."""
        run, package, attempt = self.run, self.package, self.number
        found: list[EventData] = [
            *(GateEnded(run=run, package=package, attempt=attempt, gate=gate) for gate in judgement.gates),
            *(
                VerdictReached(run=run, package=package, attempt=attempt, outcome=outcome)
                for outcome in judgement.outcomes
            ),
            *(TamperingFound(run=run, attempt=attempt, tampering=each) for each in judgement.tampering),
        ]
        if judgement.quality is not None:
            found.append(
                QualityMeasured(
                    run=run,
                    package=package,
                    attempt=attempt,
                    execution=self.execution,
                    agent_name=self.agent,
                    quality=judgement.quality,
                )
            )
        return found + [
            StageEnded(run=run, stage=stage, seconds=seconds, package=package)
            for stage, seconds in judgement.seconds.items()
        ]

    def judged(self, *, feedback: str | None, again: bool) -> EventData:
        """It is accepted, or another one follows."""
        return AttemptJudged(
            run=self.run,
            package=self.package,
            attempt=self.number,
            accepted=not again,
            feedback=feedback,
        )
