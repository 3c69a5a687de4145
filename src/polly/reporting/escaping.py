"""Untrusted text as Markdown that shows it and cannot be anything else.

No heading, link, image, HTML, table cell or code fence can begin or end inside of what these return.
"""

import re
import unicodedata

#: Each of these can begin something in Markdown, or in the dialects of the hosts that show it ($ is math).
_SPECIAL = re.compile(r"[\\`*_\[\]<>#|~&$]")
#: Only at the start of a line do these begin a list or underline a heading.
_LINE_START = re.compile(r"^([-+=]|\d{1,9}[.)])")
#: Addresses that hosts turn into links by themselves.
_ADDRESS = re.compile(r"(?<=[A-Za-z])(?=://)|(?<=www)(?=\.)", re.IGNORECASE)


def text(value: str) -> str:
    """The text on one line, for a heading, a table cell or inside a sentence; "(empty)" for nothing."""
    return _line(" ".join(visible(value).split())) or "(empty)"


def quote(value: str) -> str:
    """The text as one quoted paragraph with its own line breaks; "(empty)" for nothing."""
    lines = [line for line in visible(value).split("\n") if line.strip()]
    shown = (_indent(line) + _line(line.strip()) for line in lines)
    return "> " + ("\\\n> ".join(shown) or "(empty)")


def code(value: str) -> str:
    """The text as inline code on one line; not for table cells, where `text` belongs."""
    content = " ".join(visible(value).split()) or " "
    fence = "`" * (_longest_run(content) + 1)
    return f"{fence} {content} {fence}" if "`" in content else f"{fence}{content}{fence}"


def fenced(value: str) -> str:
    """The text as a code block that no line of it can close."""
    content = visible(value)
    fence = "`" * max(3, _longest_run(content) + 1)
    return f"{fence}text\n{content}\n{fence}"


def visible(value: str) -> str:
    """The text with control, direction and unpaired characters written out as their numbers."""
    lines = value.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    return "".join(letter if letter == "\n" or _is_plain(letter) else _number(letter) for letter in lines)


def _line(line: str) -> str:
    escaped = _SPECIAL.sub(lambda found: "\\" + found[0], line)
    escaped = _LINE_START.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", escaped)
    return _ADDRESS.sub(r"\\", escaped)


def _indent(line: str) -> str:
    return "&nbsp;" * (len(line) - len(line.lstrip(" ")))


def _is_plain(letter: str) -> bool:
    # Cc control, Cf direction and zero width, Cs half a pair, Zl and Zp line ends
    return unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Zl", "Zp", "Cn", "Co")


def _number(letter: str) -> str:
    return f"(U+{ord(letter):04X})"


def _longest_run(content: str) -> int:
    return max((len(run) for run in re.findall("`+", content)), default=0)
