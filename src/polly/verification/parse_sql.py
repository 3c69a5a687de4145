"""Does a text parse as SQL? It does when one of the usual dialects takes it."""

import logging
import re
import threading

from polly.verification.parse import OK, Parsed, broken, looks_like_template, not_judged

_DIALECTS = (None, "postgres", "sqlite", "mysql", "tsql", "bigquery", "snowflake", "oracle")

#: Lines for a client program (psql, sqlite3, mysql, sqlcmd, sqlplus), which no SQL parser knows.
_CLIENT = re.compile(
    r"^[ \t]*(\\\w|\.[a-z]+\b|GO\s*$|/\s*$|DELIMITER\s|@{1,2}\S|:\w+\s|COPY\s.*FROM\s+stdin)",
    re.IGNORECASE | re.MULTILINE,
)

_logger_lock = threading.Lock()


def parse_sql(text: bytes) -> Parsed:
    """The failure named is that of the dialect that came farthest.

    A statement that the parser does not know in detail is taken as it stands, so OK means "no dialect
    objects", not "runs".
    """
    try:
        source = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return broken(f"not UTF-8: {error.reason} at byte {error.start}")
    failures = []
    for dialect in _DIALECTS:
        parsed = _parse(source, dialect)
        if parsed == OK:
            return OK
        failures.append(parsed)
    if _CLIENT.search(source):
        return not_judged("commands of a client program")
    if looks_like_template(text):
        return not_judged("a template")
    return max(failures, key=lambda failure: failure.line or 0)


def _parse(source: str, dialect: str | None) -> Parsed:
    # Imported when a SQL file is judged: it takes a fifth of a second, which no other run should pay.
    import sqlglot  # noqa: PLC0415
    from sqlglot import errors, expressions  # noqa: PLC0415

    logger = logging.getLogger("sqlglot")
    with _logger_lock:
        was_disabled, logger.disabled = logger.disabled, True
        try:
            statements = sqlglot.parse(source, read=dialect)
        except errors.ParseError as error:
            first = error.errors[0] if error.errors else {}
            return broken(str(first.get("description") or "cannot be parsed"), first.get("line"))
        except errors.SqlglotError:
            return broken("a quote, comment or identifier is not closed")
        except RecursionError:
            return broken("nested too deeply")
        finally:
            logger.disabled = was_disabled
    # `SELEC * FORM x` parses as an expression; no file consists of one.
    if any(isinstance(each, expressions.Alias | expressions.Binary) for each in statements):
        return broken("an expression stands where a statement should")
    return OK
