"""Writes what one execution of an agent goes through, one JSON line per step."""

import datetime as dt
import json
import uuid
from pathlib import Path
from typing import Any

from observability.status import OperationStatus

LOG_FOLDER = Path("/tmp/agent_observability")
LOG_FOLDER.mkdir(parents=True, exist_ok=True)


class ExecutionLogger:
    """Records one execution in `<folder>/<execution id>.jsonl`."""

    def __init__(self, agent_name: str, *, folder: Path = LOG_FOLDER) -> None:
        self.agent_name = agent_name
        self.execution_id = str(uuid.uuid4())
        self._file = folder / f"{self.execution_id}.jsonl"

    def start(self, task: str) -> str:
        """Records the beginning; the execution's id."""
        self._write("started", OperationStatus.IN_PROGRESS, task=task)
        return self.execution_id

    def progress(self, stage: str, percent: float | None = None) -> None:
        """Records that a stage was reached; `percent` of the whole is done, 0 to 100."""
        details: dict[str, Any] = {"stage": stage}
        if percent is not None:
            details["percent"] = percent
        self._write("progressed", OperationStatus.IN_PROGRESS, **details)

    def fail(self, error: BaseException) -> None:
        """Records that the execution ended with an error."""
        self._write("ended", "error", error=str(error), error_type=type(error).__name__)

    def complete(self, quality_score: float | None = None) -> None:
        """Records that the execution did what it was asked to."""
        self._write("ended", OperationStatus.SUCCESS, quality_score=quality_score)

    def cancel(self, reason: str) -> None:
        """Records that somebody stopped the execution."""
        self._write("ended", OperationStatus.CANCELLED, reason=reason)

    def _write(self, step: str, status: str, **details: Any) -> None:
        entry = {
            "execution_id": self.execution_id,
            "agent_name": self.agent_name,
            "step": step,
            "status": status,
            "recorded_at": dt.datetime.now(dt.UTC).isoformat(),
            **details,
        }
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
