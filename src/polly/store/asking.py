"""What both stores answer in the same words: SQLAlchemy speaks to either database."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TypeVar

import sqlalchemy as sa

from polly.events.transfer import DeadLetter, Record
from polly.store import readers
from polly.store.ingest.letters import stored_letter
from polly.store.ports import RunSummary
from polly.store.schema import dead_letters, sink_offsets
from polly.work.effort import EffortSample
from polly.work.routing import Outcome

_Answer = TypeVar("_Answer")


class AskingStore:
    """A store without its ingest. A backend says how it translates trouble and how a writer begins."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    def _problems(self, doing: str) -> AbstractContextManager[None]:
        """Turns the database's own trouble into a StoreError."""
        raise NotImplementedError

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with self._problems("written"), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with self._problems("read"), self.engine.connect() as connection:
            yield connection

    def position(self, stream: str) -> int:
        """Where the next batch of the stream starts; 0 for a stream never seen."""
        query = sa.select(sink_offsets.c.next_offset).where(sink_offsets.c.stream == stream)
        with self._reading() as connection:
            return connection.execute(query).scalar() or 0

    def expect(self, records: Mapping[str, Sequence[Record]]) -> None:
        """Nothing is done before they come, unless a backend says otherwise."""

    def forget(self, stream: str) -> None:
        """Drops the position of a stream that is gone for good. Its events stay."""
        with self._writing() as connection:
            connection.execute(sa.delete(sink_offsets).where(sink_offsets.c.stream == stream))

    def unpublished_letters(self, streams: Collection[str]) -> tuple[DeadLetter, ...]:
        """The open dead letters of these streams that no topic has acknowledged, in order."""
        table = dead_letters
        query = (
            sa.select(table)
            .where(
                table.c.stream.in_(sorted(streams)),
                table.c.published_at.is_(None),
                table.c.status == "open",
            )
            .order_by(table.c.stream, table.c.position)
        )
        with self._reading() as connection:
            return tuple(stored_letter(row) for row in connection.execute(query).mappings())

    def mark_published(self, letters: Sequence[DeadLetter]) -> None:
        """A topic has acknowledged these."""
        if not letters:
            return
        table = dead_letters
        mark = (
            sa.update(table)
            .where(
                table.c.stream == sa.bindparam("of_stream"), table.c.position == sa.bindparam("at_position")
            )
            .values(published_at=datetime.now(UTC))
        )
        places = sorted((each.stream, each.record.position) for each in letters)
        with self._writing() as connection:
            connection.execute(
                mark, [{"of_stream": stream, "at_position": position} for stream, position in places]
            )

    def check_writable(self) -> None:
        """Returns when something could be stored now. Raises StoreUnavailable or StoreMisconfigured."""
        table = sink_offsets
        with self._writing() as connection:
            # A row that is there for no other transaction, as it never stays.
            trial = {"stream": "check:writable", "next_offset": 0, "updated_at": datetime.now(UTC)}
            with connection.begin_nested() as nothing:
                connection.execute(sa.delete(table).where(table.c.stream == trial["stream"]))
                connection.execute(sa.insert(table), trial)
                nothing.rollback()

    def list_runs(self, project_path: str | None = None) -> tuple[RunSummary, ...]:
        """The runs of one project, or of all, the newest first."""
        with self._reading() as connection:
            return readers.list_runs(connection, project_path)

    def effort_samples(self, project_path: str | None = None) -> tuple[EffortSample, ...]:
        """What issues took whose packages got through, in one project or in all, the newest first."""
        with self._reading() as connection:
            return readers.effort_samples(connection, project_path)

    def outcomes(self, project_path: str | None = None) -> tuple[Outcome, ...]:
        """What became of issues by role, agent and kind, in one project or in all."""
        with self._reading() as connection:
            return readers.outcomes(connection, project_path)

    def ask(self, question: Callable[[sa.Connection], _Answer]) -> _Answer:
        """What the question finds, all of it as it was at one moment (`polly.store.observations`)."""
        with self._reading() as connection:
            if connection.dialect.name == "postgresql":
                # SQLite gives a reader one view by itself.
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                # A plan for any window would be a bad one for this window.
                connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_custom_plan")
            return question(connection)

    def change(self, decision: Callable[[sa.Connection], _Answer]) -> _Answer:
        """What the decision returns, after all that it wrote is stored at once (`polly.store.letters`)."""
        with self._writing() as connection:
            return decision(connection)

    def close(self) -> None:
        """Gives back files and connections."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
