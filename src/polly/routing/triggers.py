"""What the triggers of the roles say about a text."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from polly.routing.lexicon import Hit, Lexicon, key_of
from polly.routing.subject import ELSEWHERE
from polly.routing.words import Clause
from polly.work.routing import Role

#: One trigger of one word, said plainly, gives 0.39; two 0.63; three 0.78.
_SATURATION = 2.0

#: By how many words it has: longer phrases are rarer, and so say more.
_LENGTH = (1.0, 1.0, 1.7, 2.2)

#: How much less a hint says than a trigger.
_HINT = 0.4

#: Part of a longer phrase that was meant: "test" in "test database", "page" in "code page".
_COVERED = 0.4

#: What comes after such a word is about where, not about what: "write tests for the login".
_CIRCUMSTANCE = frozenset(
    """
    after at before by during for from in inside of on to when where while with
    """.split()  # noqa: SIM905 - a table of words reads better as text
)
_IN_PASSING = 0.7

#: What a sentence begins with is what shall be done: "optimise my database queries".
_TOLD_TO = 1.6
_POLITE = frozenset(
    """
    also and can could i just kindly let need please should then to us want we would you
    """.split()  # noqa: SIM905 - a table of words reads better as text
)

#: Each clause before the one in which something is said makes it a little less important, down to this.
_LATE = 0.94
_LATEST = 0.5


class Said(NamedTuple):
    """score: 0 to 1. phrases: the triggers found, the weightiest first. denied: those that were said away."""

    score: float = 0.0
    phrases: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()


class Triggers:
    """The triggers and hints of all roles, and what each is worth: less when several roles have it."""

    def __init__(self, roles: Iterable[Role]) -> None:
        self._worth_of: dict[str, dict[str, float]] = {}  # phrase -> role -> how much it says
        for role in roles:
            for phrase, worth in _phrases_of(role).items():
                self._worth_of.setdefault(phrase, {})[role.name] = worth
        for phrase, worths in self._worth_of.items():
            for name in worths:
                worths[name] *= _LENGTH[min(len(phrase.split()), len(_LENGTH) - 1)] / math.sqrt(len(worths))
        self._lexicon = Lexicon(self._worth_of)

    def say(self, clauses: Sequence[Clause], *, elsewhere: bool = False) -> dict[str, Said]:
        """By role name what its triggers say; roles of which nothing is said are left out.

        elsewhere: nothing shows that the text is about software, so its words say less.
        """
        hits = self._lexicon.hits(clauses)
        if not hits:
            return {}
        spoken: dict[str, list[tuple[float, Hit]]] = {}
        for clearness, hit in _clearly(clauses, hits):
            is_elsewhere = elsewhere and hit.phrase.isascii() and not hit.phrase.endswith("*")
            weight = clearness * (ELSEWHERE if is_elsewhere else 1)
            for role, worth in self._worth_of[hit.phrase].items():
                spoken.setdefault(role, []).append((worth * weight, hit))
        found = {role: _apart(weighed) for role, weighed in spoken.items()}
        away: dict[str, list[str]] = {}
        for phrase in dict.fromkeys(hit.phrase for hit in hits if hit.negated):
            for role in self._worth_of[phrase]:
                away.setdefault(role, []).append(phrase)
        return {role: _said(found.get(role, {}), away.get(role, ())) for role in {*found, *away}}


def said_together(texts: Sequence[dict[str, Said]]) -> dict[str, Said]:
    """What several texts say: the mean of their scores, so that one of many does not decide."""
    if len(texts) == 1:
        return texts[0]
    found = {}
    for role in sorted({role for text in texts for role in text}):
        each = [text[role] for text in texts if role in text]
        phrases = Counter(phrase for said in each for phrase in said.phrases)
        denied = dict.fromkeys(phrase for said in each for phrase in said.denied)
        ordered = sorted(phrases, key=lambda phrase: (-phrases[phrase], phrase))
        found[role] = Said(sum(said.score for said in each) / len(texts), tuple(ordered), tuple(denied))
    return found


def _phrases_of(role: Role) -> dict[str, float]:
    """What speaks for a role, with how much a trigger of one word would say."""
    foreign = (phrase for phrases in role.translations.values() for phrase in phrases)
    worth = {key_of(phrase): _HINT for phrase in role.hints}
    worth |= {key_of(phrase): 1.0 for phrase in (*role.triggers, *foreign)}
    worth.pop("", None)
    return worth


def _said(weights: dict[str, float], denied: Sequence[str]) -> Said:
    score = 1 - math.exp(-sum(weights.values()) / _SATURATION)
    ordered = sorted(weights, key=lambda phrase: (-weights[phrase], phrase))
    return Said(score, tuple(ordered), tuple(denied))


def _clearly(clauses: Sequence[Clause], hits: Sequence[Hit]) -> Iterator[tuple[float, Hit]]:
    """The hits that are not said away, each with how clearly it is said: 1 for plainly."""
    covered = _covered(hits)
    for hit in hits:
        if hit.negated:
            continue
        clearness = hit.loud * max(_LATE**hit.clause, _LATEST)
        before = clauses[hit.clause].words[max(hit.start - 4, 0) : hit.start]
        if any(word.text in _CIRCUMSTANCE for word in before):
            clearness *= _IN_PASSING
        elif hit.start == len(before) and all(word.text in _POLITE for word in before):
            clearness *= _TOLD_TO
        if (hit.clause, hit.start, hit.end) in covered:
            clearness *= _COVERED
        yield clearness, hit


def _apart(weighed: Iterable[tuple[float, Hit]]) -> dict[str, float]:
    """Each phrase with its weight. A word speaks for a role once, in its weightiest phrase.

    Saying a phrase again adds nothing.
    """
    found: dict[str, float] = {}
    taken: set[tuple[int, int]] = set()
    for weight, hit in sorted(weighed, key=lambda each: (-each[0], each[1])):
        places = {(hit.clause, place) for place in range(hit.start, hit.end)}
        if hit.phrase not in found and taken.isdisjoint(places):
            found[hit.phrase] = weight
            taken |= places
    return found


def _covered(hits: Sequence[Hit]) -> set[tuple[int, int, int]]:
    """The places of hits that lie inside a longer one."""
    places = sorted({(hit.clause, hit.start, -hit.end) for hit in hits})
    covered = set()
    clause, reach = -1, 0
    for number, start, end in places:
        if number != clause:
            clause, reach = number, 0
        if -end <= reach:
            covered.add((number, start, -end))
        reach = max(reach, -end)
    return covered
