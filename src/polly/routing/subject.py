"""Whether a text is about software at all: a security guard, a log cabin and a test of time are not."""

import re
from collections.abc import Sequence

from polly.routing.words import Clause

#: How much words say that might be meant otherwise, when nothing shows that software is meant.
ELSEWHERE = 0.45

_SOFTWARE = frozenset(
    """
    abi algorithm api apis app application apps argument arguments array arrays async attribute auth
    backend bash batch binary bool boolean browser buffer build builds byte bytes cache callback caller
    callers cli client clients code codebase column columns command compile compiler config
    configuration constructor cpu crash crashes cron csv daemon data database db debugger decorator
    dependencies dependency deploy deployment dict directory docker dockerfile docs docstring e2e email
    endpoint endpoints env error errors exception exceptions export exporter file filename files fixture
    folder frontend function functions gb git github go golang gui handler handlers hash header headers
    helper hook html http https id ids implementation import imported importer imports input inputs int
    integer java javascript js json jwt kafka kubernetes lambda library linter linux login loop mb
    memory merge method methods middleware migration migrations module modules monolith mutex mysql
    namespace nginx node npm null orm output package packages page pages param parameter parameters
    parse parser password payload pip pipeline plugin pod pods postgres pr processes prod pull py pytest
    python queries query queue queues readme redis refactor refactoring regex release repo repository
    request requests response responses rest retries retry route routes row rows ruby runtime rust
    schema sdk server servers service services session sessions shell software sql sqlite stacktrace
    staging startup string strings subclass syntax tcp thread threads timeout timestamp token tokens
    traceback transaction ts tuple typescript ui upload uploads url urls user users utf utils ux
    validation validator variable variables version versions web webhook website websocket widget worker
    workers workflow xml yaml zip
    """.split()  # noqa: SIM905 - a table of words reads better as text
)

#: Names as programs have them: an underscore, an inner capital, brackets, a dot and an ending, backticks.
_CODE = re.compile(r"\w_\w|[a-z][A-Z]|\w\(|\w\.[a-z]{1,5}\b|`|\w/\w|::|=>|==|[{}<>]|\b[A-Z]{2,}\d")

_LOOKED_AT = 2_000


def is_about_software(text: str, clauses: Sequence[Clause]) -> bool:
    """True when words or spellings say so, apart from those that are triggers by themselves."""
    if _CODE.search(text, 0, _LOOKED_AT):
        return True
    return any(word.text in _SOFTWARE for clause in clauses for word in clause.words)
