"""A text as clauses of words: how loud each word is said, and whether it is said away."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from polly.routing.negation import negated_words, negation_goes_on
from polly.routing.quiet import loudness

#: Of a text this much is read from its beginning, and some windows of the rest: routing takes bounded time.
READ_FIRST = 8_192
_WINDOWS = 4
_WINDOW = 1_024

#: Scripts that put no spaces between words, or put endings onto them: Japanese, Chinese, Korean.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"

#: A word, or the end of a clause: a mark before white space, a bracket, a dash, an empty line, a list item.
_TOKENS = re.compile(
    rf"(?P<word>[^\W{_UNSPACED}]++(?:['\u2019][^\W{_UNSPACED}]++)*+|[{_UNSPACED}]++)"
    r"|(?P<mark>[.,;:!?](?=[\s\"')*`\u201d]|$)|[()\u2014\u2013\u3001\u3002\uff01\uff0c\uff1a\uff1b\uff1f]"
    r"|(?<=\s)-{1,2}(?=\s)|\n(?=[ \t]{0,8}(?:\n|[-*+#>|]\s|\d{1,3}[.)]\s)))"
)

#: Longer than any word that somebody wrote.
_LONGEST_WORD = 40


class Word(NamedTuple):
    """One word in lower case. loud: 1 for plain prose, less in code, quotes, addresses and stack traces."""

    text: str
    loud: float
    negated: bool = False


class Clause(NamedTuple):
    """The words between two marks, and the mark at the end."""

    words: tuple[Word, ...]
    mark: str


def clauses(text: str) -> list[Clause]:
    """What is read of a text, clause by clause; clauses without words are left out."""
    found: list[Clause] = []
    for window in windows(text):
        found += _with_negation(list(_clauses(window)))
    return found


def windows(text: str) -> tuple[str, ...]:
    """The beginning of a text, and of a long one a few samples of the rest; words are never cut in two."""
    if len(text) <= READ_FIRST:
        return (text,)
    step = max((len(text) - READ_FIRST) // _WINDOWS, 1)
    starts = [READ_FIRST + step * number + step // 2 for number in range(_WINDOWS)]
    samples = (text[start : start + _WINDOW] for start in starts)
    return (_whole_words(text[:READ_FIRST], first=True), *(_whole_words(each) for each in samples if each))


def split(phrase: str) -> tuple[str, ...]:
    """The words of a phrase, as the words of a text are read."""
    return tuple(_lower(match["word"]) for match in _TOKENS.finditer(phrase) if match["word"])


def is_unspaced(word: str) -> bool:
    """True for words of scripts in which a word is found inside a run of characters."""
    return (
        "\u3040" <= word[0] <= "\u30ff" or "\u3400" <= word[0] <= "\u9fff" or "\uac00" <= word[0] <= "\ud7af"
    )


def _whole_words(piece: str, *, first: bool = False) -> str:
    """Without the letters at both ends that may be half a word. Half a word could be another word."""
    end = re.search(r"\W\w*\Z", piece[-_LONGEST_WORD:])
    piece = piece[: len(piece) - _LONGEST_WORD + end.start()] if end and len(piece) > _LONGEST_WORD else piece
    start = None if first else re.search(r"\W", piece[:_LONGEST_WORD])
    return piece[start.end() :] if start else piece


def _clauses(text: str) -> Iterator[Clause]:
    loud = loudness(text)
    words: list[Word] = []
    for match in _TOKENS.finditer(text):
        if match.lastgroup == "word":
            word = _lower(match.group())
            if len(word) <= _LONGEST_WORD or is_unspaced(word):
                words.append(Word(word, loud[match.start()]))
        elif words:
            yield Clause(tuple(words), match.group())
            words = []
    if words:
        yield Clause(tuple(words), "")


def _lower(word: str) -> str:
    return word.lower().replace("\u2019", "'")


def _with_negation(found: list[Clause]) -> list[Clause]:
    result: list[Clause] = []
    going_on = False
    for place, clause in enumerate(found):
        texts = [word.text for word in clause.words]
        away = negated_words(texts, going_on=going_on)
        if any(away):
            words = tuple(
                word._replace(negated=True) if gone else word
                for word, gone in zip(clause.words, away, strict=True)
            )
            clause = Clause(words, clause.mark)  # noqa: PLW2901 - the same clause, read to its end
        following = [[word.text for word in each.words] for each in found[place + 1 : place + 4]]
        going_on = away[-1] and clause.mark == "," and negation_goes_on(following)
        result.append(clause)
    return result
