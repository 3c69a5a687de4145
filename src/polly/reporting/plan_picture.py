"""A plan as a picture: waves, packages, and in each package issues and files with lines between them.

The SVG stands alone: nothing is loaded, nothing runs, and no text of a finding is markup.
"""

import html
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from polly.reporting.escaping import visible
from polly.work.issues import Inventory, Issue, Severity
from polly.work.plan import Ownership, Plan, Why, WorkPackage

_COLOURS = {
    Severity.CRITICAL: "#b42318",
    Severity.MAJOR: "#c4501b",
    Severity.MINOR: "#946c00",
    Severity.NITPICK: "#5b6472",
}
_MARK = {Why.FINDING: "", Why.NEIGHBOUR: "~ ", Why.CREATE: "+ "}
MEANING = {
    Why.FINDING: "has a finding",
    Why.NEIGHBOUR: "neighbour of a file with a finding",
    Why.CREATE: "will be created",
}

_FONT = (
    'role="img" aria-label="Plan" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, '
    "'DejaVu Sans Mono', monospace\""
)

_Item = TypeVar("_Item")

_LETTER = 6.65  # width of a letter of 11 px in a monospaced font
_LINE = 17
_MARGIN = 24
_GAP = 14
_HEAD = 46
_BAND = 34
_TOP = 66


class _Measure(msgspec.Struct, frozen=True, kw_only=True):
    """How large cards are drawn: the more packages, the less of each."""

    width: int
    columns: int
    rows: int
    issues_width: int


class _Card(msgspec.Struct, frozen=True, kw_only=True):
    """One package with what is shown of it."""

    package: WorkPackage
    issues: tuple[Issue, ...]
    files: tuple[Ownership, ...]
    more_issues: int
    more_files: int
    notes: tuple[str, ...]

    @property
    def height(self) -> int:
        """Pixels that it takes."""
        lines = max(
            len(self.issues) + bool(self.more_issues), len(self.files) + bool(self.more_files), 1
        ) + len(self.notes)
        return _HEAD + lines * _LINE + 10


def plan_svg(plan: Plan, inventory: Inventory) -> str:
    """The plan as an SVG document."""
    measure = _measure(len(plan.packages))
    cards = _cards(plan, inventory, measure)
    width = 2 * _MARGIN + measure.columns * (measure.width + _GAP) - _GAP
    parts: list[str] = []
    top = _TOP
    for wave in plan.waves:
        packages = plan.in_wave(wave)
        minutes = max(package.estimated_minutes for package in packages)
        caption = f"Wave {wave}: {count(len(packages), 'package')}, the longest {minutes} min"
        parts.append(_text(_MARGIN, top + 20, caption, size=14, weight="600"))
        heights = [top + _BAND] * measure.columns
        for package in packages:
            column = heights.index(min(heights))
            left = _MARGIN + column * (measure.width + _GAP)
            parts += _card(cards[package.id], left, heights[column], measure)
            heights[column] += cards[package.id].height + _GAP
        top = max(heights) + 6
    if not plan.packages:
        parts.append(_text(_MARGIN, top + 20, "The plan has no package.", size=14))
        top += _BAND
    size = f'width="{width}" height="{top + 10}"'
    begin = f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width} {top + 10}" {_FONT}>'
    ground = f'<rect {size} fill="#ffffff"/>'
    return "\n".join([begin, ground, *_heading(plan, width), *parts, "</svg>", ""])


def _measure(packages: int) -> _Measure:
    if packages <= 12:
        return _Measure(width=560, columns=max(1, min(packages, 3)), rows=14, issues_width=215)
    if packages <= 60:
        return _Measure(width=400, columns=4, rows=6, issues_width=125)
    return _Measure(width=320, columns=5, rows=3, issues_width=90)


def _heading(plan: Plan, width: int) -> Iterator[str]:
    forecast = plan.forecast
    title = f"{count(len(plan.packages), 'package')} for commit {plan.base_commit[:12]}"
    figures = (
        f"estimated: {forecast.sequential_minutes:.0f} min one after another, "
        f"{forecast.parallel_minutes:.0f} min with {count(forecast.agents, 'agent')}"
    )
    yield _text(_MARGIN, 26, title, size=15, weight="600")
    yield _text(_MARGIN, 46, _fit(figures, width - 2 * _MARGIN), colour="#4a525e")
    legend = "line: the issue names the file · ~ neighbour of such a file · + file to create"
    yield _text(_MARGIN, 62, _fit(legend, width - 2 * _MARGIN), colour="#4a525e")


def _cards(plan: Plan, inventory: Inventory, measure: _Measure) -> Mapping[str, _Card]:
    by_id = {issue.id: issue for issue in inventory.issues}
    rows: dict[str, list[Ownership]] = {package.id: [] for package in plan.packages}
    for row in plan.ownership:
        rows.setdefault(row.package, []).append(row)
    cards = {}
    for package in plan.packages:
        issues = tuple(by_id[issue] for issue in package.issues if issue in by_id)
        shown = _shown(issues, measure.rows)
        named = {path for issue in shown for path in (*issue.paths, *issue.creates)}
        # Files of the issues that are shown come first, so that lines have two ends.
        files = sorted(rows[package.id], key=lambda row: (row.path not in named, list(Why).index(row.why)))
        shown_files = _shown(files, measure.rows)
        cards[package.id] = _Card(
            package=package,
            issues=tuple(shown),
            files=tuple(shown_files),
            more_issues=len(package.issues) - len(shown),
            more_files=len(files) - len(shown_files),
            notes=tuple(_notes(plan, package))[: 1 + measure.rows // 3],
        )
    return cards


def _shown(items: Sequence[_Item], rows: int) -> Sequence[_Item]:
    """All where they fit, else room for the line that says how many there are more."""
    return items if len(items) <= rows else items[: max(1, rows - 1)]


def _notes(plan: Plan, package: WorkPackage) -> Iterator[str]:
    if package.depends_on:
        yield f"after {', '.join(package.depends_on)}"
    risks = [each for each in plan.couplings if each.package == package.id]
    for each in sorted(risks, key=lambda each: -each.risk):
        if each.on not in package.depends_on:
            yield f"reads {each.paths[0]} of {each.on} (risk {each.risk:g})"


def _card(card: _Card, left: int, top: int, measure: _Measure) -> Iterator[str]:
    package = card.package
    colour = _COLOURS[package.priority]
    yield (
        f'<rect x="{left}" y="{top}" width="{measure.width}" height="{card.height}" rx="6" fill="#fbfbfc" '
        'stroke="#cfd4da"/>'
    )
    yield f'<rect x="{left}" y="{top}" width="5" height="{card.height}" rx="2" fill="{colour}"/>'
    inner = measure.width - 24
    head = f"{package.id} · {package.priority.value} · {package.estimated_minutes} min · {package.role}"
    yield _text(left + 14, top + 18, _fit(head, inner), weight="700", colour=colour)
    yield _text(left + 14, top + 35, _fit(package.title, inner), tip=package.title)
    yield from _graph(card, left, top + _HEAD, measure)
    lowest = top + card.height - 8 - (len(card.notes) - 1) * _LINE
    for number, note in enumerate(card.notes):
        yield _text(left + 14, lowest + number * _LINE, _fit(note, inner), colour="#4a525e", tip=note)


def _graph(card: _Card, left: int, top: int, measure: _Measure) -> Iterator[str]:
    files_left = left + 14 + measure.issues_width + 46
    files_width = measure.width - (files_left - left) - 10
    places = {row.path: top + 12 + number * _LINE for number, row in enumerate(card.files)}
    for number, issue in enumerate(card.issues):
        height = top + 12 + number * _LINE
        colour = _COLOURS[issue.severity]
        for path in dict.fromkeys((*issue.paths, *issue.creates)):
            if path in places:
                start, end = left + 14 + measure.issues_width, files_left - 5
                middle = (start + end) // 2
                yield (
                    f'<path d="M{start} {height - 4} C{middle} {height - 4} {middle} {places[path] - 4} '
                    f'{end} {places[path] - 4}" fill="none" stroke="{colour}" stroke-opacity="0.45"/>'
                )
        tip = f"{issue.id} ({issue.severity.value}): {issue.title}"
        yield _text(
            left + 14, height, _fit(f"{issue.id} {issue.title}", measure.issues_width), colour=colour, tip=tip
        )
    if card.more_issues:
        yield _text(
            left + 14, top + 12 + len(card.issues) * _LINE, f"+{card.more_issues} more", colour="#4a525e"
        )
    for row in card.files:
        mark = _MARK[row.why]
        label = mark + _fit_path(row.path, files_width - round(len(mark) * _LETTER))
        tip = f"{row.path}: {row.reason or MEANING[row.why]}"
        shade = "#1b1f24" if row.why is Why.FINDING else "#4a525e"
        yield _text(files_left, places[row.path], label, colour=shade, tip=tip)
    if card.more_files:
        yield _text(
            files_left, top + 12 + len(card.files) * _LINE, f"+{card.more_files} more files", colour="#4a525e"
        )


def _text(
    left: int,
    base: int,
    text: str,
    *,
    size: int = 11,
    weight: str = "400",
    colour: str = "#1b1f24",
    tip: str = "",
) -> str:
    title = f"<title>{safe(tip)}</title>" if tip else ""
    return (
        f'<text x="{left}" y="{base}" font-size="{size}" font-weight="{weight}" fill="{colour}" '
        f'xml:space="preserve">{title}{safe(text)}</text>'
    )


def _fit(text: str, width: int) -> str:
    """The text on one line, cut at its end to the width in pixels."""
    line = _one_line(text)
    if _cells(line) * _LETTER <= width:
        return line
    kept = ""
    for letter in line:
        if (_cells(kept + letter) + 1) * _LETTER > width:
            break
        kept += letter
    return kept + "…"


def _fit_path(text: str, width: int) -> str:
    """The path, cut at its beginning: its end says more."""
    line = _one_line(text)
    if _cells(line) * _LETTER <= width:
        return line
    return _fit(line[::-1], width)[::-1]


def _cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _one_line(text: str) -> str:
    return " ".join(visible(text).split())


def safe(text: str) -> str:
    """The text for XML and HTML, also inside quotes, with what is invisible written out."""
    return html.escape(visible(text), quote=True)


def count(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
