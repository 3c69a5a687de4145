"""Does a text parse? Pure judgements for Python, JSON, YAML and TOML; nothing of the text is executed."""

import ast
import json
import sys
import threading
import tomllib
import warnings
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, NoReturn

import yaml

#: Warning filters belong to the process, so only one text is parsed at a time. Parsing holds the
#: interpreter lock anyway.
_filters = threading.Lock()


class Parsing(Enum):
    """How it went. NOT_JUDGED: the parser at hand cannot tell."""

    OK = auto()
    BROKEN = auto()
    NOT_JUDGED = auto()


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """One text: whether it parses, and if not, the line (from 1, None when unknown) and why."""

    parsing: Parsing
    line: int | None = None
    message: str = ""


OK = Parsed(parsing=Parsing.OK)


def broken(message: str, line: int | None = None) -> Parsed:
    """A text that does not parse."""
    return Parsed(parsing=Parsing.BROKEN, line=line, message=message)


def not_judged(reason: str) -> Parsed:
    """A text that the parser at hand cannot tell anything about."""
    return Parsed(parsing=Parsing.NOT_JUDGED, message=reason)


def parse_python(text: bytes) -> Parsed:
    """Judged by the Python that runs Polly; newer syntax than its own is broken for it."""
    version = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text)
        except SyntaxError as error:
            return broken(f"{error.msg} ({version})", error.lineno)
        except ValueError as error:
            return broken(f"{error} ({version})")
        except (RecursionError, MemoryError):
            return broken(f"too complex to parse ({version})")
    return OK


def parse_json(text: bytes) -> Parsed:
    """Strict JSON: no comments, no trailing commas, no NaN. Numbers may have any length."""
    try:
        # Numbers are not converted: a very long one is good JSON, but too long for int().
        json.loads(text, parse_constant=_refuse_constant, parse_int=len, parse_float=len)
    except json.JSONDecodeError as error:
        return broken(error.msg, error.lineno)
    except ValueError as error:
        return broken(str(error))
    except RecursionError:
        return not_judged("nested too deeply")
    return OK


def parse_yaml(text: bytes) -> Parsed:
    """Every document of the stream, by events: no tag is resolved and no object is made."""
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for _event in yaml.parse(text, Loader=loader):
            pass
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = " ".join(part for part in (error.context, error.problem) if part)
        return _unless_template(text, broken(message, mark.line + 1 if mark else None))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        return _unless_template(text, broken(_first_line(error)))
    except RecursionError:
        return not_judged("nested too deeply")
    return OK


def parse_toml(text: bytes) -> Parsed:
    """TOML 1.0 in UTF-8."""
    try:
        tomllib.loads(text.decode("utf-8"))
    except tomllib.TOMLDecodeError as error:
        return broken(_first_line(error))
    except ValueError as error:
        return broken(_first_line(error))
    except RecursionError:
        return not_judged("nested too deeply")
    return OK


def looks_like_template(text: bytes) -> bool:
    """True when something else (Jinja, Helm, dbt) makes the real text out of this one."""
    return b"{{" in text or b"{%" in text


def _unless_template(text: bytes, parsed: Parsed) -> Parsed:
    return not_judged("a template") if looks_like_template(text) else parsed


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
