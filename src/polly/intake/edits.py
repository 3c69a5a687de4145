"""A change of text that a tool proposes, in words that a person or an agent can follow."""

from typing import NamedTuple


class Edit(NamedTuple):
    """Text to put in place of a region; lines and columns count from 1, the end column is exclusive.

    `offsets` is where the region begins and ends in the file, counted in `unit`, for tools that do not say
    lines. `file` is named where it is not the one that the finding is about.
    """

    text: str
    start_line: int | None = None
    end_line: int | None = None
    columns: tuple[int | None, int | None] = (None, None)
    offsets: tuple[int, int] | None = None
    unit: str = "character"
    file: str = ""


def described(edit: Edit) -> str:
    """What to do, as a sentence, and the new text in a code block."""
    where = _where(edit) + (f" of {edit.file}" if edit.file else "")
    if not edit.text:
        return f"Delete {where}."
    verb = "Insert at" if _is_empty(edit) else "Replace"
    joint = "" if verb == "Insert at" else " with"
    fence = "```" if "```" not in edit.text else "~~~~"
    body = edit.text.strip("\n")
    return f"{verb} {where}{joint}:\n{fence}\n{body}\n{fence}"


def _is_empty(edit: Edit) -> bool:
    if edit.start_line is None:
        return edit.offsets is not None and edit.offsets[0] == edit.offsets[1]
    first, last = edit.columns
    same_line = edit.end_line in (None, edit.start_line)
    return same_line and last is not None and last == (first or 1)


def _where(edit: Edit) -> str:
    if edit.start_line is None:
        if edit.offsets is None:
            return "the marked text"
        first, last = edit.offsets
        return f"{edit.unit} {first}" if first == last else f"the text from {edit.unit} {first} to {last}"
    first_column, last_column = edit.columns
    begins_inside = first_column is not None and (first_column > 1 or last_column is not None)
    where = f"line {edit.start_line}" + (f" column {first_column}" if begins_inside else "")
    if _is_empty(edit):
        return where
    later = edit.end_line is not None and edit.end_line != edit.start_line
    if later:
        where += f" to line {edit.end_line}"
    if last_column:
        where += f"{'' if later else ' to'} column {last_column}"
    return where
