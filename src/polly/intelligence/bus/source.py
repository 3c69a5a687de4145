"""Reads the file that a question names, when it lies inside the folder that the server may read."""

import os
import stat
from pathlib import Path

from polly.intelligence.analysis import AnalysisError, FailureCode

#: The largest source that a server analyses: with its answer it must fit the limits of the topics.
MAX_CONTENT_BYTES = 512 * 1024

_NEXT = "Send the content with the question, or start the server with another --root."


def inner_path(root: Path, name: str) -> Path:
    """Where this is, symbolic links followed, if that is inside of `root`. Raises AnalysisError."""
    try:
        found = (root / name).resolve(strict=True)
    except FileNotFoundError as error:
        raise _refused(FailureCode.FILE_NOT_FOUND, name, "there is no such file at the server") from error
    except (OSError, ValueError, RuntimeError) as error:  # a loop of links, too long, a null character
        reason = getattr(error, "strerror", None) or str(error)
        raise _refused(FailureCode.NOT_READABLE, name, reason) from error
    if not found.is_relative_to(root.resolve()):
        # Whether something is there is nobody's business outside.
        raise _refused(FailureCode.FILE_NOT_FOUND, name, "there is no such file at the server")
    return found


def read_inside(root: Path, name: str) -> str:
    """The text of a file inside of `root`. Raises AnalysisError."""
    try:
        content = _bytes(inner_path(root, name), name)
    except OSError as error:
        raise _refused(FailureCode.NOT_READABLE, name, error.strerror or str(error)) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(FailureCode.BINARY, name, "it is no text in UTF-8") from error


def check_size(name: str, content: str) -> None:
    """Raises AnalysisError when a source that came with the question is too large."""
    size = len(content.encode("utf-8", "surrogatepass"))
    if size > MAX_CONTENT_BYTES:
        raise _refused(FailureCode.TOO_LARGE, name, f"it has {size} bytes, of at most {MAX_CONTENT_BYTES}")


def _bytes(path: Path, name: str) -> bytes:
    # The last part must not have become a link in between, and a pipe must not hold us.
    flags = (
        os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    )
    if path.is_dir():
        raise _refused(FailureCode.NOT_A_FILE, name, "it is a folder; ask about its files")
    descriptor = os.open(path, flags)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - it is open already
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _refused(FailureCode.NOT_A_FILE, name, "it is no regular file")
        content = file.read(MAX_CONTENT_BYTES + 1)
    if len(content) > MAX_CONTENT_BYTES:
        raise _refused(FailureCode.TOO_LARGE, name, f"it has more than {MAX_CONTENT_BYTES} bytes")
    return content


def _refused(code: FailureCode, name: str, reason: str) -> AnalysisError:
    return AnalysisError(code, f"{name} cannot be analysed: {reason}", next_step=_NEXT)
