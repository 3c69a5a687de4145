"""Any value as JSON can say it: what a program hands over must never be why it is not recorded."""

import math
from collections.abc import Mapping
from typing import Any

#: A value that is deeper holds itself, or is nothing that anybody would read.
MAX_DEPTH = 32
#: Entries of one list or table; what follows is counted.
MAX_ENTRIES = 1000
#: Characters of one text. All data of an event together has 64 KiB.
MAX_CHARACTERS = 256 * 1024
#: The greatest whole number that every reader of JSON keeps exactly in 64 bits.
_MOST_NUMBER = 2**63 - 1


def plain(value: object, depth: int = 0) -> Any:  # noqa: PLR0911 - a flat match
    """The value as text, numbers, truths, None, lists and tables with names. Never raises, always ends."""
    match value:
        case None | bool():
            return value
        case str():
            return plain_text(value)
        case int():
            return int(value) if abs(value) <= _MOST_NUMBER else plain_text(value)
        case float():
            return float(value) if math.isfinite(value) else str(float(value))
        case Mapping() | list() | tuple() | set() | frozenset() if depth >= MAX_DEPTH:
            return "… [too deep]"
        case Mapping():
            return _table(value, depth)
        case list() | tuple() | set() | frozenset():
            return _list(value, depth)
    return plain_text(value)


def table(value: object) -> dict[str, Any]:
    """The value as a table; what is none becomes the `value` of one, and None an empty one."""
    if value is None:
        return {}
    made = plain(value)
    return made if isinstance(made, dict) else {"value": made}


def plain_text(value: object) -> str:
    """The value as text that UTF-8 and every database can hold. Never raises."""
    try:
        text = value if isinstance(value, str) else str(value)
        text = text[:MAX_CHARACTERS].replace("\0", "\N{REPLACEMENT CHARACTER}")
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    except Exception as error:  # noqa: BLE001 - `str` of a foreign object may do anything
        return f"[{type(value).__name__} without a text: {type(error).__name__}]"


def _table(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    try:
        entries = list(value.items())
    except Exception:  # noqa: BLE001 - a foreign mapping, or one that another thread changes
        return {"value": plain_text(value)}
    made = {plain_text(name): plain(each, depth + 1) for name, each in entries[:MAX_ENTRIES]}
    return made if len(entries) <= MAX_ENTRIES else made | {"_more": len(entries) - MAX_ENTRIES}


def _list(value: "list[Any] | tuple[Any, ...] | set[Any] | frozenset[Any]", depth: int) -> list[Any]:
    try:
        entries = list(value)
    except RuntimeError:  # another thread changes it
        return [plain_text(value)]
    made = [plain(each, depth + 1) for each in entries[:MAX_ENTRIES]]
    return made if len(entries) <= MAX_ENTRIES else [*made, f"… [{len(entries) - MAX_ENTRIES} more]"]
