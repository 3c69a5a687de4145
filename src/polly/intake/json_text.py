"""JSON of unknown origin: decoded strictly where the shape is known, refused with line and column."""

import json
import re
from typing import Any, TypeVar

import msgspec

from polly.errors import InputError

T = TypeVar("T")

#: An object, a list, or several documents after each other; what they hold is not decoded yet.
Members = dict[str, msgspec.Raw] | list[msgspec.Raw] | tuple[msgspec.Raw, ...]

_SPACE = re.compile(r"[ \t\r\n]*")
_SYNTAX_STEP = "Have the tool write the file again, or correct that line."


def decode(data: bytes | msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> T:
    """The typed value. Raises msgspec.DecodeError (ValidationError for another shape than the type's).

    Lone surrogates, NaN and infinities, which writers emit and strict readers refuse, become "?" and null.
    """
    try:
        return decoder.decode(data)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        try:
            return decoder.decode(_tolerated(bytes(data)))
        except (ValueError, RecursionError):
            pass  # not tolerable: the first error says why
        raise
    except RecursionError as error:
        raise msgspec.DecodeError("it is nested too deeply") from error


def members(text: str, name: str) -> Members:
    """The undecoded members of the JSON object or list, or a tuple of several that follow each other.

    Raises InputError for anything else.
    """
    data = text.encode("utf-8", errors="replace")
    kind: Any = dict[str, msgspec.Raw] if data.lstrip()[:1] == b"{" else list[msgspec.Raw]
    try:
        found: dict[str, msgspec.Raw] | list[msgspec.Raw] = decode(data, msgspec.json.Decoder(kind))
    except msgspec.DecodeError as error:
        several = _several(text, name)
        if several:
            return several
        raise syntax_error(text, name, str(error)) from error
    return found


def _several(text: str, name: str) -> tuple[msgspec.Raw, ...]:
    """The objects or lists that follow each other (JSON lines, pages); () unless there are at least two."""
    decoder = json.JSONDecoder()
    found: list[msgspec.Raw] = []
    position = _after_space(text, 0)
    while position < len(text):
        if text[position] not in "{[":
            return ()
        try:
            _, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            if not found:
                return ()
            raise syntax_error(text[position:], f"{name}, document {len(found) + 1},", str(error)) from error
        found.append(msgspec.Raw(text[position:end].encode("utf-8", errors="replace")))
        position = _after_space(text, end)
    return tuple(found) if len(found) > 1 else ()


def _after_space(text: str, position: int) -> int:
    space = _SPACE.match(text, position)
    return space.end() if space else position


def syntax_error(text: str, name: str, reason: str) -> InputError:
    """The refusal of text that is not JSON, with the line and column of the first fault."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        fault = error.msg.removesuffix(" at")
        what = f"{name} is not JSON: {fault} at line {error.lineno}, column {error.colno}."
        return InputError(what, next_step=_next_step(error, text))
    except RecursionError:
        return InputError(f"{name} cannot be read: its JSON is nested too deeply.", next_step=_SYNTAX_STEP)
    except ValueError as error:
        return InputError(f"{name} is not JSON that Polly can read: {error}.", next_step=_SYNTAX_STEP)
    return InputError(f"{name} is not JSON that Polly can read: {reason}.", next_step=_SYNTAX_STEP)


def _next_step(error: json.JSONDecodeError, text: str) -> str:
    if error.pos >= len(text.rstrip()):
        return "The file ends too early; have the tool write it again."
    return _SYNTAX_STEP


def _tolerated(data: bytes) -> bytes:
    value = json.loads(data, parse_constant=lambda _: None)
    return json.dumps(value, ensure_ascii=False).encode("utf-8", errors="replace")
