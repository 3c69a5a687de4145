"""How well a role did so far: by role, by agent, by kind of issue, and 0.5 as long as nobody knows."""

from collections import Counter
from collections.abc import Iterable, Sequence

from polly.work.routing import Outcome

UNKNOWN = 0.5

#: As if this many had been tried already, with the success that is known from farther away.
_BEFORE = 8.0


class OutcomeHistory:
    """Success of roles, drawn towards what is known more generally where there is little to go by."""

    def __init__(self, outcomes: Iterable[Outcome] = ()) -> None:
        self._tried: Counter[tuple[str, ...]] = Counter()
        self._fixed: Counter[tuple[str, ...]] = Counter()
        for outcome in outcomes:
            tried = max(outcome.tried, 0)
            for key in _keys(outcome.role, outcome.agent, outcome.kind):
                self._tried[key] += tried
                self._fixed[key] += min(max(outcome.fixed, 0), tried)

    def success(self, role: str, agent: str | None, kinds: Sequence[str]) -> float:
        """What share of such issues this role with this agent will fix, as far as outcomes tell: 0 to 1."""
        if not self._tried:
            return UNKNOWN
        known = self._drawn((role,), UNKNOWN)
        if agent is not None:
            known = self._drawn((role, "agent", agent), known)
        if not kinds:
            return known
        return sum(self._of_kind(role, agent, kind, known) for kind in kinds) / len(kinds)

    def _of_kind(self, role: str, agent: str | None, kind: str, known: float) -> float:
        known = self._drawn((role, "kind", kind), known)
        return known if agent is None else self._drawn((role, "both", agent, kind), known)

    def _drawn(self, key: tuple[str, ...], towards: float) -> float:
        """Mean of a Beta distribution that begins at `towards`."""
        return (self._fixed[key] + _BEFORE * towards) / (self._tried[key] + _BEFORE)


def _keys(role: str, agent: str, kind: str) -> tuple[tuple[str, ...], ...]:
    return ((role,), (role, "agent", agent), (role, "kind", kind), (role, "both", agent, kind))
