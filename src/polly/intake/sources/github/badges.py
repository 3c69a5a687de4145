"""How bad a reviewer says that a finding is: badges, signs and labels at the top of a comment."""

import re
from typing import NamedTuple

from polly.intake.sources.github.markup import images_of
from polly.work.issues import Severity

#: A comment that says nothing about it: worth a fix, and not known to break anything.
DEFAULT = Severity.MINOR

#: The words of the reviewers; the first row of which a badge contains a word decides.
_WORDS = (
    (Severity.CRITICAL, ("critical", "blocker", "severe", "p0")),
    (Severity.MAJOR, ("high", "major", "p1")),
    (
        Severity.NITPICK,
        ("non blocking", "low", "trivial", "nitpick", "nit", "info", "p3", "p4", "style", "typo"),
    ),
    (Severity.MINOR, ("medium", "moderate", "minor", "p2", "warning")),
    (Severity.MAJOR, ("blocking", "potential issue", "bug", "security", "error")),
    (Severity.MINOR, ("refactor suggestion", "verification agent", "issue", "suggestion", "todo")),
)
_SIGNS = {
    "🔴": Severity.CRITICAL,
    "🟠": Severity.MAJOR,
    "🟡": Severity.MINOR,
    "🚩": Severity.MINOR,
    "🔵": Severity.NITPICK,
    "⚪": Severity.NITPICK,
    "🧹": Severity.NITPICK,
    "🔍": Severity.NITPICK,
    "📝": Severity.NITPICK,
}
#: Labels after which there is nothing to fix.
_PRAISE = frozenset({"praise", "lgtm"})
_LABELS = (
    "praise|lgtm|nitpick|nit|typo|style|issue|suggestion|todo|bug|blocker|critical|security|warning|p[0-5]"
)

#: `_⚠️ Potential issue_ | _🟠 Major_`: nothing but marked words.
_MARKED = re.compile(r"\s*(?:_[^_|]{1,60}_|\*[^*|]{1,60}\*)(?:\s*\|\s*(?:_[^_|]{1,60}_|\*[^*|]{1,60}\*))*\s*")
_STATED = re.compile(
    r"\W*(?:(?:severity|priority)\W{1,6}(\w+)|(\w+)\s+(?:severity|priority)\W*$)", re.IGNORECASE
)
#: `nitpick: …`, `issue (blocking): …`, `[nitpick] …`, `**suggestion (performance):** …`
_LABEL = re.compile(
    rf"[\s*_#]*(?:\[({_LABELS})\]|({_LABELS})\b\s*(?:\(([^()]{{1,40}})\))?[*_]*:|({_LABELS})\W*$)",
    re.IGNORECASE,
)
_LINES_READ = 4
_LONGEST_LINE = 1000


class Badge(NamedTuple):
    """What the top of a comment says; `rest` is the comment without a line that says nothing else."""

    severity: Severity | None
    is_praise: bool
    rest: str


def read_badge(text: str) -> Badge:
    """The severity that the first lines state; None when they state none."""
    lines = text.split("\n")
    top = [number for number, line in enumerate(lines) if line.strip()][:_LINES_READ]
    for number in top:
        line = lines[number]
        if line.lstrip().startswith(("```", "~~~", "<details")):
            break
        said = _of_line(line[:_LONGEST_LINE], first=number == top[0])
        if said.severity or said.is_praise:
            rest = [*lines[:number], *lines[number + 1 :]] if said.rest else lines
            return Badge(said.severity, said.is_praise, "\n".join(rest))
    return Badge(None, False, text)


def _of_line(line: str, *, first: bool) -> Badge:
    """What one line says; `rest` is the line when it says nothing else."""
    for image in images_of(line):
        if found := _of_words(image):
            return Badge(found, False, "")
    if _MARKED.fullmatch(line) and (found := _of_words(line)):
        return Badge(found, False, line)
    if stated := _STATED.match(line):
        return Badge(_of_words(stated[1] or stated[2]), False, line if len(line) < 40 else "")
    label = _LABEL.match(line) if first else None
    if label:
        word = label[1] or label[2] or label[4]
        if word.lower() in _PRAISE:
            return Badge(None, True, "")
        return Badge(_of_words(label[3] or "") or _of_words(word), False, "")
    return Badge(_SIGNS.get(line.lstrip(" *_#>")[:1]), False, "")


def _of_words(badge: str) -> Severity | None:
    words = f" {' '.join(re.findall('[a-z0-9]+', badge.lower()))} "
    for severity, names in _WORDS:
        if any(f" {name} " in words for name in names):
            return severity
    return None
