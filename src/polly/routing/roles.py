"""A first choice of role for a package: what its files are, and what its issues speak of."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from polly.work.issues import Issue

GENERAL_ROLE = "code-quality-specialist"

#: What share of the files or issues has to speak for a role before it is preferred to the general one.
_ENOUGH = 0.5

#: A file is what it is; words may be used in passing.
_WEIGHT_OF_FILES = 2


class _Signs(NamedTuple):
    role: str
    files: re.Pattern[str]
    words: re.Pattern[str]


def _words(*words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE)


#: In order of preference when two roles have the same score.
_TABLE = (
    _Signs(
        "testing-specialist",
        re.compile(
            r"(^|/)(tests?|__tests__|spec)/|(^|/)(test_|conftest\.)|[._-](test|spec)\.\w+$|Tests?\.\w+$"
        ),
        _words("unit tests?", "test cases?", "test suite", "assertions?", "fixtures?", "coverage", "flaky"),
    ),
    _Signs(
        "database-specialist",
        re.compile(r"\.(sql|prisma)$|(^|/)(migrations?|alembic)/", re.IGNORECASE),
        _words("sql", "migrations?", "foreign keys?", "database (schema|index|view)"),
    ),
    _Signs(
        "debug-intelligence",
        re.compile(r"(?!)"),
        _words(
            *(
                "crash(es|ed)?",
                "tracebacks?",
                "deadlocks?",
                "race( conditions?)?",
                "hangs?",
                "leaks?",
                "poison",
            ),
            *("never (gets|returns|ends)", "infinite loop", "(un)?locks?", "thread[- ]safe", "data loss"),
        ),
    ),
)


def choose_role(issues: Sequence[Issue], paths: Sequence[str]) -> str:
    """The name of the role that fits the package best; the general one when nothing speaks for another."""
    texts = [f"{issue.title}\n{issue.problem}" for issue in issues]
    best, best_score = GENERAL_ROLE, 0.0
    for signs in _TABLE:
        files = _share(signs.files, paths)
        words = _share(signs.words, texts)
        score = _WEIGHT_OF_FILES * files + words
        if max(files, words) >= _ENOUGH and score > best_score:
            best, best_score = signs.role, score
    return best


def _share(pattern: re.Pattern[str], texts: Sequence[str]) -> float:
    return sum(pattern.search(text) is not None for text in texts) / len(texts) if texts else 0.0
