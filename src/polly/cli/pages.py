"""A page on a terminal: its sentences, and its sections as tables."""

from polly.cli.output import Format, Table, print_table, print_text
from polly.reporting.observe_page import Page, markdown


def show_page(page: Page, output_format: Format) -> None:
    """Print the page for a terminal, or as Markdown."""
    if output_format is Format.MARKDOWN:
        print_text(markdown(page))
    else:
        print_page(page)


def print_page(page: Page) -> None:
    """Print the page; names in it may hold anything."""
    for line in (page.title, *page.lines):
        _print_line(line)
    for section in page.sections:
        print_text("\n")
        if section.rows:
            print_table(Table(title=section.title, columns=section.columns, rows=section.rows))
            _print_line(section.note)
        else:
            _print_line(f"{section.title}: {section.empty}")
    if page.advice:
        print_text("\nWhat to do:")
        for line in page.advice:
            _print_line(f"- {line}")


def _print_line(line: str) -> None:
    """A name in it may hold line ends; they must not begin a line of their own."""
    print_text(" ".join(line.split()))
