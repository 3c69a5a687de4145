"""The words of one comment, taken apart: what is wrong, what is proposed, and what only a program reads."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from polly.intake.sources.github.badges import read_badge
from polly.intake.sources.github.details import Block, blocks_of, lines_of
from polly.intake.sources.github.markup import plain, without_comments
from polly.intake.text import headline
from polly.work.issues import Severity

#: Words of a summary after which a block says nothing about the finding itself.
_NOISE = (
    "tools", "learnings", "learned", "analysis chain", "script executed", "additional context",
    "review info", "review details", "run configuration", "run details", "commits", "files selected",
    "files ignored", "files skipped", "finishing touch", "tips", "about ", "coding guidelines", "how to use",
    "useful?", "give feedback",
)  # fmt: skip
_PROMPT = re.compile(r"prompt for .*agent|with ai agents?\b|prompt to fix|fix with ai", re.IGNORECASE)
_ALSO = re.compile(r"^\W*also applies to:(.*)$", re.IGNORECASE)
_RANGE = re.compile(r"(?<![\w.:/-])(\d{1,9})(?:\s*[-\u2013]\s*(\d{1,9}))?(?![\w./])")
_DONE = re.compile(r"[\s>*_]*(?:✅|☑️|✔️)\W*(?:addressed|resolved|fixed)\b", re.IGNORECASE)
_BOLD = re.compile(r"\*\*(.+?)\*\*|__(.+?)__")
_SENTENCE = re.compile(r"(.{20,}?[.!?])(?:\s|$)|(.+?[\u3002\uff01\uff1f])")
_ASKED = "Change proposed by the reviewer"


class Body(NamedTuple):
    """What a comment says. also: further lines of the same file. is_done: it says that it is fixed."""

    title: str
    problem: str
    suggestion: str
    severity: Severity | None
    has_headline: bool
    also: tuple[tuple[int, int], ...] = ()
    is_praise: bool = False
    is_done: bool = False


def read_body(text: str) -> Body:
    """The comment taken apart; everything is "" for one that says nothing."""
    visible = without_comments(text.replace("\r\n", "\n"))
    badge = read_badge(visible)
    parts = _Parts()
    parts.take(badge.rest)
    problem = plain("\n".join(parts.problem))
    title, has_headline = _title(problem)
    return Body(
        title=title or (_ASKED if parts.suggestion else ""),
        problem=problem,
        suggestion=parts.suggestion,
        severity=badge.severity,
        has_headline=has_headline,
        also=tuple(_also(problem)),
        is_praise=badge.is_praise,
        is_done=is_done(visible),
    )


def is_done(text: str) -> bool:
    """True when a line of the text says that the finding has been taken care of."""
    return any(_DONE.match(line.text) for line in lines_of(text) if line.fence is None)


class _Parts:
    """Collects the pieces of a comment; committable changes are worth more than prose for programs."""

    def __init__(self) -> None:
        self.problem: list[str] = []
        self._replacements: list[str] = []
        self._fixes: list[str] = []
        self._prompts: list[str] = []

    @property
    def suggestion(self) -> str:
        """The best of what is proposed; "" without any."""
        for proposals in (self._replacements, self._fixes, self._prompts):
            if proposals:
                return "\n\n".join(dict.fromkeys(proposals))
        return ""

    def take(self, text: str) -> None:
        """Sort the text and the blocks in it."""
        self._between(text, 0, len(text), blocks_of(text))

    def _between(self, text: str, start: int, end: int, blocks: Sequence[Block]) -> None:
        for block in blocks:
            self._prose(text[start : block.start])
            self._block(text, block)
            start = block.end
        self._prose(text[start:end])

    def _block(self, text: str, block: Block) -> None:
        inner = text[block.inner_start : block.inner_end]
        summary = plain(block.summary)
        lowered = summary.lower()
        if _PROMPT.search(lowered):
            self._prompts.append(_without_fences(inner))
        elif "committable" in lowered:
            # The rest of it is a warning to those who press the button.
            self._replacements += _replacements(inner)
        elif any(word in lowered for word in _NOISE):
            return
        elif any((line.fence or "").split(" ")[0] == "diff" for line in lines_of(inner)):
            self._fixes.append(plain(inner))
        else:
            self.problem.append(f"\n{summary}\n" if summary else "")
            self._between(text, block.inner_start, block.inner_end, block.blocks)

    def _prose(self, text: str) -> None:
        self._replacements += _replacements(text)
        self.problem.append(
            "\n".join(line.text for line in lines_of(text) if not (line.fence or "").startswith("suggestion"))
        )


def _replacements(text: str) -> Iterator[str]:
    """What each ```suggestion block puts in the place of the commented lines."""
    code: list[str] | None = None
    for line in lines_of(text):
        if not (line.fence or "").startswith("suggestion"):
            continue
        if not line.is_fence and code is not None:
            code.append(line.text)
        elif code is None:
            code = []
        else:
            yield _replacement(code)
            code = None
    if code is not None:
        yield _replacement(code)


def _replacement(code: list[str]) -> str:
    if not any(line.strip() for line in code):
        return "Delete the commented lines."
    fence = "~~~~" if any("```" in line for line in code) else "```"
    return "\n".join(("Replace the commented lines with:", fence, *code, fence))


def _without_fences(text: str) -> str:
    return plain("\n".join(line.text for line in lines_of(text) if not line.is_fence))


def _title(problem: str) -> tuple[str, bool]:
    """One line, and whether it is a headline of the comment's own rather than its first sentence."""
    for line in lines_of(problem):
        text = line.text.strip()
        if line.fence is not None or not text.strip("-*_ ") or text.startswith(">"):
            continue
        bold = _BOLD.search(text[:400])
        if text.startswith("#") or (bold and len(text[: bold.start()].strip(" \t-*")) <= 3):
            headline = (bold[1] or bold[2]) if bold else text
            # "**issue:** …" is a label; the headline is what follows it.
            return _clipped(text if headline.endswith(":") else headline), True
        first = _SENTENCE.match(_bare(text)[:400])
        return _clipped((first[1] or first[2]) if first else text), False
    return _clipped(problem.strip().partition("\n")[0]), False


def _clipped(text: str) -> str:
    return headline(_bare(text))


def _bare(text: str) -> str:
    # Underscores and stars inside words belong to names.
    marks = re.sub(r"(?<!\w)[*_]{1,3}(?=\S)|(?<=\S)[*_]{1,3}(?!\w)|`", "", text)
    return " ".join(marks.lstrip("#").split())


def _also(problem: str) -> Iterator[tuple[int, int]]:
    for line in lines_of(problem):
        found = _ALSO.match(line.text) if line.fence is None else None
        for span in _RANGE.finditer(found[1]) if found else ():
            yield int(span[1]), int(span[2] or span[1])
