"""An answer of `polly observe` as a page: sentences and tables, for a terminal and for Markdown.

Names and messages in it are untrusted. A page holds them as they are; whoever shows it makes them harmless.
"""

from collections.abc import Iterator
from typing import NamedTuple

from polly.reporting.escaping import text


class Section(NamedTuple):
    """A table with its title. `note` says what the table leaves out; `empty` stands in for no rows."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    empty: str = "None."
    note: str = ""


class Page(NamedTuple):
    """The title, what is most important in sentences, the tables, and what to do."""

    title: str
    lines: tuple[str, ...]
    sections: tuple[Section, ...]
    advice: tuple[str, ...] = ()


def markdown(page: Page) -> str:
    """The page as Markdown in which no name or message can be anything but text."""
    blocks = [f"# {text(page.title)}", *map(text, page.lines)]
    for section in page.sections:
        blocks += [f"## {text(section.title)}", *_section(section)]
    if page.advice:
        blocks += ["## What to do", "\n".join(f"- {text(line)}" for line in page.advice)]
    return "\n\n".join(blocks) + "\n"


def _section(section: Section) -> Iterator[str]:
    if not section.rows:
        yield text(section.empty)
        return
    head = [_row(section.columns), _row(("---",) * len(section.columns), escape=False)]
    yield "\n".join([*head, *map(_row, section.rows)])
    if section.note:
        yield text(section.note)


def _row(cells: tuple[object, ...], *, escape: bool = True) -> str:
    shown = (
        ("" if cell is None or cell == "" else text(str(cell))) if escape else str(cell) for cell in cells
    )
    return f"| {' | '.join(shown)} |"
