"""The values of keys: severities, statuses, efforts, files and rules as people write them."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from polly.work.issues import IssueStatus, Severity

_SEVERITY_WORDS = (
    (Severity.CRITICAL, re.compile(r"\b(critical|blocker|blocking|must[ -]fix|severe)\b", re.IGNORECASE)),
    (
        Severity.MAJOR,
        re.compile(r"\b(major|high|higher|significant|serious|error|important)\b", re.IGNORECASE),
    ),
    (
        Severity.NITPICK,
        re.compile(r"\b(nit|nits|nitpicks?|low|lower|lowest|trivial|cosmetic)\b", re.IGNORECASE),
    ),
    (Severity.MINOR, re.compile(r"\b(minor|medium|moderate|warning)\b", re.IGNORECASE)),
)
_SEVERITY_SIGNS = {"🔴": Severity.CRITICAL, "🟠": Severity.MAJOR, "🟡": Severity.MINOR}
_LOW_SIGNS = ("🔵", "🟢", "⚪")
#: Words that name a severity only when they stand alone, as in a cell of a table.
_SEVERITY_ALONE = {
    "p0": Severity.CRITICAL,
    "p1": Severity.MAJOR,
    "p2": Severity.MINOR,
    **dict.fromkeys(("p3", "p4", "info", "informational", "note", "style", "hint"), Severity.NITPICK),
}

_STATUS_WORDS = (
    (IssueStatus.PARTLY, re.compile(r"\bpart(ly|ial|ially)\b|⚠", re.IGNORECASE)),
    (
        IssueStatus.DECLINED,
        re.compile(r"\b(declined|won'?t[ -]?fix|rejected|by design|not a bug|invalid)\b|🚫", re.IGNORECASE),
    ),
    (
        IssueStatus.OPEN,
        re.compile(
            r"\b(not (yet )?(fixed|done|resolved|started)|unfixed|unresolved|open|to ?do|pending|new"
            r"|in progress|must fix)\b",
            re.IGNORECASE,
        ),
    ),
    (IssueStatus.FIXED, re.compile(r"\b(fixed|resolved|done|closed|completed?)\b", re.IGNORECASE)),
    (IssueStatus.OPEN, re.compile("[❌📝🔲]")),
    (IssueStatus.FIXED, re.compile("[✅✔☑]")),
)

_NUMBER = r"\d{1,6}(?:[.,]\d{1,3})?"
_AMOUNT = re.compile(
    rf"(?P<low>{_NUMBER})(?:\s*(?:-|\u2013|\u2014|to)\s*(?P<high>{_NUMBER}))?\s*"
    r"(?P<unit>minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)\b",
    re.IGNORECASE,
)
#: Minutes of work in a unit: a day has 8 hours, a week 5 days.
_MINUTES = {"m": 1, "h": 60, "d": 480, "w": 2400}

_LINES = r"L?\d{1,7}(?:\s*[-\u2013\u2014]\s*L?\d{1,7})?"
_GROUPS = rf"{_LINES}(?:\s*(?:,|and|&)\s*{_LINES})*"
_WITH_LINES = re.compile(rf"^(?P<path>.*?[^\s:#])(?::{{1,2}}|#)(?P<lines>{_GROUPS})(?::\d+)?$")
_WITH_NAME = re.compile(r"^(?P<path>(?:[A-Za-z]:)?[^:]+):{1,2}[A-Za-z_][\w.\[\]()-]*$")
_LINES_AFTER = re.compile(
    rf"^\s*(?::|,|\(|at|on)?\s*(?:lines?\s+)?(?P<lines>{_GROUPS})\b(?!\s*(?:locations?|places?|files?|issues?))",
    re.IGNORECASE,
)
_NEW_AFTER = re.compile(r"^[^`(]{0,3}\((?:new|new file|to be created|create[sd]?)\b[^)]*\)", re.IGNORECASE)
_CODE = re.compile(r"(?<!`)(`{1,3})(?!`)(?P<code>[^`]{1,4096})\1(?!`)")
_LINK = re.compile(r"\[[^\[\]]*\]\((?P<target>[^)\s]+)\)")
_PATH_AND_LINES = re.compile(
    r"(?<![\w./\\:@-])(?P<path>(?:[\w.@+-]{1,100}[/\\]){0,40}[\w.@+-]{1,100}\.[A-Za-z]\w{0,9})"
    rf":(?P<lines>{_LINES})(?![\w.])"
)
_ONE_GROUP = re.compile(r"(\d+)(?:\s*[-\u2013\u2014]\s*L?(\d+))?")
_RULE = re.compile(r"^(?P<tool>[A-Za-z][\w.+-]*(?: [A-Za-z][\w.+-]*)?)\s*(?::\s*|\s)(?P<rule>\S+)$")


class FileMention(NamedTuple):
    """A path as a document names it, with its line groups; `is_new` when the fix creates it."""

    path: str
    lines: tuple[tuple[int, int], ...] = ()
    is_new: bool = False


class RuleMention(NamedTuple):
    """A rule, and the tool that knows it when the text says so."""

    tool: str | None
    rule: str


class Effort(NamedTuple):
    """Minutes of work, at least and at most."""

    low: float
    high: float

    @property
    def middle(self) -> int:
        """One figure for planning, at least a minute."""
        return max(1, round((self.low + self.high) / 2))

    def __add__(self, other: object) -> "Effort":
        if not isinstance(other, Effort):
            return NotImplemented
        return Effort(self.low + other.low, self.high + other.high)


def parse_severity(text: str) -> Severity | None:
    """The severity that a text names, by word before sign; the first word counts."""
    alone = _SEVERITY_ALONE.get(text.strip(" *_`[]()").casefold()) if len(text) < 40 else None
    if alone:
        return alone
    found = [
        (match.start(), severity) for severity, words in _SEVERITY_WORDS if (match := words.search(text))
    ]
    if found:
        return min(found)[1]
    for sign, severity in _SEVERITY_SIGNS.items():
        if sign in text:
            return severity
    return Severity.NITPICK if any(sign in text for sign in _LOW_SIGNS) else None


def parse_status(text: str) -> IssueStatus | None:
    """The status that a text names, by word before sign."""
    return next((status for status, words in _STATUS_WORDS if words.search(text)), None)


def parse_effort(text: str) -> Effort | None:
    """The effort that a text names; None when it names no amount of time."""
    total = Effort(0, 0)
    end = None
    for amount in _AMOUNT.finditer(text):
        # "1 h 30 min" is one effort, "2 hours (1 hour for tests)" names it once.
        if end is not None and text[end : amount.start()].strip(" ,and") != "":
            break
        low = float(amount["low"].replace(",", "."))
        high = float(amount["high"].replace(",", ".")) if amount["high"] else low
        minutes = _MINUTES[amount["unit"][0].lower()]
        total += Effort(low * minutes, high * minutes)
        end = amount.end()
    return total if end is not None else None


def parse_lines(text: str) -> tuple[tuple[int, int], ...]:
    """The line groups of a value that holds nothing else: `12`, `10-12, 20`."""
    return _groups(text) if re.fullmatch(_GROUPS, text.strip()) else ()


def mentioned_files(text: str) -> tuple[FileMention, ...]:
    """Every path in running text: whatever looks like one in code spans and links, elsewhere `path:lines`."""
    spans = parse_files(text) if "`" in text or "](" in text else ()
    bare = _PATH_AND_LINES.finditer(_CODE.sub(" ", text))
    return tuple(
        dict.fromkeys((*spans, *(FileMention(each["path"], _groups(each["lines"])) for each in bare)))
    )


def parse_files(text: str) -> tuple[FileMention, ...]:
    """The files that a value names: in code spans, links, or bare and separated by commas."""
    text = _LINK.sub(lambda link: f"`{link['target']}`" if "://" not in link["target"] else link[0], text)
    spans = list(_CODE.finditer(text))
    if not spans:
        return tuple(_bare(text))
    mentions = []
    for number, span in enumerate(spans):
        after = text[span.end() : spans[number + 1].start() if number + 1 < len(spans) else len(text)]
        mention = _mention(span["code"].strip())
        if mention is not None:
            mentions.append(_with_remark(mention, after))
    return tuple(mentions)


def parse_rule(text: str) -> RuleMention | None:
    """The rule in a value such as "`ruff:DTZ005`"."""
    code = _CODE.search(text)
    value = (code["code"] if code else text).strip().strip(".,;")
    if not value:
        return None
    found = _RULE.match(value)
    return RuleMention(found["tool"], found["rule"]) if found else RuleMention(None, value)


def _bare(text: str) -> Iterator[FileMention]:
    pending: FileMention | None = None
    lines: list[tuple[int, int]] = []
    for piece in re.split(r"[,;\n]|\band\b", text):
        words = piece.strip().lstrip("-*+ ")
        if pending is not None and re.fullmatch(_GROUPS, words):
            lines += _groups(words)
            continue
        if pending is not None:
            yield pending._replace(lines=tuple(lines))
        head, _, rest = words.partition(" ")
        mention = _mention(head) if head else None
        pending = _with_remark(mention, " " + rest) if mention is not None else None
        lines = list(pending.lines) if pending is not None else []
    if pending is not None:
        yield pending._replace(lines=tuple(lines))


def _mention(code: str) -> FileMention | None:
    """The mention in a code span; None for code that is no path."""
    located = _WITH_LINES.match(code)
    named = None if located else _WITH_NAME.match(code)
    path = located["path"] if located else named["path"] if named else code
    path = path.split("#")[0] if located is None else path
    looks_like_path = (
        "/" in path or "\\" in path or re.search(r"\.[A-Za-z0-9_*]{1,12}$", path) or _is_bare_name(path)
    )
    if not path.strip() or not looks_like_path or "://" in path:
        return None
    return FileMention(path.strip(), _groups(located["lines"]) if located else ())


def _is_bare_name(path: str) -> bool:
    # Files without a suffix have names such as Makefile, Dockerfile, .gitignore.
    return bool(re.fullmatch(r"\.?[A-Z][A-Za-z]+|\.[a-z][\w.-]+", path))


def _with_remark(mention: FileMention, after: str) -> FileMention:
    is_new = bool(_NEW_AFTER.match(after))
    lines = _LINES_AFTER.match(after)
    more = _groups(lines["lines"]) if lines else ()
    return mention._replace(lines=(*mention.lines, *more), is_new=is_new)


def _groups(text: str) -> tuple[tuple[int, int], ...]:
    pairs = ((int(low), int(high or low)) for low, high in _ONE_GROUP.findall(text))
    return tuple((low, max(low, high)) for low, high in pairs if low >= 1)
