"""JSON without the half of `json` that takes longest to load: `re`, which its decoder needs for white space.

What is left are the compiled scanner and encoder of CPython. Without them, or when they are not as they were,
`json` itself does the same.
"""

TYPE_CHECKING = False  # the name is what type checkers know; `typing` would be slow to load
if TYPE_CHECKING:
    from typing import Any

_MOST_DIGITS = 18
_WHITE = " \t\r\n"


def loads(raw: bytes) -> "Any":
    """The value, with numbers that JSON readers elsewhere could not take as text.

    Bytes that are no UTF-8 are replaced. Raises ValueError, RecursionError.
    """
    text = raw.decode("utf-8-sig", "replace")
    start = len(text) - len(text.lstrip(_WHITE))
    try:
        from _json import make_scanner

        value, end = make_scanner(_Reading())(text, start)  # type: ignore[arg-type] # anything with its fields
        if not text[end:].strip(_WHITE):
            return value
    except (ImportError, TypeError, AttributeError, StopIteration, SystemError, ValueError):
        pass  # alone, the scanner cannot even say what is wrong: that takes the module `json.decoder`
    import json

    return json.loads(text, strict=False, parse_int=_int, parse_float=_float, parse_constant=str)


def dumps(value: "Any") -> bytes:
    """Compact UTF-8; half characters, which UTF-8 cannot say, become `?`."""
    try:
        from _json import encode_basestring, make_encoder

        encode = make_encoder(None, _refuse, encode_basestring, None, ":", ",", False, True, False)
        text = "".join(encode(value, 0))
    except (ImportError, TypeError, AttributeError):
        import json

        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), skipkeys=True, allow_nan=False)
    return text.encode("utf-8", "replace")


def _int(digits: str) -> "int | str":
    return int(digits) if len(digits.lstrip("-")) <= _MOST_DIGITS else digits


def _float(digits: str) -> "float | str":
    number = float(digits)
    return number if number - number == 0 else digits


def _refuse(value: object) -> object:
    raise ValueError(f"{type(value).__name__} is not JSON")


class _Reading:
    """What the scanner asks for."""

    strict = False
    object_hook = None
    object_pairs_hook = None
    parse_int = staticmethod(_int)
    parse_float = staticmethod(_float)
    parse_constant = str
    memo: "dict[str, str]" = {}  # noqa: RUF012 - the compiled scanner has its own
