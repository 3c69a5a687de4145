"""How alike texts are: the cosine of their pieces of three characters, rare pieces counting more (TF-IDF).

Typing mistakes, inflections and another order of words change few pieces. Pure; thousands of texts a second.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence

#: What a text is about stands in its beginning; comparing thousands of long ones would take seconds.
_MOST_CHARACTERS = 500
_PIECE = 3


def similarities(text: str, others: Sequence[str]) -> list[float]:
    """For each of the others from 0, nothing in common, to 1, the same words."""
    pieces = [_pieces(each) for each in (text, *others)]
    seen = Counter(piece for each in pieces for piece in each)
    weights = {piece: 1.0 + math.log(len(pieces) / number) for piece, number in seen.items()}
    first = {piece: count * weights[piece] for piece, count in pieces[0].items()}
    length = math.sqrt(sum(value * value for value in first.values()))
    return [_cosine(first, length, each, weights) for each in pieces[1:]]


def _cosine(first: dict[str, float], length: float, other: Counter[str], weights: dict[str, float]) -> float:
    common = first.keys() & other.keys()
    if not common:
        return 0.0
    dot = sum(first[piece] * other[piece] * weights[piece] for piece in common)
    other_length = math.sqrt(sum((count * weights[piece]) ** 2 for piece, count in other.items()))
    return min(dot / (length * other_length), 1.0)


def _pieces(text: str) -> Counter[str]:
    words = re.findall(r"\w+", text[:_MOST_CHARACTERS].casefold())
    plain = f" {' '.join(words)} "
    return Counter(plain[place : place + _PIECE] for place in range(len(plain) - _PIECE + 1))
