"""JSON of unknown origin: decoded strictly where the shape is known, refused with line and column."""

import json
from typing import Any, TypeVar

import msgspec

from polly.errors import InputError

T = TypeVar("T")

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


def members(text: str, name: str) -> dict[str, msgspec.Raw] | list[msgspec.Raw]:
    """The undecoded members of the JSON object or list. Raises InputError for anything else."""
    data = text.encode("utf-8", errors="replace")
    kind: Any = dict[str, msgspec.Raw] if data.lstrip()[:1] == b"{" else list[msgspec.Raw]
    try:
        found: dict[str, msgspec.Raw] | list[msgspec.Raw] = decode(data, msgspec.json.Decoder(kind))
    except msgspec.DecodeError as error:
        raise syntax_error(text, name, str(error)) from error
    return found


def syntax_error(text: str, name: str, reason: str) -> InputError:
    """The refusal of text that is not JSON, with the line and column of the first fault."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        what = f"{name} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        return InputError(what, next_step=_next_step(error, text))
    except RecursionError:
        return InputError(f"{name} cannot be read: its JSON is nested too deeply.", next_step=_SYNTAX_STEP)
    except ValueError as error:
        return InputError(f"{name} is not JSON that Polly can read: {error}.", next_step=_SYNTAX_STEP)
    return InputError(f"{name} is not JSON that Polly can read: {reason}.", next_step=_SYNTAX_STEP)


def _next_step(error: json.JSONDecodeError, text: str) -> str:
    if error.pos >= len(text.rstrip()):
        return "The file ends too early; have the tool write it again."
    if error.msg == "Extra data" and text[error.pos :].lstrip()[:1] in "{[":
        return "It looks like JSON Lines, which is not among the formats that Polly reads."
    return _SYNTAX_STEP


def _tolerated(data: bytes) -> bytes:
    value = json.loads(data, parse_constant=lambda _: None)
    return json.dumps(value, ensure_ascii=False).encode("utf-8", errors="replace")
