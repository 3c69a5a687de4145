"""Finds and reads the files to analyse. Links are not followed out of a folder, and only files are opened."""

import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

import msgspec

from polly.errors import RepositoryError, ToolError
from polly.git import Git
from polly.intelligence.analysis import AnalysisError, Failure, FailureCode
from polly.intelligence.languages import KINDS, kind_of
from polly.intelligence.source import MOST_BYTES, Source, source_of

#: folders of what others wrote or a program made
VENDORED = frozenset(
    (
        ".git", ".hg", ".svn", ".venv", "venv", "node_modules", "bower_components", "vendor", "third_party",
        "site-packages", "__pycache__", ".tox", ".nox", ".mypy_cache", ".ruff_cache", ".pytest_cache", "dist",
        "build", "target", ".next", ".gradle",
    )
)  # fmt: skip
#: why files of a folder are not analysed
IGNORED, VENDOR, LINK, OTHER = (
    "ignored by git",
    "vendored or generated",
    "a symbolic link",
    "another language",
)
NOT_INCLUDED = "not included"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. files: their paths as they are shown, in order. left_out: why -> how many."""

    files: tuple[str, ...]
    left_out: Mapping[str, int]
    failures: tuple[Failure, ...] = ()


def find_files(paths: Sequence[str], include: Sequence[str] = ()) -> Found:
    """The files named, and those in the folders named whose language is measured.

    include: globs; of folders only what matches one of them. Each file is found once.
    """
    files: dict[str, None] = {}
    left_out: Counter[str] = Counter()
    failures: list[Failure] = []
    for path in paths:
        place = Path(path)
        try:
            mode = place.stat().st_mode
        except (OSError, ValueError) as error:
            failures.append(_failure(path, error))
            continue
        if stat.S_ISDIR(mode):
            files.update(dict.fromkeys(_in_folder(place, include, left_out)))
        elif stat.S_ISREG(mode):
            files[place.as_posix()] = None
        else:
            failures.append(_not_a_file(path))
    return Found(
        files=tuple(sorted(files)), left_out=dict(sorted(left_out.items())), failures=tuple(failures)
    )


def read_source(path: str) -> Source:
    """The file as a source. Raises AnalysisError."""
    try:
        # A pipe that took the place of the file must not hold us.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as file:  # noqa: PTH123 - it is open already
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _error(_not_a_file(path))
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _error(_failure(path, error)) from error
    return source_of(path, content)


def _error(failure: Failure) -> AnalysisError:
    return AnalysisError(failure.code, failure.message)


def _failure(path: str, error: OSError | ValueError) -> Failure:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Failure(path=path, code=FailureCode.FILE_NOT_FOUND, message=f"{path} does not exist")
    if isinstance(error, IsADirectoryError):
        return _not_a_file(path)
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return Failure(path=path, code=FailureCode.NOT_READABLE, message=f"{path} cannot be read: {reason}")


def _not_a_file(path: str) -> Failure:
    return Failure(path=path, code=FailureCode.NOT_A_FILE, message=f"{path} is neither a file nor a folder")


def _in_folder(folder: Path, include: Sequence[str], left_out: Counter[str]) -> Iterator[str]:
    real = folder.resolve()
    inside: dict[Path, bool] = {}
    for name in sorted(_names(folder, left_out)):
        place = folder / name
        reason = _why_not(place, PurePosixPath(name), include)
        if not reason and place.parent not in inside:
            inside[place.parent] = place.parent.resolve().is_relative_to(real)
        if reason or not inside[place.parent]:
            left_out[reason or LINK] += 1
        elif _is_file(place):
            yield place.as_posix()


def _why_not(place: Path, name: PurePosixPath, include: Sequence[str]) -> str:
    if VENDORED.intersection(name.parts[:-1]) or name.name.endswith(
        (".min.js", ".bundle.js", "_pb2.py", ".pb.go")
    ):
        return VENDOR
    if place.is_symlink():
        return LINK
    if include and not any(_matches(name, glob) for glob in include):
        return NOT_INCLUDED
    return "" if _has_language(place) else OTHER


def _matches(name: PurePosixPath, glob: str) -> bool:
    """By the whole path or by its end, as `*.py` and `src/*.py` are meant."""
    return name.match(glob.removeprefix("./"))


def _has_language(place: Path) -> bool:
    if place.suffix:
        return place.suffix.lower() in KINDS
    try:
        with place.open("rb") as file:
            beginning = file.read(200) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b""
    except OSError:
        return False
    return kind_of(place.name, beginning.decode("latin-1").partition("\n")[0]) is not None


def _is_file(place: Path) -> bool:
    try:
        return stat.S_ISREG(place.lstat().st_mode)
    except OSError:  # deleted, and git does not know it yet
        return False


def _names(folder: Path, left_out: Counter[str]) -> Iterator[str]:
    """The files in the folder with "/" between the parts; what git ignores is only counted."""
    git = Git(cwd=folder)
    try:
        listed = git.run("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
        ignored = git.run("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
    except (RepositoryError, ToolError):  # no repository, or no git
        yield from _walked(folder, left_out)
        return
    left_out[IGNORED] += ignored.count(b"\0")
    if not left_out[IGNORED]:
        del left_out[IGNORED]
    yield from (os.fsdecode(name) for name in listed.split(b"\0") if name)


def _walked(folder: Path, left_out: Counter[str]) -> Iterator[str]:
    for at, folders, files in os.walk(folder, followlinks=False):
        left_out[VENDOR] += len(VENDORED.intersection(folders))
        left_out[LINK] += sum((Path(at) / name).is_symlink() for name in folders)
        folders[:] = sorted(name for name in folders if name not in VENDORED)
        for name in files:
            yield (Path(at) / name).relative_to(folder).as_posix()
    for reason in (VENDOR, LINK):
        if not left_out[reason]:
            del left_out[reason]
