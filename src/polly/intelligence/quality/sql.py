"""SQL as sqlglot reads it: what a statement does without meaning to, and how much is woven into one."""

import logging
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from polly.intelligence.quality.measured import Function, Part, Remark
from polly.work.issues import Severity

if TYPE_CHECKING:
    from sqlglot import Token
    from sqlglot.expressions import Expr

#: None is what most dialects have in common; then the ones that most scripts are written in.
_DIALECTS = (None, "postgres", "mysql", "sqlite", "tsql", "oracle", "snowflake", "bigquery")
# sqlglot warns through its logger about each statement that it only half understands.
_logger_lock = threading.Lock()


class Statements(NamedTuple):
    """What was read. unread: why it was not, else ""."""

    functions: tuple[Function, ...] = ()
    remarks: tuple[Remark, ...] = ()
    unread: str = ""
    unread_line: int = 0


class _Statement(NamedTuple):
    tree: "Expr"
    start_line: int
    end_line: int


def statements_of(text: str) -> Statements:
    """The statements of a script, in the first dialect that understands all of them."""
    best = Statements(unread="nothing in it is a statement", unread_line=1)
    for dialect in _DIALECTS:
        read = _read(text, dialect)
        if isinstance(read, list):
            return Statements(
                tuple(_weight(each) for each in read),
                tuple(remark for each in read for remark in _remarks(each)),
            )
        # The dialect that came farthest is most likely the right one.
        if read.unread_line >= best.unread_line:
            best = read
    return best


def _read(text: str, dialect: str | None) -> "list[_Statement] | Statements":
    import sqlglot  # noqa: PLC0415 - a tenth of a second that only SQL should cost
    from sqlglot import errors, expressions  # noqa: PLC0415

    logger = logging.getLogger("sqlglot")
    with _logger_lock:
        was_disabled, logger.disabled = logger.disabled, True
        try:
            tokens = sqlglot.tokenize(text, read=dialect)
            trees = sqlglot.parse(text, read=dialect)
        except errors.ParseError as error:
            first = error.errors[0] if error.errors else {}
            return Statements(
                unread=str(first.get("description") or "cannot be parsed"),
                unread_line=int(first.get("line") or 0),
            )
        except (errors.SqlglotError, RecursionError) as error:
            return Statements(unread=str(error).partition("\n")[0][:200] or "nested too deeply")
        finally:
            logger.disabled = was_disabled
    spans = list(_spans(tokens))
    whole = [each for each in trees if each is not None]
    odd = next((each for each in whole if isinstance(each, expressions.Alias | expressions.Binary)), None)
    if odd is not None:  # `SELEC * FORM x` parses as an expression; no script consists of one
        return Statements(unread="an expression stands where a statement should", unread_line=_line(odd) or 1)
    if len(spans) != len(whole):  # a body of a procedure has semicolons of its own
        spans = [(_line(each) or 1, _last_line(each) or 1) for each in whole]
    return [_Statement(tree, *span) for tree, span in zip(whole, spans, strict=True)]


def _spans(tokens: "list[Token]") -> Iterator[tuple[int, int]]:
    start = end = 0
    for token in tokens:
        if token.token_type.name == "SEMICOLON":
            if start:
                yield start, end
            start = 0
        else:
            start, end = start or token.line, token.line
    if start:
        yield start, end


def _lines(tree: "Expr") -> list[int]:
    return [node.meta["line"] for node in tree.walk() if "line" in node.meta]


def _line(tree: "Expr") -> int:
    return min(_lines(tree), default=0)


def _last_line(tree: "Expr") -> int:
    return max(_lines(tree), default=0)


def _weight(statement: _Statement) -> Function:
    from sqlglot import expressions as e  # noqa: PLC0415

    woven = sum(1 for _ in statement.tree.find_all(e.Join, e.Subquery, e.If, e.SetOperation, e.CTE, e.Exists))
    return Function(
        name=f"{statement.tree.key.upper()} statement",
        start_line=statement.start_line,
        end_line=statement.end_line,
        complexity=1 + woven,
    )


def _remarks(statement: _Statement) -> Iterator[Remark]:
    for look in (_changes, _comparisons, _selects, _lists, _grants):
        for found in look(statement.tree):
            yield Remark(
                part=Part.CORRECTNESS,
                line=_line(found.node) or statement.start_line,
                rule=f"sql:{found.rule}",
                severity=found.severity,
                message=found.message,
            )


class _Wrong(NamedTuple):
    node: "Expr"
    rule: str
    severity: Severity
    message: str


def _changes(tree: "Expr") -> Iterator[_Wrong]:
    from sqlglot import expressions as e  # noqa: PLC0415

    for change in tree.find_all(e.Update, e.Delete):
        if change.args.get("where") is None:
            message = f"{change.key.upper()} without WHERE changes every row"
            yield _Wrong(change, f"{change.key}-without-where", Severity.MAJOR, message)


def _comparisons(tree: "Expr") -> Iterator[_Wrong]:
    from sqlglot import expressions as e  # noqa: PLC0415

    for comparison in tree.find_all(e.EQ, e.NEQ):
        # `SET a = NULL` is an assignment, not a comparison.
        if isinstance(comparison.expression, e.Null) and not isinstance(comparison.parent, e.Update):
            message = "a comparison with NULL is never true; IS NULL is meant"
            yield _Wrong(comparison, "compared-with-null", Severity.MAJOR, message)


def _selects(tree: "Expr") -> Iterator[_Wrong]:
    from sqlglot import expressions as e  # noqa: PLC0415

    for select in tree.find_all(e.Select):
        if any(isinstance(each, e.Star) for each in select.expressions):
            yield _Wrong(
                select, "select-star", Severity.NITPICK, "SELECT * takes whatever columns the table gets"
            )
        if select.args.get("where") is None:
            for join in select.args.get("joins") or ():
                if not any(join.args.get(name) for name in ("on", "using", "kind", "method", "side")):
                    message = "tables joined without a condition give every pair of rows"
                    yield _Wrong(join, "cross-join", Severity.MINOR, message)


def _lists(tree: "Expr") -> Iterator[_Wrong]:
    from sqlglot import expressions as e  # noqa: PLC0415

    for inside in tree.find_all(e.Not):
        if isinstance(inside.this, e.In) and inside.this.args.get("query") is not None:
            message = "NOT IN is never true when the subquery has a NULL; NOT EXISTS is meant"
            yield _Wrong(inside, "not-in-subquery", Severity.MINOR, message)


def _grants(tree: "Expr") -> Iterator[_Wrong]:
    from sqlglot import expressions as e  # noqa: PLC0415

    for grant in tree.find_all(e.Grant):
        if any(each.name.upper().startswith("ALL") for each in grant.args.get("privileges") or ()):
            yield _Wrong(
                grant, "grant-all", Severity.MINOR, "GRANT ALL gives more rights than anything needs"
            )
