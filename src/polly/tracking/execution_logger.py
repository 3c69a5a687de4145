"""AgentExecutionLogger: an agent tells when it began, how far it is and how it ended."""

import enum
import itertools
import logging
import time
from collections.abc import Generator, Mapping
from types import TracebackType
from typing import Any, Self, SupportsFloat

from polly.events.agents import AgentEvent, ExecutionCompleted, ExecutionProgressed, ExecutionStarted
from polly.events.envelope import uuid7
from polly.events.status import OperationStatus
from polly.tracking.origin import origin
from polly.tracking.plain import plain_text, table
from polly.tracking.spooled import record

_log = logging.getLogger("polly.tracking")
_ENDS = (OperationStatus.SUCCESS, OperationStatus.FAILED, OperationStatus.CANCELLED)


class ExecutionId(str):
    """The id of an execution; `await` gives the same id, for callers that are coroutines."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, None, str]:
        yield from ()
        return str(self)


class Told:
    """What `progress` and `complete` return: `await` it or leave it, the event is recorded already."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, None, None]:
        yield from ()


class AgentExecutionLogger:
    """Records one execution of an agent: `start`, any number of `progress`, one `complete`.

    Each call appends one event to the spool before it returns and may be awaited or not. No call ever raises:
    what could not be recorded is told by `trouble` and once by the logger "polly.tracking". Threads and tasks
    may share it. As a context manager, also with `async with`, it starts, and ends as the block ends.

    Ids may be any text. Those that are not given are the environment's (CORRELATION_ID, POLLY_SESSION_ID, …),
    else new ones.
    """

    def __init__(
        self,
        agent_name: str,
        *,
        user_prompt: str | None = None,
        correlation_id: object = None,
        session_id: object = None,
        metadata: Mapping[str, Any] | None = None,
        project_path: object = None,
        project_name: object = None,
        claude_session_id: object = None,
        terminal_id: object = None,
    ) -> None:
        self.agent_name = plain_text(agent_name).strip() or "unnamed"
        self.execution_id = ExecutionId(uuid7())
        self.trouble = ""
        self._origin = origin(
            correlation_id=correlation_id,
            session=session_id or claude_session_id,
            project_path=project_path,
            project_name=project_name,
        )
        self._user_prompt = None if user_prompt is None else plain_text(user_prompt)
        self._terminal_id = None if terminal_id is None else plain_text(terminal_id)
        self._metadata = metadata
        # `next` is one step for all threads, and no lock that a forked process could inherit taken.
        self._starts, self._ends = itertools.count(), itertools.count()
        self._is_complete = False
        self._began = time.monotonic()

    @property
    def correlation_id(self) -> str:
        """What joins the events of this execution with those of others."""
        return self._origin.correlation_id

    @property
    def session_id(self) -> str:
        """The session to which this execution belongs."""
        return self._origin.session

    def start(self) -> ExecutionId:
        """Records that the agent began; a second call records nothing. Returns the id of the execution."""
        if next(self._starts) == 0:
            self._began = time.monotonic()
            self._record(
                ExecutionStarted(
                    **self._whose(),
                    user_prompt=self._user_prompt,
                    terminal_id=self._terminal_id,
                    metadata=table(self._metadata),
                )
            )
        return self.execution_id

    def progress(
        self, stage: str, percent: float | None = None, metadata: Mapping[str, Any] | None = None
    ) -> Told:
        """Records how far the agent is. A percent that is not in 0 to 100 is left out, the note is kept."""
        said = _number(percent, most=100.0)
        if percent is not None and said is None:
            _log.warning("progress %r of %s is not in 0 to 100 and was left out", percent, self.agent_name)
        self._record(
            ExecutionProgressed(
                **self._whose(),
                stage=plain_text(stage).strip() or "unnamed",
                percent=said,
                metadata=table(metadata),
            )
        )
        return Told()

    def complete(
        self,
        status: OperationStatus | str = OperationStatus.SUCCESS,
        *,
        quality_score: float | None = None,
        error_message: object = None,
        error_type: object = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Told:
        """Records how the agent ended; only the first call counts.

        status: `success`, `failed` (or `error`), `cancelled`. Any other word counts as failed, and is kept in
        the metadata as `unknown_status`. quality_score: 0 to 1, else it is left out.
        """
        self._is_complete = True
        if next(self._ends):
            _log.warning("the execution %s was completed already", self.execution_id)
            return Told()
        ended = _end(status)
        notes = table(metadata)
        if ended is None:
            _log.warning("%r is no status in which an execution ends; it counts as failed", status)
            notes["unknown_status"] = plain_text(status)
        self._record(
            ExecutionCompleted(
                **self._whose(),
                status=(ended or OperationStatus.FAILED).value,
                duration_ms=round(max(0.0, time.monotonic() - self._began) * 1000, 3),
                error_message=None if error_message is None else plain_text(error_message),
                error_type=None if error_type is None else plain_text(error_type),
                quality_score=_number(quality_score, most=1.0),
                metadata=notes,
            )
        )
        return Told()

    def __await__(self) -> Generator[Any, None, Self]:
        yield from ()
        return self

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_complete:
            return
        if error is None or (isinstance(error, SystemExit) and not error.code):
            self.complete()
            return
        self.complete(_end_by(error), error_message=error, error_type=type(error).__name__)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def _whose(self) -> dict[str, Any]:
        return {
            "execution": str(self.execution_id),
            "agent_name": self.agent_name,
            "run": self._origin.run,
            "project_path": self._origin.project_path,
            "project_name": self._origin.project_name,
        }

    def _record(self, event: AgentEvent) -> None:
        done = record(event, self._origin)
        if done.trouble and not self.trouble:
            _log.warning("executions are not recorded: %s", done.trouble)
        self.trouble = done.trouble or self.trouble


def log_agent_execution(agent_name: str, **options: Any) -> AgentExecutionLogger:
    """A logger that has started; takes what AgentExecutionLogger takes. May be awaited or not."""
    logger = AgentExecutionLogger(agent_name, **options)
    logger.start()
    return logger


def _end_by(error: BaseException) -> OperationStatus:
    """Ctrl-C, a cancelled task and a closed generator are no failures: they are no Exception either."""
    is_failure = isinstance(error, Exception | SystemExit)
    return OperationStatus.FAILED if is_failure else OperationStatus.CANCELLED


def _end(status: object) -> OperationStatus | None:
    try:
        said = OperationStatus.parse(plain_text(status.value if isinstance(status, enum.Enum) else status))
    except ValueError:
        return None
    return said if said in _ENDS else None


def _number(value: object, *, most: float) -> float | None:
    """The number from 0 to `most`; None for anything else."""
    if isinstance(value, bool | str) or not isinstance(value, SupportsFloat):
        return None
    try:
        number = float(value)
    except Exception:  # noqa: BLE001 - a foreign number may do anything
        return None
    return number if 0 <= number <= most else None
