"""Is everything well? Each measure has three limits, and every limit that is passed is a reason."""

import enum
from typing import NamedTuple

import msgspec

from polly.reporting.observe_words import duration, percent
from polly.work.observed import Actions, Durations, Executions, Health, HookSource, Waiting


class Level(enum.StrEnum):
    """How bad a reason is, the worst first. A notice alone leaves the status healthy."""

    CRITICAL = "critical"
    WARNING = "warning"
    NOTICE = "notice"


class HealthStatus(enum.StrEnum):
    """The worst of all reasons."""

    CRITICAL = "critical"
    WARNING = "warning"
    HEALTHY = "healthy"


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """What is not as it should be, and what to do about it."""

    level: Level
    measure: str
    told: str
    next_step: str


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """The status with everything that led to it, the worst first."""

    status: HealthStatus
    reasons: tuple[Reason, ...]


class Limits(NamedTuple):
    """What is still right, from where on a notice, a warning and an alarm is due. Passed means above."""

    notice: float
    warning: float
    critical: float

    def level(self, value: float) -> Level | None:
        """None while the value is right."""
        if value > self.critical:
            return Level.CRITICAL
        if value > self.warning:
            return Level.WARNING
        return Level.NOTICE if value > self.notice else None


#: Of executions that succeeded or failed: 90 % success is healthy, below 80 % a warning, below 70 % critical.
FAILURE_SHARE = Limits(0.10, 0.20, 0.30)
P95_MS = Limits(30_000.0, 60_000.0, 120_000.0)
#: Of actions, and of hooks.
ERROR_SHARE = Limits(0.10, 0.20, 0.30)
#: A share of fewer actions or hooks than this is a coincidence, and so no more than a notice.
ENOUGH = 5
#: Each of these is an event that nobody sees in any figure.
DEAD_LETTERS = Limits(0, 50, 200)
WAITING_EVENTS = Limits(0, 50, 200)
#: Events that are younger than the first limit are on their way, however many they are.
WAITING_SECONDS = Limits(60.0, 600.0, 3600.0)
#: An agent that needs more attempts than this has not understood something.
ATTEMPTS = 3


def judge(health: Health, waiting: tuple[Waiting, ...] = ()) -> Judgement:
    """The status of everything. `waiting`: what is on its way into the store, as far as that is known."""
    return _worst(
        *executions_reasons(health.executions, health.durations),
        *_action_reasons(health.actions),
        *_hook_reasons(health.hooks),
        *_attempt_reasons(health.most_attempts),
        *_dead_letter_reasons(health.dead_letters.open),
        *_waiting_reasons(waiting, health),
    )


def judge_agent(executions: Executions, durations: Durations) -> Judgement:
    """The status of one agent."""
    return _worst(*executions_reasons(executions, durations))


def executions_reasons(executions: Executions, durations: Durations) -> list[Reason]:
    """What the success rate and the durations give cause for."""
    reasons = []
    rate = executions.success_rate
    level = None if rate is None else FAILURE_SHARE.level(executions.failed / executions.judged)
    if rate is not None and level:
        told = f"{percent(rate)} of {executions.judged} executions succeeded; 90 % or more is healthy"
        reasons.append(
            Reason(
                level=level,
                measure="success rate",
                told=told,
                next_step="polly observe errors shows what failed.",
            )
        )
    level = None if durations.p95_ms is None else P95_MS.level(durations.p95_ms)
    if level:
        told = f"the slowest 5 % take longer than {duration(durations.p95_ms)}; up to 30 s is healthy"
        reasons.append(
            Reason(
                level=level,
                measure="P95 duration",
                told=told,
                next_step="polly observe report shows which agents are slow.",
            )
        )
    return reasons


def _action_reasons(actions: Actions) -> list[Reason]:
    ended = actions.succeeded + actions.failed
    level = _level_of_share(actions.failed, ended)
    if not level:
        return []
    told = f"{percent(actions.error_share)} of {ended} actions ended in an error; up to 10 % is healthy"
    return [
        Reason(
            level=level,
            measure="error share of actions",
            told=told,
            next_step="polly observe errors lists the actions.",
        )
    ]


def _level_of_share(failed: int, ended: int) -> Level | None:
    level = ERROR_SHARE.level(failed / ended) if ended else None
    return Level.NOTICE if level and ended < ENOUGH else level


def _hook_reasons(hooks: tuple[HookSource, ...]) -> list[Reason]:
    reasons = []
    for hook in hooks:
        level = _level_of_share(hook.failed, hook.fired)
        if level:
            told = f"{hook.failed} of {hook.fired} hooks of {hook.source} failed; up to 10 % is healthy"
            reasons.append(
                Reason(
                    level=level,
                    measure="hook failures",
                    told=told,
                    next_step="Look at the hook's own output in the agent program that calls it.",
                )
            )
    return reasons


def _attempt_reasons(most: int | None) -> list[Reason]:
    if most is None or most <= ATTEMPTS:
        return []
    return [
        Reason(
            level=Level.WARNING,
            measure="attempts",
            told=f"a work package needed {most} attempts; up to {ATTEMPTS} is usual",
            next_step="polly report shows why its attempts were refused.",
        )
    ]


def _dead_letter_reasons(number: int) -> list[Reason]:
    level = DEAD_LETTERS.level(number)
    if not level:
        return []
    # One that nobody looks after is lost, so a notice would be too little.
    return [
        Reason(
            level=Level.WARNING if level is Level.NOTICE else level,
            measure="dead letters",
            told=f"{number} recorded events could not be stored and nobody has looked after them",
            next_step="polly dlq list shows them with the reason.",
        )
    ]


def _waiting_reasons(waiting: tuple[Waiting, ...], health: Health) -> list[Reason]:
    reasons = []
    for each in waiting:
        age = (health.window.until - each.oldest_at).total_seconds() if each.oldest_at else 0.0
        levels = (WAITING_SECONDS.level(age), WAITING_EVENTS.level(each.events))
        if each.events and levels[0]:
            level = min(filter(None, levels), key=list(Level).index)
            told = f"{each.events} events wait {each.where}, the first for {duration(age * 1000)}"
            reasons.append(Reason(level=level, measure="backlog", told=told, next_step=each.next_step))
    return reasons


def _worst(*reasons: Reason) -> Judgement:
    order = list(Level)
    sorted_reasons = tuple(sorted(reasons, key=lambda reason: order.index(reason.level)))
    worst = sorted_reasons[0].level if sorted_reasons else Level.NOTICE
    status = HealthStatus.HEALTHY if worst is Level.NOTICE else HealthStatus(worst.value)
    return Judgement(status=status, reasons=sorted_reasons)
