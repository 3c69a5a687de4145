"""What a store of events offers. A new backend passes tests/contract/store."""

from datetime import datetime
from typing import Protocol

import msgspec

from polly.events.transfer import Batch, IngestResult
from polly.work.effort import EffortSample
from polly.work.run import RunState, Verdict


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One run as `polly runs` lists it; counts are taken from the rows. A run whose start was never
    recorded has None for what only its start says.
    """

    run: str
    project_path: str | None
    branch: str | None
    agent: str | None
    state: RunState
    started_at: datetime | None
    ended_at: datetime | None
    packages: int
    issues: int
    verdicts: dict[Verdict, int]
    committed_packages: int
    agent_seconds: float


class Store(Protocol):
    """Keeps events once each, in whatever order and however often they come.

    Every method raises StoreError when the database cannot do its part.
    """

    def ingest(self, batch: Batch) -> IngestResult:
        """Stores a batch and the new position of its stream in one transaction.

        A record that cannot be understood becomes a dead letter and never costs its neighbours.
        Raises OffsetMoved, with nothing written, when the stored position is not the batch's start.
        """
        ...

    def position(self, stream: str) -> int:
        """Where the next batch of the stream starts; 0 for a stream never seen."""
        ...

    def forget(self, stream: str) -> None:
        """Drops the position of a stream that is gone for good. Its events stay."""
        ...

    def list_runs(self, project_path: str | None = None) -> tuple[RunSummary, ...]:
        """The runs of one project, or of all, the newest first."""
        ...

    def effort_samples(self, project_path: str | None = None) -> tuple[EffortSample, ...]:
        """What issues took whose packages got through, in one project or in all, the newest first."""
        ...

    def close(self) -> None:
        """Gives back files and connections."""
        ...
