"""What the store knows about a stretch of time: figures of agents, hooks, the router and the pipeline.

Times are aware UTC, durations milliseconds, shares 0 to 1. None means that nothing was there to measure.
"""

from datetime import date, datetime

import msgspec


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """From `since` on, up to and without `until`."""

    since: datetime
    until: datetime


class Durations(msgspec.Struct, frozen=True, kw_only=True):
    """Over executions that ended and say how long they took; percentiles are exact (linear between two)."""

    measured: int = 0
    mean_ms: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None


class Executions(msgspec.Struct, frozen=True, kw_only=True):
    """Executions that began in the window, by where they stand."""

    total: int = 0
    in_progress: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    success_rate: float | None = None

    @classmethod
    def counted(cls, *, in_progress: int, succeeded: int, failed: int, cancelled: int) -> "Executions":
        """With the sums. Only what succeeded or failed says anything about success."""
        judged = succeeded + failed
        return cls(
            total=in_progress + judged + cancelled,
            in_progress=in_progress,
            succeeded=succeeded,
            failed=failed,
            cancelled=cancelled,
            success_rate=succeeded / judged if judged else None,
        )

    @property
    def judged(self) -> int:
        """How many succeeded or failed."""
        return self.succeeded + self.failed


class Actions(msgspec.Struct, frozen=True, kw_only=True):
    """Actions of agents. error_share: of those that say how they ended."""

    total: int = 0
    succeeded: int = 0
    failed: int = 0
    error_share: float | None = None

    @classmethod
    def counted(cls, *, total: int, succeeded: int, failed: int) -> "Actions":
        """With the share."""
        ended = succeeded + failed
        return cls(
            total=total, succeeded=succeeded, failed=failed, error_share=failed / ended if ended else None
        )


class AgentFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One agent, or all others together."""

    executions: Executions
    durations: Durations
    actions: Actions
    agent: str = ""
    first_at: datetime | None = None
    last_at: datetime | None = None


class AgentUsage(msgspec.Struct, frozen=True, kw_only=True):
    """One agent in a list of agents."""

    agent: str
    executions: Executions
    durations: Durations
    failed_actions: int
    first_at: datetime
    last_at: datetime


class HookSource(msgspec.Struct, frozen=True, kw_only=True):
    """Hooks that ran, by who called them."""

    source: str
    fired: int
    failed: int


class RoutingStrategy(msgspec.Struct, frozen=True, kw_only=True):
    """Decisions of the router, by the way it found them."""

    strategy: str
    decisions: int
    mean_confidence: float | None
    mean_ms: float | None


class ErrorKind(msgspec.Struct, frozen=True, kw_only=True):
    """Executions that failed in the same way. `error_type` is None for those that did not say."""

    error_type: str | None
    count: int
    share: float
    mean_ms: float | None
    last_at: datetime


class FailedAction(msgspec.Struct, frozen=True, kw_only=True):
    """Actions of one name that ended in an error."""

    action_name: str
    count: int
    last_at: datetime


class AgentFailures(msgspec.Struct, frozen=True, kw_only=True):
    """How often one agent failed, of the executions that succeeded or failed."""

    agent: str
    failed: int
    judged: int
    failed_actions: int


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """One execution. `started_at` is when it was first heard of."""

    execution: str
    agent: str
    status: str
    started_at: datetime
    duration_ms: float | None
    error_type: str | None
    error_message: str | None
    correlation_id: str
    run: str | None


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """What began within one hour. `error_share`: failed of those that succeeded or failed."""

    at: datetime
    executions: Executions
    failed_actions: int = 0


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """What began on one day, UTC."""

    day: date
    executions: Executions
    mean_ms: float | None


class DeadLetters(msgspec.Struct, frozen=True, kw_only=True):
    """Records that could not be stored and that nobody has looked after yet."""

    open: int = 0
    oldest_at: datetime | None = None


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Events on their way into the store. `oldest_at` is when the first of them was written.

    where: in words, such as "in the spool". next_step: what moves them on.
    """

    where: str
    events: int
    oldest_at: datetime | None
    next_step: str


class Correlations(msgspec.Struct, frozen=True, kw_only=True):
    """How well things can be followed: correlation ids of executions, and those seen elsewhere too."""

    of_executions: int = 0
    with_routing: int = 0
    with_actions: int = 0


class Spending(msgspec.Struct, frozen=True, kw_only=True):
    """What attempts of runs cost, as far as agents told: sums of those that did, None when none did."""

    attempts: int = 0
    tokens: int | None = None
    attempts_with_tokens: int = 0
    cost_usd: float | None = None
    attempts_with_cost: int = 0


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What `polly observe health` judges."""

    window: Window
    executions: Executions
    durations: Durations
    actions: Actions
    hooks: tuple[HookSource, ...]
    routing: tuple[RoutingStrategy, ...]
    errors_of_the_last_hour: tuple[ErrorKind, ...]
    most_attempts: int | None
    detection_failures: int
    dead_letters: DeadLetters

    @property
    def is_empty(self) -> bool:
        """True when nothing at all was recorded in the window."""
        recorded = self.executions.total + self.actions.total + self.detection_failures
        return not (recorded or self.hooks or self.routing)


class Errors(msgspec.Struct, frozen=True, kw_only=True):
    """What `polly observe errors` tells. Lists are the most frequent or newest; totals count everything.

    kinds, agents_failing, failed_action_names: how many there are of what the lists show the top of.
    """

    window: Window
    executions: Executions
    actions: Actions
    kinds: int
    by_kind: tuple[ErrorKind, ...]
    agents_failing: int
    by_agent: tuple[AgentFailures, ...]
    failed_action_names: int
    by_action: tuple[FailedAction, ...]
    hours: tuple[Moment, ...]
    examples: tuple[Execution, ...]

    @property
    def is_empty(self) -> bool:
        """True when nobody did anything in the window, so that nothing could fail."""
        return not (self.executions.total or self.actions.total)


class ActivityReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `polly observe report` tells."""

    window: Window
    executions: Executions
    durations: Durations
    actions: Actions
    agents_total: int
    agents: tuple[AgentUsage, ...]
    routing: tuple[RoutingStrategy, ...]
    transformations: int
    transformations_failed: int
    detection_failures: int
    hooks: tuple[HookSource, ...]
    days: tuple[Day, ...]
    correlations: Correlations
    spending: Spending
    dead_letters: DeadLetters

    @property
    def is_empty(self) -> bool:
        """True when nothing at all was recorded in the window."""
        recorded = self.executions.total + self.actions.total + self.detection_failures
        recorded += self.transformations + self.spending.attempts
        return not (recorded or self.hooks or self.routing)


class AgentReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `polly observe agent` tells. `others` is None when no other agent did anything in the window."""

    window: Window
    figures: AgentFigures
    others: AgentFigures | None
    by_kind: tuple[ErrorKind, ...]
    hours: tuple[Moment, ...]
    recent: tuple[Execution, ...]
    error_example: Execution | None
    similar_names: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """True when the agent did nothing in the window."""
        return not (self.figures.executions.total or self.figures.actions.total)
