"""From a score to a chance: how often the first choice was right where the right one is known."""

import functools
import importlib.resources
import math

import msgspec

#: Nothing is ever certain, a named role least of all: people name the wrong one.
_LEAST, _MOST = 0.01, 0.99

#: A role that a request names.
NAMED = 0.98


class Calibration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A logistic curve: chance = 1 / (1 + e^-(bias + score · strength + margin · lead)).

    threshold: the least confidence with which a role is taken. made: how the figures came about.
    """

    bias: float
    strength: float
    lead: float
    threshold: float
    made: dict[str, str | float] = {}

    def confidence(self, score: float, margin: float) -> float:
        """The chance, 0 to 1, that a role with this score is right. margin: to the best of the others."""
        exponent = self.bias + self.strength * score + self.lead * margin
        return min(max(1 / (1 + math.exp(-min(max(exponent, -30.0), 30.0))), _LEAST), _MOST)


@functools.cache
def shipped_calibration() -> Calibration:
    """The figures of `calibration.json`, which `benchmarks/routing.py --fit` writes."""
    text = importlib.resources.files("polly.routing").joinpath("calibration.json").read_bytes()
    return msgspec.json.decode(text, type=Calibration)
