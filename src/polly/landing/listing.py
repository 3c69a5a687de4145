"""Paths as a person may read them in a message, whatever bytes their names have."""

from collections.abc import Iterable

#: More names than this do not help a reader; the rest is counted.
_SHOWN = 10


def listed(paths: Iterable[str]) -> str:
    """The first paths separated by commas, and how many more there are."""
    names = sorted(set(paths))
    shown = ", ".join(_printable(name) for name in names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"


def one_line(text: str) -> str:
    """The text on one line, without control characters."""
    words = " ".join(text.split())
    return "".join(letter for letter in words if letter.isprintable())


def _printable(path: str) -> str:
    text = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )
