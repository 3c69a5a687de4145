"""All phrases of all roles, found in one pass over the words of a text."""

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from polly.routing.inflections import forms_of
from polly.routing.words import Clause, Word, is_unspaced, split

#: Words of texts of which it is known what they mean here.
_REMEMBERED = 50_000


class Hit(NamedTuple):
    """A phrase in a text: in which clause, from word `start` to before word `end`, how loud."""

    phrase: str
    clause: int
    start: int
    end: int
    loud: float
    negated: bool


def key_of(phrase: str) -> str:
    """A phrase as the lexicon knows it: its words in lower case, and `*` where any ending will do."""
    return " ".join(
        word for part in phrase.split() for word in _with_endings(split(part), open_end=part.endswith("*"))
    )


def _with_endings(words: tuple[str, ...], *, open_end: bool) -> tuple[str, ...]:
    return (*words[:-1], f"{words[-1]}*") if words and open_end else words


class _Branch:
    """What may follow the words so far, and the phrase that ends with them."""

    __slots__ = ("following", "phrase")

    def __init__(self) -> None:
        self.following: dict[str, _Branch] = {}
        self.phrase: str | None = None


class Lexicon:
    """Phrases as a tree of their words: looking at a word costs the same however many phrases there are."""

    def __init__(self, keys: Iterable[str]) -> None:
        """keys: as `key_of` makes them."""
        self._root = _Branch()
        self._meant: dict[str, frozenset[str]] = {}
        self._beginnings: dict[str, str] = {}
        self._unspaced: dict[str, list[str]] = {}  # by their first two characters
        for key in sorted(set(keys)):
            if key and is_unspaced(key):
                self._unspaced.setdefault(key[:2], []).append(key)
            elif key:
                self._plant(key)
        self._lengths = sorted({len(each) for each in self._beginnings})
        self._known = functools.lru_cache(_REMEMBERED)(self._look_up)

    def meant_by(self, word: str) -> frozenset[str]:
        """The words of phrases that this word of a text is a form of."""
        return self._known(word)

    def hits(self, clauses: Sequence[Clause]) -> list[Hit]:
        """Every phrase in these clauses, in the order of the text. A phrase never reaches over a mark."""
        found: list[Hit] = []
        known = self._known
        first = self._root.following
        for number, clause in enumerate(clauses):
            meant = [known(word.text) for word in clause.words]
            for start, possible in enumerate(meant):
                for word in possible:
                    if word in first:
                        found += _grown(first[word], clause.words, meant, number, start)
            if self._unspaced:
                found += self._inside(clause.words, number)
        return found

    def _look_up(self, word: str) -> frozenset[str]:
        beginnings = (word[:length] for length in self._lengths if length <= len(word))
        open_ended = {self._beginnings[each] for each in beginnings if each in self._beginnings}
        return self._meant.get(word, frozenset()) | open_ended

    def _plant(self, key: str) -> None:
        branch = self._root
        for word in key.split():
            branch = branch.following.setdefault(word, _Branch())
            if word.endswith("*"):
                self._beginnings[word[:-1]] = word
                continue
            for form in forms_of(word):
                self._meant[form] = self._meant.get(form, frozenset()) | {word}
        branch.phrase = key

    def _inside(self, words: Sequence[Word], number: int) -> Iterator[Hit]:
        for place, word in enumerate(words):
            if not is_unspaced(word.text):
                continue
            for at in range(len(word.text) - 1):
                for phrase in self._unspaced.get(word.text[at : at + 2], ()):
                    if word.text.startswith(phrase, at):
                        yield Hit(phrase, number, place, place + 1, word.loud, word.negated)


def _grown(
    branch: _Branch, words: Sequence[Word], meant: Sequence[frozenset[str]], number: int, start: int
) -> Iterator[Hit]:
    """The phrases that begin with this branch at this word, the shorter ones first."""
    waiting = [(branch, start + 1)]
    while waiting:
        branch, end = waiting.pop()
        if branch.phrase is not None:
            said = words[start:end]
            loud = min(word.loud for word in said)
            yield Hit(branch.phrase, number, start, end, loud, any(word.negated for word in said))
        if branch.following and end < len(words):
            following = branch.following
            waiting.extend((following[word], end + 1) for word in meant[end] if word in following)
