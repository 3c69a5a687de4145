"""Reads stored actions back."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Action:
    """One action of an agent."""

    agent_name: str
    action_type: str
    action_name: str


class ActivityClient:
    """Answers questions about one database; use it as a context manager."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._connection: sqlite3.Connection | None = None

    @property
    def is_open(self) -> bool:
        """True between `open` and `close`."""
        return self._connection is not None

    def open(self) -> None:
        """Connects; does nothing when connected."""
        if self._connection is None:
            self._connection = sqlite3.connect(self._database)

    def close(self) -> None:
        """Disconnects; does nothing when not connected."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def actions(self, correlation_id: str) -> list[Action]:
        """The actions of one request in the order in which they were recorded."""
        if self._connection is None:
            raise RuntimeError("the client is closed: call open() first")
        rows = self._connection.execute(
            "SELECT agent_name, action_type, action_name FROM agent_actions"
            " WHERE correlation_id = ? ORDER BY recorded_at",
            (correlation_id,),
        )
        return [Action(*row) for row in rows]

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
