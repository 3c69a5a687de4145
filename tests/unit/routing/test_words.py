"""How a text is read: words, what is said away, what is only pasted."""

import pytest

from polly.routing.inflections import forms_of
from polly.routing.lexicon import Lexicon, key_of
from polly.routing.words import clauses, windows


def said_away(text: str) -> set[str]:
    return {word.text for clause in clauses(text) for word in clause.words if word.negated}


@pytest.mark.parametrize(
    ("text", "away", "kept"),
    [
        ("Do not optimise this, just fix the total", "optimise", "fix"),
        ("No need for tests; the migration is wrong", "tests", "migration"),
        ("fix the crash without touching the schema", "schema", "crash"),
        ("This isn't a security problem. It is slow", "security", "slow"),
        ("don\u2019t touch the tests, docs or scripts. Fix the query", "docs", "query"),
        ("Leave the documentation alone, but make it quicker", "documentation", "quicker"),
        ("do not change the api but the docs", "api", "docs"),
    ],
)
def test_a_negation_reaches_to_the_end_of_its_clause(text: str, away: str, kept: str) -> None:
    assert away in said_away(text)
    assert kept not in said_away(text)


@pytest.mark.parametrize(
    "text",
    [
        "There is no index on the column",
        "Do not use assert in production code",
        "the connection is never closed",
        "the counter is written without a lock",
        "Clients do not validate the certificate",
        "not only the tests",
    ],
)
def test_a_negation_that_is_the_finding_says_nothing_away(text: str) -> None:
    assert said_away(text) == set()


@pytest.mark.parametrize(
    "text",
    [
        "```\ndeadlock\n```",
        'says "deadlock"',
        "> deadlock",
        "https://x.org/a-deadlock",
        '   File "deadlock.py"',
    ],
)
def test_what_is_pasted_is_said_quietly(text: str) -> None:
    louds = {word.text: word.loud for clause in clauses(text) for word in clause.words}
    assert louds["deadlock"] < 0.5


@pytest.mark.parametrize(
    ("word", "form"),
    [
        ("cache", "caching"),
        ("query", "queries"),
        ("optimise", "optimization"),
        ("optimize", "optimised"),
        ("migration", "migrate"),
        ("plan", "planned"),
        ("crash", "crashes"),
        ("index", "indices"),
        ("serialization", "serialised"),
        ("behaviour", "behavior"),
        ("profile", "profiler"),
    ],
)
def test_a_word_has_its_forms(word: str, form: str) -> None:
    assert form in forms_of(word)


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("contain", "containment"),
        ("dependency", "depends"),
        ("authorization", "author"),
        ("performance", "performs"),
        ("import", "important"),
        ("commit", "committee"),
        ("test", "contest"),
        ("log", "login"),
    ],
)
def test_words_that_only_begin_alike_are_no_forms_of_each_other(word: str, other: str) -> None:
    assert other not in forms_of(word)


def test_a_long_text_is_read_at_its_beginning_and_in_whole_words_of_the_rest() -> None:
    words = [f"word{number}" for number in range(20_000)]
    read = windows(" ".join(words))
    assert sum(map(len, read)) < 13_000
    assert {word for piece in read for word in piece.split()} <= set(words)


def test_words_of_scripts_without_spaces_are_found_inside_and_others_only_whole() -> None:
    lexicon = Lexicon([key_of("\u6f0f\u6d1e"), key_of("langsam*"), key_of("sql")])
    found = [
        hit.phrase for hit in lexicon.hits(clauses("\u8fd9\u91ccSQL\u6f0f\u6d1e; viel langsamer; nosql"))
    ]
    assert sorted(found) == ["langsam*", "sql", "\u6f0f\u6d1e"]


def test_a_phrase_does_not_reach_over_the_end_of_a_sentence() -> None:
    lexicon = Lexicon([key_of("unit test")])
    assert [hit.phrase for hit in lexicon.hits(clauses("unit tests"))] == ["unit test"]
    assert lexicon.hits(clauses("one unit. Test it")) == []
