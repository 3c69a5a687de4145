"""One fingerprint per finding, the same in every round as long as its line says the same.

Line numbers never enter it: the text of the line stands for them, and equal findings are counted in their
order.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import NamedTuple

#: Hexadecimal digits; 128 bits cannot collide by chance.
_LENGTH = 32
_POSITION = re.compile(r"\b(lines?|columns?|col\.?|at)\s+\d+(?:\s*[-\u2013:,]\s*\d+)*", re.IGNORECASE)
_COORDINATES = re.compile(r"(?<=[\w)\]]):\d+(?::\d+)?\b")


class Identity(NamedTuple):
    """What tells a finding from others, without its place in the file."""

    tool: str
    rule: str
    path: str
    message: str
    line_text: str


#: Where a finding is, place by place: path, then lines, columns and offset (-1 for what is not known).
PlaceKey = tuple[tuple[str, int, int, int, int, int], ...]


def normal_message(message: str, root: str) -> str:
    """The message without what changes from round to round: positions, the checkout's folder, layout."""
    if len(root) > 1:
        message = message.replace(root, "")
    message = _COORDINATES.sub("", _POSITION.sub(r"\1", message))
    return " ".join(message.split())


def fingerprints(identities: Sequence[Identity], order: Sequence[PlaceKey]) -> list[str]:
    """The fingerprint of each finding; among equal ones the `order` (line, column) says which.

    Findings that are equal in both are one finding, and share their fingerprint.
    """
    places: dict[Identity, dict[PlaceKey, int]] = {}
    for identity, place in sorted(zip(identities, order, strict=True), key=lambda pair: pair[1]):
        numbers = places.setdefault(identity, {})
        numbers.setdefault(place, len(numbers))
    return [
        _digest(identity, places[identity][place]) for identity, place in zip(identities, order, strict=True)
    ]


def _digest(identity: Identity, occurrence: int) -> str:
    told = "\0".join((*identity, str(occurrence)))
    return hashlib.sha256(told.encode("utf-8", errors="replace")).hexdigest()[:_LENGTH]
