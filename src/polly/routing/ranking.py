"""The roles in the order of their scores, with what speaks for each."""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from polly.routing.capability import Asked
from polly.routing.context import Evidence, standing
from polly.routing.history import UNKNOWN
from polly.routing.triggers import Said
from polly.work.routing import Candidate, Components

#: The parts of a score.
TRIGGER, CONTEXT, CAPABILITY, HISTORY = 0.4, 0.3, 0.2, 0.1

#: Enough to tell figures apart, and few enough that they read well and add up.
_DIGITS = 4

_SHOWN = 3


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a request, by role name; a role that is missing has nothing for it."""

    said: Mapping[str, Said]
    asked: Mapping[str, Asked]
    evidence: Mapping[str, Evidence]
    success: Mapping[str, float]

    def speak_for(self, role: str) -> bool:
        """True when any of it speaks for this role."""
        said, evidence = self.said.get(role), self.evidence.get(role)
        return bool((said and said.phrases) or role in self.asked or (evidence and evidence.speaking))


def rank(roles: Iterable[str], facts: Facts, confidence: Callable[[float, float], float]) -> list[Candidate]:
    """These roles, best first, by name where scores are equal. confidence: of a score and its margin."""
    parts = {role: _components(role, facts) for role in roles}
    scores = {role: score_of(each) for role, each in parts.items()}
    order = sorted(scores, key=lambda role: (-scores[role], role))
    found = []
    for place, role in enumerate(order):
        other = scores[order[0 if place else 1]] if len(order) > 1 else 0.0
        is_known = facts.speak_for(role)
        chance = confidence(scores[role], scores[role] - other) if is_known else 0.0
        found.append(
            Candidate(
                role=role,
                score=scores[role],
                confidence=round(chance, _DIGITS),
                components=parts[role],
                matched=facts.said[role].phrases if role in facts.said else (),
                reasons=tuple(_reasons(role, parts[role], facts)),
            )
        )
    return found


def _components(role: str, facts: Facts) -> Components:
    return Components(
        trigger=round(facts.said[role].score, _DIGITS) if role in facts.said else 0.0,
        context=round(standing(facts.evidence, role), _DIGITS),
        capability=round(facts.asked[role].score, _DIGITS) if role in facts.asked else 0.0,
        history=round(facts.success.get(role, UNKNOWN), _DIGITS),
    )


def score_of(parts: Components) -> float:
    """0 to 1: the parts, each with its weight."""
    whole = TRIGGER * parts.trigger + CONTEXT * parts.context
    return round(whole + CAPABILITY * parts.capability + HISTORY * parts.history, _DIGITS + 2)


def _reasons(role: str, parts: Components, facts: Facts) -> Iterable[str]:
    said = facts.said.get(role, Said())
    if said.phrases:
        yield f"says {_some(said.phrases)}"
    if said.denied:
        yield f"does not want {_some(said.denied)}"
    evidence = facts.evidence.get(role)
    if evidence and evidence.speaking:
        yield f"is about {_some(evidence.speaking, quote='')}"
    asked = facts.asked.get(role)
    if asked:
        yield f"asks for what it can do: {asked.phrase}"
    history = parts.history
    if history != UNKNOWN:
        yield f"{'does' if history > UNKNOWN else 'did not do'} well with such issues so far ({history:.2f})"


def _some(names: tuple[str, ...], *, quote: str = '"') -> str:
    shown = ", ".join(f"{quote}{name}{quote}" for name in names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
