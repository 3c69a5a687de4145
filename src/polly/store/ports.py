"""What a store of events offers. A new backend passes tests/contract/store."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec
import sqlalchemy as sa

from polly.events.transfer import Batch, DeadLetter, IngestResult, Record
from polly.work.effort import EffortSample
from polly.work.routing import Outcome
from polly.work.run import RunState, Verdict

if TYPE_CHECKING:
    from polly.store.ingest.judge import Event

_Answer = TypeVar("_Answer")


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


class Refiller(Protocol):
    """Writes rows of stored events anew, inside a transaction."""

    def refill(self, events: "Iterable[Event]") -> Counter[str]:
        """Adds what the tables lack of the events that are stored: rows written by table, or nothing.

        Events that are not stored (any more) are left. Raises RecordRefused.
        """
        ...

    def would_store(self, events: "Sequence[Event]") -> bool:
        """Would all of these events be stored? Nothing of them is kept."""
        ...


class Store(Protocol):
    """Keeps events once each, in whatever order and however often they come. One thread uses it at a time.

    Every method raises StoreUnavailable when the database cannot do its part now, StoreMisconfigured when it
    will not until somebody changes something, and nothing of the database's client.
    """

    @property
    def engine(self) -> sa.Engine:
        """For readers and migrations."""
        ...

    @property
    def place(self) -> str:
        """Where it is, as it may be shown to anybody."""
        ...

    def ingest(self, batches: Sequence[Batch], *, most_dead: int | None = None) -> IngestResult:
        """Stores batches, each of another stream, and the new positions of their streams in one transaction.

        A record that cannot be stored becomes a dead letter, in the same transaction, and never costs its
        neighbours. With nothing written, raises OffsetMoved when a stream does not stand at its batch's
        start (one that was never seen stands anywhere), and TooManyDead for more letters than `most_dead`.
        """
        ...

    def expect(self, records: Mapping[str, Sequence[Record]]) -> None:
        """A hint: these records come next, by stream. What they are may be found out ahead."""
        ...

    def refilling(self, *, keep: bool) -> AbstractContextManager[Refiller]:
        """A transaction in which rows of stored events are written anew; without `keep` nothing stays."""
        ...

    def position(self, stream: str) -> int:
        """Where the next batch of the stream starts; 0 for a stream never seen."""
        ...

    def forget(self, stream: str) -> None:
        """Drops the position of a stream that is gone for good. Its events stay."""
        ...

    def unpublished_letters(self, streams: Collection[str]) -> tuple[DeadLetter, ...]:
        """The open dead letters of these streams that no topic has acknowledged, in order."""
        ...

    def mark_published(self, letters: Sequence[DeadLetter]) -> None:
        """A topic has acknowledged these."""
        ...

    def check_writable(self) -> None:
        """Returns when something could be stored now."""
        ...

    def list_runs(self, project_path: str | None = None) -> tuple[RunSummary, ...]:
        """The runs of one project, or of all, the newest first."""
        ...

    def effort_samples(self, project_path: str | None = None) -> tuple[EffortSample, ...]:
        """What issues took whose packages got through, in one project or in all, the newest first."""
        ...

    def outcomes(self, project_path: str | None = None) -> tuple[Outcome, ...]:
        """What became of issues by role, agent and kind, in one project or in all."""
        ...

    def ask(self, question: Callable[[sa.Connection], _Answer]) -> _Answer:
        """What the question finds, all of it as it was at one moment (`polly.store.observations`)."""
        ...

    def change(self, decision: Callable[[sa.Connection], _Answer]) -> _Answer:
        """What the decision returns, after all that it wrote is stored at once (`polly.store.letters`)."""
        ...

    def close(self) -> None:
        """Gives back files and connections."""
        ...
