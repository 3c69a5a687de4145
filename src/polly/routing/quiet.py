"""How loud each character of a text is: what somebody pasted says less than what somebody wrote."""

import re
from collections.abc import Sequence

PLAIN = 1.0
NAMED = 0.6  # `code` in a sentence, a path, the name of a file
PASTED = 0.25  # code blocks, quotes, addresses, frames of stack traces

_FENCE = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)
_NAMED = re.compile(r"`[^`\n]{1,200}`|(?<![\w./-])[\w.-]++(?:/[\w.-]++)++|(?<![\w./-])[\w-]++\.[a-z]{2,4}\b")
_PASTED = re.compile(
    r"\"[^\"\n]{1,200}\""
    r"|\u201c[^\u201d\n]{1,200}\u201d"
    r"|\u00ab[^\u00bb\n]{1,200}\u00bb"
    r"|(?<![\w])'[^'\n]{1,200}'(?!\w)"
    r"|\bhttps?://[^\s<>\"]++"
    r"|^ {0,3}>[^\n]*+$"
    r"|^[ \t]{1,20}(?:File \"|at [\w$.<>]{1,200}\(|\.{3} \d+ more)[^\n]*+$",
    re.MULTILINE,
)


def loudness(text: str) -> Sequence[float]:
    """For each character of the text from 0 to 1 how much a word that begins there counts."""
    if not any(sign in text for sign in "`\"'\u201c\u00ab/>~\t.") and "   " not in text:
        return _Even()
    loud = [PLAIN] * len(text)
    for pattern, level in ((_NAMED, NAMED), (_PASTED, PASTED)):
        for match in pattern.finditer(text):
            loud[match.start() : match.end()] = [level] * (match.end() - match.start())
    fences = [match.start() for match in _FENCE.finditer(text)]
    for start, end in zip(fences[::2], [*fences[1::2], len(text)], strict=False):
        loud[start:end] = [PASTED] * (end - start)
    return loud


class _Even(Sequence[float]):
    """A text without anything pasted: the same for every place, and nothing to keep."""

    def __len__(self) -> int:
        return 0

    def __getitem__(self, place: object) -> float:  # type: ignore[override]
        return PLAIN
