"""One fingerprint per finding, the same in every round as long as its line says the same.

Line numbers never enter it: the text of the line stands for them, and equal findings are counted in their
order.
"""

import hashlib
import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

#: Hexadecimal digits; 128 bits cannot collide by chance.
_LENGTH = 32
_POSITION = re.compile(r"\b(lines?|columns?|col\.?|at)\s+\d+(?:\s*[-\u2013:,]\s*\d+)*", re.IGNORECASE)
_NUMBER = re.compile(r"[\s:]\d")
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
    # Most messages have no digit after a space or a colon, and then neither pattern has a match.
    if _NUMBER.search(message):
        message = _POSITION.sub(r"\1", message)
        message = _COORDINATES.sub("", message) if ":" in message else message
    return " ".join(message.split())


def fingerprints(identities: Sequence[Identity], order: Sequence[PlaceKey]) -> list[str]:
    """The fingerprint of each finding; among equal ones the `order` (line, column) says which.

    Findings that are equal in both are one finding, and share their fingerprint.
    """
    found = [_digest(identity, 0) for identity in identities]
    for numbers in _twins(identities):
        places = sorted({order[number] for number in numbers})
        for number in numbers:
            occurrence = bisect_left(places, order[number])
            if occurrence:
                found[number] = _digest(identities[number], occurrence)
    return found


def _twins(identities: Sequence[Identity]) -> Iterable[list[int]]:
    """The numbers of the findings that equal another one, group by group."""
    first: dict[Identity, int] = {}
    groups: dict[int, list[int]] = {}
    for number, identity in enumerate(identities):
        before = first.setdefault(identity, number)
        if before != number:
            groups.setdefault(before, [before]).append(number)
    return groups.values()


def _digest(identity: Identity, occurrence: int) -> str:
    told = "\0".join((*identity, str(occurrence)))
    return hashlib.sha256(told.encode("utf-8", errors="replace")).hexdigest()[:_LENGTH]
