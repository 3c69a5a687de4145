"""A folder as a source: every report in it, for instance one Markdown file per finding."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from polly.errors import InputError
from polly.intake.finding import Reading
from polly.intake.sources.format import NoFindingError
from polly.work.issues import Warning

_SUFFIXES = (".md", ".markdown", ".json", ".jsonl", ".sarif", ".rdjson", ".rdjsonl")
#: More reports than a person keeps in one folder; more is a folder named by mistake.
_MAX_FILES = 10_000


class Part(NamedTuple):
    """A report of a source: the source itself, or one file of a folder under its name below the folder."""

    path: str | Path
    name: str


def readings(
    source: str | Path, name: str, read: Callable[[Part], Reading]
) -> Iterator[tuple[Part, Reading]]:
    """What `read` says about a source, or about each report in it when it is a folder.

    A file of a folder without any finding is a warning. Raises InputError for a folder without a report,
    with too many, or without a finding in any of them.
    """
    if not _is_folder(source):
        part = Part(source, name)
        yield part, read(part)
        return
    found = False
    for part in _parts(Path(source), name):
        try:
            reading = read(part)
            found = True
        except NoFindingError:
            message = f"{part.name} was left out: it is text without any finding."
            reading = Reading((), (Warning(code="no_finding", message=message, ref=part.name),))
        yield part, reading
    if not found:
        raise InputError(
            f"No file in the folder {name} tells a finding that Polly can read.",
            next_step="A file holds one finding with `severity: …` and `file: …` between `---` lines at its "
            "head, or any report that `polly issues FILE` reads.",
        )


def _is_folder(source: str | Path) -> bool:
    try:
        return str(source) != "-" and Path(source).is_dir()
    except (OSError, ValueError):  # a name that no file can have; opening it says so better
        return False


def _parts(folder: Path, name: str) -> Iterator[Part]:
    if (folder / ".git").exists():
        raise InputError(
            f"{name} is a whole repository, not a folder of reports.",
            next_step="Name the folder in which the reports are, or the reports.",
        )
    files = _files(folder)
    if not files:
        raise InputError(
            f"The folder {name} has no report in it.",
            next_step=f"Polly reads files ending in {', '.join(_SUFFIXES)}, also with .gz.",
        )
    for file in files:
        below = file.relative_to(folder).as_posix().encode("utf-8", "replace").decode("utf-8")
        yield Part(file, below if name == "." else f"{name}/{below}")


def _files(folder: Path) -> list[Path]:
    """The reports below a folder in the order of their paths; what is hidden or a link is not followed."""
    found: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = [each for each in folders if not each.startswith(".")]
        for each in names:
            path = Path(place, each)
            if _is_report(each) and not path.is_symlink():
                found.append(path)
        if len(found) > _MAX_FILES:
            raise InputError(
                f"The folder {folder.name} holds more than {_MAX_FILES} reports.",
                next_step="Name a folder below it, or merge the reports.",
            )
    return sorted(found, key=lambda path: path.relative_to(folder).parts)


def _is_report(name: str) -> bool:
    return not name.startswith(".") and name.lower().removesuffix(".gz").endswith(_SUFFIXES)


def _refuse(error: OSError) -> None:
    raise InputError(
        f"The folder {Path(error.filename or '').name} cannot be read: {error.strerror}.",
        next_step="Check its permissions.",
    ) from error
