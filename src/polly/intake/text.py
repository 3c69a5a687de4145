"""Bytes of unknown origin become text, and text of unknown origin becomes safe to print."""

import re
import unicodedata
from typing import NamedTuple

from polly.errors import InputError

_BYTE_ORDER_MARKS = (
    # UTF-32 first: its mark begins with the one of UTF-16.
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)

_CONTINUATION = (
    "[\u0080-\u00bf"
    + "".join(
        bytes([byte]).decode("cp1252")
        for byte in range(0x80, 0xC0)
        if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
    )
    + "]"
)
_TWO_BYTES = re.compile(f"[\u00c2-\u00df]{_CONTINUATION}")
#: What both patterns look like in UTF-8: U+00C2 to U+00F4, then no ASCII. Bytes are searched far faster.
_SUSPECT = re.compile(rb"\xc3[\x82-\xb4][\x80-\xff]")
_MORE_BYTES = re.compile(f"[\u00e0-\u00ef]{_CONTINUATION}{{2}}|[\u00f0-\u00f4]{_CONTINUATION}{{3}}")

#: Format characters that ordinary writing and emoji need: the two joiners.
_HARMLESS_FORMATS = frozenset("\u200c\u200d")


class Decoded(NamedTuple):
    """Text, and codes and sentences of what had to be done to get it."""

    text: str
    notes: tuple[tuple[str, str], ...] = ()


def decode(data: bytes, name: str) -> Decoded:
    """The text of `data`. Raises InputError for what is not text."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return Decoded(_strictly(data, encoding, name))
    unmarked = _utf16_without_mark(data)
    if unmarked:
        return Decoded(_strictly(data, unmarked, name))
    if b"\0" in data:
        raise InputError(
            f"{name} is a binary file, not text.",
            next_step="Name a SARIF, Markdown or JSON file (or its .gz).",
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return _legacy(data, name, error)
    repaired = repair_mojibake(text) if _SUSPECT.search(data) else None
    if repaired is None:
        return Decoded(text)
    note = "UTF-8 text had been read as cp1252; the damage was undone exactly"
    return Decoded(repaired.removeprefix("\ufeff"), (("mojibake_repaired", note),))


def repair_mojibake(text: str) -> str | None:
    """The text before its UTF-8 was read as cp1252; None for text that is not damaged, or not so."""
    if text.isascii():
        return None
    if not _MORE_BYTES.search(text) and len(_TWO_BYTES.findall(text)) < 2:
        return None
    try:
        return b"".join(map(_original_byte, text)).decode("utf-8")
    except UnicodeError:
        return None


def headline(text: str, *, most: int = 120) -> str:
    """The text on one line of at most so many letters, as a title needs it."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def printable(text: str) -> str:
    """The text on one line, with every control, escape and direction character made visible and harmless."""
    return text if text.isprintable() else text.translate(_PRINTABLE)


class _Printable(dict[int, str]):
    """Filled as characters are met; a character is judged by its Unicode category."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        shown = char
        if char in "\n\t":
            shown = " "
        elif char not in _HARMLESS_FORMATS and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            shown = f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
        self[code] = shown
        return shown


_PRINTABLE = _Printable()


def _original_byte(char: str) -> bytes:
    try:
        return char.encode("cp1252")
    except UnicodeEncodeError:
        return char.encode("latin-1")  # the five bytes that cp1252 leaves undefined


def _strictly(data: bytes, encoding: str, name: str) -> str:
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name} begins like {encoding.upper()} text but is damaged at byte {error.start}.",
            next_step="Save it again as UTF-8.",
        ) from error


def _utf16_without_mark(data: bytes) -> str | None:
    head = data[:4096]
    head = head[: len(head) // 2 * 2]
    if len(head) < 4:
        return None
    if head[1::2].count(0) > 0.4 * len(head[1::2]) and not head[::2].count(0):
        return "utf-16-le"
    if head[::2].count(0) > 0.4 * len(head[::2]) and not head[1::2].count(0):
        return "utf-16-be"
    return None


def _legacy(data: bytes, name: str, error: UnicodeDecodeError) -> Decoded:
    controls = sum(data.count(bytes([byte])) for byte in range(32) if byte not in b"\t\n\f\r\x1b")
    try:
        if controls:
            raise error
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{name} is neither UTF-8 nor any other text that Polly knows (byte {error.start}, line {line}).",
            next_step="Save it as UTF-8, or name a SARIF, Markdown or JSON file (or its .gz).",
        ) from error
    return Decoded(text, (("decoded_as_cp1252", "the text is not UTF-8; it was read as cp1252"),))
