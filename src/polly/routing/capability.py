"""How much of what a role can do a text asks for: words of both, the rarer ones counting more."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from polly.routing.lexicon import Lexicon
from polly.routing.words import Clause, split
from polly.work.routing import Role

#: A capability is asked for when this share of it is said.
_ENOUGH = 0.5

#: Words that say nothing about which capability is meant.
_EMPTY = frozenset(
    """
    a add all an and any are as at be better between by can do does each every for from get give good
    has have how in into is it its keep make more not of off on or other out over own right so than that
    the their them then they this to up use used using what when where which with without write
    """.split()  # noqa: SIM905 - a table of words reads better as text
)


class Asked(NamedTuple):
    """score: 0 to 1, the share of the capability that is asked for most. phrase: that capability."""

    score: float = 0.0
    phrase: str = ""


class Capabilities:
    """The capabilities of all roles by their words."""

    def __init__(self, roles: Iterable[Role]) -> None:
        self._phrases: list[tuple[str, str]] = []  # role, capability
        said_in: dict[str, set[int]] = {}
        for role in roles:
            for phrase in role.capabilities:
                for word in split(phrase):
                    if word not in _EMPTY:
                        said_in.setdefault(word, set()).add(len(self._phrases))
                self._phrases.append((role.name, phrase))
        self._lexicon = Lexicon(said_in)
        self._said_in = {word: tuple(sorted(places)) for word, places in said_in.items()}
        total = len(self._phrases)
        self._worth = {word: math.log(1 + total / len(places)) for word, places in said_in.items()}
        self._whole: dict[int, float] = {}
        for word, places in said_in.items():
            for place in places:
                self._whole[place] = self._whole.get(place, 0.0) + self._worth[word]

    def ask(self, clauses: Sequence[Clause]) -> dict[str, Asked]:
        """By role name which of its capabilities is asked for most; roles of which none is are left out."""
        loud: dict[str, float] = {}
        for clause in clauses:
            for word in clause.words:
                if not word.negated:
                    for meant in self._lexicon.meant_by(word.text):
                        loud[meant] = max(loud.get(meant, 0.0), word.loud)
        shares: dict[int, float] = {}
        words: dict[int, int] = {}
        for meant in sorted(loud):
            for place in self._said_in[meant]:
                shares[place] = shares.get(place, 0.0) + self._worth[meant] * loud[meant]
                words[place] = words.get(place, 0) + 1
        found: dict[str, Asked] = {}
        for place in sorted(shares):
            role, phrase = self._phrases[place]
            share = shares[place] / self._whole[place]
            if share >= _ENOUGH and words[place] > 1 and share > found.get(role, Asked()).score:
                found[role] = Asked(share, phrase)
        return found


def asked_together(texts: Sequence[dict[str, Asked]]) -> dict[str, Asked]:
    """What several texts ask for: the mean of their scores, and the capability asked for most."""
    if len(texts) == 1:
        return texts[0]
    found = {}
    for role in sorted({role for text in texts for role in text}):
        each = [text[role] for text in texts if role in text]
        most = max(each, key=lambda asked: (asked.score, asked.phrase))
        found[role] = Asked(sum(asked.score for asked in each) / len(texts), most.phrase)
    return found
