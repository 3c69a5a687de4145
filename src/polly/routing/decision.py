"""From ranked roles to one: a named role, else the best when that is sure enough, else the general one."""

from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from polly.routing.calibration import NAMED
from polly.routing.explicit import Named
from polly.work.routing import Candidate, RoutingDecision, Strategy

#: Nothing in the request speaks for any role.
NO_DETECTION = "no_detection"

#: Something does, but not enough.
LOW_CONFIDENCE = "low_confidence"

_ALTERNATIVES = 5


def decide(
    named: Named,
    ranked: Sequence[Candidate],
    *,
    general: str,
    threshold: float,
    nearest: Callable[[str], str],
) -> RoutingDecision:
    """The decision among these candidates. nearest: a sentence on what an unknown name might mean."""
    possible = [each for each in ranked if each.role not in named.unwanted] or list(ranked)
    wanted = [_as_named(each) for name in named.wanted for each in possible if each.role == name]
    best = wanted[0] if wanted else possible[0]
    detection = None
    if wanted:
        chosen, strategy = best, Strategy.EXPLICIT
    elif best.confidence >= threshold and best.reasons:
        chosen, strategy = best, Strategy.SCORE
    else:
        chosen = next((each for each in possible if each.role == general), best)
        strategy = Strategy.GENERAL
        detection = LOW_CONFIDENCE if best.confidence > 0 else NO_DETECTION
    names = {each.role for each in wanted}
    others = [*wanted[1:], *(each for each in possible if each.role not in names and each.confidence > 0)]
    alternatives = tuple(each for each in others if each.role != chosen.role)
    return RoutingDecision(
        chosen=chosen,
        strategy=strategy,
        alternatives=alternatives[:_ALTERNATIVES],
        reasoning=" ".join((*_sentences(chosen, strategy, best, threshold), *_about_names(named, nearest))),
        best=best.confidence,
        threshold=threshold,
        candidates=len(ranked),
        detection=detection,
    )


def _as_named(candidate: Candidate) -> Candidate:
    return replace(candidate, confidence=NAMED, reasons=("is named", *candidate.reasons))


def _sentences(chosen: Candidate, strategy: Strategy, best: Candidate, threshold: float) -> Iterator[str]:
    said = "; ".join(best.reasons)
    if strategy is Strategy.EXPLICIT:
        yield f"The request names {chosen.role}."
    elif strategy is Strategy.SCORE:
        yield f"{chosen.role}: the request {said}."
    elif best.confidence > 0:
        yield f"{best.role} is the likeliest (the request {said}),"
        yield f"but {best.confidence:.2f} is less than {threshold:.2f}, so {chosen.role} takes it."
    else:
        yield f"Nothing speaks for a role, so {chosen.role} takes it."


def _about_names(named: Named, nearest: Callable[[str], str]) -> Iterator[str]:
    if named.unwanted:
        yield f"Not wanted: {', '.join(sorted(named.unwanted))}."
    for name in named.unknown:
        yield f"There is no role agent-{name}. {nearest(name)}"
