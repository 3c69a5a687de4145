"""A comment's Markdown and HTML, reduced to what a person reads."""

import html
import re

from polly.intake.sources.github.details import lines_of

#: Tags that only shape what is shown. Others may be the code that a comment is about.
_TAG = re.compile(
    r"</?(?:a|b|blockquote|body|center|code|details|div|em|font|h[1-6]|hr|i|img|kbd|p|picture|source|span|strong"
    r"|sub|summary|sup|table|tbody|td|th|thead|tr|u)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_IMAGE = re.compile(r"!\[([^\[\]]{0,200})\]\([^()\s]{0,2000}\)")
_IMAGE_TAG = re.compile(r"<img\b[^<>]*?\balt=[\"']([^\"'<>]*)[\"'][^<>]*>", re.IGNORECASE)
_MANY_EMPTY_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+\n")


def without_comments(text: str) -> str:
    """The text without HTML comments; one that is not closed hides the rest, as it does on the page."""
    pieces, position = [], 0
    while (start := text.find("<!--", position)) >= 0:
        pieces.append(text[position:start])
        end = text.find("-->", start)
        if end < 0:
            return "".join(pieces)
        position = end + 3
    return "".join((*pieces, text[position:]))


def without_quote_marks(text: str) -> str:
    """The text with one level of `>` removed, where foldable blocks stand inside a quotation."""
    lines = text.split("\n")
    if not any(line.startswith(">") and "<details" in line for line in lines):
        return text
    return "\n".join(line[1:].removeprefix(" ") if line.startswith(">") else line for line in lines)


def images_of(line: str) -> list[str]:
    """What the images of a line show, in words."""
    return [*_IMAGE.findall(line), *_IMAGE_TAG.findall(line)]


def plain(text: str) -> str:
    """The text without tags and images; code blocks stay as they are."""
    shown = []
    for line in lines_of(text):
        if line.fence is None:
            bare = (
                _BREAK.sub("\n", _IMAGE.sub("", line.text))
                if "<" in line.text or "!" in line.text
                else line.text
            )
            shown.append(
                html.unescape(_TAG.sub("", bare)).rstrip() if "<" in bare or "&" in bare else bare.rstrip()
            )
        else:
            shown.append(line.text.rstrip())
    return _MANY_EMPTY_LINES.sub("\n\n", "\n".join(shown)).strip()
